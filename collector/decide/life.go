package decide

import (
	"math"
	"slices"
	"time"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/match"
	"github.com/variant-exporter/variant-exporter/optimizer/forecast"
)

// A plan is worth what it costs to reach it only if it lives long enough. How long plans have lived lately shows in the demand of the last
// day: how often it crossed the levels at which another number of replicas is needed, and for how long.
const (
	lifeDay     = 24 * time.Hour
	lifeUnknown = time.Hour     // of a plan, with less history than lifeLeast
	lifeLeast   = 2 * time.Hour // of history

	// heldBy is by what share more is held than there is, where another mix is not chosen for it.
	heldBy = 0.1

	// acting is from the moment at which demand is there to the one at which an order is: it is measured, planned, and followed.
	acting = time.Minute
)

// plannedPast is what would have been planned over the last day: the demand with headroom, held over the scale-down window. The headroom is
// that of late, and replicas that were started by the noise of a moment ago were started for as much as was planned then. It ends with the
// last step, so that what follows from it is the same at all evaluations of a minute: what is ordered then shows before it changes.
func (s *signal) plannedPast() *forecast.Levels {
	if s.held != nil {
		return s.held
	}
	var out forecast.History
	demand, missing := s.past(func(x *match.Demand) match.Past { return x.Levels })
	if share := s.out.Headroom; missing.OK() && share != nil && s.out.Planned != nil {
		out = forecast.History{Step: demand.Step, Since: demand.Since, Values: s.model.days.take(demand.Over(lifeDay))}
		if s.OnMissing == config.OnMissingZero {
			known := slices.IndexFunc(out.Values, func(v float64) bool { return !math.IsNaN(v) })
			unknownIsZero(forecast.History{Values: out.Values[max(0, known):]}) // before that it may not have been watched
		}
		s.withPlans(out, *share)
		out.Hold(time.Duration(*s.model.ScaleDownWindow))
	}
	s.held = out.Levels()
	return s.held
}

// withPlans makes the demand at each step what was planned for it: by the law while replicas that count as new were ordered, and before that with
// a share of headroom, which is the mean of late where there is a law.
func (s *signal) withPlans(h forecast.History, share float64) {
	plans, planned, demand := s.plannedLate(h)
	if len(plans) > 0 && demand > 0 {
		share = planned/demand - 1
	}
	for i := range h.Values {
		h.Values[i] *= 1 + share
	}
	for i, planned := range plans {
		if !math.IsNaN(planned) {
			h.Values[len(h.Values)-1-i] = planned
		}
	}
}

// plannedLate is what was planned by the law at the last steps, the newest first, and the sums of that and of the demand. The plan of a step is
// the most that was planned for since the one before it.
func (s *signal) plannedLate(h forecast.History) (plans []float64, planned, demand float64) {
	if s.plan == nil || len(h.Values) == 0 {
		return nil, 0, 0
	}
	since, recent := s.Lead+newFor+time.Duration(*s.model.ScaleDownWindow), s.read.Absolute.Recent
	plans = make([]float64, 0, since/h.Step+1)
	for i, then := range slices.Backward(recent.Values) {
		ago := recent.Ago(i)
		if ago < h.Since {
			continue
		}
		step := int((ago - h.Since) / h.Step)
		if ago-h.Since > since || step >= len(h.Values) {
			break
		}
		for len(plans) <= step {
			plans = append(plans, math.NaN())
		}
		if at := s.plan(ago, then); !math.IsNaN(at) {
			plans[step] = larger(plans[step], at)
			planned, demand = planned+at, demand+then
		}
	}
	return plans, planned, demand
}

// forgetPast gives back what plannedPast keeps: a day of every signal takes much memory, and nothing asks for it again.
func (m *model) forgetPast() {
	for _, s := range m.signals {
		if s.held != nil {
			m.days.give(s.held.Values)
		}
		s.held = nil
	}
}

// days are copies of the past of signals and what was seen in it, which one model after another uses.
type days struct {
	free  [][]float64
	looks []queueLook
}

