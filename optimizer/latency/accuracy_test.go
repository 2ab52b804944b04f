package latency_test

import (
	"fmt"
	"math"
	"sort"
	"testing"

	"github.com/variant-exporter/variant-exporter/optimizer/latency"
)

// simulatedServers are the servers that quantiles are held against a
// simulation of: a small and a large batch, short and long prompts and
// outputs.
var simulatedServers = []struct {
	batch         int
	input, output float64
}{
	{8, 100, 20},
	{64, 800, 200},
	{64, 4000, 30},
	{256, 800, 200},
}

// share is the share of what was measured that does not exceed a bound.
func share(sorted []float64, bound float64) float64 {
	n := sort.Search(len(sorted), func(i int) bool { return sorted[i] > bound*(1+1e-9) })
	return float64(n) / float64(len(sorted))
}

// quantile is the value that a share q of what was measured does not exceed.
func quantile(sorted []float64, q float64) float64 {
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

// runs is how often a simulation is run.
const runs = 2

// simulate runs a simulation and calls with each outcome.
func simulate(s simulation, with func(measured)) {
	for seed := range uint64(runs) {
		s.seed = seed
		with(s.run())
	}
}

// TestQuantilesAgainstSimulation holds predicted quantiles to what requests of
// a simulated server met: which share of them stayed within the prediction.
// The table that it logs is the one in docs/latency.md.
func TestQuantilesAgainstSimulation(t *testing.T) {
	if testing.Short() {
		t.Skip("simulates 1.3 million requests")
	}
	t.Logf("%-9s %5s %5s %6s %4s | %22s | %22s | %s", "outputs", "batch", "input", "output", "load",
		"p95 ttft: error, share", "p95 itl: error, share", "p99 ttft share")
	for _, c := range simulatedServers {
		for _, fixed := range []bool{false, true} {
			for _, load := range []float64{0.3, 0.6, 0.8, 0.95} {
				compareWithSimulation(t, simulation{
					profile: latency.Profile{
						Alpha: 0.012, Beta: 3e-5, Gamma: 5e-7, MaxBatch: c.batch, MaxQueue: latency.DefaultMaxQueue(c.batch),
					},
					lengths: latency.Lengths{Input: c.input, Output: c.output}, requests: 10_000, fixed: fixed,
				}, load)
			}
		}
	}
}

// compareWithSimulation holds the quantiles of one server at a share of its largest rate to
// a simulation.
func compareWithSimulation(t *testing.T, sim simulation, load float64) {
	s := server(t, sim.profile, sim.lengths)
	sim.rate = load * s.MaxRate()
	slack := 0.02
	if load > 0.9 { // where it takes long to settle, and runs differ
		sim.requests *= 5
		slack = 0.04
	}
	var ttft, itl, itlShare, late float64 // means over the runs
	shares := map[float64]float64{}
	simulate(sim, func(m measured) {
		for _, q := range []float64{0.5, 0.9, 0.95, 0.99} {
			shares[q] += share(m.ttft, s.TTFTQuantile(sim.rate, q)) / runs
		}
		ttft += s.TTFTQuantile(sim.rate, 0.95) / quantile(m.ttft, 0.95) / runs
		itl += s.ITLQuantile(sim.rate, 0.95) / quantile(m.itl, 0.95) / runs
		itlShare += share(m.itl, s.ITLQuantile(sim.rate, 0.95)) / runs
		late += 1 - share(m.itl, s.ITLQuantile(sim.rate, 0.99))
	})
	outputs := "geometric"
	if sim.fixed {
		outputs = "fixed"
	}
	what := fmt.Sprintf("%-9s %5d %5g %6g %4g", outputs, sim.profile.MaxBatch, sim.lengths.Input, sim.lengths.Output, load)
	t.Logf("%s | %+10.1f %% %9.1f %% | %+10.1f %% %9.1f %% | %6.1f %%", what,
		100*(ttft-1), 100*shares[0.95], 100*(itl-1), 100*itlShare, 100*shares[0.99])

	for q, got := range shares {
		// Steps of the batch make the median coarse in a small one.
		low := q - slack
		if q == 0.5 {
			low = q - 0.07
		}
		if got < low {
			t.Errorf("%s: %.4f of the requests stayed within the %g quantile of ttft", what, got, q)
		}
	}
	if itlShare < 0.95-slack {
		t.Errorf("%s: %.4f of the tokens stayed within the 0.95 quantile of itl", what, itlShare)
	}
	step := s.Decode(1) - s.Decode(0) // between the values that itl can have
	if tolerance := max(0.06, step/s.Decode(1)); math.Abs(itl-1) > tolerance {
		t.Errorf("%s: 0.95 quantile of itl is %+.1f %% off", what, 100*(itl-1))
	}
	if load <= 0.8 && sim.profile.MaxBatch >= 64 && math.Abs(ttft-1) > 0.05 {
		t.Errorf("%s: 0.95 quantile of ttft is %+.1f %% off", what, 100*(ttft-1))
	}
	if late/runs > 0.01+slack {
		t.Errorf("%s: %.4f of the tokens came after the 0.99 quantile of itl", what, late/runs)
	}
}

// TestCapacityAgainstSimulation serves the capacity that is said to keep an
// SLO: the simulated requests must keep it, and at a tenth more they must not.
func TestCapacityAgainstSimulation(t *testing.T) {
	for _, tc := range []struct {
		batch         int
		input, output float64
		slo           latency.SLO
	}{
		{64, 800, 200, latency.SLO{TTFT: 0.5, ITL: 0.035, Quantile: 0.95}},
		{256, 800, 200, latency.SLO{TTFT: 0.11, ITL: 0.06, Quantile: 0.95}},
		{64, 4000, 30, latency.SLO{TTFT: 0.4, Quantile: 0.9}},
		{32, 200, 300, latency.SLO{TTFT: 0.5, Quantile: 0.99}},
	} {
		profile := latency.Profile{
			Alpha: 0.012, Beta: 3e-5, Gamma: 5e-7, MaxBatch: tc.batch, MaxQueue: latency.DefaultMaxQueue(tc.batch),
		}
		lengths := latency.Lengths{Input: tc.input, Output: tc.output}
		capacity, err := server(t, profile, lengths).Capacity(tc.slo)
		if err != nil {
			t.Fatal(err)
		}
		kept := func(load float64) float64 {
			mean := 0.0
			simulate(simulation{profile: profile, lengths: lengths, rate: load * capacity.Rate, requests: 10_000}, func(m measured) {
				sorted, target := m.ttft, tc.slo.TTFT
				if capacity.Binding == latency.BindingITL {
					sorted, target = m.itl, tc.slo.ITL
				}
				mean += share(sorted, target) / runs
			})
			return mean
		}
		at, above := kept(1), kept(1.1)
		t.Logf("batch %d, %+v: %.3f/s, %s binds; kept by %.2f %%, and by %.2f %% at a tenth more",
			tc.batch, tc.slo, capacity.Rate, capacity.Binding, 100*at, 100*above)
		if at < tc.slo.Quantile-0.015 {
			t.Errorf("batch %d, %+v: at its capacity %.3f/s only %.4f keep it", tc.batch, tc.slo, capacity.Rate, at)
		}
		if above >= tc.slo.Quantile {
			t.Errorf("batch %d, %+v: at a tenth above its capacity %.3f/s still %.4f keep it", tc.batch, tc.slo, capacity.Rate, above)
		}
	}
}
