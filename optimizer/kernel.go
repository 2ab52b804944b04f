package optimizer

import (
	"cmp"
	"slices"
)

// Sizes of the searches in a part of a large group.
const (
	kernelModels = 16
	kernelNodes  = 600
	// relaxedRounds is how often to search around the relaxation, enrichments
	// how often to add columns.
	relaxedRounds = 3
	enrichments   = 2
	// polishShare is the share of a stage's work.
	polishShare = 0.4
)

// polish looks for better plans of a large group by searching among few models
// at a time, with the others held (kernel search, Angelelli et al. 2010): first
// around the relaxation, which leaves few models undecided, then around the
// best plan found. When that no longer helps it adds columns, and then turns to
// less promising models.
func (g *columnGeneration) polish(out *result) {
	defer g.group.work.part(polishShare)()
	enriched, offset := 0, 0
	for round := 0; offset < len(g.group.models); round++ {
		if g.settled(out) || g.group.work.stopped(0) {
			return
		}
		before := out.value
		saved := append([]int(nil), g.pool.active...)
		if !g.master.solve(g.cutoffFor(out)) {
			return
		}
		size := kernelModels << (round % 3)
		g.hold(g.base(out, round < relaxedRounds), size, offset)
		g.dive(out, kernelNodes)
		copy(g.pool.active, saved)
		switch {
		case round < relaxedRounds || out.points == nil:
			offset = max(0, round-relaxedRounds) * kernelModels
		case out.value < before:
			offset = 0
		case enriched < enrichments:
			enriched++
			g.enrich((out.value - out.lower) * float64(enriched*enriched) / 4)
		default:
			offset += size / 2
		}
	}
}

// enrich adds the points whose reduced cost is below a part of the gap.
func (g *columnGeneration) enrich(gap float64) {
	for i := range g.group.models {
		if g.group.work.stopped(0) || g.full() {
			return
		}
		g.enumerateModel(i, g.bound.value+gap)
	}
}

// base returns the columns around which to search: those of the best plan, or
// without one the largest of the relaxation. Models that the relaxation leaves
// undecided have -1.
func (g *columnGeneration) base(out *result, relaxed bool) []int {
	base := make([]int, len(g.group.models))
	mixed := g.master.fractional(base)
	if out.points != nil && !relaxed {
		for i, k := range out.points {
			base[i] = g.pool.find(i, k)
		}
	}
	for _, i := range mixed {
		base[i] = -1
	}
	return base
}

// hold makes all columns inactive but those of the base and those of the most
// promising models: the undecided ones, then those whose choice could change
// at the least loss.
func (g *columnGeneration) hold(base []int, size, offset int) {
	type score struct {
		model int
		loss  float64
	}
	scores := make([]score, len(base))
	for i, chosen := range base {
		scores[i] = score{i, -1}
		if chosen < 0 {
			continue
		}
		own := g.pool.priced(chosen, g.master.bound.duals) - g.master.bound.least[i]
		other := g.master.size
		for _, j := range g.pool.columns[i][:g.pool.active[i]] {
			if j != chosen {
				other = min(other, g.pool.priced(j, g.master.bound.duals)-g.master.bound.least[i])
			}
		}
		scores[i].loss = other - own
	}
	g.group.work.add(len(base))
	// Only those before the end of the part at hand are put in order.
	before := func(a, b score) int { return cmp.Or(cmp.Compare(a.loss, b.loss), cmp.Compare(a.model, b.model)) }
	lowest(scores, offset+size+undecided(base), before)
	decided := 0
	for _, s := range scores {
		if base[s.model] < 0 {
			continue
		}
		decided++
		if at := decided - 1; at < offset || at >= offset+size {
			g.pool.keep(s.model, func(j int) bool { return j == base[s.model] })
		}
	}
}

// undecided counts the models without a column.
func undecided(base []int) int {
	n := 0
	for _, j := range base {
		if j < 0 {
			n++
		}
	}
	return n
}

// lowest moves the n lowest elements to the front and sorts them (quickselect:
// Hoare 1961).
func lowest[T any](list []T, n int, compare func(a, b T) int) {
	low, high := 0, len(list)
	for n < high && high-low > 16 {
		pivot := list[low+(high-low)/2]
		i, j := low, high-1
		for i <= j {
			for compare(list[i], pivot) < 0 {
				i++
			}
			for compare(list[j], pivot) > 0 {
				j--
			}
			if i <= j {
				list[i], list[j] = list[j], list[i]
				i++
				j--
			}
		}
		switch {
		case n <= j:
			high = j + 1
		case n >= i:
			low = i
		default:
			low, high = n, n
		}
	}
	slices.SortFunc(list[:high], compare)
}