// take returns a copy of values.
func (d *days) take(values []float64) []float64 {
	var copied []float64
	if last := len(d.free) - 1; last >= 0 {
		copied, d.free = d.free[last], d.free[:last]
	}
	return append(copied[:0], values...)
}

// give takes back a copy that is not read any more.
func (d *days) give(values []float64) { d.free = append(d.free, values) }

// supplyAsked is what the replicas that are asked for can serve of a signal.
func (s *signal) supplyAsked() float64 {
	return s.supply(func(v *variant) int {
		if n := v.runs.Current.N; n != nil {
			return *n
		}
		return 0
	})
}

// supply is what so many replicas of each variant can serve of a signal.
func (s *signal) supply(replicas func(*variant) int) float64 {
	supply := 0.0
	for _, v := range s.model.variants {
		supply += v.capacities[s.Place] * float64(replicas(v))
	}
	return supply
}

// life is how long a plan of the model is expected to live: the time for which its demand stayed above the level that the present fleet
// carries, each time it rose above it. Where a price has changed during the day, a plan lives as long as the price has.
func (d *decider) life(m *model) time.Duration {
	life := lifeUnknown
	if s := m.binding(); s != nil {
		life = lived(s.plannedPast(), s.supplyAsked(), *s.out.Planned)
	}
	if age, changed := m.priceAge(); changed {
		life = max(0, age-d.sinceMinute()) // as at the last full minute: what pays does not change between
	}
	return min(life, lifeDay)
}

// held is for how long the demand of a model lasts, as far as the scale-down windows, and demand that comes back, do not only hold it: a day where it is
// there, or was at the last full minute, and a moment where there is less by more than a little. The mix that is best for it is another one soon, so a start
// for its sake would not pay.
func (m *model) held(minute time.Duration) time.Duration {
	only := false
	for _, s := range m.signals {
		switch {
		case s.out.Planned == nil || *s.out.Planned <= 0:
		case larger(s.fresh(), s.freshAt(minute)) < s.kept()*(1-heldBy):
			only = true
		default:
			return lifeDay
		}
	}
	if only {
		return acting
	}
	return lifeDay
}

// lived is how long the stays above a level lasted. Where demand has not reached it all day, the fleet carries more than was ever asked for: then it is
// those near what is planned.
func lived(past *forecast.Levels, level, planned float64) time.Duration {
	c, known := past.Crossings(level), time.Duration(forecast.Known(past.Values))*past.Step
	if len(c.Above) == 0 && !c.Over {
		c = past.Crossings(planned * (1 - fellBy))
	}
	switch {
	case known < lifeLeast:
		return lifeUnknown
	case len(c.Above) > 0 && c.Over:
		return max(c.Above.Mean(), c.Now)
	case len(c.Above) > 0:
		return c.Above.Mean()
	case c.Over:
		return max(lifeUnknown, c.Now)
	}
	return lifeUnknown
}

// binding is the signal whose planned demand asks for the most, next to what the present fleet carries; nil where nothing is asked for.
func (m *model) binding() *signal {
	var found *signal
	most := 0.0
	for _, s := range m.signals {
		if s.out.Planned == nil || *s.out.Planned <= 0 {
			continue
		}
		share := math.Inf(1)
		if supply := s.supplyAsked(); supply > 0 {
			share = *s.out.Planned / supply
		}
		if share > most {
			found, most = s, share
		}
	}
	return found
}

// priceChange is by what share a cost must have differed for the price to count as another one.
const priceChange = 0.05

// priceAge is for how long the variants of a model have cost what they cost now, where that changed during the last day.
func (m *model) priceAge() (age time.Duration, changed bool) {
	for _, v := range m.variants {
		past := v.read.CostDay
		if v.cost == nil || !past.Missing.OK() {
			continue
		}
		for i, was := range slices.Backward(past.Values) {
			if now := v.read.Cost.Number; !math.IsNaN(was) && math.Abs(was-now) > priceChange*now {
				if ago := past.Ago(i); !changed || ago < age {
					age, changed = ago, true
				}
				break
			}
		}
	}
	return age, changed
}
