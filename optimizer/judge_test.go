package optimizer_test

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/variant-exporter/variant-exporter/optimizer"
)

var judged = flag.Int("judged", 30, "random problems that a MILP solver judges")

// scarce returns a random problem of 1 to 6 models under tight budgets.
func scarce(seed uint64) optimizer.Problem {
	random := rand.New(rand.NewPCG(seed, 7))
	between := func(low, high float64) float64 {
		return math.Round((low+random.Float64()*(high-low))*100) / 100
	}
	var p optimizer.Problem
	size := between(2, 12)
	models := 1 + random.IntN(6)
	for b := range 1 + random.IntN(3) {
		p.Budgets = append(p.Budgets, optimizer.Budget{
			Name: fmt.Sprintf("b%d", b), Limit: math.Round(size * float64(models) * between(0.2, 1.6)),
		})
	}
	for i := range models {
		m := optimizer.Model{Name: fmt.Sprintf("m%d", i), Priority: 1 + random.IntN(3), Demand: map[string]float64{}}
		signals := 1 + random.IntN(3)
		for s := range signals {
			m.Demand[fmt.Sprintf("s%d", s)] = between(10, 100*size/4)
		}
		for j := range 1 + random.IntN(5) {
			v := optimizer.Variant{
				Name: fmt.Sprintf("v%d", j), Cost: between(1, 10), Current: random.IntN(6),
				Capacity: map[string]float64{}, Uses: map[string]float64{},
			}
			if random.IntN(2) == 0 {
				v.StartCost = between(0, 2)
			}
			if random.IntN(3) == 0 {
				most := random.IntN(10)
				v.Max = &most
				v.Min = min(most, random.IntN(6)/4)
			}
			for s := range signals {
				if random.IntN(8) > 0 {
					v.Capacity[fmt.Sprintf("s%d", s)] = between(5, 60)
				}
			}
			for _, b := range p.Budgets {
				if random.IntN(3) > 0 {
					v.Uses[b.Name] = float64(1 + random.IntN(4))
				}
			}
			m.Variants = append(m.Variants, v)
		}
		p.Models = append(p.Models, m)
	}
	return p
}

func TestSolveEqualsMILP(t *testing.T) {
	var ours, theirs, slowest time.Duration
	for seed := range *judged {
		p := scarce(uint64(seed))
		judge := newMILP(t, p)
		begin := time.Now()
		plan, err := optimizer.Solve(p, optimizer.Options{})
		spent := time.Since(begin)
		if err != nil {
			t.Fatal(err)
		}
		ours += spent
		if spent > slowest {
			slowest = spent
		}
		if spent > 200*time.Millisecond {
			t.Logf("seed %d took %s", seed, spent)
		}
		if plan.Status != optimizer.StatusOptimal {
			t.Errorf("seed %d: status %s, gaps %g and %g", seed, plan.Status, plan.ShortfallGap, plan.Gap)
		}
		if len(plan.OverBudget) > 0 {
			continue
		}
		n, ok := judge.solve(t)
		theirs += judge.spent
		if !ok {
			t.Logf("seed %d: cbc has no answer", seed)
			continue
		}
		got, want := worth(p, planned(plan)), worth(p, n)
		if c := got.compare(want, 1e-6); c < 0 && fits(p, planned(plan)) {
			t.Logf("seed %d: the MILP solver missed the optimum: got %+v, it says %+v", seed, got, want)
		} else if c != 0 {
			t.Errorf("seed %d: got %+v, want %+v", seed, got, want)
		}
	}
	t.Logf("planner %s (slowest %s), cbc %s", ours, slowest, theirs)
}
