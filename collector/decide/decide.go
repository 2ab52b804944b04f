package decide

import (
	"slices"
	"time"

	"github.com/variant-exporter/variant-exporter/collector/match"
	"github.com/variant-exporter/variant-exporter/collector/query"
	"github.com/variant-exporter/variant-exporter/optimizer"
	"github.com/variant-exporter/variant-exporter/optimizer/forecast"
)

// Options are what a decision needs besides the readings.
type Options struct {
	// Fleet tells what runs in place of the series of the scale targets; nil for what they say.
	Fleet Fleet
	// Memory remembers what is costly to work out. It changes no decision.
	Memory *Memory
	// Interrupt reports whether the time for planning is over.
	Interrupt func() bool
}

// Fleet is a fleet other than the one that was measured: what would be decided, had these replicas run.
type Fleet interface {
	// Replicas returns what runs of a variant, now and over time.
	Replicas(namespace, variant string) match.Replicas
}

// decider is the way from readings to a decision.
type decider struct {
	Options
	program  *query.Program
	read     *match.Readings
	limits   []*float64 // per budget; nil when unknown
	models   []*model
	variants []*variant // of all models, in their order
	days     days

	interrupted bool // the planner ran out of time: its plan depends on the machine, so it may raise, never lower
}

// model is what has been worked out for one model.
type model struct {
	*query.Model
	read     *match.Model
	signals  []*signal
	variants []*variant
	lacking  match.Missing // what is not known of its minimums, its replicas or their past
	minimum  int           // of replicas over all variants of each role
	known    optimizer.Knowledge

	life  time.Duration // that a plan of it is expected to have
	holds time.Duration // that its windows still hold its demand
	freed bool          // new replicas need not stay: something is short
	days  *days
	state *optimizer.ModelState // without how much is known; nil before it is needed

	limitedUp, limitedDown bool // whether the limits on change are in force
}

// signal is what has been worked out for one signal of a model.
type signal struct {
	*query.Signal
	model   *model
	read    *match.Signal
	out     Signal
	missing match.Missing

	level    float64       // demand now, without what waits
	steady   float64       // planned, without what waits
	evens    bool          // a rate tells what comes, so it counts by its mean
	onlyHeld float64       // of it, by the window: not of the last minute
	marked   float64       // planned at the last full minute
	seen     float64       // the most that was planned for since the last full minute
	ordered  float64       // the supply that was needed at the looks before the last full minute whose orders are not seen yet
	backlog  float64       // what waits
	service  time.Duration // in which a replica works off its capacity of what is in service

	plan      func(ago time.Duration, then float64) float64 // by the law, for a demand some time ago; nil without a law
	carriers  []carrier                                     // the variants that serve it; nil before they are needed
	mostly    float64                                       // times the recent demand, at the most that the law plans for
	sudden    func(over time.Duration) []float64            // the demand of late, each step in it at once; nil without a law
	rising    float64                                       // the demand of the last minute, and what a step that has just begun still rises by; known with plan
	noise     float64                                       // of the demand, as the law measures it; 0 without a law
	drifts    bool                                          // the demand of the last hour did more than go up and down with its noise; known with noise
	planned   forecast.History                              // what was planned at the last steps, as far as the window and a minute; empty before it is needed
	held      *forecast.Levels                              // what would have been planned over the last day
	recurring *recurring                                    // demand that comes back soon, as was seen at the last full minute
}

// variant is what has been worked out for one variant.
type variant struct {
	*query.Variant
	model      *model
	read       *match.Variant
	runs       *match.Replicas // what the decision is for
	asked      int             // its minimum as it is told
	minimum    int             // the same, within its maximum
	cost       *float64
	uses       map[string]float64
	capacities []float64 // by signal
	before     []float64 // the same at the full minute before the last one; 0 where that is not known
	correction *float64  // of its profile or capacity, where it is corrected
	missed     *Missed   // why, where a target was missed
	stuck      *int      // replicas that it is capped at
	reached    *int      // replicas that its autoscaler stays at, or that have a node: no more is relied on
	unplaced   bool      // the others have no node
	pending    fleetState
	stays      int // replicas, because some of them are new
	staysFor   time.Duration
	kept       bool // the plan has as many as stay, and no fewer
	surges     bool // while it rolls, more replicas are shown than were asked for
	unseen     int  // replicas ordered during the last minute and not seen yet, less those given up
	missing    match.Missing
}

// solution is what was planned, the plan, and what the guards made of it.
type solution struct {
	problem  optimizer.Problem
	plan     optimizer.Plan
	decision optimizer.Decision
	err      error
}

// Decide makes the decision of one evaluation: guards that bound the plan, the plan, guards that follow it.
func Decide(p *query.Program, r *match.Readings, o Options) *Decision {
	d := &decider{Options: o, program: p, read: r}
	d.bind()
	d.gather()
	options := optimizer.Options{Interrupt: d.Interrupt}
	d.underWay(options)
	problem, s := d.plan(options)
	if s.err != nil {
		return d.report(&s)
	}
	d.demandReasons(&s.plan)
	asked, err := d.around(problem, &s, options)
	if s.err = err; err != nil {
		return d.report(&s)
	}
	if d.interrupted = d.Interrupt() && s.plan.Status != optimizer.StatusOptimal; d.interrupted {
		for _, m := range d.models {
			m.known = min(m.known, optimizer.KnownPartly)
		}
	}
	s.decision = optimizer.Guard(d.withMinimums(problem, func(*variant) bool { return true }), asked, d.state(), options)
	return d.report(&s)
}

