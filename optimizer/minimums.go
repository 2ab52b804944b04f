package optimizer

import (
	"math"
	"slices"
)

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
	g.wanted = wanted
	g.fill(wanted)
}

// fill gives the models, the most important first, as large a part of the
// replicas they want as fits.
func (g *group) fill(wanted [][]int) {
	left := g.left()
	for _, c := range g.classes() {
		g.fillClass(c, wanted, left)
	}
}

// fillClass is fill for one priority.
func (g *group) fillClass(c *class, wanted [][]int, left []float64) {
	for _, i := range c.members {
		g.fillModel(i, wanted[i], left)
	}
}

// fillModel gives one model all, a half, a quarter and so on of what it wants,
// if that serves more than what it has.
func (g *group) fillModel(i int, wanted []int, left []float64) {
	m := g.models[i]
	had := m.shortfall(g.plan[i])
	m.take(left, g.plan[i], -1)
	for k := wanted; m.shortfall(k) < had; k = halved(k) {
		m.take(left, k, 1)
		if m.within(left) && m.keepsMinimum(k) {
			g.plan[i] = k
			return
		}
		m.take(left, k, -1)
	}
	m.take(left, g.plan[i], 1)
}

// halved returns half of a point.
func halved(k []int) []int {
	half := slices.Clone(k)
	for j := range half {
		half[j] /= 2
	}
	return half
}

// within reports whether nothing that the model uses is below zero.
func (m *model) within(left []float64) bool {
	for j := range m.variants {
		for _, t := range m.variants[j].uses {
			if left[t.row] < 0 {
				return false
			}
		}
	}
	return true
}

// left returns what the group's plan leaves of the budgets.
func (g *group) left() []float64 {
	left := g.rooms()
	for i, m := range g.models {
		m.take(left, g.plan[i], 1)
	}
	return left
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
		rows: g.rows, work: g.work, search: g.search, room: g.room,
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
	running, frugal := make([][]int, len(aside.models)), make([][]int, len(aside.models))
	for i, m := range aside.models {
		running[i], frugal[i] = m.running(), m.frugal()
	}
	aside.wanted = frugal
	left := aside.left()
	for _, c := range aside.classes() {
		aside.fillClass(c, running, left) // Of equal claims, those that are served already come first.
		aside.fillClass(c, frugal, left)
	}
	for _, c := range aside.classes() {
		bound := aside.lowerLargest(c)
		largest, _ := aside.shortfalls(c)
		missing := aside.lowerSum(c, largest)
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
	return m.cover(func(v *variant) float64 {
		most := 0.0
		for _, t := range v.uses {
			most = max(most, t.use)
		}
		return most
	})
}

// running is frugal with the replicas that run already, as far as they go.
func (m *model) running() []int {
	held := *m
	held.variants = slices.Clone(m.variants)
	for i := range held.variants {
		v := &held.variants[i]
		v.high = min(v.high, max(0, v.held))
	}
	return held.frugal()
}

// cover covers the model's rows one after the other as far as can be, with the
// replicas whose price per coverage is least. It does not search.
func (m *model) cover(price func(*variant) float64) []int {
	k := make([]int, len(m.variants))
	ratio := make([]float64, len(m.variants))
	for r := range m.need {
		left := m.uncovered(r, k)
		if left <= 0 {
			continue
		}
		for i := range m.variants {
			ratio[i] = price(&m.variants[i]) / m.variants[i].covers[r]
		}
		for _, i := range sortedIndices(len(m.variants), func(i int) float64 { return ratio[i] }) {
			v := &m.variants[i]
			if left <= 0 || (left <= Tolerance && r < len(m.signals)) {
				break
			}
			if v.covers[r] > 0 {
				n := min(v.high-k[i], int(min(math.Ceil(left/v.covers[r]), MaxReplicas)))
				k[i] += n
				left -= float64(n) * v.covers[r]
			}
		}
	}
	return k
}
