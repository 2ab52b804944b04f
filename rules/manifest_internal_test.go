package rules

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestWarningsOnce: what several objects of a manifest need is said once, and the manifest keeps its own.
func TestWarningsOnce(t *testing.T) {
	var m Manifest
	m.warn("a", "b")
	m.warn("a", "a", "c")
	for range 2 {
		require.Equal(t, []string{"a", "b", "c"}, m.Warnings())
	}
	require.Equal(t, []string{"a", "b", "a", "a", "c"}, m.warnings)
}
