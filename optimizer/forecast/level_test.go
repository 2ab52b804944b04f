package forecast_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/variant-exporter/variant-exporter/optimizer/forecast"
)

func TestCrossings(t *testing.T) {
	const m = time.Minute
	nan := math.NaN()
	for name, c := range map[string]struct {
		values []float64
		want   forecast.Crossings
	}{
		"nothing is known": {[]float64{nan, nan}, forecast.Crossings{Now: 2 * m}},
		"never crossed":    {[]float64{1, 1, 2}, forecast.Crossings{Now: 3 * m}},
		"the first stay and the present one are not complete": {
			[]float64{1, 6, 6, 1, 1, 1, 6}, forecast.Crossings{
				Above: forecast.Stays{2 * m}, Below: forecast.Stays{3 * m}, Now: m, Last: 3 * m, Over: true,
			},
		},
		"what is not known belongs to the stay before it": {
			[]float64{1, 6, nan, nan, 1, 6}, forecast.Crossings{
				Above: forecast.Stays{3 * m}, Below: forecast.Stays{m}, Now: m, Last: m, Over: true,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.want, forecast.History{Step: m, Values: c.values}.Levels().Crossings(5))
		})
	}
}

// TestLevelsProperties: whole blocks are passed over, and nothing in them is missed.
func TestLevelsProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := forecast.History{Step: time.Minute, Values: rapid.SliceOfN(rapid.SampledFrom([]float64{1, 1, 1, 1, 1, 1, 1, 1, 2, 3, nan}), 0, 200).Draw(t, "values")}
		levels, level := h.Levels(), rapid.SampledFrom([]float64{0, 1, 2, 3, nan}).Draw(t, "level")
		before := rapid.IntRange(0, len(h.Values)).Draw(t, "before")
		above := -1
		for i, v := range h.Values[:before] {
			if v > level {
				above = i
			}
		}
		require.Equal(t, above, levels.LastAbove(before, level))

		var stays []time.Duration // all, the first and the present one included
		over, known := false, false
		for _, v := range h.Values {
			switch crossed := over && v <= level || !over && v > level; {
			case !known && !math.IsNaN(v):
				known, over, stays = true, v > level, append(stays, time.Minute)
			case known && crossed:
				over, stays = !over, append(stays, time.Minute)
			case known:
				stays[len(stays)-1] += time.Minute
			}
		}
		c := levels.Crossings(level)
		if !known {
			require.Equal(t, forecast.Crossings{Now: time.Duration(len(h.Values)) * time.Minute}, c)
			return
		}
		require.Equal(t, stays[len(stays)-1], c.Now)
		require.Equal(t, over, c.Over)
		require.Len(t, slices.Concat(c.Above, c.Below), max(0, len(stays)-2))
	})
}

// TestWait: of short stays the end is waited for, and of long ones it is not.
func TestWait(t *testing.T) {
	const m = time.Minute
	require.Equal(t, 3*m, forecast.Stays{m, 3 * m, 2 * m}.Wait(6*m))
	require.Zero(t, forecast.Stays{10 * m, 20 * m}.Wait(6*m))
	require.Equal(t, 2*m, forecast.Stays{2 * m, 2 * m, 2 * m, 480 * m}.Wait(6*m))
	require.Zero(t, forecast.Stays{}.Wait(6*m))
	require.Equal(t, 7*m, forecast.Stays{2 * m, 12 * m}.Mean())
	require.Zero(t, forecast.Stays{}.Mean())
}

func TestHold(t *testing.T) {
	nan := math.NaN()
	got := forecast.History{Step: time.Minute, Values: []float64{nan, 3, 1, 1, 2, 1, 1, 1}}
	got.Hold(3 * time.Minute)
	require.True(t, math.IsNaN(got.Values[0]))
	require.Equal(t, []float64{3, 3, 3, 2, 2, 2, 1}, got.Values[1:])
	same := forecast.History{Step: time.Minute, Values: []float64{1, 2, 1}}
	same.Hold(0)
	require.Equal(t, []float64{1, 2, 1}, same.Values)
	values := []float64{4, nan, 9, 2, 7, 7, nan, nan, nan, 1, 8, 3, 0, 5, 6}
	for window := 1; window < len(values)+2; window++ {
		held := forecast.History{Step: time.Minute, Values: slices.Clone(values)}
		held.Hold(time.Duration(window) * time.Minute)
		for i, v := range held.Values {
			require.Equal(t, fmt.Sprint(forecast.Most(values[max(0, i+1-window):i+1])), fmt.Sprint(v), "window %d, step %d", window, i)
		}
	}
}
