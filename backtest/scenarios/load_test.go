package scenarios

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/backtest/scenario"
	"github.com/variant-exporter/variant-exporter/collector/config"
)

// TestFiles holds the files to be sound, without a remark.
func TestFiles(t *testing.T) {
	for _, name := range names(t) {
		_, found, err := scenario.LoadFile(name + ".yml")
		require.NoError(t, err)
		require.Empty(t, found, "%v", found)
		text, err := os.ReadFile(name + ".conf.yml")
		require.NoError(t, err)
		_, remarks := config.Load(name+".conf.yml", "prometheus: {url: http://localhost:9090}\n"+string(text))
		require.Empty(t, remarks, "%v", remarks)
	}
}
