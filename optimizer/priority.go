package optimizer

import (
	"math"
	"slices"
)

// class is the models of a group that have one priority.
type class struct {
	priority int
	// place is that among the classes of the group, members are indices into
	// its models.
	place   int
	members []int
}

// classes returns the group's models by priority, most important first.
func (g *group) classes() []*class {
	if g.byPriority != nil {
		return g.byPriority
	}
	for _, i := range sortedIndices(len(g.models), func(i int) int { return g.models[i].priority }) {
		last := len(g.byPriority) - 1
		if last < 0 || g.byPriority[last].priority != g.models[i].priority {
			last++
			g.byPriority = append(g.byPriority, &class{priority: g.models[i].priority, place: last})
		}
		g.byPriority[last].members = append(g.byPriority[last].members, i)
	}
	return g.byPriority
}

// class returns the class of a priority, or nil.
func (g *group) class(priority int) *class {
	all := g.classes()
	at, ok := slices.BinarySearchFunc(all, priority, func(c *class, p int) int { return c.priority - p })
	if !ok {
		return nil
	}
	return all[at]
}

// shortfalls returns what the group's plan leaves of a class: the largest and
// the sum.
func (g *group) shortfalls(c *class) (largest, sum float64) {
	for _, i := range c.members {
		x := g.models[i].shortfall(g.plan[i])
		largest, sum = max(largest, x), sum+x
	}
	return largest, sum
}

// least returns the largest and the sum of the least shortfalls of a class.
func (g *group) least(c *class) (largest, sum float64) {
	for _, i := range c.members {
		largest, sum = max(largest, g.floors[i]), sum+g.floors[i]
	}
	return largest, sum
}

// maxUnknown is how many tries may end without an answer before the search
// for the largest shortfall ends with what it has.
const maxUnknown = 2

// lowerLargest makes the largest shortfall of a class as small as can be and
// returns the bound that is proven for it. The class is first planned apart, in
// what the other models leave. If that is not all there can be, all models are
// planned together.
func (g *group) lowerLargest(c *class) float64 {
	if g.work.stopped(0) && !g.filled {
		g.fill(g.wanted)
		g.filled = true
	}
	low, _ := g.least(c)
	bound := low
	if high, _ := g.shortfalls(c); low < high && len(c.members) < len(g.models) && !g.work.stopped(0) {
		bound = max(bound, g.largestApart(c))
	}
	if g.frozen {
		bound = low
	}
	return g.bisect(c, bound)
}

// bisect tries, in order, to reach the bound, to improve on the plan at all, and
// then the middle between what is reached and what is excluded.
func (g *group) bisect(c *class, bound float64) float64 {
	low, step := bound, shortfallUnit
	if g.veryLarge() {
		step = largestStep
	}
	high, _ := g.shortfalls(c)
	unknown, open := 0, 0.0
	for tries := 0; low+step <= high && unknown < maxUnknown && !g.work.stopped(0); tries++ {
		try := between(low, high)
		switch tries {
		case 0:
			try = low
		case 1:
			try = high - step
		}
		r := g.minimise(g.stage(aimUse, 0, g.capped(c, try)), nil, true)
		if r.points != nil {
			g.plan = r.points
			high, _ = g.shortfalls(c)
			if tries == 0 {
				g.reachMore(c)
			}
			continue
		}
		low = try + shortfallUnit
		switch {
		case !r.proven && unknown == 0:
			open = try
			fallthrough
		case !r.proven:
			unknown++
		case unknown == 0:
			bound = low
		}
	}
	return min(g.exclude(c, bound, open, step), high)
}

// exclude raises the bound on the largest shortfall of a class by excluding the
// middle between it and the least shortfall that is neither reached nor excluded.
func (g *group) exclude(c *class, bound, open, step float64) float64 {
	for range maxUnknown {
		if try := between(bound, open); try > bound+step && !g.work.stopped(0) {
			r := g.minimise(g.stage(aimUse, 0, g.capped(c, try)), nil, true)
			switch {
			case r.points == nil && r.proven:
				bound = try + shortfallUnit
			case r.points == nil:
				open = try
			default:
				g.plan = r.points
				return bound
			}
		}
	}
	return bound
}

// reachMore looks for a plan in which the classes after c have their least
// shortfalls too: the next one, the next two, four and so on. So many
// priorities that can be served take few searches.
func (g *group) reachMore(c *class) {
	all := g.classes()
	largest, _ := g.shortfalls(c)
	caps := g.capped(c, largest)
	for next, count := c.place+1, 1; next < len(all) && !g.work.stopped(0); count *= 2 {
		last := min(next+count, len(all))
		for _, other := range all[next:last] {
			for _, i := range other.members {
				caps[i] = g.floors[i]
			}
		}
		r := g.minimise(g.stage(aimUse, 0, caps), nil, true)
		if r.points == nil {
			return
		}
		g.plan, next = r.points, last
	}
}

// between returns the shortfall on the grid in the middle of two.
func between(low, high float64) float64 {
	steps := math.Floor((high - low) / shortfallUnit / 2)
	return low + steps*shortfallUnit
}

// capped returns the caps with those of a class lowered to at most x.
func (g *group) capped(c *class, x float64) []float64 {
	caps := g.caps
	defer func() { g.caps = caps }()
	g.caps = slices.Clone(caps)
	g.lowerCaps(c, x)
	return g.caps
}

// lowerCaps lowers the caps of a class to at most x.
func (g *group) lowerCaps(c *class, x float64) {
	for _, i := range c.members {
		g.caps[i] = max(g.floors[i], min(g.caps[i], x))
	}
}

// maxSums bounds the classes of which the sum of the shortfalls is a row.
const maxSums = 24

// lowerSum makes the sum of the shortfalls of a class as small as can be, each
// at most largest, and fixes what is reached. It returns the optimality gap.
func (g *group) lowerSum(c *class, largest float64) float64 {
	g.lowerCaps(c, largest)
	_, least := g.least(c)
	_, sum := g.shortfalls(c)
	lower, proven := least, false
	if sum > least && len(c.members) < len(g.models) && !g.work.stopped(0) {
		lower, proven = g.sumApart(c)
		lower = max(least, lower)
		_, sum = g.shortfalls(c)
	}
	if g.frozen {
		lower, proven = least, false
	}
	if sum > lower && !proven && !g.work.stopped(0) {
		r := g.minimise(g.stage(aimShortfall, c.priority, g.caps), g.plan, false)
		g.plan = r.points
		_, sum = g.shortfalls(c)
		lower = max(lower, r.lower)
		proven = r.proven
	}
	g.fix(c, sum, least)
	if proven {
		return 0
	}
	return max(0, sum-lower)
}

// fix keeps what was reached for a class while what comes after it is planned.
func (g *group) fix(c *class, sum, least float64) {
	switch {
	case sum <= least:
		g.lowerCaps(c, 0)
		return
	case len(c.members) > 1 && !g.nothingBetter(c):
		if len(g.sums) < maxSums {
			g.sums = append(g.sums, sumCap{c.priority, sum})
			return
		}
		g.frozen, g.proven = true, false
	}
	for _, i := range c.members {
		g.caps[i] = g.models[i].shortfall(g.plan[i])
	}
}
