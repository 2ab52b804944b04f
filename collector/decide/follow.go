package decide

import (
	"math"
	"time"

	"github.com/variant-exporter/variant-exporter/collector/match"
	"github.com/variant-exporter/variant-exporter/optimizer"
	"github.com/variant-exporter/variant-exporter/optimizer/forecast"
)

// unfollowed caps the variants whose autoscalers do not follow, so that the plan uses others: the demand was more than what was asked
// for could serve, throughout the provision timeout, and all that time no more was asked for. It reports whether there are any.
func (d *decider) unfollowed(plan *optimizer.Plan) bool {
	found := false
	for i, m := range d.models {
		if m.known == optimizer.KnownNothing {
			continue
		}
		for j, v := range m.variants {
			n := v.runs.Current.N
			if n == nil || v.stuck != nil || plan.Models[i].Variants[j].Replicas <= *n || !d.waitsInVain(v) {
				continue
			}
			v.stuck, found = n, true
		}
	}
	return found
}

// waitsInVain reports whether more replicas of a variant have been needed throughout its provision timeout than were asked for, and
// their number has not changed.
func (d *decider) waitsInVain(v *variant) bool {
	timeout := time.Duration(*v.ProvisionTimeout)
	asked := v.runs.Starts.Current
	steps := asked.Over(timeout)
	if timeout == 0 || d.Fleet != nil || len(steps) == 0 || !enough(forecast.Known(steps), len(steps)) || math.IsNaN(asked.At(timeout)) {
		return false
	}
	if n := float64(*v.runs.Current.N); forecast.Least(steps) != n || forecast.Most(steps) != n {
		return false
	}
	for _, s := range v.model.signals {
		if v.capacities[s.Place] > 0 && s.shortThroughout(timeout) {
			return true
		}
	}
	return false
}

// shortThroughout reports whether the demand for a signal exceeded what was asked for at every step of a time.
func (s *signal) shortThroughout(over time.Duration) bool {
	demand, missing := s.pastDemand(func(x *match.Demand) match.Past { return x.Starts })
	if !missing.OK() || s.out.Planned == nil {
		return false
	}
	steps, supply := demand.Over(over), 0.0
	for _, v := range s.model.variants {
		if n := forecast.Most(v.runs.Starts.Current.Over(over)); !math.IsNaN(n) {
			supply += v.capacities[s.Place] * n
		}
	}
	return len(steps) > 0 && enough(forecast.Known(steps), len(steps)) && forecast.Least(steps) > supply*(1+optimizer.Tolerance)
}
