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
		planned, backlog := s.steady+s.undrained(), s.backlog // not a pointer to all that the signal refers to
		s.out.Planned, s.out.Backlog = &planned, &backlog
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
	if s.carriers == nil {
		s.readCarriers()
	}
	supply := 0.0
	for i := range s.carriers {
		c := &s.carriers[i]
		n := c.ready.At(ago)
		if ago == 0 && c.now != nil {
			n = *c.now
		}
		if math.IsNaN(n) || math.IsNaN(c.capacity) {
			return math.NaN()
		}
		supply += c.capacity * n
	}
	return supply
}

// carrier is a variant that serves a signal, as readySupply needs it.
type carrier struct {
	capacity float64 // NaN where it is not known
	ready    *forecast.History
	now      *float64 // ready now or a moment ago
}

func (s *signal) readCarriers() {
	s.carriers = make([]carrier, 0, len(s.model.variants))
	for _, v := range s.model.variants {
		if !v.Carries(s.Signal) {
			continue
		}
		c := carrier{capacity: math.NaN(), ready: &v.read.Replicas.ReadyWindow.History}
		if capacity := v.toldCapacity(s); capacity.Missing.OK() {
			c.capacity = capacity.Number
		}
		if ready := v.read.Replicas.Ready.N; ready != nil {
			now := float64(*ready + v.pending.lately)
			c.now = &now
		}
		s.carriers = append(s.carriers, c)
	}
}

// withoutBacklog is the demand over time that lasts.
func (s *signal) withoutBacklog(window forecast.History) forecast.History {
	queued := s.read.Queued.Window.History
	if s.Rate() || len(queued.Values) != len(window.Values) {
		return window
	}
	window.Values = slices.Clone(window.Values)
	supply, last := math.NaN(), time.Duration(-1) // that of the step before is mostly that of a service time ago
	for i, waiting := range queued.Values {
		if math.IsNaN(window.Values[i]) || !(waiting > 0) {
			continue
		}
		ago, before := window.Ago(i), supply
		if last != ago+serviceTime {
			before = s.readySupply(ago + serviceTime)
		}
		supply, last = s.readySupply(ago), ago
		window.Values[i] = s.lasting(window.Values[i], waiting, ago, supply, before)
	}
	return window
}
