package decide

import (
	"math"
	"slices"
	"time"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/match"
	"github.com/variant-exporter/variant-exporter/optimizer/forecast"
)

// What waits is work to be done once, not a load that lasts. So it is planned for in addition to the demand: as much as what serves and what
// starts do not work off within the drain time anyway.

// serviceTime is how long a request is assumed to be in service where a signal counts what is in service and not what comes: a
// replica then works off its capacity once in this time.
const serviceTime = 15 * time.Second

// queued is what waits of a signal, in its unit.
func (s *signal) queued() (amount float64, missing match.Missing) {
	if !s.Queued.Given() {
		return 0, match.Missing{}
	}
	now := s.read.Queued.Now
	if now.Missing.NoResult() && s.OnMissing == config.OnMissingZero && s.read.Alive {
		return 0, match.Missing{} // a gateway without a queue
	}
	return now.Value, now.Missing
}

// perReplica is the time in which a replica works off its capacity once.
func (s *signal) perReplica() time.Duration {
	if s.Rate() {
		return time.Second
	}
	return serviceTime
}

// addBacklog plans for what waits, once capacities are known.
func (d *decider) addBacklog(m *model) {
	for _, s := range m.signals {
		if s.backlog == 0 || s.out.Planned == nil {
			continue
		}
		planned := s.steady + s.undrained()
		s.out.Planned, s.out.Backlog = &planned, &s.backlog
	}
}

// waiting is what waits, as a demand: so much more would be in service if there were room.
func (s *signal) waiting() float64 {
	if s.out.Planned == nil {
		return 0
	}
	return s.backlog * float64(s.perReplica()) / float64(serviceTime)
}

// undrained is the demand for what is left of the queue after the drain time: what serves and what starts, each from the moment at
// which it is ready, work off what they can do beyond the demand.
func (s *signal) undrained() float64 {
	drain, worked := time.Duration(*s.model.Backlog.Drain), 0.0
	spare := func(supply float64, from, until time.Duration) {
		if until > from {
			worked += max(0, supply-s.level) * float64(until-from) / float64(s.perReplica())
		}
	}
	at, supply := time.Duration(0), s.supplyAt(0)
	for _, in := range s.arrivals(drain) {
		spare(supply, at, in)
		at, supply = in, s.supplyAt(in)
	}
	spare(supply, at, drain)
	return max(0, s.backlog-worked) * float64(s.perReplica()) / float64(drain)
}

// arrivals lists the times within a horizon at which replicas that start are expected, in order.
func (s *signal) arrivals(horizon time.Duration) []time.Duration {
	var times []time.Duration
	for _, v := range s.model.variants {
		for _, start := range v.pending.starting {
			if start.In < horizon {
				times = append(times, start.In)
			}
		}
	}
	slices.Sort(times)
	return slices.Compact(times)
}

// supplyAt is what replicas that are ready by then can serve of the signal. Those that were ready a moment ago count.
func (s *signal) supplyAt(in time.Duration) float64 {
	supply := 0.0
	for _, v := range s.model.variants {
		if v.runs.Ready.N == nil {
			continue
		}
		n := *v.runs.Ready.N + v.pending.lately
		for _, start := range v.pending.starting {
			if start.In <= in {
				n += start.Replicas
			}
		}
		supply += v.capacities[s.Place] * float64(n)
	}
	return supply
}

// lasting is the demand that lasts, of what is in service and what waits some time ago. While a queue stands, servers are filled from it,
// beyond their capacity where their batches allow, so what is in service says how much was let in. What comes within a service time is
// what was served in it plus what the queue grew by. The supply is what
// ready replicas could serve then, and before is that of a service time earlier.
func (s *signal) lasting(inService, waiting float64, ago time.Duration, supply, before float64) float64 {
	if s.Rate() || !(waiting > 0) || math.IsNaN(supply) {
		return inService
	}
	if before < supply {
		supply = before
	}
	queued, at := s.read.Queued.Window.Before(ago + serviceTime)
	if math.IsNaN(queued) {
		if queued = 0; supply > 0 {
			queued = waiting // it was not watched then
		}
	}
	grew := (waiting - queued) * float64(serviceTime) / float64(at-ago)
	return max(0, min(inService, supply)+grew)
}

// readySupply is what the replicas that were ready some time ago can serve of a signal whose capacities do not follow from profiles. It is
// NaN where that is not known.
func (s *signal) readySupply(ago time.Duration) float64 {
	supply := 0.0
	for _, v := range s.model.variants {
		if !v.Carries(s.Signal) {
			continue
		}
		n, ready := v.read.Replicas.ReadyWindow.At(ago), v.read.Replicas.Ready.N
		if ago == 0 && ready != nil {
			n = float64(*ready + v.pending.lately)
		}
		capacity := v.toldCapacity(s)
		if math.IsNaN(n) || !capacity.Missing.OK() {
			return math.NaN()
		}
		supply += capacity.Number * n
	}
	return supply
}

// withoutBacklog is the demand over time that lasts.
func (s *signal) withoutBacklog(window forecast.History) forecast.History {
	queued := s.read.Queued.Window.History
	if s.Rate() || len(queued.Values) == 0 {
		return window
	}
	window.Values = slices.Clone(window.Values)
	supply, last := math.NaN(), time.Duration(-1) // that of the step before is mostly that of a service time ago
	for i, inService := range window.Values {
		ago, before := window.Ago(i), supply
		waiting := queued.At(ago)
		if math.IsNaN(inService) || !(waiting > 0) {
			continue
		}
		if last != ago+serviceTime {
			before = s.readySupply(ago + serviceTime)
		}
		supply, last = s.readySupply(ago), ago
		window.Values[i] = s.lasting(inService, waiting, ago, supply, before)
	}
	return window
}
