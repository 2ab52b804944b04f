package optimizer

import (
	"math"
	"slices"
)

// A class is planned apart in the room that the other models leave. What their
// plan leaves gives a plan; what they leave if each of them takes as little of
// every budget as it can gives a bound. With one budget the other models can be
// given the plan that takes least of it, so that both are the same.

// apart returns the class as a group of its own in so much room, with its part
// of the plan.
func (g *group) apart(c *class, room []float64) *group {
	out := &group{
		rows: g.rows, work: g.work, search: g.search, room: room, proven: true,
		models: make([]*model, len(c.members)), plan: make([][]int, len(c.members)),
		floors: make([]float64, len(c.members)), caps: make([]float64, len(c.members)),
		known: make([][][]int, len(c.members)),
	}
	for at, i := range c.members {
		out.models[at], out.plan[at], out.known[at] = g.models[i], g.plan[i], g.known[i]
		out.floors[at], out.caps[at] = g.floors[i], g.caps[i]
	}
	return out
}

// adopt takes over the plan of a class that was planned apart.
func (g *group) adopt(c *class, from *group) {
	g.plan = slices.Clone(g.plan)
	for at, i := range c.members {
		g.plan[i], g.known[i] = from.plan[at], from.known[at]
	}
}

// largestApart lowers the largest shortfall of a class in what the others leave,
// and returns a bound on it.
func (g *group) largestApart(c *class) float64 {
	actual, most, same := g.roomFor(c)
	g.fillClass(c, g.wanted, g.left())
	low, _ := g.least(c)
	if !same && len(c.members) > largeGroup {
		return low // planning all together is not much more work
	}
	high, _ := g.shortfalls(c)
	if high > low {
		within := g.apart(c, actual)
		bound := within.lowerTogether(low)
		g.adopt(c, within)
		if same {
			return bound
		}
	}
	if high, _ = g.shortfalls(c); high <= low {
		return low
	}
	return g.summed(c, most).lowerTogether(low)
}

// lowerTogether makes the largest shortfall of a group of one class as small as
// can be and returns the bound that is proven for it.
func (g *group) lowerTogether(low float64) float64 {
	c := g.classes()[0]
	if len(c.members) > 1 {
		return g.bisect(c, low)
	}
	r := g.minimise(g.stage(aimShortfall, c.priority, g.caps), g.plan, false)
	g.plan = r.points
	return max(low, r.bound())
}

// sumApart lowers the sum of the shortfalls of a class in what the others leave.
// It returns a bound on it, and whether it is proven to be the least.
func (g *group) sumApart(c *class) (lower float64, proven bool) {
	actual, most, same := g.roomFor(c)
	if !same && len(c.members) > largeGroup {
		return 0, false
	}
	within := g.apart(c, actual)
	r := within.minimise(within.stage(aimShortfall, c.priority, within.caps), within.plan, false)
	within.plan = r.points
	g.adopt(c, within)
	if same {
		return r.bound(), r.proven
	}
	around := g.summed(c, most)
	bound := around.minimise(around.stage(aimShortfall, c.priority, around.caps), around.plan, false)
	return bound.bound(), bound.proven && r.value <= bound.value
}

// summed returns a class planned apart in the most room that there can be, with
// one more row: the sum of all budgets. Where models can choose among budgets,
// the least that they take of each says little, and that of the sum more.
func (g *group) summed(c *class, most []float64) *group {
	total := 0.0
	for _, room := range g.rooms() {
		total += room
	}
	for i, m := range g.models {
		if m.priority != c.priority {
			total -= g.leasts[i].sum
		}
	}
	rows := len(g.rows)
	out := g.apart(c, append(slices.Clone(most), max(0, total)))
	out.rows = append(slices.Clone(g.rows), -1)
	for at, m := range out.models {
		model := *m
		model.variants = slices.Clone(m.variants)
		for j := range model.variants {
			v := &model.variants[j]
			v.uses = append(slices.Clone(v.uses), take{rows, m.variants[j].shareOfAll()})
		}
		out.models[at] = &model
	}
	return out
}

// shareOfAll is what a replica takes of all budgets of the group together.
func (v *variant) shareOfAll() float64 {
	sum := 0.0
	for _, t := range v.uses {
		sum += t.use
	}
	return sum
}

