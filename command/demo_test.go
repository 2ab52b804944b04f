package command

import (
	"bytes"
	"path/filepath"
	"testing"

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
