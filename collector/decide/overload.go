package decide

import (
	"math"
	"time"

	"github.com/variant-exporter/variant-exporter/collector/match"
	"github.com/variant-exporter/variant-exporter/optimizer/forecast"
)

// overloaded reports whether the demand for a signal exceeded what the ready replicas could serve, now or at any step of a time.
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
		if amount > 0 && supply[i] > 0 && amount > supply[i] && demand.Ago(i) < over {
			return true
		}
	}
	return false
}

// pastDemand is the demand over time with what waited, where a signal counts what is in the system.
func (s *signal) pastDemand(of func(*match.Demand) match.Past) (forecast.History, match.Missing) {
	demand, missing := s.past(of)
	if queued := of(&s.read.Queued); missing.OK() && !s.Rate() && queued.Missing.OK() {
		demand = forecast.Sum(demand, queued.History)
	}
	return demand, missing
}
