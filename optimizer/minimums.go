package optimizer

import "slices"

// serveNothing finds a first plan: one that keeps the models' minimums, as far
// as the budgets allow, and serves what then fits without any search.
func (g *group) serveNothing(wanted [][]int) {
	for i := range g.caps {
		g.caps[i] = 1
	}
	if g.plan = g.minimumPlan(); g.plan == nil {
		g.relaxMinimums()
		if g.plan = g.minimumPlan(); g.plan == nil {
			g.plan = g.dropMinimums()
		}
	}
	g.fill(wanted)
}

// dropMinimums gives up the models' minimums, when the search has no time to
// keep them.
func (g *group) dropMinimums() [][]int {
	for _, m := range g.models {
		if n := len(m.signals); n < len(m.need) {
			m.need[n] = 0
		}
	}
	g.leastUses, g.proven = nil, false
	return g.minimumPlan()
}

// fill gives the models, the most important first, as large a part of the
// replicas they want as fits.
func (g *group) fill(wanted [][]int) {
	left := make([]float64, len(g.rows))
	for r := range left {
		left[r] = 1
	}
	for i, m := range g.models {
		m.take(left, g.plan[i], 1)
	}
	for _, priority := range g.priorities() {
		for i, m := range g.models {
			if m.priority == priority {
				g.fillModel(i, wanted[i], left)
			}
		}
	}
}

// fillModel gives one model all, a half, a quarter and so on of what it wants.
func (g *group) fillModel(i int, wanted []int, left []float64) {
	m := g.models[i]
	m.take(left, g.plan[i], -1)
	k := slices.Clone(wanted)
	for slices.Max(append(k, 0)) > 0 {
		m.take(left, k, 1)
		if slices.Min(append(left, 0)) >= 0 && m.keepsMinimum(k) {
			g.plan[i] = k
			return
		}
		m.take(left, k, -1)
		for j := range k {
			k[j] /= 2
		}
	}
	m.take(left, g.plan[i], 1)
}

// minimumPlan returns a plan that keeps the minimums and nothing else, or nil.
func (g *group) minimumPlan() [][]int {
	bare := true
	plan := make([][]int, len(g.models))
	for i, m := range g.models {
		plan[i] = make([]int, len(m.variants))
		bare = bare && m.keepsMinimum(plan[i])
	}
	if bare {
		return plan
	}
	return g.minimise(g.stage(aimUse, 0, g.caps), nil, true).points
}

// relaxMinimums lowers the models' minimums to what the budgets allow. It
// plans for a demand of that many replicas, so that the replicas there are go
// round by the same rules as everything else.
func (g *group) relaxMinimums() {
	aside := &group{
		rows: g.rows, work: g.work, search: g.search,
		known: make([][][]int, len(g.models)), caps: slices.Clone(g.caps), proven: true,
	}
	for _, m := range g.models {
		only := &model{priority: m.priority, divisor: 1, variants: slices.Clone(m.variants)}
		n := len(m.signals)
		for i := range only.variants {
			only.variants[i].covers = m.variants[i].covers[n:]
		}
		if only.need = m.need[n:]; len(only.need) > 0 {
			only.signals = []string{""}
		}
		aside.models, aside.floors = append(aside.models, only), append(aside.floors, only.floor())
		aside.plan = append(aside.plan, make([]int, len(m.variants)))
	}
	for _, priority := range aside.priorities() {
		aside.lowerLargest(priority)
		largest, _ := aside.shortfalls(priority)
		aside.lowerSum(priority, largest)
	}
	g.leastUses = nil
	for i, m := range g.models {
		if n := len(m.signals); n < len(m.need) {
			m.need[n] -= max(0, aside.models[i].uncovered(0, aside.plan[i])) + Tolerance
		}
	}
}
