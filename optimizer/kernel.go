package optimizer

import (
	"cmp"
	"slices"
)

// Sizes of the searches in a part of a large group.
const (
	kernelModels = 16
	kernelNodes  = 1500
	kernelRounds = 60
)

// polish looks for better plans of a large group by searching among few models
// at a time, with the others held (kernel search, Angelelli et al. 2010): first
// around the relaxation, which leaves few models undecided, then around the
// best plan found.
func (g *generator) polish(out *result) {
	enriched := 0
	for round := range kernelRounds {
		if g.settled(out) || g.work.stopped(0) {
			return
		}
		before := out.value
		saved := append([]int(nil), g.active...)
		if !g.solve(g.cutoffFor(out)) {
			return
		}
		g.hold(g.base(out, round < 3), kernelModels<<min(round%3, 4))
		g.dive(out, kernelNodes)
		copy(g.active, saved)
		if round >= 3 && out.points != nil && out.value == before {
			if enriched == 2 {
				return
			}
			enriched++
			g.enrich((out.value - out.lower) * float64(enriched*enriched) / 4)
		}
	}
}

func (g *generator) enrich(gap float64) {
	for i := range g.models {
		g.enumerateModel(i, g.lower+gap)
		if g.work.stopped(0) {
			return
		}
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
func (g *generator) hold(base []int, size int) {
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
	for at, s := range scores {
		if at >= size && base[s.model] >= 0 {
			g.keep(s.model, func(j int) bool { return j == base[s.model] })
		}
	}
}
