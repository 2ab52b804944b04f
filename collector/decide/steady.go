package decide

import (
	"math"
	"slices"
	"time"

	"github.com/variant-exporter/variant-exporter/optimizer"
)

// What is planned goes up and down with the noise of demand and of capacities, and what was ordered for it shows late. So what is asked for stays where
// that alone would stop it, and what was ordered a moment ago is ordered still.

const (
	// capacityNoise is by what share capacities differ from one moment to the next where they are measured, or follow from measured
	// lengths.
	capacityNoise = 0.01
	// stopNoise is the share that a stop needs: half as much again, so that noise alone does not undo it.
	stopNoise = 1.5 * capacityNoise
)

// measured reports whether capacities for a signal differ from one moment to the next.
func (s *signal) measured() bool {
	return slices.ContainsFunc(s.model.variants, func(v *variant) bool { return v.capacities[s.Place] > 0 && !v.Capacities[s.Place].Constant() })
}

// needed is the supply that a demand needs, as far as it is known what a supply carries: a shortage within the noise of capacities starts nothing.
func (s *signal) needed(demand float64) float64 {
	if s.measured() {
		return demand / (1 + capacityNoise)
	}
	return demand / (1 + optimizer.Tolerance)
}

// neededAt is the supply that what was planned for some time ago needs. Before the last full minute capacities were a little different: what was ordered
// by them stays ordered until it is seen, and neither what they carried nor more than was ordered by them is ordered in hindsight.
func (s *signal) neededAt(ago, minute time.Duration) float64 {
	needed := s.needed(s.plannedAt(ago))
	before, now := s.supplyBefore(), s.supplyWithOrders()
	switch {
	case before == 0 || ago <= minute:
		return needed
	case needed <= before*(1+optimizer.Tolerance):
		return min(needed, now)
	}
	return needed * now / before
}

// atSight is the most that a signal was planned for at the looks since the last full minute, the present included: by the capacities of now.
func (s *signal) atSight(minute time.Duration) float64 {
	waits, seen := *s.out.Planned-s.steady, s.level
	if s.plan != nil {
		seen = larger(s.level, s.plan(0, s.level))
	} else if s.out.Headroom != nil {
		seen *= 1 + *s.out.Headroom
	}
	for ago := toldEvery; ago <= minute; ago += toldEvery {
		seen = larger(seen, s.plannedAt(ago))
	}
	return min(seen+waits, s.fresh())
}

// supplyBefore is what the replicas that are asked for, and ordered, could serve of a signal by the capacities of a minute before; 0 where these are
// not known, or differ by more than noise.
func (s *signal) supplyBefore() float64 {
	supply := 0.0
	for _, v := range s.model.variants {
		if v.runs.Current.N != nil && v.asksFor() > 0 && v.capacities[s.Place] > 0 {
			if s.Place >= len(v.before) || math.Abs(v.before[s.Place]/v.capacities[s.Place]-1) > capacityNoise {
				return 0
			}
			supply += v.before[s.Place] * float64(v.asksFor())
		}
	}
	return supply
}

// ordered notes what was needed at the looks of the last minute that were before the last full one, where capacities have grown since: what was
// ordered for it is not seen yet.
func (d *decider) ordered(m *model) {
	minute := d.sinceMinute()
	for _, s := range m.signals {
		if s.out.Planned != nil {
			s.seen = s.atSight(minute)
		}
		if before := s.supplyBefore(); s.out.Planned == nil || before == 0 || before >= s.supplyAsked() {
			continue
		}
		for ago := toldEvery; ago < acting; ago += toldEvery {
			if ago > minute {
				s.ordered = larger(s.ordered, s.neededAt(ago, minute))
			}
		}
	}
}

// steadied is what a signal is planned for. What was planned at the last moments is ordered: an order takes a minute to be seen. What is held
// on top of it, by the window or because it comes back, only keeps what is asked for: no replica is started for demand that is gone, nor does
// one start or stop because capacities are measured a little differently for a moment.
func (s *signal) steadied() float64 {
	planned := *s.out.Planned
	if slices.ContainsFunc(s.model.variants, func(v *variant) bool { return v.runs.Current.N == nil }) {
		return planned
	}
	kept, fresh, now, ordered := s.kept(), s.fresh(), s.supplyWithOrders(), s.supplyOrdered()
	if s.measured() {
		beyond := func(planned float64) float64 { return min(planned, max(now, s.needed(planned))) }
		if s.needed(fresh) <= s.supplyBefore() { // it was carried, but for the noise of the last full minute
			fresh = max(min(fresh, now), beyond(s.seen))
		} else {
			fresh = beyond(fresh)
		}
		fresh = max(fresh, s.ordered)
		return max(fresh, min(kept*(1+stopNoise), now), min(kept*(1+capacityNoise), ordered))
	}
	return max(fresh, min(kept, ordered))
}

// supplyOrdered is what the replicas that are asked for can serve of a signal, with those in an order that was taken back a moment ago.
func (s *signal) supplyOrdered() float64 {
	return s.supply(func(v *variant) int {
		if v.runs.Current.N == nil {
			return 0
		}
		return v.givenAgain()
	})
}

// givenAgain is how many replicas of a variant are asked for, or were in an order of the last minute that was taken back: it is given again, so
// that it does not come and go with each look.
func (v *variant) givenAgain() int {
	n, asked := *v.runs.Current.N, &v.runs.Starts.Current
	if v.unseen < 0 || asked.At(acting) > float64(n) {
		return n + min(0, v.unseen) // it is given up, or was lowered, and no order has come and gone
	}
	return most(n, asked.Over(acting))
}

// fresh is the most that was planned for at a moment of the last minute, the present included.
func (s *signal) fresh() float64 { return *s.out.Planned - s.onlyHeld }

// freshAt is the most that was planned for, some time ago, at a moment of the minute until then; NaN where that is not known.
func (s *signal) freshAt(ago time.Duration) float64 {
	fresh := s.plannedAt(ago)
	for then := ago + toldEvery; then < ago+acting; then += toldEvery {
		fresh = larger(fresh, s.plannedAt(then))
	}
	return fresh
}

// kept is what replicas are kept for: what is planned, or was at the last full minute, and what comes back soon.
func (s *signal) kept() float64 { return max(*s.out.Planned, s.keptAtMinute()) }

// keptAtMinute is what replicas were kept for at the last full minute.
func (s *signal) keptAtMinute() float64 {
	if s.recurring != nil {
		return max(s.marked, s.recurring.level)
	}
	return s.marked
}
