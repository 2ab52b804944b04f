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
	// room is what there is of each row; nil is all of it. wanted is the plan
	// without budgets.
	room   []float64
	wanted [][]int
	// byPriority remembers classes; frozen says that shortfalls were fixed one
	// by one where only their sum had to be.
	byPriority []*class
	frozen     bool
	// filled says that what was left once the work was used up is given away.
	filled bool
	// leasts is what each model takes of the budgets at least.
	leasts []leastUses
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
	// alone bounds the cost of the plans without budgets.
	alone float64
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

// rooms returns what there is of each row.
func (g *group) rooms() []float64 {
	if g.room != nil {
		return slices.Clone(g.room)
	}
	rooms := make([]float64, len(g.rows))
	for r := range rooms {
		rooms[r] = 1
	}
	return rooms
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
		if g.settled {
			// No plan that serves as much costs less than without budgets.
			r.lower = max(r.lower, g.alone)
		}
		g.costGap = max(0, r.value-r.lower)
	}
}

// stage returns a stage under what was reached so far.
func (g *group) stage(a aim, priority int, caps []float64) *stage {
	return newStage(stage{
		aim: a, priority: priority, caps: caps, sums: g.sums, cost: math.Inf(1),
	}, g.rooms())
}

// In a group of very many models it is not worth the time to look for a
// largest shortfall that is better by less than largestStep.
const (
	veryLargeGroup = 300
	largestStep    = 1.0 / (1 << 14)
)

// veryLarge reports whether the group is too large to be thorough everywhere.
func (g *group) veryLarge() bool { return len(g.models) > veryLargeGroup }

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
	r := g.minimise(newStage(st, g.rooms()), g.plan, false)
	g.plan = r.points
	g.proven = r.proven
}
