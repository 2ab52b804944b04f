package decide

import (
	"math"
	"time"

	"github.com/variant-exporter/variant-exporter/collector/match"
	"github.com/variant-exporter/variant-exporter/collector/query"
	"github.com/variant-exporter/variant-exporter/optimizer/forecast"
)

// overloaded reports whether the demand for a signal exceeded what the ready replicas could serve, now or at any step of a time, as far as that
// is not explained by replicas that had lost their readiness: then as many were asked for as the demand needed.
func (s *signal) overloaded(over time.Duration) bool {
	if s.out.Measured == nil {
		return false
	}
	if supply := s.supplyAt(0); *s.out.Measured > supply && supply > 0 {
		return true
	}
	demand, missing := s.pastDemand(func(x *match.Demand) match.Past { return x.Overload })
	if !missing.OK() {
		return false
	}
	ready := make([][]float64, len(s.model.variants)) // by variant, at the steps of the demand
	for j, v := range s.model.variants {
		ready[j] = v.read.Replicas.ReadyWindow.Along(demand.History)
	}
	for i := demand.begin(over); i < len(demand.Values); i++ {
		amount, supply := demand.at(i), 0.0
		if !(amount > 0) {
			continue
		}
		for j, v := range s.model.variants {
			if n := ready[j][i]; !math.IsNaN(n) {
				supply += v.capacities[s.Place] * n
			}
		}
		if supply > 0 && amount > supply && amount > supply+s.lostSupply(demand.Ago(i)) {
			return true
		}
	}
	return false
}

// peak is the most demand for each signal over a time, with what waited, and no less than what is planned; nil where one is not known.
func (m *model) peak(over time.Duration) map[string]float64 {
	out := make(map[string]float64, len(m.signals))
	for _, s := range m.signals {
		demand, missing := s.pastDemand(func(x *match.Demand) match.Past { return x.Overload })
		if !missing.OK() || s.out.Measured == nil || s.out.Planned == nil {
			return nil
		}
		out[s.Name] = larger(max(*s.out.Measured, *s.out.Planned), demand.most(over))
	}
	return out
}

// lostSupply is what the replicas could have served some time ago that had been asked for since longer than a start takes, that had been ready, and
// that were not: they crashed, failed their probes, or were being replaced.
func (s *signal) lostSupply(ago time.Duration) float64 {
	lost := 0.0
	for _, v := range s.model.variants {
		ready := v.read.Replicas.ReadyWindow.Until(ago).Values
		if had := math.Min(v.askedSince(ago), forecast.Most(ready)); len(ready) > 0 && had > ready[len(ready)-1] {
			lost += v.capacities[s.Place] * (had - ready[len(ready)-1])
		}
	}
	return lost
}

// askedSince is the fewest replicas that were asked for, some time ago, over longer than a start takes; NaN where that is not known.
func (v *variant) askedSince(ago time.Duration) float64 {
	over, step := time.Duration(v.Startup)+query.ReadyFor, max(0, ago-query.AskedStep) // the step that ends after that time counts, too
	fewest := forecast.Least(v.read.Replicas.AskedWindow.Until(step).Over(over + ago - step))
	if late := forecast.Least(v.read.Replicas.Starts.Current.Until(ago).Over(over)); late < fewest {
		return late // since the last step
	}
	return fewest
}

// pastDemand is the demand over time with what waited, where a signal counts what is in the system.
func (s *signal) pastDemand(of func(*match.Demand) match.Past) (inSystem, match.Missing) {
	demand, missing := s.past(of)
	queued := of(&s.read.Queued)
	switch {
	case !missing.OK() || s.Rate() || !queued.Missing.OK() || len(queued.Values) == 0:
		return inSystem{History: demand}, missing
	case len(demand.Values) == 0:
		return inSystem{History: queued.History}, missing
	}
	return inSystem{demand, queued.Along(demand)}, missing
}

// inSystem is a demand over time and what waited. They are added up where they are looked at: there are many of them, and each is looked at
// once.
type inSystem struct {
	forecast.History
	queued []float64 // at the same steps; nil where it does not count
}

// at is the sum at a step. Where one of the two is not known it counts as nothing.
func (d *inSystem) at(i int) float64 {
	amount := d.Values[i]
	switch {
	case d.queued == nil || math.IsNaN(d.queued[i]):
		return amount
	case math.IsNaN(amount):
		return d.queued[i]
	}
	return amount + d.queued[i]
}

// begin is the first step that is less than a time ago.
func (d *inSystem) begin(over time.Duration) int { return len(d.Values) - len(d.Over(over)) }

// most is the largest sum over a time; NaN where none is known.
func (d *inSystem) most(over time.Duration) float64 {
	largest := math.NaN()
	for i := d.begin(over); i < len(d.Values); i++ {
		largest = larger(largest, d.at(i))
	}
	return largest
}
