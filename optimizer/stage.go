package optimizer

import "math"

// aim is what a stage minimises in sum over the models of a group.
type aim int

const (
	// aimUse minimises what is taken of the budgets: the way to find out
	// whether anything fits.
	aimUse aim = iota
	// aimShortfall minimises the shortfalls of one priority.
	aimShortfall
	// aimCost minimises the cost.
	aimCost
	// aimChanges minimises the replicas changed.
	aimChanges
)

// stage is one objective, subject to what the stages before it reached.
type stage struct {
	aim aim
	// priority is the one whose shortfalls are minimised.
	priority int
	// caps bounds the shortfall of each model.
	caps []float64
	// sums bounds the sum of the shortfalls of a priority.
	sums []sumCap
	// cost bounds the cost; it is infinite while cost is still open.
	cost float64
	// budgets is the number of budgets among the coupling rows; limit holds
	// the limits of all of them: budgets, sums, cost.
	budgets int
	limit   []float64
	// model and beyond exclude the points of one model that are a given one
	// with replicas added; beyond is nil where nothing is excluded.
	model  int
	beyond []int
	// under is a value that is known to be reached without the stage.
	under float64
	// step divides the values of all plans, noise is what to allow for
	// rounding when bounds are compared with it.
	step, noise float64
}

// sumCap bounds the sum of the shortfalls of a priority.
type sumCap struct {
	priority int
	most     float64
}

// slack is how much of a coupling row rounding may take.
const slack = 1e-12

// newStage completes a stage for a group with so much of each budget.
func newStage(st stage, budgets []float64) *stage {
	st.budgets = len(budgets)
	if st.under == 0 {
		st.under = math.Inf(1)
	}
	for _, room := range budgets {
		st.limit = append(st.limit, room+slack)
	}
	for _, s := range st.sums {
		st.limit = append(st.limit, 1+shortfallUnit/2/s.most)
	}
	if !math.IsInf(st.cost, 1) {
		st.limit = append(st.limit, 1+0.5/max(1, st.cost))
	}
	switch st.aim {
	case aimUse:
		st.step = 1e-9
	case aimShortfall:
		// Every model's shortfall is rounded to the grid.
		st.step, st.noise = shortfallUnit*(1+float64(len(st.caps))/2), shortfallUnit/2
	case aimCost, aimChanges:
		st.step, st.noise = max(1, st.step), 0.5
	}
	return &st
}

// beyondOf returns the point that the stage excludes for a model, or nil.
func (st *stage) beyondOf(i int) []int {
	if st.model != i {
		return nil
	}
	return st.beyond
}

// measure returns the value of a point in the stage and writes its entries in
// the coupling rows.
func (st *stage) measure(m *model, k []int, entries []float64) float64 {
	clear(entries)
	use := 0.0
	for i := range m.variants {
		for _, t := range m.variants[i].uses {
			entries[t.row] += t.use * float64(k[i])
			use += t.use * float64(k[i])
		}
	}
	short, cost := m.shortfall(k), m.cost(k)
	if !math.IsInf(st.cost, 1) {
		entries[len(entries)-1] = cost / max(1, st.cost)
	}
	for i, s := range st.sums {
		if s.priority == m.priority {
			entries[st.budgets+i] = short / s.most
		}
	}
	switch {
	case st.aim == aimUse:
		return use
	case st.aim == aimShortfall && m.priority == st.priority:
		return short
	case st.aim == aimCost:
		return cost
	case st.aim == aimChanges:
		return float64(m.changes(k))
	}
	return 0
}

// pricing sets up a search for the least priced point of a model: its value
// in the stage plus its entries at the given duals. The search's values leave
// out the constant offset.
func (st *stage) pricing(s *search, m *model, duals []float64) (t *task, offset float64) {
	slopes := s.start(m)
	t = &task{}
	for i := range slopes {
		v, g := &m.variants[i], &slopes[i]
		use := 0.0
		for _, t := range v.uses {
			use += duals[t.row] * t.use
			if st.aim == aimUse {
				use += t.use
			}
		}
		weight := 0.0
		if !math.IsInf(st.cost, 1) {
			weight = duals[len(duals)-1] / max(1, st.cost)
		}
		if st.aim == aimCost {
			weight = 1
		}
		g.below, g.above = use+weight*v.below, use+weight*v.above
		if st.aim == aimChanges {
			g.below--
			g.above++
			offset += math.Abs(float64(v.held))
		}
	}
	if st.aim == aimShortfall && m.priority == st.priority {
		t.relief = 1
	}
	for i, sum := range st.sums {
		if sum.priority == m.priority {
			t.relief += duals[st.budgets+i] / sum.most
		}
	}
	return t, offset
}
