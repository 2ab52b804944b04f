package fleet_test

import (
	"math"
	"testing"
	"time"

	"github.com/variant-exporter/variant-exporter/backtest/fleet"
)

func TestProfile(t *testing.T) {
	t.Parallel()
	p := fleet.Profile{Alpha: 12e-3, Beta: 30e-6, Gamma: 0.5e-6, MaxBatch: 256}
	l := fleet.Lengths{Input: 800, Output: 200}
	// By hand: a request adds 0.03 ms x 1000/201 + 0.0005 ms x 900 = 0.599254 ms to an iteration, its prefill takes
	// 0.0305 ms x 800 = 24.4 ms more, each of its tokens 0.03 + 0.45 = 0.48 ms.
	const share = 0.000599253731
	for _, tc := range []struct {
		n                               int
		iteration, prefill, decode, per float64 // per: of a whole request
	}{
		{n: 1, iteration: 0.012 + share, prefill: 0.0364 + share, decode: 0.01248 + share, per: 2.5324 + 201*share},
		{n: 100, iteration: 0.012 + 100*share, prefill: 0.0364 + 100*share, decode: 0.01248 + 100*share, per: 2.5324 + 20100*share},
	} {
		for what, pair := range map[string][2]float64{
			"iteration": {p.Iteration(tc.n, l), tc.iteration},
			"prefill":   {p.Prefill(tc.n, l), tc.prefill},
			"decode":    {p.Decode(tc.n, l), tc.decode},
			"rate":      {p.Rate(tc.n, l), float64(tc.n) / tc.per},
		} {
			if math.Abs(pair[0]-pair[1]) > 1e-9*pair[1] {
				t.Errorf("%s(%d) = %.9f, want %.9f", what, tc.n, pair[0], pair[1])
			}
		}
	}
	if got, want := p.Rate(1000, l), p.Rate(256, l); got != want {
		t.Errorf("beyond the batch: rate %v, want that of a full batch, %v", got, want)
	}
}

func TestConcurrency(t *testing.T) {
	t.Parallel()
	p := fleet.Profile{Alpha: 12e-3, Beta: 30e-6, Gamma: 0.5e-6, MaxBatch: 256}
	l := fleet.Lengths{Input: 800, Output: 200}
	const ms = time.Millisecond
	for name, tc := range map[string]struct {
		slo  fleet.SLO
		want int
	}{
		"no targets": {fleet.SLO{}, 256},
		"loose":      {fleet.SLO{TTFT: time.Minute, ITL: time.Second}, 256},
		// (40 - 12.48) / 0.599254 = 45.9
		"between tokens": {fleet.SLO{ITL: 40 * ms}, 45},
		// (100 - 48.88) / (2 x 0.599254) = 42.7
		"to the first":         {fleet.SLO{TTFT: 100 * ms}, 42},
		"the stricter of both": {fleet.SLO{TTFT: 100 * ms, ITL: 40 * ms}, 42},
		// One request takes 12.48 + 0.599254 = 13.079 ms a token, two take 13.6785 ms.
		"not even one":   {fleet.SLO{ITL: 13 * ms}, 0},
		"just one":       {fleet.SLO{ITL: 13080 * time.Microsecond}, 1},
		"just under two": {fleet.SLO{ITL: 13678 * time.Microsecond}, 1},
		"just two":       {fleet.SLO{ITL: 13679 * time.Microsecond}, 2},
	} {
		if got := p.Concurrency(l, tc.slo); got != tc.want {
			t.Errorf("%s: %d requests, want %d", name, got, tc.want)
		}
	}
}

func TestLoads(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		load fleet.Load
		want []float64 // every ten seconds
	}{
		"constant": {fleet.Constant(3), []float64{3, 3, 3, 3, 3}},
		"sine":     {fleet.Sine(10, 0.8, 40*time.Second), []float64{2, 10, 18, 10, 2}},
		"steps":    {fleet.Steps(20*time.Second, 1, 4), []float64{1, 1, 4, 4, 4}},
		"no steps": {fleet.Steps(20 * time.Second), []float64{0, 0, 0, 0, 0}},
		"no noise": {fleet.Noisy(fleet.Constant(3), 0, time.Second, 1), []float64{3, 3, 3, 3, 3}},
	} {
		for i, want := range tc.want {
			if got := tc.load(time.Duration(i) * 10 * time.Second); math.Abs(got-want) > 1e-9 {
				t.Errorf("%s after %d s: %v, want %v", name, 10*i, got, want)
			}
		}
	}
	noisy := fleet.Noisy(fleet.Constant(100), 0.2, 5*time.Second, 7)
	lowest, highest, last := math.Inf(1), math.Inf(-1), noisy(0)
	for ms := range 600_000 {
		rate := noisy(time.Duration(ms) * time.Millisecond)
		lowest, highest = min(lowest, rate), max(highest, rate)
		if math.Abs(rate-last) > 0.02 { // pi/2 x 40 a step of 5000 ms at most
			t.Fatalf("after %d ms: a jump from %v to %v", ms, last, rate)
		}
		last = rate
	}
	if lowest < 80 || lowest > 85 || highest > 120 || highest < 115 {
		t.Errorf("noise of 20 %% around 100: from %v to %v", lowest, highest)
	}
}
