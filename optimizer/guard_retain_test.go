package optimizer_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/variant-exporter/variant-exporter/optimizer"
)

// TestGuardRetainsAtLeastCost: what stays of the variants that go is the
// cheapest that carries as much as is missed.
func TestGuardRetainsAtLeastCost(t *testing.T) {
	generate := problems(shape{models: 1, variants: 3, signals: 2, replicas: 4, priorities: 1})
	retained := 0
	rapid.Check(t, func(t *rapid.T) {
		p := generate.Draw(t, "problem")
		var variants []optimizer.VariantState
		for range p.Models[0].Variants {
			current := rapid.IntRange(0, 6).Draw(t, "current")
			variants = append(variants, seen(current, rapid.IntRange(0, current).Draw(t, "ready")))
		}
		s := optimizer.State{Models: []optimizer.ModelState{known(variants...)}}
		place(&p, s)
		plan, d := guarded(t, p, s)
		m := outcomes(p, plan, s, d)[0]
		need := map[string]float64{}
		for signal, demand := range p.Models[0].Demand {
			need[signal] = min(demand, supply(m, signal, func(o *outcome) int { return o.planned }),
				supply(m, signal, func(o *outcome) int { return min(o.ready, maxOf(o.Variant)) }))
		}
		cost := func(n []int) (sum float64) {
			for j := range m {
				sum += m[j].Cost * float64(max(0, n[j]-m[j].planned))
			}
			return sum
		}
		after := make([]int, len(m))
		for j := range m {
			if after[j] = m[j].after; m[j].planned < m[j].current && after[j] > m[j].planned {
				retained++
			}
		}
		least := math.Inf(1)
		eachRetention(m, make([]int, 0, len(m)), func(n []int) {
			for signal, demand := range need {
				sum := 0.0
				for j := range m {
					sum += m[j].Capacity[signal] * float64(min(n[j], m[j].ready))
				}
				if sum < demand*(1-optimizer.Tolerance) {
					return
				}
			}
			if keeps := min(p.Models[0].MinReplicas, serving(m, nil)); serving(m, n) >= keeps {
				least = min(least, cost(n))
			}
		})
		if got := cost(after); got > least+1e-9 {
			t.Fatalf("%g to retain %v, %g is enough\n%v", got, after, least, m)
		}
	})
	if retained == 0 {
		t.Error("nothing was ever retained")
	}
}

// serving is how many of n replicas serve; nil stands for all that are ready
// and no more than are planned.
func serving(m []outcome, n []int) int {
	ready, planned := 0, 0
	for j := range m {
		if n == nil {
			ready += min(m[j].ready, maxOf(m[j].Variant))
		} else {
			ready += min(m[j].ready, n[j])
		}
		planned += m[j].planned
	}
	if n == nil {
		return min(ready, planned)
	}
	return ready
}

// eachRetention calls do for everything that can stay.
func eachRetention(m []outcome, n []int, do func([]int)) {
	if len(n) == len(m) {
		do(n)
		return
	}
	o := &m[len(n)]
	for k := o.planned; k <= max(o.planned, min(o.ready, maxOf(o.Variant))); k++ {
		eachRetention(m, append(n, k), do)
	}
}

// TestGuardUsesWhatAFailsafeFrees: a failsafe below the present makes room in
// the same decision, so what serves need not go for a minimum.
func TestGuardUsesWhatAFailsafeFrees(t *testing.T) {
	one := map[string]float64{"gpu": 1}
	p := optimizer.Problem{
		Budgets: []optimizer.Budget{{Name: "gpu", Limit: 4}},
		Models: []optimizer.Model{
			{Name: "m", Demand: map[string]float64{"load": 20}, Variants: []optimizer.Variant{
				{Name: "new", Min: 2, Current: 0, Cost: 1, Capacity: map[string]float64{"load": 10}, Uses: one},
				{Name: "old", Current: 2, Cost: 2, Capacity: map[string]float64{"load": 10}, Uses: one},
			}},
			{Name: "unknown", Variants: []optimizer.Variant{{Name: "v", Current: 2, Uses: one}}},
		},
	}
	s := optimizer.State{Models: []optimizer.ModelState{
		{Knowledge: optimizer.KnownFully, Variants: []optimizer.VariantState{{Current: new(0), Ready: new(0)}, {Current: new(2), Ready: new(2)}}},
		{Variants: []optimizer.VariantState{{Current: new(2), Ready: new(2), Failsafe: new(0)}}},
	}}
	plan, err := optimizer.Solve(optimizer.Constrain(p, s), optimizer.Options{})
	require.NoError(t, err)
	d := optimizer.Guard(p, plan, s, optimizer.Options{})
	fresh, old, unknown := *d.Models[0].Variants[0].Desired, *d.Models[0].Variants[1].Desired, *d.Models[1].Variants[0].Desired
	if fresh != 2 || old != 2 || unknown != 0 {
		t.Fatalf("%d of new, %d of old, %d of what is unknown", fresh, old, unknown)
	}
}
