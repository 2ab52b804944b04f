package optimizer

import "slices"

// roundOff looks for a first plan of a large group: it solves the relaxation in
// slightly smaller rows, and gives each of the few models that it leaves
// undecided one column. What that takes beyond the smaller rows is then there.
func (g *columnGeneration) roundOff(out *result) {
	limits := slices.Clone(g.pool.limit)
	defer func() {
		copy(g.pool.limit, limits)
		g.master.basis.refactor()
	}()
	choice := make([]int, len(g.pool.columns))
	for _, spare := range []float64{0, 1e-3, 3e-3, 1e-2} {
		for r := range limits {
			g.pool.limit[r] = limits[r] * (1 - spare)
		}
		g.master.basis.refactor()
		if !g.master.solve(g.cutoffFor(out)) || g.master.exceeds() || g.group.work.stopped(0) {
			return
		}
		g.decide(choice, g.master.fractional(choice))
		if value, ok := g.check(choice); ok && value < out.value {
			g.adoptPlan(out, choice, value)
			return
		}
	}
}

// decide gives every undecided model the basic column with which the rows
// overflow least, one model after the other.
func (g *columnGeneration) decide(choice, mixed []int) {
	used := make([]float64, len(g.stage.limit))
	for _, j := range choice {
		subtract(used, g.pool.row(j), -1)
	}
	for _, i := range mixed {
		subtract(used, g.pool.row(choice[i]), 1)
		best, least := choice[i], g.overflow(used, choice[i])
		for _, j := range g.pool.columns[i][:g.pool.active[i]] {
			if g.master.share(j) > 0 {
				if o := g.overflow(used, j); o < least {
					best, least = j, o
				}
			}
		}
		choice[i] = best
		subtract(used, g.pool.row(best), -1)
	}
	g.group.work.add(len(choice))
}

// overflow is by how much a column exceeds the rows beyond what is used.
func (g *columnGeneration) overflow(used []float64, column int) float64 {
	sum := 0.0
	for r, entry := range g.pool.row(column) {
		sum += max(0, used[r]+entry-g.stage.limit[r])
	}
	return sum
}
