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
// other signal says how many come: an answer of 200 tokens at 50 ms each. A replica then works off its capacity once in this time. Where nothing
// is ready it is serviceAsleep: what a model wakes with has to carry what comes while it loads, too.
const serviceTime, serviceAsleep = 10 * time.Second, 15 * time.Second

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
	switch s.service = longest; {
	case longest > 0:
	case slices.ContainsFunc(s.model.variants, func(v *variant) bool { return v.Carries(s.Signal) && serves(&v.read.Replicas) }):
		s.service = serviceTime
	default:
		s.service = serviceAsleep
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
	if now.Missing.NoResult() {
		now.Missing.Input = s.Queued.Now.Name // Else it would be taken for the demand, which has one.
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
		if s.evens && (backlog > 0 || forecast.Most(s.read.Queued.Window.Over(acting)) > 0) {
			planned = s.withQueue()
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
	drain, left := time.Duration(*s.model.Backlog.Drain), s.backlog
	s.eachSupply(drain, func(supply float64, over time.Duration) {
		left -= max(0, supply-s.level) * float64(over) / float64(s.perReplica())
	})
	return max(0, left) * float64(s.perReplica()) / float64(drain)
}

// withQueue is the demand, and what works off in as long as an order takes what waits when an order is ready. A rate beside it tells what
// still comes until then. What was ordered stays as far as what waited within that time would have asked for it.
func (s *signal) withQueue() float64 {
	left, waited := s.backlog, s.backlog
	s.eachSupply(s.untilOrdered(), func(supply float64, over time.Duration) {
		left = max(0, left+(s.level-supply)*float64(over)/float64(s.perReplica()))
	})
	if most := forecast.Most(s.read.Queued.Window.Over(s.drain())); most > waited {
		waited = most
	}
	working := func(queue float64) float64 { return s.steady + queue*float64(s.perReplica())/float64(s.drain()) }
	return max(working(left), min(working(waited), s.supplyOrdered()))
}

// untilOrdered is the time until replicas that are ordered now are ready, less the time for which some are ordered that do not show yet:
// something waited then, too.
func (s *signal) untilOrdered() time.Duration {
	ahead := s.Lead + acting/2
	for ago := toldEvery; ago <= acting/2 && s.read.Queued.Window.At(ago) > 0; ago += toldEvery {
		ahead -= toldEvery
	}
	return ahead
}

// eachSupply goes through a time to come by what is ready in it.
func (s *signal) eachSupply(until time.Duration, do func(supply float64, over time.Duration)) {
	at := time.Duration(0)
	for _, in := range append(s.arrivals(until), until) {
		if in > at {
			do(s.supplyAt(at), in-at)
			at = in
		}
	}
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
// within the drain time and work the queue off. The past is what was in service before.
func (s *signal) lasting(inService, waiting float64, ago time.Duration, past forecast.History) float64 {
	if s.Rate() {
		return inService
	}
	queued, at := s.read.Queued.Window.Before(ago + s.service)
	if !(waiting > 0) {
		if !s.evens {
			return inService
		}
		if queued, at = s.emptiedSince(inService, ago, past); queued == 0 {
			return inService
		}
	}
	supply, loads := s.served(ago)
	if math.IsNaN(supply) {
		return inService
	}
	if before, _ := s.served(at); before < supply && !math.IsNaN(queued) {
		supply = before
	}
	if math.IsNaN(queued) {
		if queued = 0; supply > 0 {
			queued = waiting // it was not watched then
		}
	}
	grew := (waiting - queued) * float64(s.service) / float64(at-ago)
	came := max(0, min(inService, supply)+grew)
	if !loads && !s.evens {
		return max(inService, came)
	}
	return came
}

// emptiedSince is what waited, and how long ago, when last something did before a moment some time ago at which nothing does; 0 where there
// has been more in service since than what was let in then: servers that were filled from a queue empty without a stop.
func (s *signal) emptiedSince(inService float64, ago time.Duration, past forecast.History) (queued float64, at time.Duration) {
	waited := s.read.Queued.Window
	for at = ago + past.Step; past.Step > 0 && at < past.Since+time.Duration(len(past.Values))*past.Step; at += past.Step {
		was := past.At(at)
		if !(was > inService) {
			break
		}
		if queued, at = waited.Before(at); queued > 0 && at > ago {
			return queued, at
		}
		inService = was
	}
	return 0, 0
}

// filled is what was in service over the window, where some of it was let in from a queue; empty otherwise.
func (s *signal) filled() forecast.History {
	if !s.evens || !(forecast.Most(s.read.Queued.Window.Values) > 0) {
		return forecast.History{}
	}
	window, _ := s.past(func(x *match.Demand) match.Past { return x.Window })
	return window
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
	if s.Rate() || !(forecast.Most(queued.Values) > 0) {
		return window
	}
	past := window
	window.Values = slices.Clone(window.Values)
	for i, inService := range window.Values {
		ago := window.Ago(i)
		if waiting := queued.At(ago); !math.IsNaN(inService) && !math.IsNaN(waiting) {
			window.Values[i] = s.lasting(inService, waiting, ago, past)
		}
	}
	return window
}

// besideRate reports whether a signal counts what is in service, of a model of one variant of which a rate is known that it has a capacity for as
// well. The rate then tells how much comes. Of several variants, what is ordered for a queue would change their mix.
func (d *decider) besideRate(s *signal) bool {
	if s.Rate() || len(s.model.variants) > 1 {
		return false
	}
	return slices.ContainsFunc(s.model.signals, func(rate *signal) bool {
		return rate.Rate() && rate.Absolute.Given() && rate.read.Absolute.Now.Missing.OK() &&
			!slices.ContainsFunc(s.model.variants, func(v *variant) bool { return v.Carries(s.Signal) && !v.Carries(rate.Signal) })
	})
}

// What is in service goes up and down more than what comes does, so it counts by its mean: beside a rate, which shows a rise at once, over
// minutes, and alone over two looks, since each more would be a look later that a rise counts.
const (
	evenBesideRate = 2 * time.Minute
	evenAlone      = 2 * toldEvery
)

// evenOver is over what time a signal counts by its mean; 0 where it counts as it is. A window of coarser steps does not know the look before.
func (s *signal) evenOver(window forecast.History) time.Duration {
	switch {
	case s.evens:
		return evenBesideRate
	case !s.Rate() && s.OfPreset() && window.Step <= toldEvery:
		return evenAlone
	}
	return 0
}

// evened is the demand now and over time, by its mean. While something waits, the mean is of the looks before which something did as well: the
// first look at a queue shows a part of what comes.
func (s *signal) evened(now float64, window forecast.History) (float64, forecast.History) {
	over := s.evenOver(window)
	if over == 0 {
		return now, window
	}
	waits := func(ago time.Duration) bool { return s.read.Queued.Window.At(ago) > 0 }
	mean := func(sum float64, from, until time.Duration, waiting bool) float64 {
		n := 1.0
		for ago := from; ago < until; ago += toldEvery {
			if was := window.At(ago); !math.IsNaN(was) && (!waiting || waits(ago) && waits(ago+toldEvery)) {
				sum, n = sum+was, n+1
			}
		}
		return sum / n
	}
	even := func(at float64, ago time.Duration, waiting bool) float64 {
		if waiting && !waits(ago+toldEvery) {
			return at
		}
		return mean(at, ago+toldEvery, ago+over, waiting)
	}
	out := window
	out.Values = slices.Clone(window.Values)
	for i, at := range window.Values {
		switch ago := window.Ago(i); {
		case math.IsNaN(at):
		case !waits(ago) && ago+over > window.Ago(0): // what was before is not known
			out.Values[i] = mean(at, max(0, window.Ago(0)-over), window.Ago(0), false)
		default:
			out.Values[i] = even(at, ago, waits(ago))
		}
	}
	return even(now, 0, s.backlog > 0), out
}
