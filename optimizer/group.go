package optimizer

import (
	"math"
	"slices"
)

// group is a set of models that share budgets, directly or through others,
// and nothing with models outside.
type group struct {
	models []*model
	// at are the models' places in the instance.
	at []int
	// rows are the shared budgets, as indices into the instance's.
	rows   []int
	work   *work
	search *search
	// floors holds the least shortfall of each model by itself.
	floors []float64
	// leastUses remembers what leastUse found.
	leastUses map[useKey]float64
	// known holds points worth trying in the next stage.
	known [][][]int

	// plan is the best one so far; caps and sums hold what it reached.
	plan [][]int
	caps []float64
	sums []sumCap

	// costGap is the optimality gap of the cost, in cost units; proven says
	// that the cost and the changes are proven.
	costGap float64
	proven  bool
	// settled says that the shortfalls are the least there can be, unbound
	// that the budgets cost nothing.
	settled, unbound bool
	// duals are the prices of the rows at the bound on the cost.
	duals []float64
}

// largeGroup is the number of models above which a group is not planned by
// listing everything.
const largeGroup = 16

// large reports whether the group is too large to list everything.
func (g *group) large() bool { return len(g.models) > largeGroup }

// remembered is how many points of a model one stage hands to the next.
const remembered = 40

// remember keeps the points of a pool for the next stage.
func (g *group) remember(p *pool) {
	for i, list := range p.columns {
		g.known[i] = g.known[i][:0]
		for at, j := range list {
			if at < remembered {
				g.known[i] = append(g.known[i], p.point[j])
			}
		}
	}
}

// shortfalls returns what the group's plan leaves in one priority: the largest
// and the sum.
func (g *group) shortfalls(priority int) (largest, sum float64) {
	for i, m := range g.models {
		if m.priority == priority {
			x := m.shortfall(g.plan[i])
			largest, sum = max(largest, x), sum+x
		}
	}
	return largest, sum
}

// fits reports whether a plan keeps the group's budgets.
func (g *group) fits(plan [][]int) bool {
	left := make([]float64, len(g.rows))
	for i, m := range g.models {
		m.take(left, plan[i], 1)
	}
	for _, l := range left {
		if -l > 1+slack {
			return false
		}
	}
	return true
}

// serveAll tries to give every model the least shortfall that it can have by
// itself. If that fits, the shortfalls are settled.
func (g *group) serveAll() bool {
	r := g.minimise(g.stage(aimUse, 0, g.floors), nil, true)
	if r.points == nil {
		return false
	}
	g.plan, g.settled = r.points, true
	copy(g.caps, g.floors)
	return true
}

// noteCost records the outcome of the cost stage.
func (g *group) noteCost(r result) {
	if !r.proven {
		g.proven = false
		g.costGap = r.value - r.lower
	}
}

// stage returns a stage under what was reached so far.
func (g *group) stage(a aim, priority int, caps []float64) *stage {
	return newStage(stage{
		aim: a, priority: priority, caps: caps, sums: g.sums, cost: math.Inf(1),
	}, len(g.rows))
}

// priorities returns the priorities in the group, most important first.
func (g *group) priorities() []int {
	var all []int
	for _, m := range g.models {
		all = append(all, m.priority)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// In a group of very many models it is not worth the time to look for a
// largest shortfall that is better by less than largestStep.
const (
	veryLargeGroup = 300
	largestStep    = 1.0 / (1 << 14)
)

// veryLarge reports whether the group is too large to be thorough everywhere.
func (g *group) veryLarge() bool { return len(g.models) > veryLargeGroup }

// maxUnknown is how many tries may end without an answer before the search
// for the largest shortfall ends with what it has.
const maxUnknown = 2

// lowerLargest makes the largest shortfall of a priority as small as can be
// and returns the bound that is proven for it. It tries, in order, to reach
// the floor, to improve on the plan at all, and then the middle between what
// is reached and what is excluded.
func (g *group) lowerLargest(priority int) float64 {
	low, step := 0.0, shortfallUnit
	if g.veryLarge() {
		step = largestStep
	}
	for i, m := range g.models {
		if m.priority == priority {
			low = max(low, g.floors[i])
		}
	}
	high, _ := g.shortfalls(priority)
	bound, unknown := low, 0
	for tries := 0; low+step <= high && unknown < maxUnknown && !g.work.stopped(0); tries++ {
		try := between(low, high)
		switch tries {
		case 0:
			try = low
		case 1:
			try = high - step
		}
		r := g.minimise(g.stage(aimUse, 0, g.capped(priority, try)), nil, true)
		if r.points != nil {
			g.plan = r.points
			high, _ = g.shortfalls(priority)
			continue
		}
		low = try + shortfallUnit
		if !r.proven {
			unknown++
		}
		if unknown == 0 {
			bound = low
		}
	}
	return min(bound, high)
}

// between returns the shortfall on the grid in the middle of two.
func between(low, high float64) float64 {
	steps := math.Floor((high - low) / shortfallUnit / 2)
	return low + steps*shortfallUnit
}

// capped returns the caps with those of a priority lowered to at most x.
func (g *group) capped(priority int, x float64) []float64 {
	caps := append([]float64(nil), g.caps...)
	for i, m := range g.models {
		if m.priority == priority {
			caps[i] = max(g.floors[i], min(caps[i], x))
		}
	}
	return caps
}

// lowerSum makes the sum of the shortfalls of a priority as small as can be,
// each at most largest, and fixes what is reached. It returns the optimality
// gap.
func (g *group) lowerSum(priority int, largest float64) float64 {
	g.caps = g.capped(priority, largest)
	least := 0.0
	for i, m := range g.models {
		if m.priority == priority {
			least += g.floors[i]
		}
	}
	_, sum := g.shortfalls(priority)
	gap := 0.0
	if sum > least {
		r := g.minimise(g.stage(aimShortfall, priority, g.caps), g.plan, false)
		g.plan = r.points
		_, sum = g.shortfalls(priority)
		if !r.proven {
			gap = sum - max(least, r.lower)
		}
	}
	if sum <= least {
		g.caps = g.capped(priority, 0)
	} else {
		g.sums = append(g.sums, sumCap{priority, sum})
	}
	return gap
}

// lowerRest minimises the cost and the changes, in an equal part of the work if
// the group is large and one of so many that are left.
func (g *group) lowerRest(groups int) {
	if g.large() {
		defer g.work.part(1 / float64(groups))()
	}
	g.lowerCost()
	g.lowerChanges()
}

// lowerCost minimises the cost at the shortfalls reached.
func (g *group) lowerCost() {
	r := g.minimise(g.stage(aimCost, 0, g.caps), g.plan, false)
	g.plan = r.points
	g.duals = r.duals
	g.noteCost(r)
}

// lowerChanges minimises the changes at the cost reached, once that is proven.
func (g *group) lowerChanges() {
	if !g.proven {
		return
	}
	st := stage{aim: aimChanges, caps: g.caps, sums: g.sums}
	for i, m := range g.models {
		st.cost += m.cost(g.plan[i])
	}
	r := g.minimise(newStage(st, len(g.rows)), g.plan, false)
	g.plan = r.points
	g.proven = r.proven
}