// roomFor returns the room that the others leave to a class in the plan, what
// they could leave at most, and whether that is the same. With one budget it
// makes the others take as little of it as they can.
func (g *group) roomFor(c *class) (actual, most []float64, same bool) {
	g.note()
	if len(g.rows) == 1 {
		g.squeeze(c)
	}
	actual, most = g.rooms(), g.rooms()
	for i, m := range g.models {
		if m.priority == c.priority {
			continue
		}
		m.take(actual, g.plan[i], 1)
		for _, t := range g.leasts[i].uses {
			most[t.row] -= t.use
		}
	}
	same = true
	for r := range actual {
		if actual[r] = max(0, actual[r]); most[r] < actual[r] {
			most[r] = actual[r]
		}
		same = same && most[r]-actual[r] <= slack
	}
	return actual, most, same
}

// leastUses is the least that a model takes of each budget under a cap, and with
// one budget the point that does so.
type leastUses struct {
	known bool
	cap   float64
	uses  []take
	point []int
	// sum is the least that it takes of all of them together.
	sum float64
}

// note brings the least uses up to date with the caps.
func (g *group) note() {
	if g.leasts == nil {
		g.leasts = make([]leastUses, len(g.models))
	}
	for i, m := range g.models {
		to := &g.leasts[i]
		if g.work.stopped(0) || to.known && to.cap == g.caps[i] {
			continue
		}
		*to = leastUses{known: true, cap: g.caps[i]}
		for _, r := range m.rows() {
			use, point := g.leastOf(i, g.caps[i], func(v *variant) float64 { return v.use(r) })
			to.uses = append(to.uses, take{r, use})
			to.point = point
		}
		if len(g.rows) > 1 {
			to.sum, _ = g.leastOf(i, g.caps[i], (*variant).shareOfAll)
		}
	}
}

// rows lists the rows of the group that a model uses.
func (m *model) rows() []int {
	var all []int
	for i := range m.variants {
		for _, t := range m.variants[i].uses {
			all = append(all, t.row)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// leastOf returns a bound on a sum over the replicas of a model, and the point
// of that sum, if it is proven to be the least.
func (g *group) leastOf(i int, gridCap float64, each func(*variant) float64) (float64, []int) {
	slopes := g.search.start(g.models[i])
	for j := range slopes {
		slopes[j].below = each(&g.models[i].variants[j])
		slopes[j].above = slopes[j].below
	}
	g.search.run(&task{allow: allowance(gridCap)}, math.Inf(1))
	if g.search.cut || !g.search.found {
		return max(0, min(g.search.root, 1)), nil
	}
	return g.search.value, slices.Clone(g.search.best)
}

// squeeze gives the models outside a class the points that take least of the
// only budget. A class whose sum of shortfalls is bounded is planned as a whole.
func (g *group) squeeze(c *class) {
	g.plan = slices.Clone(g.plan)
	bounded := map[int]bool{}
	for _, s := range g.sums {
		bounded[s.priority] = true
	}
	for i, m := range g.models {
		point := g.leasts[i].point
		if m.priority != c.priority && !bounded[m.priority] && point != nil && m.keepsMinimum(point) &&
			m.shortfall(point) <= g.caps[i] {
			g.plan[i] = point
		}
	}
}

// nothingBetter reports whether no member of a class could have a smaller
// shortfall even by itself, so that its cap says as much as that of the sum.
func (g *group) nothingBetter(c *class) bool {
	_, most, _ := g.roomFor(c)
	for _, i := range c.members {
		for _, t := range g.leasts[i].uses {
			most[t.row] -= t.use
		}
	}
	for _, i := range c.members {
		had := g.models[i].shortfall(g.plan[i])
		if had <= g.floors[i] {
			continue
		}
		room := slices.Clone(most)
		for _, t := range g.leasts[i].uses {
			room[t.row] += t.use
		}
		if g.work.stopped(0) || !g.cannot(i, had-shortfallUnit, room) {
			return false
		}
	}
	return true
}

// cannot reports whether a model cannot have a shortfall in so much room.
func (g *group) cannot(i int, short float64, room []float64) bool {
	slopes := g.search.start(g.models[i])
	for j := range slopes {
		slopes[j].below = g.models[i].variants[j].shareOfAll()
		slopes[j].above = slopes[j].below
	}
	for r := range room {
		room[r] += slack
	}
	g.search.run(&task{allow: allowance(short), room: room}, math.Inf(1))
	return !g.search.cut && !g.search.found
}
