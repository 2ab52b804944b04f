package sim

import (
	"math"
	"slices"
	"time"

	"github.com/variant-exporter/variant-exporter/backtest/report"
)

// Result is what a run came to.
type Result struct {
	Mode     Mode
	Score    report.Score
	Timeline *report.Timeline
	Wanted   map[string][]Wanted // what was desired, by variant ID
	Rates    map[string]float64  // requests per second that a replica carries within the targets, by variant ID

	// What became of all requests. Their sum is Arrived.
	Arrived, Served, Refused, Impatient, Failed, Unbegun, InSystem float64

	OracleCost   float64 // of the instant oracle
	FailedStarts int
	DecisionMean time.Duration
}

func quantiles(h *histogram) *report.Quantiles {
	if h.total == 0 {
		return nil
	}
	return &report.Quantiles{P50: h.quantile(0.5), P95: h.quantile(0.95), P99: h.quantile(0.99)}
}

// Finish settles what is under way, and returns what the run came to. The simulation cannot go on.
func (s *Sim) Finish() *Result {
	l := s.ledger
	r := &Result{Mode: s.Mode, Wanted: l.wanted, Rates: map[string]float64{}, FailedStarts: l.failed, OracleCost: s.oracleCost()}
	var ttft, itl histogram
	good := 0.0
	for _, m := range s.models {
		b := m.books
		r.InSystem += m.engine.finish(s.now)
		r.Arrived += b.arrived
		r.Served += b.served
		r.Refused += b.refused
		r.Impatient += b.impatient
		r.Failed += b.failed
		r.Unbegun += b.unbegun
		good += b.good
		ttft.merge(&b.ttft)
		itl.merge(&b.itl)
	}
	r.Score = report.Score{
		Requests: int(math.Round(r.Arrived)), SLOAttainment: 1, WorstHour: s.worstHour(), TTFT: quantiles(&ttft), ITL: quantiles(&itl),
		Changes: l.changes, Starts: l.starts, CancelledStarts: l.cancel, ShortLived: l.short, Reversals: l.reversed,
		ShortMinutes: l.lacking / 60, BudgetViolations: l.broken,
	}
	if r.Arrived > 0 {
		r.Score.SLOAttainment = min(1, good/r.Arrived)
		r.Score.Unserved = (r.Refused + r.Impatient + r.Failed + r.Unbegun) / r.Arrived
		r.Score.Refused, r.Score.Impatient = r.Refused/r.Arrived, r.Impatient/r.Arrived
	}
	s.costs(r)
	l.course.attained(s)
	r.Timeline = &l.course.Timeline
	if n := len(l.decision); n > 0 {
		sum := time.Duration(0)
		for _, d := range l.decision {
			sum += d
		}
		r.DecisionMean = sum / time.Duration(n)
	}
	return r
}

// worstHour is the least share within the targets of an hour.
func (s *Sim) worstHour() float64 {
	hours := map[int]minute{}
	for _, m := range s.models {
		for i, x := range m.books.minutes {
			h := hours[i/60]
			hours[i/60] = minute{h.arrived + x.arrived, h.good + x.good}
		}
	}
	worst := 1.0
	for _, h := range hours {
		if h.arrived > 0 {
			worst = min(worst, h.good/h.arrived)
		}
	}
	return worst
}

func (s *Sim) costs(r *Result) {
	l := s.ledger
	joules, metered := 0.0, false
	for i, v := range s.variants {
		r.Score.Cost += l.variants[i].cost
		r.Score.ReplicaHours += l.variants[i].seconds / 3600
		joules += l.variants[i].joules
		metered = metered || v.Watts > 0 || v.IdleWatts > 0
		r.Rates[v.ID()] = v.rate
	}
	if metered {
		kwh, peak := joules/3.6e6, l.peak
		r.Score.EnergyKWh, r.Score.PeakWatts = &kwh, &peak
	}
	if r.OracleCost > 0 && !math.IsInf(r.OracleCost, 1) {
		ratio := r.Score.Cost / r.OracleCost
		r.Score.CostRatio = &ratio
	}
	r.Score.RecoverySeconds = s.recovery()
}

// good is the share of requests in time from which on a minute counts as recovered.
const goodMinute = 0.99

// recovery is the longest time from a step up of the load to the first of three good minutes, in seconds; nil without a step.
func (s *Sim) recovery() *float64 {
	var steps []time.Duration
	until := seconds(s.end - s.warmup)
	for i := range s.scenario.Load {
		for _, at := range s.scenario.Load[i].Changes(until) {
			if at >= 0 {
				steps = append(steps, at)
			}
		}
	}
	slices.Sort(steps)
	steps = slices.Compact(steps)
	var longest *float64
	for i, at := range steps {
		end := until
		if i+1 < len(steps) {
			end = steps[i+1]
		}
		if took := s.recovered(at, end).Seconds(); longest == nil || took > *longest {
			longest = &took
		}
	}
	return longest
}

// recovered is the time from a step until all is well, or until the next.
func (s *Sim) recovered(from, to time.Duration) time.Duration {
	first, last := int(from/time.Minute), int(to/time.Minute)
	for m := first; m < last; m++ {
		ok := true
		for k := m; k < min(m+3, last); k++ {
			for _, b := range s.ledger.models {
				if x := b.minutes[min(k, len(b.minutes)-1)]; x.arrived > 0 && x.good < goodMinute*x.arrived {
					ok = false
				}
			}
		}
		if ok {
			return time.Duration(m-first) * time.Minute
		}
	}
	return to - from
}

// oracleCost is what the cheapest replicas would cost that carry the intended rate at every moment, if they came and went at once.
func (s *Sim) oracleCost() float64 {
	cost := 0.0
	first := int(s.warmup / slotSeconds)
	last := int(math.Ceil(s.end / slotSeconds))
	for _, m := range s.models {
		known := map[float64]float64{}
		for slot := first; slot < last; slot++ {
			rate := m.rateAt(slot)
			c, ok := known[rate]
			if !ok {
				c = m.cheapest(rate)
				known[rate] = c
			}
			cost += c * slotSeconds / 3600
		}
	}
	return cost
}

// cheapest is the least cost per hour of replicas that carry a rate; of a model with split roles, of each of them.
func (m *model) cheapest(rate float64) float64 {
	if rate <= 0 {
		return 0
	}
	roles := []int{roleBoth}
	if m.split {
		roles = []int{rolePrefill, roleDecode}
	}
	total := 0.0
	for _, role := range roles {
		var usable []*variant
		for _, v := range m.variants {
			if roleOf(v.Role) == role && v.rate > 0 {
				usable = append(usable, v)
			}
		}
		slices.SortStableFunc(usable, func(a, b *variant) int { return sign(b.rate - a.rate) })
		total += cover(usable, rate, math.Inf(1))
	}
	return total
}

// cover is the least cost of replicas of some variants, the fastest first, that carry a rate.
func cover(usable []*variant, rate, bound float64) float64 {
	if rate <= 1e-9 {
		return 0
	}
	if len(usable) == 0 {
		return math.Inf(1)
	}
	v := usable[0]
	most := int(math.Ceil(rate/v.rate - 1e-9))
	if len(usable) == 1 {
		return float64(most) * v.Cost
	}
	best := bound
	for n := most; n >= 0; n-- {
		here := float64(n) * v.Cost
		if here >= best {
			continue
		}
		best = min(best, here+cover(usable[1:], rate-float64(n)*v.rate, best-here))
	}
	return best
}

func sign(x float64) int {
	switch {
	case x < 0:
		return -1
	case x > 0:
		return 1
	}
	return 0
}
