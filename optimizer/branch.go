package optimizer

import "math"

// branchAndBound is depth-first branch and bound over the columns of a pool: it
// looks for the choice of one column per model, within the rows, of least
// value. Its bounds are those of the restricted master, which are far tighter
// than those of the program's plain relaxation, since every column is a whole
// point. It branches on the replicas of a variant, as branch and price does
// (Barnhart et al. 1998): each branch keeps some of the columns.
type branchAndBound struct {
	pool   *pool
	master *restrictedMaster
	// accept checks a choice of columns exactly and returns its value.
	accept func(choice []int) (float64, bool)
	// step divides the values of all choices; noise is how far below a value
	// a bound must stay to matter.
	step, noise float64
	// first stops at the first choice.
	first bool

	best  []int
	value float64
	found bool

	nodes, nodeLimit int
	cut              bool
	choice           []int
}

// cutoff returns the bound from which on a node is not worth a look.
func (b *branchAndBound) cutoff() float64 {
	return b.value - b.step + b.noise
}

// run searches for choices better than value and returns whether the search
// was complete.
func (b *branchAndBound) run(value float64, limit int) bool {
	b.value, b.found, b.cut = value, false, false
	b.nodes, b.nodeLimit = 0, limit
	b.best = make([]int, len(b.pool.columns))
	b.choice = make([]int, len(b.pool.columns))
	saved := append([]int(nil), b.pool.active...)
	b.master.focus()
	if b.master.solve(b.cutoff()) {
		b.discard()
		b.master.focus()
		b.node()
	}
	copy(b.pool.active, saved)
	b.master.openAll()
	return !b.cut
}

// done reports whether the search has to end.
func (b *branchAndBound) done() bool {
	if b.nodes > b.nodeLimit || b.master.work.stopped(0) {
		b.cut = true
	}
	return b.cut || (b.first && b.found)
}

// node handles the active columns.
func (b *branchAndBound) node() {
	if b.nodes++; b.done() {
		return
	}
	for _, m := range b.master.open {
		if b.pool.active[m] == 0 {
			return
		}
	}
	if !b.master.solve(b.cutoff()) {
		return
	}
	mixed := b.master.fractional(b.choice)
	if len(mixed) == 0 && b.take() && b.master.bound.value >= b.cutoff() {
		return
	}
	restore := b.master.save()
	b.discard()
	b.master.focus()
	b.split(mixed)
	restore()
}

// take accepts the choice at hand if it is valid and better.
func (b *branchAndBound) take() bool {
	value, ok := b.accept(b.choice)
	if ok && (value <= b.value-b.step/2 || (!b.found && math.IsInf(b.value, 1))) {
		b.value, b.found = value, true
		copy(b.best, b.choice)
	}
	return ok
}

// discard makes inactive all columns whose reduced cost alone takes the bound
// to the cutoff.
func (b *branchAndBound) discard() {
	gap := b.cutoff() - b.master.bound.value
	if math.IsInf(gap, 1) {
		return
	}
	for _, m := range b.master.open {
		b.pool.keep(m, func(j int) bool { return b.pool.priced(j, b.master.bound.duals)-b.master.bound.least[m] < gap })
	}
}

// split divides the columns of one model in two and handles both halves, the
// one that the relaxation favours first.
func (b *branchAndBound) split(mixed []int) {
	m, inFirst := b.division(mixed)
	if m < 0 {
		return
	}
	count := b.pool.active[m]
	for half := range 2 {
		b.pool.active[m] = count
		b.pool.keep(m, func(j int) bool { return inFirst(j) == (half == 0) })
		b.node()
		b.pool.active[m] = count
		if b.done() {
			return
		}
	}
}

// division chooses a model and a condition that divides its columns. The model
// is the one that the relaxation mixes most evenly; without any it is one that
// has a choice left.
func (b *branchAndBound) division(mixed []int) (int, func(j int) bool) {
	best, evenness := -1, -1.0
	for _, m := range mixed {
		if b.pool.active[m] < 2 {
			continue
		}
		if e := 1 - b.master.share(b.choice[m]); e > evenness {
			best, evenness = m, e
		}
	}
	if best >= 0 {
		if condition := b.threshold(best); condition != nil && b.divides(best, condition) {
			return best, condition
		}
	}
	for _, m := range b.master.open {
		if best < 0 && b.pool.active[m] > 1 {
			best = m
		}
	}
	if best < 0 {
		return -1, nil
	}
	chosen := b.choice[best]
	if !b.pool.takesPart(chosen) {
		chosen = b.pool.columns[best][0]
	}
	return best, func(j int) bool { return j == chosen }
}

// divides reports whether a condition holds for some active columns of a model
// and not for others.
func (b *branchAndBound) divides(m int, condition func(j int) bool) bool {
	holds := 0
	for _, j := range b.pool.columns[m][:b.pool.active[m]] {
		if condition(j) {
			holds++
		}
	}
	return holds > 0 && holds < b.pool.active[m]
}

// threshold divides the columns of a model by the replicas of the variant
// whose mean in the relaxation is furthest from whole. It returns nil where
// the mixed columns do not differ so.
func (b *branchAndBound) threshold(m int) func(j int) bool {
	points := [][]int{b.pool.point[b.master.basis.key[m]]}
	shares := []float64{b.master.basis.keyShare(m)}
	for i, variable := range b.master.basis.working {
		if variable >= 0 && b.pool.owner[variable] == m && b.master.basis.x[i] > 1e-9 {
			points, shares = append(points, b.pool.point[variable]), append(shares, b.master.basis.x[i])
		}
	}
	variant, at, favoured, most := -1, 0, false, 1e-6
	for v := range points[0] {
		mean := 0.0
		for i, p := range points {
			mean += shares[i] * float64(p[v])
		}
		limit := int(math.Floor(mean + 1e-9))
		low := 0.0
		for i, p := range points {
			if p[v] <= limit {
				low += shares[i]
			}
		}
		if even := min(low, 1-low); even > most {
			variant, at, favoured, most = v, limit, low >= 0.5, even
		}
	}
	if variant < 0 {
		return nil
	}
	return func(j int) bool { return (b.pool.point[j][variant] <= at) == favoured }
}
