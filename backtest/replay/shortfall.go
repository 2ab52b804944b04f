package replay

import "github.com/variant-exporter/variant-exporter/collector"

// metWithin is the part of a demand that may be missing before it counts as not carried, as in planning.
const metWithin = 1e-9

// addModel enters the demand of a model, and says in which of the ways of running it was short.
func (a *account) addModel(m, step int, then *collector.Model) (short [2]bool) {
	model, remembered := &a.result.Models[m], &a.models[m]
	unmeasured := true
	for s := range then.Signals {
		value := &then.Signals[s]
		// Where a demand was measured but could not be planned by, its capacities are not known.
		if value.Planned == nil || value.Measured == nil {
			continue
		}
		supply, known := remembered.supply(model, value.Name, step)
		if !known {
			continue
		}
		unmeasured = false
		series := &model.Signals[s]
		series.Demand[step], series.RanSupply[step], series.FollowedSupply[step] = value.Measured, &supply[ran], &supply[wouldRun]
		for way, carried := range supply {
			if missing := *value.Measured - carried; missing > *value.Measured*metWithin {
				short[way] = true
				total := model.Total.of(way)
				total.LargestShortfall = max(total.LargestShortfall, missing / *value.Measured)
			}
		}
	}
	if unmeasured {
		remembered.unmeasured++
	}
	for way := range short {
		if short[way] {
			remembered.short[way]++
		}
	}
	return short
}

// supply is what the ready replicas of a model can carry of a signal.
func (r *modelAccount) supply(m *Model, signal string, step int) (supply [2]float64, known bool) {
	for v := range r.variants {
		ready, followed := m.Variants[v].Ready[step], m.Variants[v].FollowedReady[step]
		if ready == nil || followed == nil {
			return supply, false
		}
		capacity := r.variants[v].capacities[signal]
		supply[ran] += capacity * float64(*ready)
		supply[wouldRun] += capacity * float64(*followed)
	}
	return supply, true
}
