package latency_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/variant-exporter/variant-exporter/optimizer/latency"
)

// TestLongest: where an iteration waits for the longest context, lengths that vary cost more, and hardly any where all are alike and
// many are attended to at once.
func TestLongest(t *testing.T) {
	p := latency.Profile{
		Alpha: 5e-3, Gamma: 7e-8, MaxBatch: 256, MaxQueue: 2560, MaxBatchTokens: 2048, Chunk: latency.Chunk{Alpha: 4e-3, Beta: 2e-5, Gamma: 7e-8},
	}
	waits := p
	waits.Chunk.Longest = 12 * p.Gamma
	more := func(l latency.Lengths, n float64) float64 {
		without, _ := latency.InService(p, l, n, latency.AtRandom)
		with, _ := latency.InService(waits, l, n, latency.AtRandom)
		return with/without - 1
	}
	alike := latency.Lengths{Input: 580, Output: 155}
	mixed := latency.Lengths{Input: 580, Output: 155, InputCV: 1, OutputCV: 1}
	few, many := more(alike, 4), more(alike, 128)
	assert.True(t, many > 0 && many < 0.01 && many < few, "alike: %+.1f %% with 4 in service, %+.1f %% with 128", 100*few, 100*many)
	for _, n := range []float64{4, 32, 128} {
		m := more(mixed, n)
		assert.True(t, m > 1.5*more(alike, n) && m < 0.3, "mixed: %+.1f %% with %g in service, alike %+.1f %%", 100*m, n, 100*more(alike, n))
	}
	last := 0.0
	for n := 0.5; n <= 256; n *= 1.1 {
		itl, _ := latency.InService(waits, mixed, n, latency.AtRandom)
		assert.GreaterOrEqual(t, itl, last, "s with %g in service, less than with fewer", n)
		assert.False(t, math.IsNaN(itl), "%g s with %g in service, less than with fewer", itl, n)
		last = itl
	}
}
