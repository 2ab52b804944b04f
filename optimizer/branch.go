package optimizer

import (
	"math"
	"slices"
)

// branching is depth-first branch and bound over the columns of a pool: it
// looks for the choice of one column per model, within the rows, of least
// value. Its bounds are those of the master, which are far tighter than those
// of the program's plain relaxation, since every column is a whole point. It
// branches on the replicas of a variant, as branch and price does (Barnhart
// et al. 1998), so the columns of a branch are a plain selection.
type branching struct {
	*master
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

	nodes, limit int
	cut          bool
	choice       []int
}

// cutoff returns the bound from which on a node is not worth a look.
func (b *branching) cutoff() float64 {
	return b.value - b.step + b.noise
}

// run searches for choices better than value and returns whether the search
// was complete.
func (b *branching) run(value float64, limit int) bool {
	b.value, b.found, b.cut = value, false, false
	b.nodes, b.limit = 0, limit
	b.best = make([]int, len(b.columns))
	b.choice = make([]int, len(b.columns))
	saved := append([]int(nil), b.active...)
	b.focus()
	if b.solve(b.cutoff()) {
		b.discard()
		b.focus()
		b.node()
	}
	copy(b.active, saved)
	b.openAll()
	return !b.cut
}

// done says whether the search has to end.
func (b *branching) done() bool {
	if b.nodes > b.limit || b.work.stopped(0) {
		b.cut = true
	}
	return b.cut || (b.first && b.found)
}

// node handles the active columns.
func (b *branching) node() {
	if b.nodes++; b.done() {
		return
	}
	for _, m := range b.open {
		if b.active[m] == 0 {
			return
		}
	}
	if !b.solve(b.cutoff()) {
		return
	}
	mixed := b.fractional(b.choice)
	if len(mixed) == 0 && b.take() && b.bound >= b.cutoff() {
		return
	}
	restore := b.save()
	b.discard()
	b.focus()
	b.split(mixed)
	restore()
}

// save returns what restores the columns that take part, and the models that
// have a choice.
func (b *branching) save() (restore func()) {
	from, open, value := len(b.stack), b.open, b.heldValue
	entries := slices.Clone(b.heldEntries)
	for _, m := range open {
		b.stack = append(b.stack, b.active[m])
	}
	return func() {
		for i, m := range open {
			b.active[m] = b.stack[from+i]
		}
		b.stack, b.open, b.heldValue = b.stack[:from], open, value
		copy(b.heldEntries, entries)
	}
}

// take accepts the choice at hand if it is valid and better.
func (b *branching) take() bool {
	value, ok := b.accept(b.choice)
	if ok && (value <= b.value-b.step/2 || (!b.found && math.IsInf(b.value, 1))) {
		b.value, b.found = value, true
		copy(b.best, b.choice)
	}
	return ok
}

// discard makes inactive all columns whose reduced cost alone takes the bound
// to the cutoff.
func (b *branching) discard() {
	gap := b.cutoff() - b.bound
	if math.IsInf(gap, 1) {
		return
	}
	for _, m := range b.open {
		b.keep(m, func(j int) bool { return b.priced(j, b.bestPrice)-b.bestLeast[m] < gap })
	}
}

// split divides the columns of one model in two and handles both halves, the
// one that the relaxation favours first.
func (b *branching) split(mixed []int) {
	m, inFirst := b.division(mixed)
	if m < 0 {
		return
	}
	count := b.active[m]
	for half := range 2 {
		b.active[m] = count
		b.keep(m, func(j int) bool { return inFirst(j) == (half == 0) })
		b.node()
		b.active[m] = count
		if b.done() {
			return
		}
	}
}

// division chooses a model and a condition that divides its columns. The model
// is the one that the relaxation mixes most evenly; without any it is one that
// has a choice left.
func (b *branching) division(mixed []int) (int, func(j int) bool) {
	best, evenness := -1, -1.0
	for _, m := range mixed {
		if b.active[m] < 2 {
			continue
		}
		if e := 1 - b.share(b.choice[m]); e > evenness {
			best, evenness = m, e
		}
	}
	if best >= 0 {
		if condition := b.threshold(best); condition != nil && b.divides(best, condition) {
			return best, condition
		}
	}
	for _, m := range b.open {
		if best < 0 && b.active[m] > 1 {
			best = m
		}
	}
	if best < 0 {
		return -1, nil
	}
	chosen := b.choice[best]
	if !b.takesPart(chosen) {
		chosen = b.columns[best][0]
	}
	return best, func(j int) bool { return j == chosen }
}

// divides says whether a condition holds for some active columns of a model
// and not for others.
func (b *branching) divides(m int, condition func(j int) bool) bool {
	holds := 0
	for _, j := range b.columns[m][:b.active[m]] {
		if condition(j) {
			holds++
		}
	}
	return holds > 0 && holds < b.active[m]
}

// threshold divides the columns of a model by the replicas of the variant
// whose mean in the relaxation is furthest from whole. It returns nil where
// the mixed columns do not differ so.
func (b *branching) threshold(m int) func(j int) bool {
	points := [][]int{b.point[b.key[m]]}
	shares := []float64{b.keyShare(m)}
	for i, variable := range b.working {
		if variable >= 0 && b.owner[variable] == m && b.x[i] > 1e-9 {
			points, shares = append(points, b.point[variable]), append(shares, b.x[i])
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
	return func(j int) bool { return (b.point[j][variant] <= at) == favoured }
}
