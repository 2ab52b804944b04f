package explain_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/explain"
	"github.com/variant-exporter/variant-exporter/optimizer"
)

var update = flag.Bool("update", false, "write testdata")

// TestGolden holds the text and the JSON of explanations. go test ./collector/explain -run TestGolden -update writes them.
func TestGolden(t *testing.T) {
	for name, s := range snapshots(t) {
		t.Run(name, func(t *testing.T) {
			e := whole(t, s)
			var text bytes.Buffer
			require.NoError(t, e.WriteText(&text, true))
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
		e := whole(t, s)
		fields, err := json.Marshal(e)
		require.NoError(t, err)
		var back explain.Explanation
		require.NoError(t, json.Unmarshal(fields, &back), name)
		for i := range e.Models {
			e.Models[i].Model.Variants = nil // hidden by those with their becauses
		}
		for i := range e.Inputs {
			e.Inputs[i].Err = nil // told by its reason and text
		}
		require.Equal(t, e, &back, name)
		var text, again bytes.Buffer
		require.NoError(t, whole(t, s).WriteText(&text, true))
		require.NoError(t, back.WriteText(&again, true))
		require.Equal(t, text.String(), again.String(), name)
	}
}

// whole explains everything, with all the time that it takes.
func whole(t *testing.T, s *collector.Snapshot) *explain.Explanation {
	t.Helper()
	e, err := explain.Of(s, "", never)
	require.NoError(t, err)
	return e
}

func never() bool { return false }

func TestOf(t *testing.T) {
	for _, tc := range []struct {
		name, model string
		want        []string
	}{
		{"all", "", []string{"llm/org/chat-8b", "dev/org/embed"}},
		{"by name", "org/embed", []string{"dev/org/embed"}},
		{"with namespace", "llm/org/chat-8b", []string{"llm/org/chat-8b"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			some, err := explain.Of(planReasons(t), tc.model, never)
			require.NoError(t, err)
			var got []string
			for i := range some.Models {
				got = append(got, some.Models[i].ID())
			}
			assert.Equal(t, tc.want, got)
			assert.Len(t, some.Inputs, 2)
		})
	}
	one, err := explain.Of(planReasons(t), "org/embed", never)
	require.NoError(t, err)
	m := &one.Models[0]
	require.Contains(t, one.CostText(), fmt.Sprintf("costs %.2f per hour. The plan is optimal and costs %.2f.", *m.Running(), *m.Cost), "of this model, not of all")
	_, err = explain.Of(planReasons(t), "embed", never)
	unknown, ok := errors.AsType[*explain.UnknownModelError](err)
	require.True(t, ok)
	assert.Equal(t, &explain.UnknownModelError{Model: "embed", Known: []string{"llm/org/chat-8b", "dev/org/embed"}}, unknown)
	assert.Equal(t, "there is no model embed; there is llm/org/chat-8b, dev/org/embed", err.Error())
	without, err := explain.Of(missing(t), "blind", never)
	require.NoError(t, err)
	var names []string
	for _, in := range without.Inputs {
		names = append(names, in.Name)
	}
	assert.Equal(t, []string{"llm/lost.cost", "budget.power.limit"}, names, "neither those of the other model, nor without what concerns all")
}

func TestManyKnownModels(t *testing.T) {
	err := &explain.UnknownModelError{Model: "x", Known: slices.Repeat([]string{"llm/m"}, 23)}
	assert.True(t, strings.HasSuffix(err.Error(), "llm/m, llm/m and 3 more"), err)
}

// TestRunnerUp holds what it would have cost to what the planner says of the same choice, made by leaving it no other.
func TestRunnerUp(t *testing.T) {
	s := planReasons(t)
	m := whole(t, s).Models[0]
	require.NotNil(t, m.RunnerUp)
	problem := s.Problem
	problem.Models = slices.Clone(problem.Models)
	problem.Models[0].Variants = slices.Clone(problem.Models[0].Variants)
	for i, v := range m.RunnerUp.Variants {
		problem.Models[0].Variants[i].Min, problem.Models[0].Variants[i].Max = v.Replicas, &v.Replicas
	}
	plan, err := optimizer.Solve(problem, optimizer.Options{})
	require.NoError(t, err)
	assert.LessOrEqual(t, plan.Models[0].Shortfall, *m.Shortfall)
	embed := *whole(t, s).Models[1].Cost
	assert.InDelta(t, plan.Cost, m.RunnerUp.Cost+embed, 1e-9)
	assert.InDelta(t, plan.StartCost, m.RunnerUp.StartCost, 1e-9)
	assert.InDelta(t, *m.RunnerUp.Dearer, m.RunnerUp.Cost+m.RunnerUp.StartCost-*m.Cost-*m.StartCost, 1e-9)

	hurried, err := explain.Of(s, "", func() bool { return true })
	require.NoError(t, err)
	assert.Nil(t, hurried.Models[0].RunnerUp)
}

// TestOverlapOfAShortModel holds that nothing is said to wait for demand that will not be carried.
func TestOverlapOfAShortModel(t *testing.T) {
	s := short(t)
	chat := &s.Models[0].Variants[0]
	chat.Guards = []optimizer.Effect{{Guard: optimizer.ReasonMakeBeforeBreak, From: chat.Desired, To: new(4)}}
	chat.Desired, chat.Reason = new(4), optimizer.ReasonMakeBeforeBreak
	assert.Equal(t, "2 stay until ready replicas carry what the plan does", whole(t, s).Models[0].Variants[0].Because)
}
