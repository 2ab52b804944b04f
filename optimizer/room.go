package optimizer

import "math"

// makeRoom computes what the other models leave to each at most. It returns
// false where their least uses together exceed a budget.
func (g *generator) makeRoom() bool {
	n, rows := len(g.models), g.st.budgets
	g.rooms = make([][]float64, n)
	sum := make([]float64, rows)
	uses := make([][]float64, n)
	for i, m := range g.models {
		g.rooms[i] = append([]float64(nil), g.st.limit[:rows]...)
		uses[i] = make([]float64, rows)
		if g.large() {
			continue
		}
		for r := range rows {
			uses[i][r] = g.leastUse(m, r, g.st.caps[i])
			sum[r] += uses[i][r]
		}
	}
	for r := range rows {
		if sum[r] > g.st.limit[r] {
			return false
		}
		for i := range n {
			g.rooms[i][r] -= sum[r] - uses[i][r]
		}
	}
	return true
}

// leastUse returns a bound on what a model takes of one budget.
func (g *group) leastUse(m *model, r int, gridCap float64) float64 {
	slopes := g.search.start(m)
	for i := range slopes {
		slopes[i].below = m.variants[i].uses[r]
		slopes[i].above = slopes[i].below
	}
	g.search.run(&task{allow: allowance(gridCap)}, math.Inf(1))
	if g.search.found && !g.search.cut {
		return g.search.value
	}
	return min(2, g.search.root)
}
