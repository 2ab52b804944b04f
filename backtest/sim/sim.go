// Package sim simulates a fleet of model servers in virtual time: servers that batch continuously, gateways in front of them, pods
// that are ordered, wait for room, load, fail, serve and drain, node pools, roll-outs, and autoscalers that read gauges late. It
// draws everything random from one seed: equal scenarios, seeds and policies give equal runs.
//
// Two engines serve requests. One follows each request through the iterations of its server. The other treats requests as a fluid,
// for traces of weeks. Both have the same servers: see engine.
package sim

import (
	"context"
	"maps"
	"math"
	"math/rand/v2"
	"time"

	"github.com/variant-exporter/variant-exporter/backtest/policy"
	"github.com/variant-exporter/variant-exporter/backtest/scenario"
	"github.com/variant-exporter/variant-exporter/backtest/sim/expose"
	"github.com/variant-exporter/variant-exporter/backtest/store"
)

// scrapeAhead is how long before an evaluation the scrape is that it sees.
const scrapeAhead = 5.0

// Bounds are the least and the most replicas that an autoscaler may set; Max -1: without limit.
type Bounds struct{ Min, Max int }

// Options are what a run needs.
type Options struct {
	Scenario *scenario.Scenario
	Arrivals []scenario.Arrivals
	Seed     uint64
	Mode     Mode
	Policy   policy.Policy
	Setup    policy.Setup // what the policy was made from
	Bounds   map[string]Bounds
	// Store takes what is scraped; nil: nothing is. Wanted reports whether a name is asked for: others are not kept.
	Store  *store.Store
	Wanted func(name string) bool
	// Budgets are the limits of the configuration, for counting violations.
	Budgets []Budget
	// Served, if not nil, is told of every request that is served one by one, when it is done.
	Served func(Request)
	// Now, if not nil, measures how long decisions take. Nothing else depends on it.
	Now func() time.Time
	// Progress, if not nil, is told of the share that is done.
	Progress func(share float64)
}

// Budget is a limit on the sum of what replicas use.
type Budget struct {
	Limit float64
	Uses  map[string]float64 // per replica, by variant ID
}

// Request is a request that was served. Times are seconds since the start of the simulation, warm-up included.
type Request struct {
	Model                string
	Arrived, First, Done float64 // at the gateway; first token; last token
	Input, Output        int     // tokens
}

// Mode is how requests are served.
type Mode string

// The modes.
const (
	Auto     Mode = "auto"
	Requests Mode = "requests" // one by one
	Fluid    Mode = "fluid"
)

// mostRequests is how many requests are simulated one by one where the mode is left open.
const mostRequests = 400_000

// ModeFor chooses how the requests are served.
func ModeFor(m Mode, arrivals []scenario.Arrivals) Mode {
	if m != Auto && m != "" {
		return m
	}
	total := 0
	for i := range arrivals {
		for _, n := range arrivals[i].Counts {
			total += n
		}
	}
	if total > mostRequests {
		return Fluid
	}
	return Requests
}

// Sim is a fleet in motion.
type Sim struct {
	Options
	scenario *scenario.Scenario
	now      float64 // seconds since the start
	warmup   float64
	end      float64
	rng      *rand.Rand

	models   []*model
	variants []*variant
	pools    map[string]int // sizes
	pods     []*pod         // in the order of their creation; those that are gone are dropped
	nextPod  int
	named    map[string]bool // pods of Deployments, ever
	events   []*happening
	autos    autoscaler
	expose   *expose.Exposer
	seen     *policy.Observation
	ledger   *ledger

	nextScrape, nextEvaluate, nextSync, nextPoll, nextDecision float64
}

// Run simulates a scenario under a policy.
func Run(ctx context.Context, o Options) (*Result, error) { return New(o).Run(ctx) }

// Run goes on to the end.
func (s *Sim) Run(ctx context.Context) (*Result, error) {
	if err := s.Until(ctx, s.scenario.Length()); err != nil {
		return nil, err
	}
	return s.Finish(), nil
}

