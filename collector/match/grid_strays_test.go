package match_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/match"
)

// TestGridLosesStrays is about demand of no model that lies before the steps which are still of interest: nothing is left of it to cut.
func TestGridLosesStrays(t *testing.T) {
	step := 15 * time.Second
	before := match.Grid{Step: step, First: 10, Steps: 2, Cells: make([][]float64, 1), Strays: map[string][]float64{"ns": {1, 2}}}
	empty := match.Grid{Step: step, First: 12, Cells: make([][]float64, 1)}
	next := match.Grid{Step: step, First: 12, Steps: 2, Cells: [][]float64{{3, 4}}}
	joined := joinAt(12, before, empty, next)
	cut := joined.Cut(12, 13)
	require.Equal(t, []float64{3}, cut.Cells[0])
	require.Empty(t, cut.Strays)

	joined = joinAt(11, before, empty, next)
	require.Len(t, joined.Strays["ns"], 3)
	require.InDelta(t, 2.0, joined.Strays["ns"][0], 0)
}

// TestSameAtSeesStrays: a store that is back may differ only in demand that belongs to no model.
func TestSameAtSeesStrays(t *testing.T) {
	grid := func(first int64, stray ...float64) *match.Grid {
		g := &match.Grid{Step: 15 * time.Second, First: first, Steps: 2, Cells: [][]float64{{1, 1}}}
		if stray != nil {
			g.Strays = map[string][]float64{"ns": stray}
		}
		return g
	}
	require.True(t, grid(10, 1, 2).SameAt(grid(11, 2, 3), 11))
	require.True(t, grid(10).SameAt(grid(11), 11))
	require.False(t, grid(10, 1, 2).SameAt(grid(11, 3, 3), 11), "another amount")
	require.False(t, grid(10).SameAt(grid(11, 2, 2), 11), "it was not there")
	require.False(t, grid(10, 1, 2).SameAt(grid(11), 11), "it is not there any more")
	require.True(t, grid(10, 1, math.NaN()).SameAt(grid(11), 11), "elsewhere")
}
