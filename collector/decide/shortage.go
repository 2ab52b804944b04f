package decide

import (
	"math"
	"slices"
	"time"
)

// Where demand rises beyond what the ready replicas serve, requests wait until others have started. A rate alone does not tell how many, but
// it follows: what came beyond what could be served, as far as it has not been worked off since.

// withShortage is the demand, and what works off within the drain time what waits. While anything does, what was ordered stays.
func (s *signal) withShortage() float64 {
	waits := s.shortage()
	if waits == 0 || s.out.Stabilized == nil {
		return 0
	}
	return max(s.supplyOrdered(), max(s.rising, *s.out.Stabilized)+waits/s.drain().Seconds())
}

// shortage is the most that waits, by the rate alone, until a replica that is ordered now is ready, in the unit of the rate times a second. It
// counts until all of it has been worked off, so what was ordered for it stays so long. It is 0 for a model of several sizes, or with a signal that tells what waits, and
// where it lasts for longer than orders and the queue take: then something else than time keeps replicas from coming.
func (s *signal) shortage() float64 {
	if s.sudden == nil || !s.law().Steps || math.IsNaN(s.readySupply(0)) || slices.ContainsFunc(s.model.signals, func(x *signal) bool { return x.Queued.Given() }) {
		return 0
	}
	ahead, recent := s.Lead+acting/2, s.read.Absolute.Recent
	for ago := toldEvery; ago <= acting/2 && recent.At(ago) > s.readySupply(ago); ago += toldEvery {
		ahead -= toldEvery // what was ordered then is not seen yet
	}
	queue, most, ended := 0.0, 0.0, false
	wait := func(demand, supply float64, over time.Duration) {
		if queue = max(0, queue+(demand-supply)*over.Seconds()); queue == 0 {
			most, ended = 0, true
		}
		most = max(most, queue)
	}
	came := recent.History
	came.Values = s.sudden(ahead + 2*s.drain())
	for i, demand := range came.Values {
		if supply := s.readySupply(came.Ago(i)); math.IsNaN(supply + demand) {
			queue, most, ended = 0, 0, true
		} else {
			wait(demand, supply, came.Step)
		}
	}
	at := time.Duration(0)
	for _, in := range append(s.arrivals(ahead), ahead) {
		before := most
		wait(s.rising, s.supplyAt(at), in-at)
		most, at = max(before, most), in
	}
	if !ended {
		return 0
	}
	return most
}

// readySupply is what the replicas that were ready some time ago can serve; NaN where that is not known.
func (s *signal) readySupply(ago time.Duration) float64 {
	supply := 0.0
	for _, v := range s.model.variants {
		switch capacity := v.capacities[s.Place]; {
		case capacity == 0:
		case v.runs.Ready.N == nil || v.runs.Current.N == nil:
			return math.NaN()
		default:
			supply += capacity * v.runs.Starts.Ready.At(ago)
		}
	}
	return supply
}

// drain is the time within which what waits by a rate alone is worked off: as long as an order takes, and at most backlog.drain.
func (s *signal) drain() time.Duration {
	return min(time.Duration(*s.model.Backlog.Drain), s.law().Ahead)
}
