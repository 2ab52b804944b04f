package fleet_test

import (
	"context"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/variant-exporter/variant-exporter/backtest/fleet"
)

// cheapest is the cheapest mix of a model's variants that carries a demand with some headroom, found by trying all.
func cheapest(variants []fleet.VariantStatus, demand float64) map[string]float64 {
	best, replicas := math.Inf(1), map[string]float64{}
	counts := make([]int, len(variants))
	var try func(i int, capacity, cost float64)
	try = func(i int, capacity, cost float64) {
		if i < len(variants) {
			for counts[i] = 0; counts[i] <= 8; counts[i]++ {
				n := float64(counts[i])
				try(i+1, capacity+n*float64(variants[i].Capacity), cost+n*variants[i].CostPerReplica)
			}
			return
		}
		if capacity >= demand && cost < best {
			best = cost
			for j, v := range variants {
				replicas[v.Name] = float64(counts[j])
			}
		}
	}
	try(0, 0, 0)
	return replicas
}

// closedLoop runs a fleet for two minutes, scaled every two seconds by the cheapest mix.
func closedLoop(t testing.TB, f *fleet.Fleet, observe func(fleet.Status)) fleet.Status {
	t.Helper()
	a := &fleet.Autoscaler{Fleet: f, DownWindow: 10 * time.Second, Desired: func(context.Context) (map[string]float64, error) {
		s := f.Status()
		desired := map[string]float64{}
		for _, m := range s.Models {
			var variants []fleet.VariantStatus
			for _, v := range s.Variants {
				if v.Model == m.Name {
					variants = append(variants, v)
				}
			}
			maps.Copy(desired, cheapest(variants, max(1, 1.15*float64(m.Demand()))))
		}
		return desired, nil
	}}
	for second := 1; second <= 120; second++ {
		f.Advance(at(float64(second)))
		if second%2 == 0 {
			if err := a.Sync(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		observe(f.Status())
	}
	return f.Status()
}

// TestDemoClosedLoop: under a sensible autoscaler, two minutes of the demo show what it is there to show, for any seed.
func TestDemoClosedLoop(t *testing.T) {
	t.Parallel()
	for seed := range uint64(5) {
		f, err := fleet.New(fleet.Demo(), start, rand.New(rand.NewPCG(seed, 0)))
		if err != nil {
			t.Fatal(err)
		}
		least, most := math.MaxInt, 0
		ups, downs, last := map[string]int{}, map[string]int{}, map[string]int{}
		s := closedLoop(t, f, func(s fleet.Status) {
			if s.Elapsed >= 10*time.Second { // the first requests have come through
				least, most = min(least, s.Models[0].Demand()), max(most, s.Models[0].Demand())
			}
			for _, v := range s.Variants {
				if v.Desired > last[v.Name] {
					ups[v.Model]++
				} else if v.Desired < last[v.Name] {
					downs[v.Model]++
				}
				last[v.Name] = v.Desired
			}
		})
		if least > 10 || most < 60 || most > 200 {
			t.Errorf("seed %d: the demand goes from %d to %d requests, want from a few to about a hundred", seed, least, most)
		}
		for _, m := range s.Models {
			if ups[m.Name] < 2 || downs[m.Name] < 1 {
				t.Errorf("seed %d: %s is scaled up %d times and down %d times", seed, m.Name, ups[m.Name], downs[m.Name])
			}
			if share := m.Tally.Attainment(); share < 0.9 || m.Tally.Done < 250 {
				t.Errorf("seed %d: %s: %.3f of %d requests within the target", seed, m.Name, share, m.Tally.Done)
			}
		}
	}
}

// BenchmarkDemo measures two minutes of the demo with its autoscaler, in virtual time.
func BenchmarkDemo(b *testing.B) {
	requests := 0
	for b.Loop() {
		f := newFleet(b, fleet.Demo())
		for _, m := range closedLoop(b, f, func(fleet.Status) {}).Models {
			requests += m.Tally.Done
		}
	}
	b.ReportMetric(float64(requests)/b.Elapsed().Seconds(), "requests/s")
}

// A fleet of one model under a load that doubles after a minute: the demand grows by more than the load, since a fuller batch is a
// slower one.
func Example() {
	f, err := fleet.New(fleet.Config{Models: []fleet.Model{{
		Name: "meta-llama/Llama-3.1-8B-Instruct", Namespace: "llm", Pool: "llama-8b",
		Load:   fleet.Steps(time.Minute, 3, 6),
		Tokens: fleet.Tokens{Mean: fleet.Lengths{Input: 512, Output: 150}},
		Variants: []fleet.Variant{{
			Name: "llama-8b-a100", Accelerator: "A100", Cost: 2.2, Replicas: 1, Blocks: 9500, BlockSize: 16,
			Profile: fleet.Profile{Alpha: 12e-3, Beta: 40e-6, Gamma: 0.67e-6, MaxBatch: 64},
		}},
	}}}, start, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 2 {
		mean := 0.0
		for range 600 { // samples a minute
			f.Advance(f.Status().Time.Add(100 * time.Millisecond))
			mean += float64(f.Status().Models[0].Demand()) / 600
		}
		fmt.Printf("%.0f requests in the system\n", mean)
	}
	// Output:
	// 7 requests in the system
	// 23 requests in the system
}
