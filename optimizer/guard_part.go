package optimizer

import (
	"cmp"
	"slices"
	"time"
)

// part is a number of a variant's replicas in one state.
type part struct {
	replicas int
	state    partState
	// in is the time until replicas that load are ready.
	in time.Duration
}

// partState is what can be expected of replicas.
type partState int

const (
	// serving replicas are ready.
	serving partState = iota
	// hoped replicas were ready a moment ago, or should be by now. They stay as
	// if they were ready, and nothing relies on them.
	hoped
	// loading replicas are ready in some time.
	loading
	// lost replicas are not expected any more.
	lost
)

// split lists the replicas asked for, in the order in which they stay when fewer
// are asked for: Kubernetes deletes those first that are not ready, and of
// these the newest. Where it deletes the newest, ready or not, and while pods
// are being replaced, those that are ready may be the first to go.
func (v *guardedVariant) split() []part {
	parts := []part{{replicas: v.ready, state: serving}}
	if v.state.Falling && v.planned >= v.current {
		parts[0].state = hoped
	}
	left := v.current - v.ready
	stuck := max(0, v.current-max(v.ready, min(v.current, v.reach)))
	left -= stuck
	add := func(n int, state partState, in time.Duration) {
		if n = min(n, left); n > 0 {
			parts = append(parts, part{n, state, max(in, soon)})
			left -= n
		}
	}
	add(v.state.Lately, hoped, 0)
	add(v.state.Overdue, hoped, 0)
	starting := slices.Clone(v.state.Starting)
	slices.SortStableFunc(starting, func(a, b Start) int { return cmp.Compare(a.In, b.In) })
	for _, s := range starting {
		add(s.Replicas, loading, s.In)
	}
	add(left, loading, v.state.Startup)
	switch {
	case v.state.Ordered:
		slices.Reverse(parts)
	case v.state.Rolling:
		return append(append(parts[1:], part{replicas: stuck, state: lost}), parts[0])
	}
	return append(parts, part{replicas: stuck, state: lost})
}

// soon is the least time until replicas that load are ready: it is not now.
const soon = time.Nanosecond

// unsteady is how many replicas may not be ready when others are, where some were
// ready a moment ago, or are overdue; 0 where none is.
func (v *guardedVariant) unsteady() int {
	n, hopes := 0, false
	for _, p := range v.parts {
		if p.state == hoped || p.state == loading {
			n += p.replicas
		}
		hopes = hopes || p.state == hoped
	}
	if !hopes {
		return 0
	}
	return n
}

// moment is a time at which the supply under a decision is held against that
// of what runs.
type moment struct {
	in time.Duration
	// hoped says that replicas which nothing relies on count.
	hoped bool
}

// at reports whether replicas of a part serve at a moment.
func (p part) at(m moment) bool {
	switch p.state {
	case serving:
		return true
	case hoped:
		return m.hoped
	case loading:
		return p.in <= m.in && !m.hoped
	default:
		return false
	}
}

// maxMoments bounds how many moments of one model are looked at: now, and the
// next times at which something is ready.
const maxMoments = 8

// moments are now, now with what is hoped for, and the times at which replicas
// that load are ready.
func (m *guardedModel) moments() []moment {
	all := []moment{{}, {hoped: true}}
	var times []time.Duration
	for j := range m.variants {
		for _, p := range m.variants[j].parts {
			if p.state == loading {
				times = append(times, p.in)
			}
		}
	}
	slices.Sort(times)
	times = slices.Compact(times)
	for _, in := range times[:min(len(times), maxMoments)] {
		all = append(all, moment{in: in})
	}
	return all
}

// supplyAt is what n replicas of a variant serve of a signal at a moment: of
// those that run now, and of those that are ordered.
func (v *guardedVariant) supplyAt(signal string, n int, at moment) float64 {
	if len(v.parts) == 0 {
		return 0 // what runs is not known: nothing relies on it
	}
	count, left := 0, n
	for _, p := range v.parts {
		k := min(p.replicas, left)
		if left -= k; p.at(at) {
			count += k
		}
	}
	if at.in >= max(v.state.Startup, soon) && !at.hoped {
		count += left
	}
	return v.Capacity[signal] * float64(count)
}
