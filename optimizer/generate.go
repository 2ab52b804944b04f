package optimizer

import (
	"math"
	"slices"
)

// columnGeneration solves one stage of a group: column generation for the bound
// (Dantzig and Wolfe 1960), then all columns that the gap leaves, then branch
// and bound over them.
type columnGeneration struct {
	group *group
	stage *stage
	// first ends the stage with the first plan found.
	first  bool
	pool   *pool
	master *restrictedMaster
	tree   *branchAndBound
	// rooms is what each model may take of the budgets at most.
	rooms [][]float64
	// bound is the best bound, over all points and not only over the pool.
	bound lagrangian
	// entries is room for what one point takes of the coupling rows.
	entries []float64
}

// result is what a stage came to.
type result struct {
	// points is the best choice found; nil is none.
	points [][]int
	value  float64
	// lower bounds the value of all choices; proven says that the result is
	// the best there is, or that there is none.
	lower  float64
	proven bool
	// duals are the prices of the coupling rows at the bound.
	duals []float64
}

// bound returns what is proven to be the least value.
func (r *result) bound() float64 {
	if r.proven {
		return r.value
	}
	return r.lower
}

// Limits of the parts of one stage.
const (
	maxRounds      = 60
	enumerateLimit = 30_000
	// largeLimit is the same for a very large group, largeColumns how many
	// columns per model it may have.
	largeLimit   = 300
	largeColumns = 12
	diveNodes    = 300
	// maxEntries bounds the entries of all columns: 8 bytes each.
	maxEntries = 6_000_000
	// adoptWork is what a column takes however small it is.
	adoptWork = 4
)

// newColumnGeneration starts a stage without columns.
func newColumnGeneration(g *group, st *stage, first bool) *columnGeneration {
	rows := len(st.limit)
	return &columnGeneration{
		group: g, stage: st, first: first, pool: newPool(len(g.models), slices.Clone(st.limit)),
		bound:   lagrangian{value: math.Inf(-1), duals: make([]float64, rows), least: make([]float64, len(g.models))},
		entries: make([]float64, rows),
	}
}

// minimise solves a stage, starting from a plan that fulfils it or from none.
// If first is set it ends with the first plan found.
func (g *group) minimise(st *stage, start [][]int, first bool) result {
	gen := newColumnGeneration(g, st, first)
	if g.large() {
		defer g.work.part(g.share(st, first))()
	}
	out := result{value: min(st.under, gen.ceiling())}
	if start != nil {
		out.points, out.value = start, gen.total(start)
	}
	if g.work.stopped(0) {
		return out
	}
	if !gen.makeRoom() {
		out.proven, out.lower = true, out.value
		return out
	}
	g.work.add(len(g.models))
	if !gen.seed(start) {
		// No point keeps the limits, unless the search for one was cut short.
		if out.proven = !g.search.cut && !g.work.stopped(0); out.proven {
			out.lower = out.value
		}
		return out
	}
	g.work.interrupted() // what follows takes a while for many models
	gen.master = newRestrictedMaster(gen.pool, g.work, gen.ceiling())
	gen.tree = &branchAndBound{
		pool: gen.pool, master: gen.master, accept: gen.check, step: st.step, noise: st.noise, first: first,
	}
	gen.improve(&out)
	out.duals = gen.bound.duals
	g.remember(gen.pool)
	return out
}

// ceiling returns a value that every choice stays below.
func (g *columnGeneration) ceiling() float64 {
	sum := 1.0
	if g.stage.aim == aimUse {
		sum = 1e-6
		for _, limit := range g.stage.limit[:g.stage.budgets] {
			sum += limit
		}
		return sum
	}
	for i, m := range g.group.models {
		switch g.stage.aim {
		case aimShortfall:
			sum += g.stage.caps[i]
		case aimCost:
			sum += m.cost(m.largest())
		default:
			sum += float64(m.changes(m.largest()) + m.changes(make([]int, len(m.variants))))
		}
	}
	return sum
}

// total returns the value of a plan.
func (g *columnGeneration) total(points [][]int) float64 {
	sum := 0.0
	for i, m := range g.group.models {
		sum += g.stage.measure(m, points[i], g.entries)
	}
	return sum
}

// improve runs the parts of the method one after the other until one of them
// completes the proof.
func (g *columnGeneration) improve(out *result) {
	if g.generate(g.cutoffFor(out)) {
		out.lower, out.proven = max(g.bound.value, out.value), true
		return
	}
	out.lower = max(0, g.bound.value)
	if g.group.large() {
		if out.points == nil {
			g.roundOff(out)
		}
		g.polish(out)
	} else {
		g.dive(out, diveNodes)
	}
	if g.settled(out) {
		return
	}
	// A listing that was cut short can still improve the plan, and with it
	// narrow the gap for the next.
	for before := math.Inf(1); out.value < before && !g.group.work.stopped(0); {
		before = out.value
		complete := g.enumerate(g.cutoffFor(out))
		if g.group.large() && out.points != nil && !g.first {
			g.exchange(out)
		}
		if g.dive(out, math.MaxInt) && complete {
			out.lower, out.proven = out.value, true
		}
		if g.settled(out) {
			return
		}
	}
	if out.points != nil && out.value-out.lower <= g.closeness(out) {
		out.proven = true
	}
}

