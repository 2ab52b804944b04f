package scenarios

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func names(t *testing.T) []string {
	all, err := filepath.Glob("*.yml")
	require.NoError(t, err)
	var names []string
	for _, f := range all {
		if n := strings.TrimSuffix(f, ".yml"); !strings.HasSuffix(n, ".conf") {
			names = append(names, n)
		}
	}
	return names
}
