package decide

import (
	"math"
	"slices"
	"time"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/match"
	"github.com/variant-exporter/variant-exporter/optimizer"
	"github.com/variant-exporter/variant-exporter/optimizer/forecast"
)

// A plan is worth what it costs to reach it only if it lives long enough. How long plans have lived lately shows in the demand of the last
// day: how often it crossed the levels at which another number of replicas is needed, and for how long.
const (
	lifeDay     = 24 * time.Hour
	lifeUnknown = time.Hour     // of a plan, with less history than lifeLeast
	lifeLeast   = 2 * time.Hour // of history

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
		life = age
	}
	return min(life, lifeDay)
}

// held is for how long the demand of a model lasts, as far as the scale-down windows, and demand that comes back, do not only hold it: a day where it is
// there, and a moment where there is less by more than a little. The mix that is best for it is another one soon, so a start for its sake would not pay.
func (m *model) held() time.Duration {
	only := false
	for _, s := range m.signals {
		switch {
		case s.out.Planned == nil || *s.out.Planned <= 0:
		case s.fresh() < s.kept()*(1-heldBy):
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

// kept is what replicas are kept for: what is planned, or was at the last full minute, and what comes back soon.
func (s *signal) kept() float64 {
	kept := max(*s.out.Planned, s.marked)
	if s.recurring != nil {
		kept = max(kept, s.recurring.level)
	}
	return kept
}

// lived is how long the stays above a level lasted. Of a fleet that carries more than demand asked for all day, it is how long demand stays near what is planned.
func lived(past *forecast.Levels, level, planned float64) time.Duration {
	c, known := past.Crossings(level), time.Duration(forecast.Known(past.Values))*past.Step
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
	if c = past.Crossings(planned * (1 - fellBy)); c.Over {
		return max(c.Above.Mean(), c.Now)
	}
	return c.Above.Mean()
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

// recurs finds the demand that comes back before it pays to stop replicas for it and to start them again: they stay for it. It follows
// from the demand of the last day alone, and not from what runs, so a fleet that follows late cannot make it swing.
func (m *model) recurs() {
	startup := time.Duration(0)
	for _, v := range m.variants {
		startup = max(startup, time.Duration(v.Startup))
	}
	if startup == 0 {
		return
	}
	for _, s := range m.signals {
		if s.out.Planned != nil && *s.out.Planned > 0 && !s.evens { // What is ordered for a queue does not stay.
			s.marked = s.plannedMark()
			s.recurring = s.comesBack(startup)
		}
	}
}

// plannedMark is what was planned at the last full minute. Replicas are kept for it until the next: what is given up shows before more is.
func (s *signal) plannedMark() float64 {
	past := s.plannedPast()
	mark := math.NaN()
	if last := len(past.Values) - 1; last >= 0 {
		mark = past.Values[last]
	}
	if s.plan != nil {
		mark = larger(mark, s.heldAt(past.Since))
	}
	return larger(mark, 0)
}

// recurring is a demand that comes back.
type recurring struct {
	level float64
	gap   time.Duration // after which it came back, in the mean
	times int           // that it did, over the last day
	stay  time.Duration // for which replicas stay for it from now on
}

const (
	// newFor is how long a replica that has become ready counts as new.
	newFor = 10 * time.Minute
	// fellBy is by what share demand falls that does more than go up and down.
	fellBy = 0.2
	// heldBy is by what share more is held than there is where another mix is not chosen for it.
	heldBy = 0.1
	// swingDeviations is by how many standard deviations of its noise demand goes up and down without a reason that lasts: about as many as are planned for.
	swingDeviations = 2.5
	// levelApart is by what share levels differ that are looked at apart, and levelsMost how many there are at the most.
	levelApart = 0.02
	levelsMost = 12
)

// comesBack is the largest demand of late that is needed again soon; nil where there is none above what is planned. To stop a replica and
// to start it again costs what it costs while it starts, and as much again for the risk of being short. A replica that was started a
// moment ago stays for a while, unless demand has fallen for good: by more than it swings.
func (s *signal) comesBack(startup time.Duration) (found *recurring) {
	past, planned := s.plannedPast(), s.marked
	restart, young := 2*(startup+acting), startup+acting+newFor+past.Step // It rose at some moment of the step.
	next, looked := planned, 0
	for at := len(past.Values); ; looked++ {
		if at = past.LastAbove(at, next); at < 0 || looked == levelsMost {
			break
		}
		peak := past.Values[at]
		next = peak * (1 + levelApart)
		c := past.Crossings(max(peak*(1-levelApart), planned))
		stay := c.Below.Wait(restart) - c.Now
		if s.swings(peak, planned, c.Below) {
			rose := past.Crossings(peak * (1 - optimizer.Tolerance)) // The last replica was started for the peak itself.
			stay = max(stay, young-rose.Now-rose.Last)
		}
		if stay > 0 {
			found = &recurring{level: peak, gap: c.Below.Mean(), times: len(c.Below), stay: stay}
		}
	}
	if found != nil && found.level <= *s.out.Planned {
		return nil
	}
	return found
}

// swings reports whether what is planned may soon rise to a peak of late again without a reason that lasts: it fell from it by no more than
// noise explains. Where noise is not measured, and where a stop may change the mix of several sizes, which takes more to undo: by little, or
// from a level that demand crosses often.
func (s *signal) swings(peak, planned float64, below forecast.Stays) bool {
	if s.noise > 0 && len(s.model.variants) == 1 {
		return peak < planned+swingDeviations*s.noise
	}
	return len(below) > 0 && slices.Min(below) < newFor || peak < planned*(1+fellBy)
}

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

// neededAt is the supply that what was planned for some time ago needs. Before the last full minute capacities may have been smaller: an order that rests on that
// stands, as long as it is not seen.
func (s *signal) neededAt(ago, minute time.Duration) float64 {
	needed := s.needed(s.plannedAt(ago))
	if ago > minute && s.grew > 1 {
		needed *= min(s.grew, 1+capacityNoise)
	}
	return needed
}

// ordered notes what was needed at the looks of the last minute that were before the last full one, where a capacity has grown since: what was
// ordered for it is not seen yet.
func (d *decider) ordered(m *model) {
	minute := d.sinceMinute()
	for _, s := range m.signals {
		if s.out.Planned == nil || !(s.grew > 1) {
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
		fresh = max(min(fresh, max(now, s.needed(fresh))), s.ordered)
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