// Until goes on with all that happens until a time since the start, warm-up included. Where it stops on the way changes nothing.
func (s *Sim) Until(ctx context.Context, at time.Duration) error {
	told := 0.0
	for s.now < s.end {
		next := min(s.next(), s.end)
		if next > at.Seconds() {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		s.advance(next)
		s.act()
		if done := s.now / s.end; s.Progress != nil && (done > told+0.01 || done >= 1) {
			told = done
			s.Progress(done)
		}
	}
	return nil
}

// New makes a fleet as it is at the start of a scenario.
func New(o Options) *Sim {
	c := o.Scenario
	s := &Sim{
		Options: o, scenario: c, warmup: time.Duration(c.Warmup).Seconds(), end: c.Length().Seconds(),
		rng: rand.New(rand.NewPCG(o.Seed, 0xf1ee7)), pools: map[string]int{}, named: map[string]bool{},
	}
	s.Mode = ModeFor(o.Mode, o.Arrivals)
	maps.Copy(s.pools, c.Pools)
	for i := range c.Models {
		s.models = append(s.models, newModel(s, &c.Models[i]))
	}
	for i := range c.Variants {
		s.variants = append(s.variants, s.newVariant(&c.Variants[i]))
	}
	s.ledger = newLedger(s)
	for _, m := range s.models {
		m.start(s)
	}
	for _, v := range s.variants {
		for range v.Replicas {
			p := s.create(v)
			s.become(p, ready)
		}
	}
	s.events = newHappenings(s)
	s.autos = newAutoscaler(s)
	if o.Store != nil {
		s.expose = expose.New(o.Store, o.Wanted, time.Duration(c.KSMLag))
	}
	s.nextScrape = phase(time.Duration(c.Evaluate).Seconds()-scrapeAhead, time.Duration(c.Scrape).Seconds())
	s.nextEvaluate = time.Duration(c.Evaluate).Seconds()
	s.nextSync = time.Duration(c.Autoscaler.Sync).Seconds()
	s.nextPoll = time.Duration(c.Autoscaler.Polling).Seconds()
	s.observe()
	return s
}

// phase is the first time of a period that is so long ahead of another.
func phase(at, period float64) float64 {
	if at <= 0 {
		return period
	}
	return math.Mod(at, period)
}

// next is the time of what happens next, arrivals apart.
func (s *Sim) next() float64 {
	next := min(s.nextScrape, s.nextEvaluate, s.nextSync, s.nextPoll)
	for _, e := range s.events {
		next = min(next, e.due())
	}
	for _, p := range s.pods {
		next = min(next, p.due)
	}
	return max(next, s.now)
}

// advance lets requests be served until a time, and keeps the books.
func (s *Sim) advance(to float64) {
	for s.now < to {
		slot := int(s.now / scenario.Slot.Seconds())
		until := min(to, float64(slot+1)*scenario.Slot.Seconds())
		for _, m := range s.models {
			m.engine.advance(slot, s.now, until)
		}
		s.ledger.elapse(s, slot, until-s.now)
		s.now = until
	}
}

// act does what is due now, in an order that is always the same.
func (s *Sim) act() {
	for _, e := range s.events {
		e.act(s)
	}
	s.settle()
	if s.now >= s.nextScrape {
		s.nextScrape += time.Duration(s.scenario.Scrape).Seconds()
		s.observe()
		if s.expose != nil {
			s.expose.Scrape(s.shown())
		}
	}
	if s.now >= s.nextEvaluate {
		s.nextEvaluate += time.Duration(s.scenario.Evaluate).Seconds()
		s.evaluate()
	}
	if s.now >= s.nextPoll {
		s.nextPoll += time.Duration(s.scenario.Autoscaler.Polling).Seconds()
		s.autos.poll(s)
	}
	if s.now >= s.nextSync {
		s.nextSync += time.Duration(s.scenario.Autoscaler.Sync).Seconds()
		s.autos.sync(s)
	}
	s.settle()
}

// evaluate asks the policy.
func (s *Sim) evaluate() {
	s.ledger.checkBudgets(s)
	if p, ok := s.Policy.(policy.Periodic); ok {
		if s.now < s.nextDecision {
			return
		}
		s.nextDecision = s.now + p.Every().Seconds() - 1e-6
	}
	o := *s.seen
	o.At = seconds(s.now)
	desired := s.decide(&o)
	a, ok := s.Policy.(policy.Actuator)
	acts := ok && a.Acts()
	for _, v := range s.variants {
		n, told := desired[v.ID()]
		s.ledger.desired(s, v, n, told)
		if acts && told {
			s.scale(v, s.autos.bounded(v, n))
			continue
		}
		v.told = append(v.told, saying{at: s.now, replicas: n, absent: !told})
	}
}

// decide asks the policy, and measures how long it takes.
func (s *Sim) decide(o *policy.Observation) map[string]int {
	if s.Now == nil {
		return s.Policy.Desired(o)
	}
	began := s.Now()
	desired := s.Policy.Desired(o)
	s.ledger.decided(s.Now().Sub(began))
	return desired
}

// seconds turns a time of the simulation into a duration.
func seconds(t float64) time.Duration { return time.Duration(math.Round(t * float64(time.Second))) }
