package optimizer

import "math"

// makeRoom computes what the other models leave to each at most. It returns
// false where their least uses together exceed a budget.
func (g *columnGeneration) makeRoom() bool {
	n, rows := len(g.group.models), g.stage.budgets
	g.rooms = make([][]float64, n)
	if g.group.large() {
		for i := range g.rooms {
			g.rooms[i] = g.stage.limit[:rows]
		}
		return true
	}
	sum := make([]float64, rows)
	uses := make([][]float64, n)
	for i := range g.group.models {
		g.rooms[i] = append([]float64(nil), g.stage.limit[:rows]...)
		uses[i] = make([]float64, rows)
		for r := range rows {
			uses[i][r] = g.group.leastUse(i, r, g.stage.caps[i])
			sum[r] += uses[i][r]
		}
	}
	for r := range rows {
		if sum[r] > g.stage.limit[r] {
			return false
		}
		for i := range n {
			g.rooms[i][r] -= sum[r] - uses[i][r]
		}
	}
	return true
}

// useKey names a least use that is known.
type useKey struct {
	model, row int
	gridCap    float64
}

// leastUse returns a bound on what a model takes of one budget. It is beyond
// the budget where the model cannot meet its cap at all.
func (g *group) leastUse(i, r int, gridCap float64) float64 {
	key := useKey{i, r, gridCap}
	if use, ok := g.leastUses[key]; ok {
		return use
	}
	m := g.models[i]
	slopes := g.search.start(m)
	for j := range slopes {
		slopes[j].below = m.variants[j].use(r)
		slopes[j].above = slopes[j].below
	}
	g.search.run(&task{allow: allowance(gridCap)}, math.Inf(1))
	use := 2.0
	switch {
	case g.search.cut:
		use = min(use, g.search.root)
	case g.search.found:
		use = g.search.value
	}
	if g.leastUses == nil {
		g.leastUses = map[useKey]float64{}
	}
	g.leastUses[key] = use
	return use
}
