package latency

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestStationaryStays holds the distribution of iterations to what defines it: the next iteration has the same.
func TestStationaryStays(t *testing.T) {
	for _, l := range []Lengths{
		{Output: 200},
		{Input: 512, Output: 128},
		{Input: 4000, Output: 100, InputCV: 1, OutputCV: 1},
		{Input: 1e5, Output: 1},
	} {
		s, err := NewServer(Profile{Alpha: 0.012, Beta: 3e-5, Gamma: 5e-7, MaxBatch: 256, MaxQueue: 2560, MaxBatchTokens: 2048}, l)
		require.NoError(t, err)
		w := newSpread(s)
		for i := range w.mixes {
			m, rate := &w.mixes[i], (w.node[i]-1)/w.node[i]*w.between(w.node[i], rateOf)
			var after [bins]float64
			for j, share := range m.share {
				m.next(&w.prompts, rate, j, share, &after)
			}
			sum := 0.0
			for j, share := range m.share {
				sum += share
				if !(share >= 0 && math.Abs(after[j]-share) <= 1e-12) {
					t.Errorf("%+v beside %g: state %d has %g, and %g after an iteration", l, w.node[i], j, share, after[j])
				}
			}
			if math.Abs(sum-1) > 1e-12 {
				t.Errorf("%+v beside %g: the shares sum up to %g", l, w.node[i], sum)
			}
		}
	}
}

// TestStationaryWithoutWayDown leaves states that are never left downwards.
func TestStationaryWithoutWayDown(t *testing.T) {
	c := transitions{reach: 1}
	for j := range c.to {
		c.to[j][min(j+1, bins-1)] = 1
	}
	share := c.stationary()
	for j, got := range share {
		if want := float64(j / (bins - 1)); math.Abs(got-want) > 1e-12 {
			t.Errorf("state %d has %g, want %g", j, got, want)
		}
	}
}
