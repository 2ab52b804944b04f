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
	supply := make([]float64, len(demand.Values))
	for _, v := range s.model.variants {
		for i, n := range v.read.Replicas.ReadyWindow.Along(demand) {
			if !math.IsNaN(n) {
				supply[i] += v.capacities[s.Place] * n
			}
		}
	}
	for i, amount := range demand.Values {
		ago := demand.Ago(i)
		if amount > 0 && supply[i] > 0 && amount > supply[i] && ago < over && amount > supply[i]+s.lostSupply(ago) {
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
		out[s.Name] = larger(max(*s.out.Measured, *s.out.Planned), forecast.Most(demand.Over(over)))
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
func (s *signal) pastDemand(of func(*match.Demand) match.Past) (forecast.History, match.Missing) {
	demand, missing := s.past(of)
	if queued := of(&s.read.Queued); missing.OK() && !s.Rate() && queued.Missing.OK() {
		demand = forecast.Sum(demand, queued.History)
	}
	return demand, missing
}
