package latency_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/variant-exporter/variant-exporter/optimizer/latency"
)

// TestSlowdownFindsTheFactor lets a server be slower than its profile, observes its quantiles, and asks by how much it is.
func TestSlowdownFindsTheFactor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, l := drawServer(t)
		p.MaxBatch, l.Input = min(p.MaxBatch, 64), max(l.Input, 1)
		server, err := latency.NewServer(p, l)
		require.NoError(t, err)
		factor := rapid.Float64Range(1.02, 1.48).Draw(t, "factor")
		slower, err := latency.NewServer(p.Scaled(factor), l)
		require.NoError(t, err)
		rate := rapid.Float64Range(0.05, 0.95).Draw(t, "load") * slower.MaxRate()
		itl := latency.SLO{Quantile: 0.95, ITL: slower.ITLQuantile(rate, 0.95)}
		ttft := latency.SLO{Quantile: 0.95, TTFT: slower.TTFTQuantile(rate, 0.95)}
		require.InDelta(t, factor, server.Slowdown(rate, itl, 1.5), 0.002)
		require.InDelta(t, factor, server.Slowdown(rate, ttft, 1.5), 0.002)
		require.InDelta(t, 1, slower.Slowdown(rate, latency.SLO{Quantile: 0.95, ITL: itl.ITL / 1.01}, 1.5), 0.002, "it shows no more than it says")
		slowest, err := latency.NewServer(p.Scaled(1.3), l)
		require.NoError(t, err)
		itl.ITL = slowest.ITLQuantile(rate, 0.95)
		require.InDelta(t, 1.2, server.Slowdown(rate, itl, 1.2), 0.002, "no more than allowed")
	})
}

// TestSlowdownCache holds that what is remembered is what would be worked out.
func TestSlowdownCache(t *testing.T) {
	p := latency.Profile{Alpha: 0.012, Beta: 3e-5, Gamma: 5e-7, MaxBatch: 256, MaxQueue: 2560}
	l := latency.Lengths{Input: 800, Output: 200}
	server, err := latency.NewServer(p, l)
	require.NoError(t, err)
	var c latency.SlowdownCache
	for _, seen := range []float64{0.03, 0.05, 0.05} {
		got, err := c.Slowdown(p, l, 8, latency.SLO{Quantile: 0.95, ITL: seen}, 1.5)
		require.NoError(t, err)
		require.InDelta(t, server.Slowdown(8, latency.SLO{Quantile: 0.95, ITL: seen}, 1.5), got, 0.02)
	}
	_, err = c.Slowdown(p, latency.Lengths{Input: -1, Output: 1}, 8, latency.SLO{Quantile: 0.95, ITL: 1}, 1.5)
	require.Error(t, err)
}
