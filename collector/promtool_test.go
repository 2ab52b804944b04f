package collector_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/internal/long"
)

// TestPromtool has Prometheus' own linter read every golden exposition.
func TestPromtool(t *testing.T) {
	long.Test(t)
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed: ", err)
	}
	files, err := filepath.Glob(filepath.Join("testdata", "faults", "*.prom"))
	require.NoError(t, err)
	require.Len(t, files, 2*len(faults())+1)
	for _, name := range files {
		file, err := os.Open(name)
		require.NoError(t, err)
		cmd := exec.CommandContext(t.Context(), promtool, "check", "metrics")
		cmd.Stdin = file
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s: %s", name, out)
		require.Empty(t, string(out), name)
		require.NoError(t, file.Close())
	}
}
