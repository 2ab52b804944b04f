package optimizer

import "math"

// basis is the state of a simplex method for the linear relaxation of a pool:
// choose one column per model, in fractions, within the coupling rows. The
// choice rows are kept implicit (generalised upper bounding, Dantzig and Van
// Slyke 1967): every model has a key column that takes what its other columns
// leave of 1, so that only the few coupling rows make up the working basis.
type basis struct {
	pool *pool
	// overflow is the price of exceeding a row, and the penalty of a column
	// that is not active; it is raised when it turns out too low.
	overflow float64
	key      []int
	// working lists the basic variables besides the keys: a column, or the
	// slack of row r as -1-r, or its overflow as -1-rows-r.
	working []int
	inverse []float64
	x       []float64
	// rest is what the key columns leave of the limits.
	rest []float64
	// duals are the prices of the coupling rows.
	duals   []float64
	scratch []float64
	step    []float64
	pivots  int
}

// crash starts from the given key columns, with slacks and overflows.
func (b *basis) crash() {
	r := b.pool.rows
	b.working, b.x = zeroed(b.working, r), zeroed(b.x, r)
	b.inverse, b.duals = zeroed(b.inverse, r*r), zeroed(b.duals, r)
	b.scratch, b.step = zeroed(b.scratch, r), zeroed(b.step, r)
	b.sumRest()
	for i := range r {
		b.working[i], b.inverse[i*r+i], b.x[i] = -1-i, 1, b.rest[i]
		if b.rest[i] < 0 {
			b.working[i], b.inverse[i*r+i], b.x[i] = -1-r-i, -1, -b.rest[i]
		}
	}
	b.reprice()
}

// sumRest computes what the keys leave of the limits.
func (b *basis) sumRest() {
	b.rest = zeroed(b.rest, b.pool.rows)
	copy(b.rest, b.pool.limit)
	for _, j := range b.key {
		subtract(b.rest, b.pool.row(j), 1)
	}
}

// cost returns the value of a column with the penalty it carries.
func (b *basis) cost(j int) float64 {
	if !b.pool.takesPart(j) {
		return b.pool.value[j] + b.overflow
	}
	return b.pool.value[j]
}

// vector returns the coupling entries of a variable as the working basis sees
// them: those of a column are relative to its model's key.
func (b *basis) vector(variable int) []float64 {
	out := b.scratch
	switch {
	case variable >= 0:
		copy(out, b.pool.row(variable))
		subtract(out, b.pool.row(b.key[b.pool.owner[variable]]), 1)
	case variable >= -b.pool.rows:
		clear(out)
		out[-1-variable] = 1
	default:
		clear(out)
		out[-1-b.pool.rows-variable] = -1
	}
	return out
}

// relativeCost returns the cost of a variable, relative to its model's key.
func (b *basis) relativeCost(variable int) float64 {
	switch {
	case variable >= 0:
		return b.cost(variable) - b.cost(b.key[b.pool.owner[variable]])
	case variable >= -b.pool.rows:
		return 0
	}
	return b.overflow
}

// reprice computes the duals of the rows: what a unit of each is worth.
func (b *basis) reprice() {
	clear(b.duals)
	for i, variable := range b.working {
		if c := b.relativeCost(variable); c != 0 {
			subtract(b.duals, b.inverse[i*b.pool.rows:(i+1)*b.pool.rows], c)
		}
	}
}

// reducedCost returns by how much a unit of the variable raises the objective.
func (b *basis) reducedCost(variable int) float64 {
	switch {
	case variable >= 0:
		k := b.key[b.pool.owner[variable]]
		sum := b.cost(variable) - b.cost(k)
		key := b.pool.row(k)
		for r, u := range b.pool.row(variable) {
			sum += b.duals[r] * (u - key[r])
		}
		return sum
	case variable >= -b.pool.rows:
		return b.duals[-1-variable]
	}
	return b.overflow - b.duals[-1-b.pool.rows-variable]
}

// keyShare returns the fraction of a model's key column.
func (b *basis) keyShare(m int) float64 {
	share := 1.0
	for i, variable := range b.working {
		if variable >= 0 && b.pool.owner[variable] == m {
			share -= b.x[i]
		}
	}
	return share
}

