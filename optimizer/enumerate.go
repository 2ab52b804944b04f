package optimizer

import (
	"cmp"
	"math"
	"slices"
)

// enumerate adds every point that a choice below the cutoff may contain: one
// whose reduced cost does not exceed the gap (Handler and Zang 1980; for
// columns Baldacci et al. 2008), and which no other point dominates. It
// returns false if there are too many.
func (g *columnGeneration) enumerate(cutoff float64) bool {
	complete := true
	for i := range g.group.models {
		if !g.enumerateModel(i, cutoff) {
			complete = false
		}
		if g.group.work.stopped(0) || g.full() {
			return false
		}
	}
	return complete
}

// full reports whether the pool has all the columns it may have: a very large
// group has a limit on their number, and every group on their memory.
func (g *columnGeneration) full() bool {
	return g.group.veryLarge() && len(g.pool.owner) > largeColumns*len(g.group.models) || g.pool.entries() > maxEntries
}

// listed is a point with its worth in the stage.
type listed struct {
	k       []int
	value   float64
	entries []float64
}

// enumerateModel is enumerate for one model.
func (g *columnGeneration) enumerateModel(i int, cutoff float64) bool {
	gap := math.Inf(1)
	if !math.IsInf(cutoff, 1) {
		gap = max(0, cutoff-g.bound.value)
	}
	m := g.group.models[i]
	t, offset := g.stage.pricing(g.group.search, m, g.bound.duals)
	t.allow, t.room, t.beyond = allowance(g.stage.caps[i]), g.rooms[i], g.stage.beyondOf(i)
	var list []listed
	limit := min(enumerateLimit, maxEntries/max(1, len(g.stage.limit)))
	if g.group.veryLarge() {
		limit = largeLimit
	}
	t.visit = func(k []int) {
		if short := m.shortfall(k); short <= g.stage.caps[i] && g.minimal(i, k, short) {
			entries := make([]float64, len(g.stage.limit))
			value := g.stage.measure(m, k, entries)
			list = append(list, listed{append([]int(nil), k...), value, entries})
			if len(list) >= limit {
				g.group.search.cut = true
			}
		}
	}
	g.group.search.run(t, g.bound.least[i]-offset+gap+1e-9*g.master.size)
	complete := !g.group.search.cut && g.pool.entries()+len(list)*len(g.stage.limit) <= maxEntries
	kept := undominated(list)
	g.group.work.add(len(list) * (len(kept) + 4) / 8)
	for _, one := range kept {
		if g.pool.find(i, one.k) < 0 && g.pool.entries() <= maxEntries {
			g.pool.add(i, one.k, one.value, one.entries)
		}
	}
	return complete
}

// minimal reports whether no replica can be taken from a point without loss.
func (g *columnGeneration) minimal(at int, k []int, short float64) bool {
	m := g.group.models[at]
	traded := g.stage.aim == aimShortfall && g.stage.priority == m.priority
	for _, s := range g.stage.sums {
		traded = traded || s.priority == m.priority
	}
	for i := range m.variants {
		if k[i] == 0 || (g.stage.aim == aimChanges && k[i] <= m.variants[i].held) {
			continue
		}
		k[i]--
		less := m.shortfall(k)
		spare := m.keepsMinimum(k) && (less == short || (!traded && less <= g.stage.caps[at]))
		k[i]++
		if spare {
			return false
		}
	}
	return true
}

// undominated returns the points that no other is as good as in everything.
func undominated(list []listed) []listed {
	slices.SortFunc(list, func(a, b listed) int {
		return cmp.Or(cmp.Compare(a.value, b.value), slices.Compare(a.entries, b.entries), compareReplicas(a.k, b.k))
	})
	var kept []listed
	for _, one := range list {
		if !slices.ContainsFunc(kept, func(other listed) bool { return asGood(other.entries, one.entries) }) {
			kept = append(kept, one)
		}
	}
	return kept
}

// asGood reports whether a takes no more of any row than b.
func asGood(a, b []float64) bool {
	for r := range a {
		if a[r] > b[r] {
			return false
		}
	}
	return true
}
