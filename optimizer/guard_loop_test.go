package optimizer_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/variant-exporter/variant-exporter/optimizer"
)

// cluster is a fleet in which decisions come true.
type cluster struct {
	problem optimizer.Problem
	borrow  map[string]float64
	// speed is by how many replicas a limit on change lets a variant move in
	// one round; 0 is no limit.
	speed            int
	current, serving replicas
}

// drawCluster draws a fleet at any present within its bounds.
func drawCluster(t *rapid.T, p optimizer.Problem) *cluster {
	c := &cluster{problem: p, borrow: map[string]float64{}, speed: rapid.SampledFrom([]int{0, 0, 1, 3}).Draw(t, "speed")}
	for i := range p.Models {
		var current, serving []int
		for j := range p.Models[i].Variants {
			v := &p.Models[i].Variants[j]
			n := rapid.IntRange(v.Min, min(maxOf(v), v.Min+9)).Draw(t, "current")
			current, serving = append(current, n), append(serving, rapid.IntRange(0, n).Draw(t, "ready"))
		}
		c.current, c.serving = append(c.current, current), append(c.serving, serving)
	}
	return c
}

// state is what is seen of the cluster.
func (c *cluster) state() optimizer.State {
	s := optimizer.State{Borrow: c.borrow}
	for i := range c.current {
		var variants []optimizer.VariantState
		for j, n := range c.current[i] {
			v := seen(n, c.serving[i][j])
			if c.speed > 0 {
				v.Fewest, v.Most = new(max(0, n-c.speed)), new(n+c.speed)
			}
			variants = append(variants, v)
		}
		s.Models = append(s.Models, known(variants...))
	}
	return s
}

// round plans, guards, and makes the decision true. Of a variant that shrinks
// the pods that are not ready go first.
func (c *cluster) round(t *rapid.T) optimizer.Plan {
	s := c.state()
	place(&c.problem, s)
	plan, d := guarded(t, c.problem, s)
	for i := range d.Models {
		for j, v := range d.Models[i].Variants {
			c.current[i][j] = *v.Desired
			c.serving[i][j] = min(c.serving[i][j], *v.Desired)
		}
	}
	return plan
}

// start lets some of the pods that are not ready become ready, at least one of
// each variant.
func (c *cluster) start(t *rapid.T) {
	for i := range c.current {
		for j, n := range c.current[i] {
			if c.serving[i][j] < n {
				c.serving[i][j] += rapid.IntRange(1, n-c.serving[i][j]).Draw(t, "started")
			}
		}
	}
}

// carried is what numbers of replicas carry of a demand, and no more than it.
func carried(m *optimizer.Model, signal string, n []int) float64 {
	sum := 0.0
	for j := range m.Variants {
		sum += m.Variants[j].Capacity[signal] * float64(n[j])
	}
	return min(sum, m.Demand[signal])
}

// checkRound lets a round pass. What serves is not to carry less than before
// and than the plan, and no budget is to be exceeded by more than it lends or
// than it was before.
func (c *cluster) checkRound(t *rapid.T) (settled bool) {
	serving, used := clone(c.serving), usage(c.problem, c.current)
	plan := planned(c.round(t))
	for i := range c.problem.Models {
		m := &c.problem.Models[i]
		for signal := range m.Demand {
			least := min(carried(m, signal, serving[i]), carried(m, signal, plan[i]))
			if after := carried(m, signal, c.serving[i]); after < least*(1-2*optimizer.Tolerance) {
				t.Fatalf("models[%d]: %g of %s is carried, of %g", i, after, signal, least)
			}
		}
	}
	for b, after := range usage(c.problem, c.current) {
		limit := c.problem.Budgets[b].Limit + c.borrow[c.problem.Budgets[b].Name]
		if most := max(limit, used[b]); after > most*(1+3*optimizer.Tolerance) {
			t.Fatalf("budgets[%d]: %g used, of %g", b, after, most)
		}
	}
	return slices.EqualFunc(plan, c.serving, slices.Equal) && slices.EqualFunc(plan, c.current, slices.Equal)
}

var fleetsInMotion = shape{models: 3, variants: 3, signals: 2, budgets: 2, replicas: 4, priorities: 2}

// TestGuardedRoundsReachThePlan: from any present, round after round leads to
// the plan where the budgets lend enough.
func TestGuardedRoundsReachThePlan(t *testing.T) {
	generate := problems(fleetsInMotion)
	rapid.Check(t, func(t *rapid.T) {
		c := drawCluster(t, generate.Draw(t, "problem"))
		for _, b := range c.problem.Budgets {
			c.borrow[b.Name] = 1000
		}
		for range 60 {
			if c.checkRound(t) {
				return
			}
			c.start(t)
		}
		t.Fatalf("the plan is not reached\n%v asked for, %v serve\n%+v", c.current, c.serving, c.problem)
	})
}

// TestGuardedRoundsUnderTightBudgets: where the budgets lend nothing a swap may
// have to wait, but nothing is lost on the way.
func TestGuardedRoundsUnderTightBudgets(t *testing.T) {
	generate := problems(fleetsInMotion)
	rapid.Check(t, func(t *rapid.T) {
		c := drawCluster(t, generate.Draw(t, "problem"))
		for range 10 {
			c.checkRound(t)
			c.start(t)
		}
	})
}

func clone(n replicas) replicas {
	out := slices.Clone(n)
	for i := range out {
		out[i] = slices.Clone(out[i])
	}
	return out
}
