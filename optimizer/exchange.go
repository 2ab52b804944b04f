package optimizer

import (
	"cmp"
	"slices"
)

// exchanges improves the plan of a large group by exchanging the points of up
// to three models at a time. At the duals of the bound, the value of a plan
// exceeds the bound by the losses of its points and the worth of what it leaves
// of the rows. So only moves whose losses together stay below that worth can
// improve it: a few hundred, of which all pairs and triples can be tried.
type exchanges struct {
	pool  *pool
	stage *stage
	bound lagrangian
	work  *work
	// chosen is each model's column in the plan; spare is what the plan leaves
	// of the rows, worth its value at the duals of the bound.
	chosen []int
	spare  []float64
	worth  float64
	moves  []move
	// deltas holds what the moves add to the rows, least the least of that.
	deltas []float64
	least  []float64
}

// move exchanges the point of one model. Without a model it changes nothing.
type move struct {
	model, column int
	// loss is what the move adds to the value at the duals of the bound, gain
	// what it takes from the value itself.
	loss, gain float64
}

// exchangeShare is the share of a stage's work that exchanges may take.
const exchangeShare = 0.4

// exchange improves the plan until no exchange does.
func (g *columnGeneration) exchange(out *result) {
	defer g.group.work.part(exchangeShare)()
	e := exchanges{
		pool: g.pool, stage: g.stage, bound: g.bound, work: g.group.work, chosen: make([]int, len(g.group.models)),
		spare: make([]float64, g.pool.rows), least: make([]float64, g.pool.rows),
	}
	for i, k := range out.points {
		if e.chosen[i] = g.pool.find(i, k); e.chosen[i] < 0 {
			return
		}
	}
	for improved := true; improved && !e.work.stopped(0); {
		if value, ok := g.check(e.chosen); ok && value < out.value {
			g.adoptPlan(out, e.chosen, value)
		}
		e.list()
		improved = e.pair() || e.triple()
	}
}

// list collects the moves that can be part of an improvement, the one that
// changes nothing among them, in the order of their losses.
func (e *exchanges) list() {
	copy(e.spare, e.stage.limit)
	for _, j := range e.chosen {
		subtract(e.spare, e.pool.row(j), 1)
	}
	e.worth = 0
	for r := range e.spare {
		e.spare[r] -= slack / 4
		e.worth += e.bound.duals[r] * e.spare[r]
	}
	e.moves = append(e.moves[:0], move{model: -1, column: -1})
	least := 0.0
	for i, list := range e.pool.columns {
		held := e.chosen[i]
		base := e.pool.priced(held, e.bound.duals)
		for _, j := range list[:e.pool.active[i]] {
			if j != held {
				loss := e.pool.priced(j, e.bound.duals) - base
				e.moves = append(e.moves, move{i, j, loss, e.pool.value[held] - e.pool.value[j]})
				least = min(least, loss)
			}
		}
	}
	e.moves = slices.DeleteFunc(e.moves, func(m move) bool { return m.loss+2*least > e.worth })
	slices.SortFunc(e.moves, func(a, b move) int {
		return cmp.Or(cmp.Compare(a.loss, b.loss), cmp.Compare(a.column, b.column))
	})
	e.difference()
	e.work.add(len(e.pool.owner))
}

// difference computes what the moves add to the rows.
func (e *exchanges) difference() {
	e.deltas = e.deltas[:0]
	clear(e.least)
	for _, m := range e.moves {
		at := len(e.deltas)
		if m.model < 0 {
			e.deltas = append(e.deltas, make([]float64, e.pool.rows)...)
			continue
		}
		e.deltas = append(e.deltas, e.pool.row(m.column)...)
		subtract(e.deltas[at:], e.pool.row(e.chosen[m.model]), 1)
		for r, d := range e.deltas[at:] {
			e.least[r] = min(e.least[r], d)
		}
	}
}

// delta returns what a move adds to the rows.
func (e *exchanges) delta(at int) []float64 {
	return e.deltas[at*e.pool.rows : (at+1)*e.pool.rows]
}

// pair makes the first exchange of at most two points that improves the plan,
// the best with its dearer move.
func (e *exchanges) pair() bool {
	left := make([]float64, e.pool.rows)
	for a := range e.moves {
		one := &e.moves[a]
		copy(left, e.spare)
		subtract(left, e.delta(a), 1)
		best, most := -1, e.stage.step/2-one.gain
		for b := range a {
			other := &e.moves[b]
			if one.loss+other.loss > e.worth {
				break
			}
			if other.gain > most && other.model != one.model && asGood(e.delta(b), left) {
				best, most = b, other.gain
			}
		}
		e.work.add(a/4 + 1)
		if best >= 0 {
			e.apply(a, best)
			return true
		}
		if e.work.stopped(0) {
			return false
		}
	}
	return false
}

// triple makes the first exchange of three points that improves the plan.
func (e *exchanges) triple() bool {
	left, rest := make([]float64, e.pool.rows), make([]float64, e.pool.rows)
	for a := range e.moves {
		one := &e.moves[a]
		copy(left, e.spare)
		subtract(left, e.delta(a), 1)
		for b := range a {
			other := &e.moves[b]
			if one.loss+other.loss+min(0, e.moves[0].loss) > e.worth {
				break
			}
			copy(rest, left)
			subtract(rest, e.delta(b), 1)
			if other.model == one.model || !asGood(e.least, rest) {
				continue
			}
			if c := e.third(a, b, rest); c >= 0 {
				e.apply(a, b, c)
				return true
			}
			if e.work.stopped(0) {
				return false
			}
		}
		if e.work.add(a/4 + 1); e.work.stopped(0) {
			return false
		}
	}
	return false
}

// third returns the first move before b that completes an exchange, or -1.
func (e *exchanges) third(a, b int, left []float64) int {
	one, other := &e.moves[a], &e.moves[b]
	need := e.stage.step/2 - one.gain - other.gain
	most := e.worth - one.loss - other.loss
	found, c := -1, 0
	for ; c < b && e.moves[c].loss <= most && found < 0; c++ {
		m := &e.moves[c]
		if m.gain > need && m.model != one.model && m.model != other.model && asGood(e.delta(c), left) {
			found = c
		}
	}
	e.work.add(c/4 + 1)
	return found
}

// apply makes moves.
func (e *exchanges) apply(moves ...int) {
	for _, at := range moves {
		if m := &e.moves[at]; m.model >= 0 {
			e.chosen[m.model] = m.column
		}
	}
}
