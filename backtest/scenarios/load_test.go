package scenarios

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/backtest/scenario"
	"github.com/variant-exporter/variant-exporter/collector/config"
)

// TestFiles holds the files to be sound, without a remark.
func TestFiles(t *testing.T) {
	targets, err := filepath.Glob("targets/*.conf.yml")
	require.NoError(t, err)
	require.NotEmpty(t, targets)
	all := names(t)
	for _, f := range targets {
		all = append(all, strings.TrimSuffix(f, ".conf.yml"))
	}
	for _, name := range all {
		_, found, err := scenario.LoadFile(name + ".yml")
		require.NoError(t, err)
		if len(found) > 0 && strings.HasPrefix(name, "targets") { // the traces are too large to ship
			require.Contains(t, found[0].String(), "servegen-m-")
			require.Len(t, found, 1)
			found = nil
		}
		require.Empty(t, found, "%v", found)
		text, err := os.ReadFile(name + ".conf.yml")
		require.NoError(t, err)
		c, remarks := config.Load(name+".conf.yml", "prometheus: {url: http://localhost:9090}\n"+string(text))
		require.NotNil(t, c, "%v", remarks)
		if !strings.HasPrefix(name, "targets/concurrency") { // a concurrency alone is remarked on, and measured all the same
			require.Empty(t, remarks, "%v", remarks)
		}
	}
}
