package replay

import "github.com/variant-exporter/variant-exporter/collector"

// metWithin is the part of a demand that may be missing before it counts as not carried, as in planning.
const metWithin = 1e-9

// addModel enters the demand of a model, and what its ready replicas can carry by their capacities.
func (a *account) addModel(m, step int, then *collector.Model) {
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
		remembered.seen[s].add(*value.Measured, value.Backlog, supply[ran])
	}
	if unmeasured {
		remembered.unmeasured++
	}
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

// seen is what the replicas that ran were seen to carry, as a share of their capacities.
type seen struct {
	rate   bool    // the signal counts what comes in a second
	most   float64 // share
	queued int     // steps at which requests queued although the capacities had room for all
}

const (
	queuedShare   = 0.1 // of what is in service: more than waits for the running iteration
	queuedSeconds = 5   // of what comes in
	queuedSteps   = 3   // one look is not evidence

	beyondSeen = 1.05 // times what was seen
)

func (x *seen) add(demand float64, backlog *float64, supply float64) {
	if supply <= 0 {
		return
	}
	carried, waits := demand, 0.0
	if backlog != nil {
		waits = *backlog
	}
	most := queuedSeconds * demand
	if !x.rate {
		carried -= waits // it counts as demand
		most = queuedShare * carried
	}
	x.most = max(x.most, carried/supply)
	if waits > most && demand < supply {
		x.queued++
	}
}

// share is the part of the capacities that counts: what was seen to be carried, where requests queued although there was room by the
// capacities. Elsewhere nothing contradicts them.
func (x *seen) share() float64 {
	if x.queued < queuedSteps {
		return 1
	}
	return min(1, x.most)
}

// countShort finds the steps at which either way of running carried less than the demand, and those at which what would have run carries
// more than any replica was seen to carry.
func (a *account) countShort() {
	for m := range a.models {
		for s := range a.models[m].seen {
			a.result.Models[m].Signals[s].count(&a.models[m].seen[s])
		}
	}
	for step := range a.result.Steps {
		var anyShort [2]bool
		beyond := false
		for m := range a.models {
			short, further := a.shortAt(m, step)
			for way := range short {
				anyShort[way] = anyShort[way] || short[way]
			}
			beyond = beyond || further
		}
		for way := range anyShort {
			if anyShort[way] {
				a.short[way]++
			}
		}
		if beyond {
			a.beyond++
		}
	}
}

// count lets only that part of the capacities count that was seen.
func (s *Signal) count(x *seen) {
	s.SeenShare = x.most
	s.CountedShare = x.share()
	for _, supplies := range [][]*float64{s.RanSupply, s.FollowedSupply} {
		for _, supply := range supplies {
			if supply != nil {
				*supply *= s.CountedShare
			}
		}
	}
}

// shortAt says in which of the ways of running a model was short at a step, and whether what would have run carries all, but more than was
// seen.
func (a *account) shortAt(m, step int) (short [2]bool, beyond bool) {
	model, remembered := &a.result.Models[m], &a.models[m]
	for i := range model.Signals {
		s := &model.Signals[i]
		if s.Demand[step] == nil {
			continue
		}
		demand := *s.Demand[step]
		for way, supply := range [2]float64{*s.RanSupply[step], *s.FollowedSupply[step]} {
			if missing := demand - supply; missing > demand*metWithin {
				short[way] = true
				total := model.Total.of(way)
				total.LargestShortfall = max(total.LargestShortfall, missing/demand)
			}
		}
		beyond = beyond || demand*s.CountedShare > beyondSeen*s.SeenShare**s.FollowedSupply[step]
	}
	for way := range short {
		if short[way] {
			remembered.short[way]++
		}
	}
	if beyond = beyond && !short[wouldRun]; beyond {
		remembered.beyond++
	}
	return short, beyond
}
