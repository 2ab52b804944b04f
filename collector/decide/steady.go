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
// by them stays ordered until it is seen, and what was not ordered by them is not in hindsight.
func (s *signal) neededAt(ago, minute time.Duration) float64 {
	needed := s.needed(s.plannedAt(ago))
	switch before, now := s.supplyBefore(), s.supplyAsked(); {
	case before == 0:
	case needed <= before*(1+optimizer.Tolerance):
		return min(needed, now)
	case ago > minute:
		return needed * max(1, now/before)
	}
	return needed
}

// supplyBefore is what the replicas that are asked for could serve of a signal by the capacities of a minute before; 0 where these are not known, or
// differ by more than noise.
func (s *signal) supplyBefore() float64 {
	supply := 0.0
	for _, v := range s.model.variants {
		if n := v.runs.Current.N; n != nil && *n > 0 && v.capacities[s.Place] > 0 {
			if s.Place >= len(v.before) || math.Abs(v.before[s.Place]/v.capacities[s.Place]-1) > capacityNoise {
				return 0
			}
			supply += v.before[s.Place] * float64(*n)
		}
	}
	return supply
}

// ordered notes what was needed at the looks of the last minute that were before the last full one, where capacities have grown since: what was
// ordered for it is not seen yet.
func (d *decider) ordered(m *model) {
	minute := d.sinceMinute()
	for _, s := range m.signals {
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
	planned, now, ordered := *s.out.Planned, s.supplyAsked(), s.supplyOrdered()
	if slices.ContainsFunc(s.model.variants, func(v *variant) bool { return v.runs.Current.N == nil }) {
		return planned
	}
	kept, fresh := s.kept(), s.fresh()
	if s.measured() {
		if needed := s.needed(fresh); needed <= s.supplyBefore() {
			fresh = min(fresh, now) // it is carried, but for the noise of the last full minute
		} else {
			fresh = min(fresh, max(now, needed))
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
	if asked.At(acting) > float64(n) {
		return n // it was lowered, and no order has come and gone
	}
	return most(n, asked.Over(acting))
}

// fresh is the most that was planned for at a moment of the last minute, the present included.
func (s *signal) fresh() float64 { return *s.out.Planned - s.onlyHeld }

// kept is what replicas are kept for: what is planned, or was at the last full minute, and what comes back soon.
func (s *signal) kept() float64 {
	kept := max(*s.out.Planned, s.marked)
	if s.recurring != nil {
		kept = max(kept, s.recurring.level)
	}
	return kept
}
