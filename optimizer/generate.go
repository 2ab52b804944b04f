package optimizer

import "math"

// generator solves one stage of a group: column generation for the bound
// (Dantzig and Wolfe 1960), then all columns that the gap leaves, then branch
// and bound over them.
type generator struct {
	*group
	st   *stage
	pool *pool
	branching
	// rooms is what each model may take of the budgets at most.
	rooms [][]float64
	// lower is the best bound, at prices with each model's least value.
	lower  float64
	prices []float64
	least  []float64
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
	// prices are those of the coupling rows at the bound.
	prices []float64
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
)

// minimise solves a stage, starting from a plan that fulfils it or from none.
// Where first is set it ends with the first plan found.
func (g *group) minimise(st *stage, start [][]int, first bool) result {
	gen := &generator{group: g, st: st, lower: math.Inf(-1), entries: make([]float64, len(st.limit))}
	gen.prices, gen.least = make([]float64, len(st.limit)), make([]float64, len(g.models))
	gen.pool = newPool(len(g.models), st.limit)
	gen.step, gen.noise, gen.first = st.step, st.noise, first
	if g.large() {
		defer g.work.part(g.share(st, first))()
	}
	out := result{value: min(st.under, gen.ceiling())}
	if start != nil {
		out.points, out.value = start, gen.total(start)
	}
	if !gen.makeRoom() {
		out.proven, out.lower = true, out.value
		return out
	}
	if !gen.seed(start) {
		// No point keeps the limits, unless the search for one was cut short.
		if out.proven = !g.search.cut; out.proven {
			out.lower = out.value
		}
		return out
	}
	gen.master = newMaster(gen.pool, g.work, gen.ceiling())
	gen.accept = gen.check
	gen.improve(&out)
	out.prices = gen.prices
	g.remember(gen.pool)
	return out
}

// ceiling returns a value that every choice stays below.
func (g *generator) ceiling() float64 {
	sum := 1.0
	for i, m := range g.models {
		switch g.st.aim {
		case aimUse:
			sum = float64(g.st.budgets) + 1e-6
		case aimShortfall:
			sum += g.st.caps[i]
		case aimCost:
			sum += m.cost(m.largest())
		default:
			sum += float64(m.changes(m.largest()) + m.changes(make([]int, len(m.variants))))
		}
	}
	return sum
}

// total returns the value of a plan.
func (g *generator) total(points [][]int) float64 {
	sum := 0.0
	for i, m := range g.models {
		sum += g.st.measure(m, points[i], g.entries)
	}
	return sum
}

// improve runs the parts of the method one after the other until one of them
// completes the proof.
func (g *generator) improve(out *result) {
	if g.generate(g.cutoffFor(out)) {
		out.lower, out.proven = max(g.lower, out.value), true
		return
	}
	out.lower = g.lower
	if g.large() {
		g.polish(out)
	} else {
		g.dive(out, diveNodes)
	}
	if g.settled(out) {
		return
	}
	// A listing that was cut short can still improve the plan, and with it
	// narrow the gap for the next.
	for before := math.Inf(1); out.value < before && !g.work.stopped(0); {
		before = out.value
		complete := g.enumerate(g.cutoffFor(out))
		if g.large() && out.points != nil && !g.first {
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
func (g *generator) closeness(out *result) float64 {
	switch g.st.aim {
	case aimShortfall:
		return 10 * Tolerance
	case aimCost:
		return 10 * Tolerance * out.value
	default:
		return 0
	}
}

// cutoffFor returns the bound from which on nothing better can be found.
func (g *generator) cutoffFor(out *result) float64 {
	return out.value - g.st.step + g.st.noise
}

// settled says whether a result needs no more work.
func (g *generator) settled(out *result) bool {
	if out.points != nil && (g.first || out.lower >= g.cutoffFor(out)) {
		out.proven = true
	}
	return out.proven
}

// dive searches the pool for a better choice and returns whether it saw all.
func (g *generator) dive(out *result, nodes int) bool {
	complete := g.run(out.value, nodes)
	if g.found {
		g.adoptPlan(out, g.best, g.value)
	}
	return complete
}

// adoptPlan makes a choice of columns the best one found.
func (g *generator) adoptPlan(out *result, choice []int, value float64) {
	out.value, out.points = value, make([][]int, len(g.models))
	for i, j := range choice {
		out.points[i] = g.pool.point[j]
	}
}

// check sums up a choice exactly and says whether it keeps all rows.
func (g *generator) check(choice []int) (float64, bool) {
	used := make([]float64, len(g.st.limit))
	value := 0.0
	for _, j := range choice {
		subtract(used, g.pool.row(j), -1)
		value += g.pool.value[j]
		if !g.takesPart(j) {
			return 0, false
		}
	}
	for r, u := range used {
		if u > g.st.limit[r] {
			return 0, false
		}
	}
	return value, true
}

// price searches a model's least priced point below a cutoff. It returns the
// least value there may be and whether a point was found.
func (g *generator) price(i int, prices []float64, cutoff float64) (float64, bool) {
	t, offset := g.st.pricing(g.search, g.models[i], prices)
	t.allow, t.room, t.beyond = allowance(g.st.caps[i]), g.rooms[i], g.st.beyondOf(i)
	g.search.run(t, cutoff-offset)
	switch {
	case g.search.cut:
		return min(cutoff, g.search.root+offset), g.search.found
	case g.search.found:
		return g.search.value + offset, true
	}
	return cutoff, false
}

// adopt adds a point to the pool unless it is there or breaks a cap.
func (g *generator) adopt(i int, k []int) bool {
	m := g.models[i]
	if m.shortfall(k) > g.st.caps[i] || g.pool.find(i, k) >= 0 {
		return false
	}
	if beyond := g.st.beyondOf(i); beyond != nil && atLeast(k, beyond) {
		return false
	}
	value := g.st.measure(m, k, g.entries)
	g.pool.add(i, k, value, g.entries)
	return true
}

// seed gives every model a column. It returns false where a model has none.
func (g *generator) seed(start [][]int) bool {
	free := make([]float64, len(g.st.limit))
	for i := range g.models {
		if start != nil {
			g.adopt(i, start[i])
		}
		for _, k := range g.known[i] {
			if g.models[i].keepsMinimum(k) {
				g.adopt(i, k)
			}
		}
		if g.pool.active[i] > 0 {
			continue
		}
		if _, found := g.price(i, free, math.Inf(1)); found {
			g.adopt(i, g.search.best)
		}
		if g.pool.active[i] == 0 {
			return false
		}
	}
	return true
}

// generate adds columns until none improves the relaxation. It returns true
// where the bound reaches the cutoff.
func (g *generator) generate(cutoff float64) bool {
	for range maxRounds {
		if !g.solve(cutoff) {
			// The pool alone proves nothing: columns may be missing.
			g.rescale()
		}
		added := g.round()
		if g.lower >= cutoff {
			return true
		}
		if !added || g.work.stopped(0) {
			return false
		}
		g.rescale()
	}
	return false
}

// round prices all models at the prices of the master and adds what it finds.
func (g *generator) round() bool {
	added := false
	total := 0.0
	prices := append([]float64(nil), g.bestPrice...)
	least := make([]float64, len(g.models))
	for r, price := range prices {
		total -= price * g.st.limit[r]
	}
	tolerance := 1e-10 * g.size
	for i := range g.models {
		low, found := g.price(i, prices, g.bestLeast[i]-tolerance)
		least[i] = low
		total += low
		if found && g.adopt(i, g.search.best) {
			added = true
		}
	}
	if total > g.lower {
		g.lower, g.prices, g.least = total, prices, least
	}
	return added
}
