package latency_test

import (
	"math/rand/v2"
	"testing"

	"github.com/variant-exporter/variant-exporter/optimizer/latency"
)

// BenchmarkSize is one sizing at a large batch and a long queue: it must stay
// below a millisecond.
func BenchmarkSize(b *testing.B) {
	profile := latency.Profile{Alpha: 0.012, Beta: 3e-5, Gamma: 5e-7, MaxBatch: 512, MaxQueue: 5120, MaxBatchTokens: 2048}
	lengths := latency.Lengths{Input: 800, Output: 200, InputCV: 1, OutputCV: 1}
	for _, bc := range []struct {
		name string
		slo  latency.SLO
	}{
		{"mean", latency.SLO{TTFT: 0.5, ITL: 0.04}},
		{"p95", latency.SLO{TTFT: 0.5, ITL: 0.04, Quantile: 0.95}},
		{"p99 of long waits", latency.SLO{TTFT: 60, Quantile: 0.99}},
	} {
		b.Run(bc.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s, err := latency.NewServer(profile, lengths)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := s.Capacity(bc.slo); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkCapacityCache is a scrape: a thousand variants whose mean lengths
// wander within 5 %.
func BenchmarkCapacityCache(b *testing.B) {
	var cache latency.CapacityCache
	rng := rand.New(rand.NewPCG(1, 1))
	slo := latency.SLO{TTFT: 0.5, ITL: 0.04, Quantile: 0.95}
	b.ReportAllocs()
	for b.Loop() {
		for i := range 1000 {
			profile := latency.Profile{Alpha: 0.01 + 1e-6*float64(i), Beta: 3e-5, Gamma: 5e-7, MaxBatch: 256, MaxQueue: 2560}
			wander := 1 + 0.05*rng.Float64()
			if _, err := cache.Capacity(profile, latency.Lengths{Input: 800 * wander, Output: 200 * wander}, slo); err != nil {
				b.Fatal(err)
			}
		}
	}
}