// closeness returns how close to a value a bound must come to count as its
// proof where listing all points is out of reach: rows are met within
// Tolerance, and the bound makes use of that at the prices of the rows.
func (g *columnGeneration) closeness(out *result) float64 {
	switch g.stage.aim {
	case aimShortfall:
		return 10 * Tolerance
	case aimCost:
		return 10 * Tolerance * out.value
	default:
		return 0
	}
}

// cutoffFor returns the bound from which on nothing better can be found.
func (g *columnGeneration) cutoffFor(out *result) float64 {
	return out.value - g.stage.step + g.stage.noise
}

// settled reports whether a result needs no more work.
func (g *columnGeneration) settled(out *result) bool {
	if out.points != nil && (g.first || out.lower >= g.cutoffFor(out)) {
		out.proven = true
	}
	return out.proven
}

// dive searches the pool for a better choice and returns whether it saw all.
func (g *columnGeneration) dive(out *result, nodes int) bool {
	complete := g.tree.run(out.value, nodes)
	if g.tree.found {
		g.adoptPlan(out, g.tree.best, g.tree.value)
	}
	return complete
}

// adoptPlan makes a choice of columns the best one found.
func (g *columnGeneration) adoptPlan(out *result, choice []int, value float64) {
	out.value, out.points = value, make([][]int, len(g.group.models))
	for i, j := range choice {
		out.points[i] = g.pool.point[j]
	}
}

// check sums up a choice exactly and reports whether it keeps all rows.
func (g *columnGeneration) check(choice []int) (float64, bool) {
	used := make([]float64, len(g.stage.limit))
	value := 0.0
	for _, j := range choice {
		subtract(used, g.pool.row(j), -1)
		value += g.pool.value[j]
		if !g.pool.takesPart(j) {
			return 0, false
		}
	}
	for r, u := range used {
		if u > g.stage.limit[r] {
			return 0, false
		}
	}
	return value, true
}

// price searches a model's least priced point below a cutoff. It returns the
// least value there may be and whether a point was found.
func (g *columnGeneration) price(i int, duals []float64, cutoff float64) (float64, bool) {
	t, offset := g.stage.pricing(g.group.search, g.group.models[i], duals)
	t.allow, t.room, t.beyond = allowance(g.stage.caps[i]), g.rooms[i], g.stage.beyondOf(i)
	g.group.search.run(t, cutoff-offset)
	switch {
	case g.group.search.cut:
		return min(cutoff, g.group.search.root+offset), g.group.search.found
	case g.group.search.found:
		return g.group.search.value + offset, true
	}
	return cutoff, false
}

// adopt adds a point to the pool unless it is there or breaks a cap.
func (g *columnGeneration) adopt(i int, k []int) bool {
	m := g.group.models[i]
	if m.shortfall(k) > g.stage.caps[i] || g.pool.find(i, k) >= 0 || (g.pool.entries() > maxEntries && g.pool.active[i] > 0) {
		return false
	}
	if beyond := g.stage.beyondOf(i); beyond != nil && atLeast(k, beyond) {
		return false
	}
	value := g.stage.measure(m, k, g.entries)
	g.pool.add(i, k, value, g.entries)
	g.group.work.add(adoptWork + (len(k)+len(g.entries))/4)
	return true
}

// seed gives every model a column. It returns false if a model has none.
func (g *columnGeneration) seed(start [][]int) bool {
	free := make([]float64, len(g.stage.limit))
	for i := range g.group.models {
		if i%pollEvery == 0 && g.group.work.interrupted() {
			return false
		}
		if start != nil {
			g.adopt(i, start[i])
		}
		for _, k := range g.group.known[i] {
			if g.group.models[i].keepsMinimum(k) {
				g.adopt(i, k)
			}
		}
		if g.pool.active[i] > 0 {
			continue
		}
		if g.group.work.stopped(0) {
			return false
		}
		if _, found := g.price(i, free, math.Inf(1)); found {
			g.adopt(i, g.group.search.best)
		}
		if g.pool.active[i] == 0 {
			return false
		}
	}
	return true
}

// generate adds columns until none improves the relaxation. It returns true
// where the bound reaches the cutoff.
func (g *columnGeneration) generate(cutoff float64) bool {
	for range maxRounds {
		if !g.master.solve(cutoff) {
			// The pool alone proves nothing: columns may be missing.
			g.master.rescale()
		}
		added := g.round()
		if g.bound.value >= cutoff {
			return true
		}
		if !added || g.group.work.stopped(0) {
			return false
		}
		g.master.rescale()
	}
	return false
}

// round prices all models at the duals of the master and adds what it finds.
func (g *columnGeneration) round() bool {
	added := false
	total := 0.0
	duals := slices.Clone(g.master.bound.duals)
	least := make([]float64, len(g.group.models))
	for r, dual := range duals {
		total -= dual * g.stage.limit[r]
	}
	tolerance := 1e-10 * g.master.size
	for i := range g.group.models {
		if g.group.work.stopped(0) {
			return added
		}
		low, found := g.price(i, duals, g.master.bound.least[i]-tolerance)
		least[i] = low
		total += low
		if found && g.adopt(i, g.group.search.best) {
			added = true
		}
	}
	if total > g.bound.value {
		g.bound = lagrangian{value: total, duals: duals, least: least}
	}
	return added
}