// keyRate returns by how much a model's key falls per unit of the step at
// hand, and whether the model has other basic columns.
func (b *basis) keyRate(m, entering int) (float64, bool) {
	rate, others := 0.0, false
	for i, variable := range b.working {
		if variable >= 0 && b.pool.owner[variable] == m {
			rate -= b.step[i]
			others = true
		}
	}
	if entering >= 0 && b.pool.owner[entering] == m {
		rate++
	}
	return rate, others
}

// direct computes how the basic variables fall as a variable rises.
func (b *basis) direct(variable int) {
	v := b.vector(variable)
	for i := range b.pool.rows {
		sum := 0.0
		for r, f := range b.inverse[i*b.pool.rows : (i+1)*b.pool.rows] {
			sum += f * v[r]
		}
		b.step[i] = sum
	}
}

// smallestPivot is the least absolute value that a pivot may have.
const smallestPivot = 1e-9

// leave is the variable that bounds a step: a place in the working basis, or
// the key of a model.
type leave struct {
	place, model int
	length       float64
	pivot        float64
}

// consider takes over another bound on the step if it is tighter, or as tight
// with a larger pivot.
func (l *leave) consider(other leave) {
	if other.pivot <= smallestPivot {
		return
	}
	other.length = max(0, other.length)
	if other.length < l.length-1e-12 || (other.length <= l.length+1e-12 && other.pivot > l.pivot) {
		*l = other
	}
}

// enter brings a variable into the basis and returns false if it cannot.
func (b *basis) enter(variable int) bool {
	b.direct(variable)
	l := leave{length: math.Inf(1), place: -1, model: -1}
	for i, d := range b.step {
		l.consider(leave{place: i, model: -1, length: b.x[i] / d, pivot: d})
		if w := b.working[i]; w >= 0 {
			rate, _ := b.keyRate(b.pool.owner[w], variable)
			l.consider(leave{place: -1, model: b.pool.owner[w], length: b.keyShare(b.pool.owner[w]) / rate, pivot: rate})
		}
	}
	if variable >= 0 {
		m := b.pool.owner[variable]
		rate, _ := b.keyRate(m, variable)
		l.consider(leave{place: -1, model: m, length: b.keyShare(m) / rate, pivot: rate})
	}
	if math.IsInf(l.length, 1) {
		return false
	}
	for i, d := range b.step {
		b.x[i] = max(0, b.x[i]-l.length*d)
	}
	b.exchange(variable, l)
	if b.pivots++; b.pivots%64 == 0 {
		b.refactor()
	}
	b.reprice()
	return true
}

// exchange replaces the variable that leaves by the one that enters.
func (b *basis) exchange(variable int, l leave) {
	place := l.place
	if l.model >= 0 {
		if _, others := b.keyRate(l.model, variable); !others {
			b.replaceKey(l.model, variable)
			return
		}
		place = b.swapKey(l.model)
		b.direct(variable)
	}
	r := b.pool.rows
	pivot := b.inverse[place*r : (place+1)*r]
	f := 1 / b.step[place]
	for i := range pivot {
		pivot[i] *= f
	}
	for i, d := range b.step {
		if i != place && d != 0 {
			subtract(b.inverse[i*r:(i+1)*r], pivot, d)
		}
	}
	b.working[place], b.x[place] = variable, l.length
}

// replaceKey makes a column the key of its model.
func (b *basis) replaceKey(m, j int) {
	subtract(b.rest, b.pool.row(j), 1)
	subtract(b.rest, b.pool.row(b.key[m]), -1)
	b.key[m] = j
}

// swapKey exchanges a model's key, which has fallen to 0, with the largest of
// its other basic columns, and returns the key's place in the working basis.
func (b *basis) swapKey(m int) int {
	place := -1
	for i, variable := range b.working {
		if variable >= 0 && b.pool.owner[variable] == m && (place < 0 || b.x[i] > b.x[place]) {
			place = i
		}
	}
	r := b.pool.rows
	row := b.inverse[place*r : (place+1)*r]
	for i, variable := range b.working {
		if i != place && variable >= 0 && b.pool.owner[variable] == m {
			subtract(row, b.inverse[i*r:(i+1)*r], -1)
		}
	}
	for i := range row {
		row[i] = -row[i]
	}
	old := b.key[m]
	b.replaceKey(m, b.working[place])
	b.working[place], b.x[place] = old, 0
	return place
}
