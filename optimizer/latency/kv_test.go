package latency_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/optimizer/latency"
)

// TestCacheBoundsTheBatch holds that no more are in service than fit into the cache.
func TestCacheBoundsTheBatch(t *testing.T) {
	t.Parallel()
	p := latency.Profile{Alpha: 0.01459, Beta: 6.28e-5, Gamma: 1.44e-8, MaxBatch: 256, MaxQueue: 2560}
	l := latency.Lengths{Input: 5000, Output: 634}
	bounded := p
	bounded.KVTokens = 305_000
	p.MaxBatch = 54 // 54 x 5634 = 304,236
	want, err := latency.NewServer(p, l)
	require.NoError(t, err)
	got, err := latency.NewServer(bounded, l)
	require.NoError(t, err)
	require.InDelta(t, want.MaxRate(), got.MaxRate(), 1e-12)
	_, err = latency.NewServer(bounded, latency.Lengths{Input: 305_000, Output: 1})
	require.ErrorContains(t, err, "a request of 305000 input and 1 output tokens needs 305001 in the cache, which has 305000")
	bounded.KVTokens = 1e9
	free, err := latency.NewServer(bounded, l)
	require.NoError(t, err)
	require.Greater(t, free.MaxRate(), got.MaxRate())
}
