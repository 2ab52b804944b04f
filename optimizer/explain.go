package optimizer

import (
	"math"
	"slices"
)

// reasons fills in the reason of every variant.
func (in *instance) reasons(p *Problem, plan *Plan, points [][]int) {
	spare := make([]float64, len(in.rows))
	for i, r := range in.rows {
		b := &plan.Budgets[r.index]
		spare[i] = b.Limit*(1+Tolerance) - b.Used
	}
	for at, m := range in.models {
		to := &plan.Models[m.index]
		e := explainer{model: m, from: &p.Models[m.index], k: points[at], plan: to, spare: spare}
		for i := range m.variants {
			if e.k[i] > 0 {
				e.dearest = max(e.dearest, e.pricePerUnit(i))
			}
		}
		for i := range m.variants {
			to.Variants[m.variants[i].index].Reason = e.reason(i)
		}
	}
}

// explainer explains the plan of one model.
type explainer struct {
	model *model
	from  *Model
	plan  *ModelPlan
	k     []int
	spare []float64
	// dearest is the highest price per unit of a variant that runs.
	dearest float64
}

// reason says what determined the replicas of a variant. It is a maximum or a
// budget if another replica of the variant would be wanted.
func (e *explainer) reason(i int) Reason {
	v := &e.model.variants[i]
	if e.wanted(i) {
		if most := e.from.Variants[v.index].Max; most != nil && v.low+e.k[i] >= *most {
			return ReasonMax
		}
		for _, t := range v.takes {
			if t.use > e.spare[t.row] {
				return ReasonBudget
			}
		}
	}
	switch {
	case e.k[i] == 0 && v.low > 0:
		return ReasonMin
	case e.k[i] == 0:
		return e.unneeded()
	}
	return e.need(i)
}

// wanted reports whether the model would use another replica of the variant if it
// could: because it is short, or runs others at a higher price for what they
// serve of the binding signal.
func (e *explainer) wanted(i int) bool {
	price := e.pricePerUnit(i)
	if math.IsInf(price, 1) {
		return false
	}
	if e.plan.Shortfall > 0 {
		return true
	}
	return e.dearest > price
}

// pricePerUnit returns the cost of a unit of the binding signal on a variant.
func (e *explainer) pricePerUnit(i int) float64 {
	v := &e.from.Variants[e.model.variants[i].index]
	capacity := v.Capacity[e.plan.Binding]
	if capacity <= 0 {
		return math.Inf(1)
	}
	return v.Cost / capacity
}

// need says what one replica of a variant is needed for.
func (e *explainer) need(i int) Reason {
	e.k[i]--
	defer func() { e.k[i]++ }()
	if gridded(e.model.shortfall(e.k)) > gridded(e.plan.Shortfall) {
		return ReasonDemand
	}
	if !e.model.keepsMinimum(e.k) {
		return ReasonMin
	}
	return e.unneeded()
}

// unneeded says why a variant of which no replica is needed is not.
func (e *explainer) unneeded() Reason {
	if len(e.model.signals) == 0 {
		return ReasonIdle
	}
	return ReasonNotNeeded
}

// explain fills in what the plan's alternatives would have cost.
func (s *solver) explain(plan *Plan) {
	for _, g := range s.groups {
		for r, at := range g.rows {
			if s.work.stopped(0) {
				return
			}
			if g.unbound && !g.limits(at) {
				continue
			}
			plan.Budgets[s.rows[at].index].ShadowPrice = rounded(g.saving(r, s.rows) / s.scale)
		}
	}
	if delta := s.runnerUp(); !math.IsInf(delta, 1) {
		cost := rounded(plan.Cost + plan.StartCost + delta/s.scale)
		plan.RunnerUpCost = &cost
	}
}

// limits reports whether a budget is what keeps a variant by itself from its
// largest useful number.
func (g *group) limits(r int) bool {
	for _, m := range g.models {
		for i := range m.variants {
			v := &m.variants[i]
			takes := func(t take) bool { return t.row == r }
			if v.high < v.useful && slices.ContainsFunc(v.takes, takes) {
				return true
			}
		}
	}
	return false
}

// saving returns the cost units that one more unit of a budget would save, at
// the shortfalls reached. For a small group the cost is minimised again with
// that unit; for a large one it is the budget's price at the bound.
func (g *group) saving(r int, rows []row) float64 {
	room := rows[g.rows[r]].room
	if g.large() {
		if len(g.duals) == 0 {
			return 0
		}
		return g.duals[r] / room
	}
	more := slices.Clone(rows)
	more[g.rows[r]].room++
	wider := &group{
		at: g.at, rows: g.rows, work: g.work, search: g.search, caps: g.caps, sums: g.sums,
		known: make([][][]int, len(g.models)),
	}
	for _, m := range g.models {
		wider.models = append(wider.models, m.resized(more, g.rows))
	}
	result := wider.minimise(wider.stage(aimCost, 0, wider.caps), g.plan, false)
	return max(0, g.cost()-result.value)
}

// resized returns a copy of the model for other rooms of the rows; local lists
// the rows of its group.
func (m *model) resized(rows []row, local []int) *model {
	out := *m
	out.variants = slices.Clone(m.variants)
	for i := range out.variants {
		v := &out.variants[i]
		v.high = v.within(rows)
		v.share(rows, local)
	}
	return &out
}

// cost returns the cost units of the group's plan.
func (g *group) cost() float64 {
	sum := 0.0
	for i, m := range g.models {
		sum += m.cost(g.plan[i])
	}
	return sum
}

// runnerUp returns by how many cost units the cheapest other plan of the same
// shortfalls is dearer. A plan that only adds replicas to this one does not
// count. The result is infinite if there is none, or if it was not searched
// because a group is large or the work was used up.
func (s *solver) runnerUp() float64 {
	least := math.Inf(1)
	for _, g := range s.groups {
		if g.large() || !g.proven {
			return math.Inf(1)
		}
		least = min(least, g.runnerUp(least))
	}
	for i, m := range s.models {
		if s.home[i] != nil || len(m.variants) == 0 {
			continue
		}
		if s.work.stopped(0) {
			return math.Inf(1)
		}
		cost := m.cost(s.points[i])
		t := s.search.aloneTask(m, m.floor())
		t.step, t.beyond = 0, s.points[i]
		if s.search.run(t, cost+least); s.search.found {
			least = s.search.value - cost
		}
	}
	return least
}

// runnerUp is the same for a group, as far as it is less than least.
func (g *group) runnerUp(least float64) float64 {
	cost := g.cost()
	for i, m := range g.models {
		if len(m.variants) == 0 {
			continue
		}
		st := stage{
			aim: aimCost, caps: g.caps, sums: g.sums, cost: math.Inf(1),
			model: i, beyond: g.plan[i], under: cost + least,
		}
		if r := g.minimise(newStage(st, g.rooms()), nil, false); r.points != nil {
			least = r.value - cost
		}
		if g.work.stopped(0) {
			return math.Inf(1)
		}
	}
	return least
}
