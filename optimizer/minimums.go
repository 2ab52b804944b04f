package optimizer

import "slices"

// serveNothing finds a first plan: one that keeps the models' minimums, as far
// as the budgets allow, and serves what then fits without any search.
func (g *group) serveNothing(wanted [][]int) {
	for i := range g.caps {
		g.caps[i] = 1
	}
	if g.plan = g.minimumPlan(); g.plan == nil {
		kept := g.relaxMinimums()
		if g.plan = g.minimumPlan(); g.plan == nil {
			g.plan = kept // the search had no time to find it again
		}
	}
	g.fill(wanted)
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
	r := g.minimise(g.stage(aimUse, 0, g.caps), nil, true)
	if r.points == nil && !r.proven {
		g.proven = false
	}
	return r.points
}

// relaxMinimums lowers the models' minimums to what the budgets allow, and
// returns a plan that keeps them. It plans for a demand of that many replicas:
// the same rules share them out as everything else.
func (g *group) relaxMinimums() [][]int {
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
		only.need = m.need[n:]
		only.signals = make([]string, len(only.need))
		aside.models, aside.floors = append(aside.models, only), append(aside.floors, only.floor())
		aside.plan = append(aside.plan, make([]int, len(m.variants)))
	}
	frugal := make([][]int, len(aside.models))
	for i, m := range aside.models {
		frugal[i] = m.frugal()
	}
	aside.fill(frugal)
	for _, priority := range aside.priorities() {
		bound := aside.lowerLargest(priority)
		largest, _ := aside.shortfalls(priority)
		missing := aside.lowerSum(priority, largest)
		g.proven = g.proven && largest-bound <= shortfallUnit/2 && missing <= 0
	}
	g.proven = g.proven && aside.proven
	g.leastUses = nil
	for i, m := range g.models {
		for r := len(m.signals); r < len(m.need); r++ {
			m.need[r] -= max(0, aside.models[i].uncovered(r-len(m.signals), aside.plan[i])) + Tolerance
		}
	}
	return aside.plan
}

// frugal covers the model's rows with the replicas that take least of the
// budgets, the scarcest of them each counted.
func (m *model) frugal() []int {
	k := make([]int, len(m.variants))
	order := sortedIndices(len(m.variants), func(i int) float64 { return slices.Max(append(m.variants[i].uses, 0)) })
	for r := range m.need {
		left := m.uncovered(r, k)
		for _, i := range order {
			v := &m.variants[i]
			for left > Tolerance && k[i] < v.high && v.covers[r] > 0 {
				k[i]++
				left -= v.covers[r]
			}
		}
	}
	return k
}
