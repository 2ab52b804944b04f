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
func (g *generator) polish(out *result) {
	defer g.work.part(polishShare)()
	enriched, offset := 0, 0
	for round := 0; offset < len(g.models); round++ {
		if g.settled(out) || g.work.stopped(0) {
			return
		}
		before := out.value
		saved := append([]int(nil), g.active...)
		if !g.solve(g.cutoffFor(out)) {
			return
		}
		size := kernelModels << (round % 3)
		g.hold(g.base(out, round < relaxedRounds), size, offset)
		g.dive(out, kernelNodes)
		copy(g.active, saved)
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
func (g *generator) enrich(gap float64) {
	for i := range g.models {
		if g.work.stopped(0) || g.full() {
			return
		}
		g.enumerateModel(i, g.lower+gap)
	}
}

// base returns the columns around which to search: those of the best plan, or
// without one the largest of the relaxation. Models that the relaxation leaves
// undecided have -1.
func (g *generator) base(out *result, relaxed bool) []int {
	base := make([]int, len(g.models))
	mixed := g.fractional(base)
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
func (g *generator) hold(base []int, size, offset int) {
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
		own := g.priced(chosen, g.bestPrice) - g.bestLeast[i]
		other := g.size
		for _, j := range g.columns[i][:g.active[i]] {
			if j != chosen {
				other = min(other, g.priced(j, g.bestPrice)-g.bestLeast[i])
			}
		}
		scores[i].loss = other - own
	}
	slices.SortFunc(scores, func(a, b score) int {
		return cmp.Or(cmp.Compare(a.loss, b.loss), cmp.Compare(a.model, b.model))
	})
	decided := 0
	for _, s := range scores {
		if base[s.model] < 0 {
			continue
		}
		decided++
		if at := decided - 1; at < offset || at >= offset+size {
			g.keep(s.model, func(j int) bool { return j == base[s.model] })
		}
	}
}