// plan plans for what is known. Demand that comes back soon, and replicas that are new, count only where everything fits: they take nothing
// from what is there.
func (d *decider) plan(o optimizer.Options) (problem optimizer.Problem, s solution) {
	problem = d.problem()
	s.problem = optimizer.Constrain(problem, d.state())
	s.plan, s.err = optimizer.Solve(s.problem, o)
	if s.err != nil || !slices.ContainsFunc(s.plan.Models, func(m optimizer.ModelPlan) bool { return m.Shortfall > optimizer.Tolerance }) || !d.forget() {
		return problem, s
	}
	return d.plan(o)
}

// sinceMinute is how long ago the last full minute was.
func (d *decider) sinceMinute() time.Duration { return d.read.At.Sub(d.read.At.Truncate(time.Minute)) }

// forget drops the demand that comes back, and what stays because it is new, and reports whether there was any.
func (d *decider) forget() bool {
	had := false
	for _, m := range d.models {
		for _, v := range m.variants {
			had = had || !m.freed && (v.stays > 0 || v.unseen > 0)
		}
		m.freed = true
		for _, s := range m.signals {
			had = had || s.out.Planned != nil && s.kept() > *s.out.Planned
			s.recurring, s.marked = nil, 0
		}
	}
	return had
}

// bind puts what was read to what was asked.
func (d *decider) bind() {
	d.models, d.variants = make([]*model, 0, len(d.program.Models)), make([]*variant, 0, len(d.program.Variants))
	models, variants := make([]model, len(d.program.Models)), make([]variant, len(d.program.Variants))
	for i, m := range d.program.Models {
		x := &models[i]
		x.Model, x.read, x.days = m, &d.read.Models[i], &d.days
		x.signals, x.variants = make([]*signal, 0, len(m.Signals)), make([]*variant, 0, len(m.Variants))
		for j, s := range m.Signals {
			x.signals = append(x.signals, &signal{
				Signal: s, model: x, read: &x.read.Signals[j], out: Signal{Name: s.Name, Unit: s.Unit, Inputs: s.Inputs},
			})
		}
		for j, v := range m.Variants {
			y := &variants[v.Place]
			y.Variant, y.model, y.read = v, x, &x.read.Variants[j]
			y.runs = &y.read.Replicas
			if d.Fleet != nil {
				other := d.Fleet.Replicas(m.Namespace, v.Name)
				y.runs = &other
			}
			y.rolled()
			y.pending = y.starts()
			x.variants = append(x.variants, y)
		}
		d.models = append(d.models, x)
		d.variants = append(d.variants, x.variants...)
	}
}

// gather works out everything that the plan depends on.
func (d *decider) gather() {
	for i := range d.program.Budgets {
		d.limits = append(d.limits, smallest(d.read.Budgets[i].Limits))
	}
	for _, v := range d.variants {
		v.stuck = d.stuck(v)
		v.readUses()
		v.readCost(d.program.EnergyPrice.Set, d.read.EnergyPrice)
	}
	d.keepPartial()
	d.unknownBudgets()
	for _, m := range d.models {
		for _, s := range m.signals {
			d.expectDemand(s)
		}
		d.readCapacities(m)
		d.addBacklog(m)
		d.ordered(m)
		m.unserved()
		m.lacking = m.readMinimums().Or(d.replicasUnknown(m)).Or(d.guardsFailed(m))
		m.known = m.knowledge()
		m.life = d.life(m)
		m.recurs()
		m.holds = m.held(d.sinceMinute())
		m.limitedUp, m.limitedDown = m.limited(m.ScaleUpLimit), m.limited(m.ScaleDownLimit)
		d.keepNew(m)
		m.forgetPast()
	}
}

// serves reports whether there is a replica that may be in use: ready, or, where that is not known, asked for.
func serves(r *match.Replicas) bool {
	if r.Ready.N != nil {
		return *r.Ready.N > 0
	}
	return r.Current.N == nil || *r.Current.N > 0
}

// knowledge is how much is known of what a model's plan rests on.
func (m *model) knowledge() optimizer.Knowledge {
	known, missing := 0, 0
	for _, s := range m.signals {
		switch {
		case s.out.Planned != nil && s.out.Partial == "":
			known++
		case s.out.Planned != nil:
			known++
			missing++
		case !s.out.Ignored:
			missing++
		}
	}
	if !m.lacking.OK() {
		missing++
	}
	for _, v := range m.variants {
		if !v.missing.OK() && v.runs.Current.N == nil {
			return optimizer.KnownNothing // what it serves now is not known, so nothing can be planned around it
		}
	}
	switch {
	case known == 0:
		return optimizer.KnownNothing
	case missing > 0:
		return optimizer.KnownPartly
	}
	return optimizer.KnownFully
}

// replicasUnknown says what is not known of the replicas of a model's variants, where it should be: a variant that runs unseen
// can be neither replaced nor relied on.
func (d *decider) replicasUnknown(m *model) match.Missing {
	if d.Fleet != nil || !d.program.Targets.Told() {
		return match.Missing{}
	}
	for _, v := range m.variants {
		current, ready := v.read.Replicas.Current, v.read.Replicas.Ready
		switch {
		case current.N == nil && current.Missing.NoResult():
			return match.Missing{Input: current.Missing.Input, Why: "no result for " + string(v.ScaleTarget.Kind) + " " + v.ScaleTarget.Name}
		case current.N == nil:
			return current.Missing
		case ready.N == nil && !ready.Missing.NoResult():
			return ready.Missing
		}
	}
	return match.Missing{}
}
