package policy

import (
	"math"
	"time"
)

// The oracles know the load that is to come, and what each replica can really serve.
//
// oracle: the cheapest replicas at each moment, ready at once. No autoscaler costs less at the same capacity, since it cannot start
// replicas in no time; noise above the mean rate still makes requests wait, so its service is not perfect.
//
// oracle-delayed: the same, with replicas that take their time to start and are ordered in time.
//
// oracle-noise: knows the mean rate and the burstiness but not the arrivals themselves, and so keeps room for noise. This is the fair
// bound: no autoscaler can foresee the noise.
type oracle struct {
	name    string
	instant bool
	future  *Future
	need    func(model string, tick int) float64 // requests per second
	planner *planner
	setup   Setup
	every   time.Duration
	begin   begin
	plans   []map[string]int // one for each evaluation so far and those ahead
}

// dwell is how long an oracle expects a mix to last when it weighs the cost of starts: it does not know, and an hour is moderate.
const dwell = time.Hour

// overshoot is the share of requests that may wait longer than the target for the noise alone.
const overshoot = 0.001

func newOracle(s Setup) Policy {
	o := newForesight("oracle", s, 0)
	o.instant = true
	return o
}

func newOracleDelayed(s Setup) Policy { return newForesight("oracle-delayed", s, dwell) }

func newOracleNoise(s Setup) Policy {
	o := newForesight("oracle-noise", s, dwell)
	targets, rooms := map[string]time.Duration{}, map[string]float64{}
	for i := range s.Models {
		m := &s.Models[i]
		targets[m.ID], rooms[m.ID] = m.Facts.TTFT, room(s, m)
	}
	mean := o.need
	o.need = func(model string, tick int) float64 {
		return withNoise(mean(model, tick), at(s.Future.Burstiness[model], tick), targets[model], rooms[model])
	}
	return o
}

func newForesight(name string, s Setup, dwell time.Duration) *oracle {
	o := &oracle{name: name, future: s.Future, setup: s, planner: newPlanner(s, dwell), every: s.Every, begin: newBegin(s)}
	o.need = func(model string, tick int) float64 { return at(s.Future.Rates[model], tick) }
	return o
}

func (o *oracle) Name() string  { return o.name }
func (o *oracle) Acts() bool    { return true }
func (o *oracle) Instant() bool { return o.instant }

// Desired returns what has to be ordered now: of each variant the most that any plan wants that becomes due before an order can be
// repeated. Mixes overlap while they change, because the new replicas have to be ready before the old ones go.
func (o *oracle) Desired(seen *Observation) map[string]int {
	desired := map[string]int{}
	from := int(seen.At / o.every)
	for i := range o.setup.Variants {
		v := &o.setup.Variants[i]
		startup := time.Duration(0)
		if !o.instant {
			startup = v.Facts.Startup + o.every
		}
		for step := from; step <= from+int((startup+o.every-1)/o.every); step++ {
			desired[v.ID] = max(desired[v.ID], o.plan(step)[v.ID])
		}
	}
	if o.instant {
		return desired
	}
	return o.begin.keep(seen.At, desired)
}

// plan returns the plan of an evaluation, which serves the load until the next one. Plans are made in the order of time, since each one
// knows what runs before it.
func (o *oracle) plan(step int) map[string]int {
	for len(o.plans) <= step {
		k := len(o.plans)
		demand := map[string]float64{}
		for i := range o.setup.Models {
			id := o.setup.Models[i].ID
			demand[id] = o.most(id, time.Duration(k)*o.every)
		}
		o.plans = append(o.plans, o.planner.plan(demand))
	}
	return o.plans[step]
}

// most returns the largest need between two evaluations.
func (o *oracle) most(model string, from time.Duration) float64 {
	tick := o.future.Tick
	first, last := int(from/tick), int((from+o.every-1)/tick)
	most := 0.0
	for i := first; i <= last; i++ {
		most = max(most, o.need(model, i))
	}
	return most
}

// at returns a value of a series, and the last one after its end.
func at(series []float64, i int) float64 {
	if len(series) == 0 {
		return 0
	}
	return series[min(i, len(series)-1)]
}

// withNoise returns the capacity at which requests wait longer than the target as rarely as allowed, though arrivals at a mean rate have
// a variance of burstiness times their mean. The excess over the capacity c of such a queue is near a reflected Brownian motion with the
// drift rate - c and the variance rate x burstiness (Kingman's heavy traffic), whose share above w is
// exp(-2 (c - rate) w / (rate x burstiness)). The largest excess within the target is w = c x target + (c - rate) x room: what a queue of
// the target's length holds, and the places in the batches that are free at the mean rate. Without a target the answer is for one second.
func withNoise(rate, burstiness float64, target time.Duration, room float64) float64 {
	wait := target.Seconds()
	if wait <= 0 {
		wait = 1
	}
	// (c - rate) is the positive root of a x^2 + b x = noise.
	noise := rate * max(1, burstiness) * math.Log(1/overshoot)
	a, b := 2*(wait+room), 2*rate*wait
	return rate + (math.Sqrt(b*b+4*a*noise)-b)/(2*a)
}

// room is how many places a batch has for each request per second that its server is not asked for, at least: requests in service grow
// faster than in proportion to the rate. Where the time between tokens is the target that binds, the batch may not fill up.
func room(s Setup, m *Model) float64 {
	least := math.Inf(1)
	for i := range s.Variants {
		if f := &s.Variants[i].Facts; s.Variants[i].Model == m.ID && f.Rate > 0 {
			least = min(least, float64(f.MaxBatch)/f.Rate)
		}
	}
	if m.Facts.ITL > 0 {
		least = min(least, m.Facts.OutputTokens*m.Facts.ITL.Seconds())
	}
	if math.IsInf(least, 1) {
		return 0
	}
	return least
}
