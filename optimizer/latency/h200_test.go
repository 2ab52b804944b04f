package latency_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/variant-exporter/variant-exporter/optimizer/latency"
)

func TestProto(t *testing.T) {
	runs := []struct {
		name                       string
		in, incv, out, outcv, rate float64
		meas                       string
	}{
		{"fixed-0", 512, 0, 128, 0, 19.06, "ttft 29.1/43.0 itl 7.17/13.5 n 17.9"},
		{"fixed-2", 512, 0, 128, 0, 44.2, "ttft 68/120 itl 19.8/43.8 n 118.5"},
		{"mixed-0", 654, 1.0, 147, 0.95, 11.32, "ttft 34.6/83.7 itl 6.8/12.05 n 11.1"},
		{"mixed-2", 563, 0.95, 163, 0.95, 23.56, "ttft 44.9/100.6 itl 10.5/23.5 n 41"},
		{"mixed-4", 596, 1.0, 157, 0.95, 36.08, "ttft 117.8/277 itl 27.8/58.4 n 147"},
	}
	for _, p := range []latency.Profile{
		{Alpha: 4.938e-3, Beta: 2.355e-6, Gamma: 6.84e-8, MaxBatch: 256, MaxQueue: 2560, MaxBatchTokens: 2048, Chunk: latency.Chunk{3.125e-3, 2.136e-5, 5.766e-8}},
		{Alpha: 4.907e-3, Beta: 0, Gamma: 6.04e-8, MaxBatch: 256, MaxQueue: 2560, MaxBatchTokens: 2048, Chunk: latency.Chunk{6.05e-3, 1.995e-5, 5.9e-8}},
		{Alpha: 5.0e-3, Beta: 2.4e-5, Gamma: 2e-8, MaxBatch: 256, MaxQueue: 2560, MaxBatchTokens: 2048},
		{Alpha: 5.0e-3, Beta: 2.4e-5, Gamma: 2e-8, MaxBatch: 256, MaxQueue: 2560},
	} {
		fmt.Println(p)
		for _, r := range runs {
			s, err := latency.NewServer(p, latency.Lengths{Input: r.in, InputCV: r.incv, Output: r.out, OutputCV: r.outcv})
			if err != nil {
				t.Fatal(err)
			}
			m := s.Means(r.rate)
			fmt.Printf("  %s: ttft %.1f/%.1f itl %.2f/%.1f n %.1f max %.1f  measured %s\n", r.name, 1e3*m.TTFT, 1e3*s.TTFTQuantile(r.rate, .95), 1e3*m.ITL, 1e3*s.ITLQuantile(r.rate, .95), m.InService, m.MaxRate, r.meas)
		}
		for _, l := range []latency.Lengths{{Input: 512, Output: 128}, {Input: 580, InputCV: 0.97, Output: 155, OutputCV: 0.97}} {
			for _, itl := range []float64{0.02, 0.03, 0.04, 0.05} {
				s, _ := latency.NewServer(p, l)
				t0 := time.Now()
				c, err := s.Capacity(latency.SLO{ITL: itl, Quantile: .95})
				d := time.Since(t0)
				s2, _ := latency.NewServer(p, l)
				fmt.Printf("  %v itl %v: %.2f %s %v  %v p95 %.2f\n", l, itl, c.Rate, c.Binding, err, d, 1e3*s2.ITLQuantile(c.Rate, .95))
			}
		}
	}
}
