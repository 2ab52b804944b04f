package optimizer

import (
	"cmp"
	"math"
	"slices"
)

// covering is a small linear program: cover every row at least cost with
// bounded amounts of divisible pieces.
//
//	min sum cost[j] y[j]   s.t.  sum covers[j][s] y[j] >= need[s],  0 <= y[j] <= bound[j]
//
// All costs are at least 0, so the empty solution is dual feasible and the
// dual simplex method with bound flipping (Maros, Computational Techniques of
// the Simplex Method, 2003, chapter 7) needs few steps.
type covering struct {
	rows, cols int
	// table holds B^-1 times the columns, row after row: first the pieces,
	// then the surplus of each row. value holds the basic variables.
	table, value []float64
	reduced      []float64
	bound        []float64
	atBound      []bool
	basic        []int
	candidates   []ratio
	// work is told of the entries spent on large programs.
	work  *work
	spent int
}

// ratio is a column that may enter the basis at a dual step length.
type ratio struct {
	col  int
	step float64
}

// resize makes room for a program and clears it.
func (c *covering) resize(rows, pieces int) {
	c.rows, c.cols = rows, pieces+rows
	c.table = zeroed(c.table, rows*c.cols)
	c.value = zeroed(c.value, rows)
	c.reduced = zeroed(c.reduced, c.cols)
	c.bound = zeroed(c.bound, c.cols)
	c.atBound = zeroed(c.atBound, c.cols)
	c.basic = zeroed(c.basic, rows)
	for s := range rows {
		c.basic[s] = pieces + s
		c.table[s*c.cols+pieces+s] = 1
		c.bound[pieces+s] = math.Inf(1)
	}
}

// zeroed returns a slice of n zero values, reusing memory where it can.
func zeroed[T any](from []T, n int) []T {
	if cap(from) < n {
		return make([]T, n)
	}
	from = from[:n]
	clear(from)
	return from
}

// setPiece states piece j; cover tells what a unit of it adds to a row.
func (c *covering) setPiece(j int, cost, bound float64, cover func(row int) float64) {
	c.reduced[j], c.bound[j] = cost, bound
	for s := range c.rows {
		// The surplus is sum covers y - need, so pieces enter with a minus.
		c.table[s*c.cols+j] = -cover(s)
	}
}

// setNeed states what row s needs.
func (c *covering) setNeed(s int, need float64) { c.value[s] = -need }

// stepSize is how many entries of the table count as one step of work.
const stepSize = 4096

// prices solves the program and returns the price of each row in out. They are
// a dual feasible solution even where the steps are cut short.
func (c *covering) prices(out []float64) {
	for range 4 * (c.rows + c.cols) {
		s := c.leaving()
		if s < 0 || !c.pivotRow(s) {
			break
		}
		if c.spent += c.rows * c.cols; c.spent >= stepSize {
			c.work.add(c.spent / stepSize)
			if c.spent = 0; c.work.stopped(0) {
				break
			}
		}
	}
	pieces := c.cols - c.rows
	for s := range c.rows {
		out[s] = max(0, c.reduced[pieces+s])
	}
}

// leaving returns the row whose basic variable is furthest outside its
// bounds, or -1.
func (c *covering) leaving() int {
	worst, at := 1e-11, -1
	for s, x := range c.value {
		if out := max(-x, x-c.bound[c.basic[s]]); out > worst {
			worst, at = out, s
		}
	}
	return at
}

// pivotRow brings the basic variable of row s to its violated bound. It
// returns false if no column can do so.
func (c *covering) pivotRow(s int) bool {
	row := c.table[s*c.cols : (s+1)*c.cols]
	sign, excess := 1.0, -c.value[s]
	if c.value[s] >= 0 {
		sign, excess = -1, c.value[s]-c.bound[c.basic[s]]
	}
	c.candidates = c.candidates[:0]
	for j, a := range row {
		if a *= sign; c.atBound[j] {
			a = -a
		}
		if a < -1e-12 && j != c.basic[s] {
			c.candidates = append(c.candidates, ratio{j, math.Abs(c.reduced[j] / a)})
		}
	}
	sorted := len(c.candidates) > manyCandidates
	if sorted {
		slices.SortFunc(c.candidates, func(a, b ratio) int { return cmp.Compare(a.step, b.step) })
	}
	for rest := c.candidates; len(rest) > 0; rest = rest[1:] {
		if !sorted {
			bringFirst(rest)
		}
		j := rest[0].col
		if gain := math.Abs(row[j]) * c.bound[j]; gain < excess && len(rest) > 1 {
			excess -= gain
			c.flip(j)
			continue
		}
		c.enter(s, j, sign)
		return true
	}
	return false
}

// manyCandidates is the number from which on they are sorted: few of a small
// number are looked at, but maybe all of a large one.
const manyCandidates = 64

// bringFirst exchanges the first candidate with that of the least step.
func bringFirst(list []ratio) {
	at := 0
	for i, r := range list {
		if r.step < list[at].step {
			at = i
		}
	}
	list[0], list[at] = list[at], list[0]
}

// flip moves the nonbasic column j from one of its bounds to the other.
func (c *covering) flip(j int) {
	by := c.bound[j]
	if c.atBound[j] {
		by = -by
	}
	for s := range c.rows {
		c.value[s] -= c.table[s*c.cols+j] * by
	}
	c.atBound[j] = !c.atBound[j]
}

// enter makes column j basic in row s. The variable that leaves goes to its
// lower bound where sign is positive, else to its upper.
func (c *covering) enter(s, j int, sign float64) {
	row := c.table[s*c.cols : (s+1)*c.cols]
	old, pivot := c.basic[s], row[j]
	target := 0.0
	if sign < 0 {
		target = c.bound[old]
	}
	step := (c.value[s] - target) / pivot
	start := 0.0
	if c.atBound[j] {
		start = c.bound[j]
	}
	for t := range c.rows {
		c.value[t] -= c.table[t*c.cols+j] * step
	}
	c.atBound[old], c.atBound[j] = sign < 0, false
	c.basic[s], c.value[s] = j, start+step
	for i := range row {
		row[i] /= pivot
	}
	for t := range c.rows {
		if f := c.table[t*c.cols+j]; t != s && f != 0 {
			subtract(c.table[t*c.cols:(t+1)*c.cols], row, f)
		}
	}
	subtract(c.reduced, row, c.reduced[j])
}

// subtract takes f times b from a.
func subtract(a, b []float64, f float64) {
	for i := range a {
		a[i] -= f * b[i]
	}
}
