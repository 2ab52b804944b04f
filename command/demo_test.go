package command

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestDemoFiles holds that what the demo shows can be checked with backtest, as it says at its end.
func TestDemoFiles(t *testing.T) {
	dir := t.TempDir()
	var out, problems bytes.Buffer
	require.Zero(t, Run(t.Context(), []string{"demo", "--files=" + dir}, Streams{nil, &out, &problems}), problems.String())
	code := Run(t.Context(), []string{
		"backtest", "--scenario=" + filepath.Join(dir, "day.yml"), "--config.file=" + filepath.Join(dir, "day.conf.yml"), "--policy=static",
	}, Streams{nil, &out, &problems})
	require.Zero(t, code, problems.String())
	require.Empty(t, problems.String())
	require.Contains(t, out.String(), "static")
	require.Equal(t, exitUsage, Run(t.Context(), []string{"demo", "--for=-1s"}, Streams{nil, &out, &problems}))
}

// TestDemoServes holds that every page of the demo works while the day passes, with the past of the simulated fleet.
func TestDemoServes(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, said := io.Pipe()
	ended := make(chan int)
	var problems bytes.Buffer
	go func() {
		ended <- Run(ctx, []string{"demo", "--for=1h", "--web.listen-address=127.0.0.1:0"}, Streams{nil, said, &problems})
	}()
	begin := make([]byte, 4096) // one write is one text
	n, err := out.Read(begin)
	require.NoError(t, err)
	go func() { _, _ = io.Copy(io.Discard, out) }()
	line, _, _ := strings.Cut(string(begin[:n]), "\n")
	_, base, found := strings.Cut(line, "fleet: ")
	require.True(t, found, line)

	for _, path := range []string{
		"/", "/metrics", "/inputs", "/configuration", "/what-if", "/model?id=llm%2Fchat", "/?at=10m", "/api/v1/plan", "/api/v1/explain", "/api/v1/inputs",
	} {
		status, body := get(t, base+path)
		assert.Equal(t, http.StatusOK, status, "%s: %s", path, body)
		assert.NotContains(t, body, "backtest.invalid/", path)
	}
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		status, body := get(t, base+"/api/v1/history?range=15m&model=chat")
		var answer struct {
			Complete bool
			Missing  string
			Cost     struct{ Current []*float64 }
		}
		require.Equal(c, http.StatusOK, status, body)
		require.NoError(c, json.Unmarshal([]byte(body), &answer))
		require.True(c, answer.Complete, answer.Missing)
		require.NotEmpty(c, answer.Cost.Current)
		for _, cost := range answer.Cost.Current {
			require.NotNil(c, cost)
		}
	}, patience, 100*time.Millisecond)
	cancel()
	require.Zero(t, <-ended, problems.String())
}
