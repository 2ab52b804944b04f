package explain_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/explain"
	"github.com/variant-exporter/variant-exporter/optimizer"
)

var update = flag.Bool("update", false, "write testdata anew")

// TestGolden holds the text and the JSON of explanations. go test ./collector/explain -run TestGolden -update writes them anew.
func TestGolden(t *testing.T) {
	for name, s := range snapshots(t) {
		t.Run(name, func(t *testing.T) {
			e := explain.New(s)
			var text bytes.Buffer
			require.NoError(t, e.WriteText(&text))
			golden(t, name+".txt", text.Bytes())
			fields, err := json.MarshalIndent(e, "", "  ")
			require.NoError(t, err)
			golden(t, name+".json", append(fields, '\n'))
		})
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(file, got, 0o600))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

// TestEveryReason says that the examples above leave out none, and that each has its clause.
func TestEveryReason(t *testing.T) {
	seen := map[optimizer.Reason]bool{}
	for _, s := range snapshots(t) {
		for _, m := range explain.New(s).Models {
			for _, v := range m.Variants {
				seen[v.Reason] = true
				assert.NotEmpty(t, v.Because, v.Name)
				assert.NotEqual(t, string(v.Reason), v.Because, v.Name)
			}
		}
	}
	for _, reason := range optimizer.Reasons() {
		assert.True(t, seen[reason], reason)
	}
}

// TestJSONRoundTrip holds that a client can write the same text from JSON.
func TestJSONRoundTrip(t *testing.T) {
	for name, s := range snapshots(t) {
		fields, err := json.Marshal(explain.New(s))
		require.NoError(t, err)
		var back explain.Explanation
		require.NoError(t, json.Unmarshal(fields, &back), name)
		require.Equal(t, explain.New(s), &back, name)
	}
}

func TestOnly(t *testing.T) {
	e := explain.New(planReasons(t))
	for _, tc := range []struct {
		name, model string
		want        []string
		inputs      int
	}{
		{"all", "", []string{"llm/org/chat-8b", "dev/org/embed"}, 2},
		{"by name", "org/embed", []string{"dev/org/embed"}, 2},
		{"with namespace", "dev/org/embed", []string{"dev/org/embed"}, 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			only, err := e.Only(tc.model)
			require.NoError(t, err)
			var got []string
			for i := range only.Models {
				got = append(got, only.Models[i].ID())
			}
			assert.Equal(t, tc.want, got)
			assert.Len(t, only.Inputs, tc.inputs)
		})
	}
	_, err := e.Only("embed")
	require.EqualError(t, err, "there is no model embed; there is llm/org/chat-8b, dev/org/embed")
	without, err := explain.New(missing(t)).Only("blind")
	require.NoError(t, err)
	assert.Empty(t, without.Inputs, "inputs that other models rest on")
}
