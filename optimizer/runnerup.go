package optimizer

import (
	"math"
	"slices"
)

// RunnerUp returns the cheapest other choice for one model of a plan, with the
// same shortfall, and how much dearer it is, in currency per hour including the
// start cost. All other models keep what the plan gives them. A choice that
// only adds replicas to the plan does not count. It returns false if there is
// no other choice, or if none was proven to be the cheapest within the work of
// one Solve.
func RunnerUp(p Problem, plan Plan, model int) (other ModelPlan, dearer float64, ok bool) {
	if p.validate() != nil || len(plan.Models) != len(p.Models) || len(p.Models[model].Variants) == 0 {
		return ModelPlan{}, 0, false
	}
	alone := p.alone(&plan, model)
	in := compile(&alone)
	m, room := in.models[0], make([]float64, len(in.rows))
	rows := sortedIndices(len(in.rows), func(r int) int { return r })
	for r := range room {
		room[r] = 1 + slack
	}
	k := make([]int, len(m.variants))
	for i := range m.variants {
		v := &m.variants[i]
		v.share(in.rows, rows)
		k[i] = max(0, plan.Models[model].Variants[v.index].Replicas-v.low)
	}
	for r := len(m.signals); r < len(m.need); r++ {
		m.need[r] -= max(0, m.uncovered(r, k)) // as far as the plan keeps the minimum
	}
	s := &search{work: newWork(Options{})}
	t := s.aloneTask(m, m.shortfall(k))
	t.step, t.beyond, t.room = 0, k, room
	s.run(t, math.Inf(1))
	if !s.found || s.cut {
		return ModelPlan{}, 0, false
	}
	points := [][]int{s.best}
	result := in.assemble(&alone, points)
	in.reasons(&alone, &result, points)
	return result.Models[0], rounded((s.value - m.cost(k)) / in.scale), true
}

// Cheapest returns the plan of one model that is cheapest to run, all other
// models as planned, and its cost: what starts cost does not count. It leaves no
// more demand unserved than the plan does; ok is false where none does, or was
// found in time.
func Cheapest(p Problem, plan Plan, model int, o Options) (best ModelPlan, cost float64, ok bool) {
	if p.validate() != nil || len(plan.Models) != len(p.Models) {
		return ModelPlan{}, 0, false
	}
	alone := p.alone(&plan, model)
	alone.Models = slices.Clone(alone.Models)
	m := &alone.Models[0]
	m.Variants = slices.Clone(m.Variants)
	for i := range m.Variants {
		m.Variants[i].StartCost = 0
	}
	found, err := Solve(alone, o)
	if err != nil || found.Models[0].Shortfall > plan.Models[model].Shortfall+Tolerance || found.Models[0].MinimumShort > plan.Models[model].MinimumShort {
		return ModelPlan{}, 0, false
	}
	return found.Models[0], found.Cost, true
}

// alone returns the problem of one model within what the others leave of the
// budgets.
func (p *Problem) alone(plan *Plan, model int) Problem {
	out := Problem{Budgets: make([]Budget, len(p.Budgets)), Models: p.Models[model : model+1]}
	copy(out.Budgets, p.Budgets)
	for _, i := range sortedIndices(len(p.Models), func(i int) string { return p.Models[i].Name }) {
		if i == model {
			continue
		}
		variants := p.Models[i].Variants
		for _, j := range sortedIndices(len(variants), func(j int) string { return variants[j].Name }) {
			for b := range out.Budgets {
				out.Budgets[b].Limit -= variants[j].Uses[out.Budgets[b].Name] * float64(plan.Models[i].Variants[j].Replicas)
			}
		}
	}
	for b := range out.Budgets {
		out.Budgets[b].Limit = max(0, out.Budgets[b].Limit)
	}
	return out
}
