package optimizer_test

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/internal/long"
	"github.com/variant-exporter/variant-exporter/optimizer"
)

var judged = flag.Uint64("judged", 0, "random problems of each family that a MILP solver judges; by default 4, and 15 with TEST_LONG")

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

// lumpy returns a random problem of 2 to 6 models with many replicas, whose
// variants come in sizes of 1, 2, 4 and 8 accelerators: near ties everywhere.
func lumpy(seed uint64) optimizer.Problem {
	random := rand.New(rand.NewPCG(seed, 77))
	var p optimizer.Problem
	size, models, budgets := 5+random.Float64()*45, 2+random.IntN(5), 1+random.IntN(5)
	for b := range budgets {
		limit := math.Round(size * float64(models) * (0.2 + random.Float64()*1.6))
		p.Budgets = append(p.Budgets, optimizer.Budget{Name: fmt.Sprintf("b%d", b), Limit: limit})
	}
	tied := random.IntN(2) == 0
	for i := range models {
		m := optimizer.Model{Name: fmt.Sprintf("m%d", i), Priority: 1 + random.IntN(3), Demand: map[string]float64{}}
		signals := 1 + random.IntN(3)
		for s := range signals {
			m.Demand[fmt.Sprintf("s%d", s)] = math.Round(size * 100 * (0.5 + random.Float64()))
		}
		for j := range 2 + random.IntN(5) {
			count := float64(int(1) << random.IntN(4))
			v := optimizer.Variant{
				Name: fmt.Sprintf("v%d", j), Cost: math.Round(count*(1+random.Float64()*3)*100) / 100,
				Current: random.IntN(10), Capacity: map[string]float64{}, Uses: map[string]float64{},
			}
			if tied {
				v.Cost = count * float64(1+random.IntN(3))
			}
			v.StartCost = math.Round(v.Cost*10) / 100
			for s := range signals {
				capacity := 100 * count
				if !tied {
					capacity = math.Round(capacity * (0.5 + random.Float64()))
				}
				v.Capacity[fmt.Sprintf("s%d", s)] = capacity
			}
			v.Uses[p.Budgets[random.IntN(budgets)].Name] = count
			if random.IntN(2) == 0 {
				v.Uses[p.Budgets[0].Name] = math.Round(count*700) / 100
			}
			m.Variants = append(m.Variants, v)
		}
		p.Models = append(p.Models, m)
	}
	return p
}

// ordered returns a random problem of 20 models of up to 10 priorities with one budget that runs out, and sometimes a second one: as
// many as are planned as a large group, priority by priority.
func ordered(seed uint64) optimizer.Problem {
	random := rand.New(rand.NewPCG(seed, 78))
	p := optimizer.Problem{Budgets: []optimizer.Budget{{Name: "b0", Limit: float64(20 + random.IntN(60))}}}
	if random.IntN(3) == 0 {
		p.Budgets = append(p.Budgets, optimizer.Budget{Name: "b1", Limit: float64(20 + random.IntN(60))})
	}
	priorities := 1 + random.IntN(10)
	for i := range 20 {
		m := optimizer.Model{
			Name: fmt.Sprintf("m%02d", i), Priority: 1 + random.IntN(priorities),
			Demand: map[string]float64{"s": float64(1 + random.IntN(20))},
		}
		for j := range 1 + random.IntN(3) {
			count := 1 + random.IntN(4)
			m.Variants = append(m.Variants, optimizer.Variant{
				Name: fmt.Sprintf("v%d", j), Cost: float64(1 + random.IntN(9)), Current: random.IntN(3),
				Capacity: map[string]float64{"s": float64(count + random.IntN(4))},
				Uses:     map[string]float64{p.Budgets[random.IntN(len(p.Budgets))].Name: float64(count)},
			})
		}
		p.Models = append(p.Models, m)
	}
	return p
}

func TestSolveEqualsMILP(t *testing.T) {
	for _, family := range []struct {
		name    string
		problem func(uint64) optimizer.Problem
	}{{"scarce", scarce}, {"lumpy", lumpy}, {"ordered", ordered}} {
		t.Run(family.name, func(t *testing.T) {
			var all verdicts
			problems := *judged
			if problems == 0 {
				problems = long.Of[uint64](4, 15)
			}
			for seed := range problems {
				all.judge(t, seed, family.problem(seed))
			}
			t.Logf("planner %s (slowest %s), cbc %s, %d without an answer from cbc",
				all.ours, all.slowest, all.theirs, all.open)
		})
	}
}

// verdicts sums up what it took to judge plans.
type verdicts struct {
	ours, theirs, slowest time.Duration
	open                  int
}

// judge compares the plan for a problem with that of the MILP solver in every
// objective. Where the solver's plan is the worse one it is not believed.
func (v *verdicts) judge(t *testing.T, seed uint64, p optimizer.Problem) {
	judge := newMILP(t, p)
	judge.limit = 20 * time.Second
	begin := time.Now()
	plan, err := optimizer.Solve(p, optimizer.Options{})
	spent := time.Since(begin)
	require.NoError(t, err)
	v.ours += spent
	v.slowest = max(v.slowest, spent)
	if plan.Status != optimizer.StatusOptimal {
		t.Errorf("seed %d: status %s, gaps %g and %g", seed, plan.Status, plan.ShortfallGap, plan.Gap)
	}
	if len(plan.OverBudget) > 0 {
		return
	}
	n, ok := judge.solve(t)
	v.theirs += judge.spent
	if !ok {
		v.open++
		return
	}
	got, want := worth(p, planned(plan)), worth(p, n)
	if c := got.compare(want, 1e-6); c < 0 && fits(p, planned(plan)) {
		t.Logf("seed %d: the MILP solver missed the optimum: got %+v, it says %+v", seed, got, want)
	} else if c != 0 {
		t.Errorf("seed %d: got %+v, want %+v", seed, got, want)
	}
}
