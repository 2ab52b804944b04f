package sim

import (
	"math"
	"slices"
	"time"
)

// Result is what a run came to.
type Result struct {
	Policy string
	Mode   Mode

	Arrived, Served, Good             float64 // requests
	Refused, Impatient, Failed, Never float64
	InSystem                          float64 // at the end, begun and not done
	WorstHour                         float64 // share within targets
	TTFT, ITL                         Quantiles
	Recovery                          []Recovery

	Cost, OracleCost       float64
	ReplicaHours           float64
	Changes, Starts        int
	Cancelled, ShortLived  int
	FailedStarts           int
	ShortMinutes           float64
	EnergyKWh, PeakWatts   float64
	BudgetViolations       int
	DecisionMean, Decision time.Duration // mean and 99th percentile
	Rates                  map[string]float64
	Timeline               []Point
	Wanted                 map[string][]Wanted
	Variants               []string // IDs, in the order of the timeline
	Models                 []string
}

// Quantiles are of a time, in seconds; NaN where nothing was measured.
type Quantiles struct{ P50, P95, P99, Mean float64 }

func quantiles(h *histogram) Quantiles {
	return Quantiles{h.quantile(0.5), h.quantile(0.95), h.quantile(0.99), h.sum / h.total}
}

// Recovery is how long it took after a step of the load until a minute was good, and stayed so for three.
type Recovery struct {
	At   time.Duration
	Took time.Duration // -1: not until the next step, or the end
}

func (s *Sim) finish() *Result {
	l := s.ledger
	r := &Result{Policy: s.Policy.Name(), Mode: s.Mode, Timeline: l.timeline, Wanted: l.wanted, Rates: map[string]float64{}}
	var ttft, itl histogram
	hours := map[int]*minute{}
	for i, m := range s.models {
		m.engine.finish(s.now)
		b := l.models[i]
		r.Models = append(r.Models, m.Model.Model)
		r.Arrived += b.arrived
		r.Served += b.served
		r.Good += b.good
		r.Refused += b.refused
		r.Impatient += b.impatient
		r.Failed += b.failed
		r.Never += b.unbegun
		ttft.merge(&b.ttft)
		itl.merge(&b.itl)
		for j, x := range b.minutes {
			h := hours[j/60]
			if h == nil {
				h = &minute{}
				hours[j/60] = h
			}
			h.arrived += x.arrived
			h.good += x.good
			if j < len(r.Timeline) && x.arrived > 0 {
				r.Timeline[j].Models[i].Good = min(1, x.good/x.arrived)
			} else if j < len(r.Timeline) {
				r.Timeline[j].Models[i].Good = 1
			}
		}
	}
	r.TTFT, r.ITL = quantiles(&ttft), quantiles(&itl)
	r.WorstHour = 1
	for _, h := range hours {
		if h.arrived > 0 {
			r.WorstHour = min(r.WorstHour, h.good/h.arrived)
		}
	}
	s.totals(r)
	r.Recovery = s.recoveries()
	return r
}

func (s *Sim) totals(r *Result) {
	l := s.ledger
	for i, v := range s.variants {
		r.Cost += l.variants[i].cost
		r.ReplicaHours += l.variants[i].seconds / 3600
		r.EnergyKWh += l.variants[i].joules / 3.6e6
		r.Rates[v.ID()] = v.rate
		r.Variants = append(r.Variants, v.ID())
	}
	r.OracleCost = s.oracleCost()
	r.Changes, r.Starts, r.Cancelled, r.ShortLived, r.FailedStarts = l.changes, l.starts, l.cancel, l.short, l.failed
	r.ShortMinutes, r.PeakWatts, r.BudgetViolations = l.lacking/60, l.peak, l.broken
	if n := len(l.decision); n > 0 {
		slices.Sort(l.decision)
		sum := time.Duration(0)
		for _, d := range l.decision {
			sum += d
		}
		r.DecisionMean, r.Decision = sum/time.Duration(n), l.decision[min(n-1, n*99/100)]
	}
}

// good is the share of requests in time from which on a minute counts as recovered.
const goodMinute = 0.99

// recoveries looks at what follows each step of the load.
func (s *Sim) recoveries() []Recovery {
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
	var all []Recovery
	for i, at := range steps {
		end := until
		if i+1 < len(steps) {
			end = steps[i+1]
		}
		all = append(all, Recovery{At: at, Took: s.recovered(at, end)})
	}
	return all
}

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
	return -1
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
