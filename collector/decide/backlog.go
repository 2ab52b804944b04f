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

// serviceTime is how long a request is assumed to be in service where a signal counts what is in service and not what comes, and no
// other signal says how many come: a replica then works off its capacity once in this time.
const serviceTime = 15 * time.Second

// serviceLeast and serviceMost bound the time in service that follows from two capacities: outside of it, one of them is a mistake.
const serviceLeast, serviceMost = time.Second, 10 * time.Minute

// readServiceTime finds out how long a request is in service: that many requests of which so many come in a second. Of several variants
// it is the longest.
func (s *signal) readServiceTime() {
	var longest time.Duration
	for _, v := range s.model.variants {
		for _, rate := range s.model.signals {
			if s.Unit != "requests" || rate.Unit != "requests per second" || !v.Carries(s.Signal) || !v.Carries(rate.Signal) {
				continue
			}
			inService, perSecond := v.toldCapacity(s), v.toldCapacity(rate)
			if inService.Missing.OK() && perSecond.Missing.OK() && perSecond.Number > 0 {
				seconds := min(inService.Number/perSecond.Number, serviceMost.Seconds())
				longest = max(longest, time.Duration(seconds*float64(time.Second)), serviceLeast)
			}
		}
	}
	if s.service = longest; longest == 0 {
		s.service = serviceTime
	}
}

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
	return s.service
}

// addBacklog plans for what waits, once capacities are known.
func (d *decider) addBacklog(m *model) {
	for _, s := range m.signals {
		if s.out.Planned == nil {
			continue
		}
		planned, backlog := max(s.steady, s.withShortage()), s.backlog // not a pointer to all that the signal refers to
		if backlog > 0 {
			planned, s.out.Backlog = s.steady+s.undrained(), &backlog
		}
		s.out.Planned = &planned
	}
}

// waiting is what waits, as a demand: so much more would be in service if there were room.
func (s *signal) waiting() float64 {
	if s.out.Planned == nil {
		return 0
	}
	return s.backlog * float64(s.perReplica()) / float64(s.service)
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
// what was served in it plus what the queue grew by. That is no less than what is in service, but where replicas load, or became ready
// within the drain time and work the queue off.
func (s *signal) lasting(inService, waiting float64, ago time.Duration) float64 {
	if s.Rate() || !(waiting > 0) {
		return inService
	}
	supply, loads := s.served(ago)
	if math.IsNaN(supply) {
		return inService
	}
	queued, at := s.read.Queued.Window.Before(ago + s.service)
	if before, _ := s.served(ago + s.service); before < supply && !math.IsNaN(queued) {
		supply = before
	}
	if math.IsNaN(queued) {
		if queued = 0; supply > 0 {
			queued = waiting // it was not watched then
		}
	}
	grew := (waiting - queued) * float64(s.service) / float64(at-ago)
	came := max(0, min(inService, supply)+grew)
	if !loads {
		return max(inService, came)
	}
	return came
}

// served is what the replicas that were ready some time ago can serve of a signal, NaN where that is not known; and whether some were
// loading, or had become ready within the drain time.
func (s *signal) served(ago time.Duration) (supply float64, loading bool) {
	if s.carriers == nil {
		s.readCarriers()
	}
	drain := time.Duration(*s.model.Backlog.Drain)
	for i := range s.carriers {
		c := &s.carriers[i]
		ready := c.readyAt(ago)
		if math.IsNaN(ready) || math.IsNaN(c.capacity) {
			return math.NaN(), false
		}
		supply += c.capacity * ready
		loading = loading || ready < c.askedForAt(ago) || c.readyOf.At(ago+drain) < ready
	}
	return supply, loading
}

// carrier is a variant that serves a signal, as served needs it. The numbers of now are NaN where they are not known.
type carrier struct {
	capacity          float64 // NaN where it is not known
	ready             *forecast.History
	readyOf, askedFor *forecast.History // as starts are told from
	readyNow          float64           // ready now or a moment ago
	askedForNow       float64
}

func (s *signal) readCarriers() {
	s.carriers = make([]carrier, 0, len(s.model.variants))
	for _, v := range s.model.variants {
		if !v.Carries(s.Signal) {
			continue
		}
		c := carrier{
			capacity: math.NaN(), ready: &v.read.Replicas.ReadyWindow.History,
			readyOf: &v.runs.Starts.Ready.History, askedFor: &v.runs.Starts.Current.History, readyNow: math.NaN(), askedForNow: math.NaN(),
		}
		if capacity := v.toldCapacity(s); capacity.Missing.OK() {
			c.capacity = capacity.Number
		}
		if n := v.runs.Ready.N; n != nil {
			c.readyNow = float64(*n + v.pending.lately)
		}
		if n := v.runs.Current.N; n != nil {
			c.askedForNow = float64(*n)
		}
		s.carriers = append(s.carriers, c)
	}
}

// readyAt is how many replicas were ready some time ago, NaN where that is not known.
func (c *carrier) readyAt(ago time.Duration) float64 {
	if ago == 0 && !math.IsNaN(c.readyNow) {
		return c.readyNow
	}
	return c.ready.At(ago)
}

// askedForAt is how many replicas were asked for some time ago, NaN where that is not known.
func (c *carrier) askedForAt(ago time.Duration) float64 {
	if ago == 0 && !math.IsNaN(c.askedForNow) {
		return c.askedForNow
	}
	return c.askedFor.At(ago)
}

// withoutBacklog is the demand over time that lasts.
func (s *signal) withoutBacklog(window forecast.History) forecast.History {
	queued := s.read.Queued.Window.History
	if s.Rate() || len(queued.Values) == 0 {
		return window
	}
	window.Values = slices.Clone(window.Values)
	for i, inService := range window.Values {
		ago := window.Ago(i)
		if waiting := queued.At(ago); !math.IsNaN(inService) && waiting > 0 {
			window.Values[i] = s.lasting(inService, waiting, ago)
		}
	}
	return window
}
