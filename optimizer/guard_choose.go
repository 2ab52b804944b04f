package optimizer

import (
	"cmp"
	"math"
	"slices"
)

// left returns, below zero, what the given numbers use of the budgets.
func (g *guard) left(number func(*guardedVariant) int) []float64 {
	left := make([]float64, len(g.problem.Budgets))
	for i := range g.models {
		for j := range g.models[i].variants {
			v := &g.models[i].variants[j]
			v.take(left, number(v))
		}
	}
	return left
}

// take takes what n replicas use from what is left of the budgets.
func (v *guardedVariant) take(left []float64, n int) {
	for _, t := range v.takes {
		left[t.row] -= t.use * float64(n)
	}
}

// set makes n the number at hand.
func (g *guard) set(v *guardedVariant, n int) {
	v.take(g.room, n-v.n)
	v.n = n
}

// startWork bounds the search for what to start first. All of it is started in
// the end, so the order need not be proven: ten times the work takes a thousand
// models twice the time.
const startWork = 30_000

// choose asks the planner for the cheapest numbers of the variants between low
// and top that serve what the models want within what is left of the budgets,
// and makes them the numbers at hand. It returns false and changes nothing if
// the planner ended before it found all that is wanted or proved that there is
// no more.
func (g *guard) choose(open []*guardedModel, wants func(*guardedModel) want, starting bool) bool {
	p := Problem{Budgets: make([]Budget, len(g.room)), Models: make([]Model, len(open))}
	used := make([]float64, len(g.room))
	for i, m := range open {
		w := wants(m)
		to := Model{Name: m.Name, Priority: m.Priority, MinReplicas: w.replicas, Demand: w.demand, Variants: make([]Variant, 0, len(m.variants))}
		for j := range m.variants {
			v := &m.variants[j]
			to.Variants = append(to.Variants, v.open(starting))
			if v.top > v.low {
				v.take(used, v.low)
			}
		}
		p.Models[i] = to
	}
	for b := range p.Budgets {
		limit := max(0, g.room[b]) - used[b]
		p.Budgets[b] = Budget{Name: g.problem.Budgets[b].Name, Limit: min(limit, maxNumber)}
	}
	o := g.options
	if starting {
		o.WorkLimit = min(newWork(o).limit, startWork)
	}
	plan, _, err := solve(&p, o)
	if err != nil || !starting && plan.Status != StatusOptimal && slices.ContainsFunc(plan.Models, ModelPlan.short) {
		return false
	}
	for i, m := range open {
		for j := range m.variants {
			if v := &m.variants[j]; v.top > v.low {
				g.set(v, plan.Models[i].Variants[j].Replicas)
			}
		}
	}
	return true
}

// short reports whether a model is short of its demand.
func (m ModelPlan) short() bool { return m.Shortfall > 0 }

// open states a variant as the planner sees it in a choice. A variant that is not
// open only serves its part.
func (v *guardedVariant) open(starting bool) Variant {
	out := Variant{Name: v.Name, Role: v.Role, Min: v.low, Max: new(v.top), Current: v.low, Capacity: v.Capacity}
	if v.top > v.low {
		out.Cost, out.Uses = v.Cost, v.Uses
		if starting {
			out.StartCost = v.StartCost
		}
	}
	return out
}

// fill raises the open variants towards their top as far as the budgets have
// room, the most important models first.
func (g *guard) fill(open []*guardedModel) {
	open = slices.Clone(open)
	slices.SortStableFunc(open, func(a, b *guardedModel) int { return cmp.Compare(a.Priority, b.Priority) })
	for _, m := range open {
		for j := range m.variants {
			v := &m.variants[j]
			if v.top == v.low {
				continue
			}
			g.set(v, v.n+g.fits(v, v.top-v.n))
		}
	}
}

// fits is how many of so many more replicas of a variant the budgets have room
// for.
func (g *guard) fits(v *guardedVariant, more int) int {
	most := float64(max(0, more))
	for _, t := range v.takes {
		most = min(most, math.Floor(max(0, g.room[t.row])/t.use))
	}
	return int(most)
}
