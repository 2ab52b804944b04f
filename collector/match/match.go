package match

import (
	"context"
	"math"
	"strings"
	"time"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/query"
)

// Match reads the answers of one evaluation. Where the context ends before all are matched, none counts.
func (m *Matcher) Match(ctx context.Context, a *Answers) *Readings {
	c := &clock{ctx: ctx}
	read := m.match(c, a)
	if c.ended {
		read = m.match(&clock{ctx: context.WithoutCancel(ctx)}, a.without(c.err()))
	}
	return read
}

func (m *Matcher) match(c *clock, a *Answers) *Readings {
	r := &reader{
		clock:   c,
		matcher: m, program: m.program, answers: a, read: &Readings{At: a.At}, tallies: map[*query.Query]*tally{},
		models: map[readKey][]cell{}, series: map[readKey]*variantSeries{}, up: map[readKey][]identity{},
		told: map[readKey]*workloadCounts{}, strays: map[readKey]map[string]string{}, nameless: map[readKey]map[string]*cell{},
	}
	r.read.Inputs = r.inputs()
	r.read.Unaged = r.age()
	r.read.EnergyPrice = r.single(m.program.EnergyPrice)
	for _, b := range m.program.Budgets {
		r.read.Budgets = append(r.read.Budgets, r.budget(b))
	}
	replicas := r.replicas()
	r.read.Models = make([]Model, len(m.program.Models))
	for i, x := range m.program.Models {
		out := &r.read.Models[i]
		out.Min, out.Headroom = r.ofModelAlone(x.Min, x), r.ofModelAlone(x.HeadroomTold, x)
		out.Signals, out.Variants = make([]Signal, 0, len(x.Signals)), make([]Variant, 0, len(x.Variants))
		for _, v := range x.Variants {
			replicas[v.Place].ReadyWindow = r.past(x.Ready, v.Place)
		}
		for _, s := range x.Signals {
			out.Signals = append(out.Signals, r.signal(x, s))
		}
		for _, v := range x.Variants {
			out.Variants = append(out.Variants, r.variant(v, replicas[v.Place]))
		}
	}
	for q, t := range r.tallies {
		if input := &r.read.Inputs[q.Place]; input.Err == nil {
			t.finish(input, r.samples(q))
		}
	}
	return r.read
}

func (r *reader) budget(b *query.Budget) Budget {
	out := Budget{Borrow: r.single(b.Borrow)}
	for _, q := range b.Limits {
		out.Limits = append(out.Limits, r.single(q))
	}
	return out
}

// signal reads one signal of a model.
func (r *reader) signal(m *query.Model, s *query.Signal) Signal {
	out := Signal{
		Alive:       r.alive(m, s),
		AliveWindow: r.aliveOver(s.Alive.Window, m, s), AliveIdle: r.aliveOver(s.Alive.Idle, m, s),
		InputTokens: r.mean(m, s.InputTokens, s.Labels), OutputTokens: r.mean(m, s.OutputTokens, s.Labels),
		InputCV: r.atMinute(s.InputCV, m), OutputCV: r.atMinute(s.OutputCV, m),
	}
	demand := func(e *query.Expression, now Reading, owner int) Demand {
		d := Demand{
			Now: now, Trend: r.past(e.Trend, owner), Recent: r.past(e.Recent, owner), Day: r.past(e.Day, owner), WeekAgo: r.past(e.WeekAgo, owner), Levels: r.past(e.Levels, owner), Failsafe: r.past(e.Failsafe, owner), Starts: r.past(e.Starts, owner), Overload: r.past(e.Overload, owner), Looks: r.past(e.Looks, owner),
			Window: r.past(e.Window, owner), Idle: r.past(e.Idle, owner),
		}
		if s.OnMissing == config.OnMissingZero {
			d.Window, d.Idle = r.filled(e.Window, owner, m.Namespace, out.AliveWindow.History), r.filled(e.Idle, owner, m.Namespace, out.AliveIdle.History)
		}
		for _, h := range e.Seasons {
			d.Seasons = append(d.Seasons, r.past(h, owner))
		}
		return d
	}
	out.Witness = r.witness(m, s)
	if s.Absolute.Given() {
		if s.OnMissing == config.OnMissingZero && r.failed(s.Absolute.Now).OK() {
			out.Stray = r.strayDemand(s.Absolute.Now, s.Labels, m.Namespace)
			if out.Stray == "" && s.Queued.Given() && r.failed(s.Queued.Now).OK() {
				out.Stray = r.strayDemand(s.Queued.Now, s.Labels, m.Namespace)
			}
		}
		out.Absolute = demand(&s.Absolute, r.ofModel(m, s.Absolute.Now, s.Labels), m.Place)
	}
	if s.Queued.Given() {
		out.Queued = demand(&s.Queued, r.ofModel(m, s.Queued.Now, s.Labels), m.Place)
	}
	if s.Usage.Given() {
		for _, v := range m.Variants {
			out.Usage = append(out.Usage, demand(&s.Usage, r.usage(v, s), v.Place))
		}
	}
	return out
}

// ofModel reads a demand per model.
func (r *reader) ofModel(m *query.Model, q *query.Query, labels config.LabelNames) Reading {
	if missing := r.failed(q); !missing.OK() {
		return Reading{Missing: missing}
	}
	return r.byModel(q, nil, labels)[m.Place].reading(q)
}

// usage reads what is in use of a variant, in fractions of one replica's capacity.
func (r *reader) usage(v *query.Variant, s *query.Signal) Reading {
	if missing := r.failed(s.Usage.Now); !missing.OK() {
		return Reading{Missing: missing}
	}
	return r.byVariant(s.Usage.Now, nil, s.Labels).cells[v.Place].reading(s.Usage.Now)
}

// mean reads a mean of a model, such as the length of its requests.
func (r *reader) mean(m *query.Model, q *query.Query, labels config.LabelNames) Value {
	if q == nil {
		return Value{Missing: Missing{Why: NotGiven}}
	}
	if missing := r.failed(q); !missing.OK() {
		return Value{Missing: missing}
	}
	now := r.byModel(q, nil, labels)[m.Place].value(q)
	if q.Minute == nil || !now.Missing.OK() {
		return now
	}
	past := r.past(q.Minute, m.Place)
	if !past.Missing.OK() {
		return Value{Missing: past.Missing}
	}
	if last := past.At(0); !math.IsNaN(last) {
		now.Number = last
	}
	return now
}

// atMinute reads a number of a model at the last full minute.
func (r *reader) atMinute(h *query.History, m *query.Model) Value {
	if h == nil {
		return Value{Missing: Missing{Why: NotGiven}}
	}
	past := r.past(h, m.Place)
	last := past.At(0)
	switch {
	case !past.Missing.OK():
		return Value{Missing: past.Missing}
	case past.Spoilt(h.Step):
		return Value{Missing: Missing{Input: h.Name, Why: Unusable}}
	case math.IsNaN(last):
		return Value{Missing: Missing{Input: h.Name, Why: NoResult}}
	}
	return Value{Number: last}
}

// variant reads what is told of a variant itself.
func (r *reader) variant(v *query.Variant, replicas Replicas) Variant {
	labels := r.program.Config.Labels
	n := len(v.Model.Signals)
	out := Variant{
		Min: r.ofVariant(v.Min, v, labels), Cost: r.ofVariant(v.Cost, v, labels), CostDay: r.past(v.Cost.Day, v.Place), Uses: make(map[string]Value, len(v.Uses)), Replicas: replicas,
		Capacities: make([]Value, 0, n), ITL: make([]Value, 0, n), Running: make([]Value, 0, n),
	}
	for name, q := range v.Uses {
		out.Uses[name] = r.ofVariant(q, v, labels)
	}
	for _, s := range v.Model.Signals {
		out.Capacities = append(out.Capacities, r.ofVariant(v.Capacities[s.Place], v, s.Labels))
		out.ITL = append(out.ITL, r.observed(s.ObservedITL, v, s.Labels))
		out.Running = append(out.Running, r.observed(s.ObservedRunning, v, s.Labels))
		out.Looks = append(out.Looks, Looks{r.past(s.Looks.Load, v.Place), r.past(s.Looks.TTFT, v.Place), r.past(s.Looks.ITL, v.Place)})
	}
	return out
}

// observed reads what the replicas of a variant show.
func (r *reader) observed(q *query.Query, v *query.Variant, labels config.LabelNames) Value {
	if q == nil {
		return Value{Missing: Missing{Why: NotGiven}}
	}
	if missing := r.failed(q); !missing.OK() {
		return Value{Missing: missing}
	}
	return r.byVariant(q, nil, labels).cells[v.Place].value(q)
}

// NotGiven is the reason of a quantity that the configuration does not have.
const NotGiven = "not given"

// constant is the number of a quantity that is not asked for.
func constant(q query.Quantity) Value {
	switch {
	case !q.Set:
		return Value{Missing: Missing{Why: NotGiven}}
	case q.Number > MaxValue:
		return Value{Missing: Missing{Why: BadRange}}
	}
	return Value{Number: q.Number}
}

// single reads an answer that is one number for everything, such as a price.
func (r *reader) single(q query.Quantity) Value {
	if q.Query == nil {
		return constant(q)
	}
	if missing := r.failed(q.Query); !missing.OK() {
		return Value{Missing: missing}
	}
	t, vector := r.tally(q.Query), r.answers.Queries[q.Query.Place].Vector
	for i := range vector {
		t.matched[i] = true
	}
	var c cell
	for i, s := range vector[:min(len(vector), 2)] {
		value, bad := valueOf(s, strings.Join(q.FromLabels, ","))
		if i > 0 {
			bad = BadDuplicate
		}
		if bad != "" {
			t.bad[i] = bad
		}
		c.add(sourced{value: value}, bad)
	}
	return r.steady(c.value(q.Query), q, 0)
}

// steady is a quantity's median over the input window, the present included: one look is no evidence.
func (r *reader) steady(now Value, q query.Quantity, owner int) Value {
	if !now.Missing.OK() {
		return now
	}
	past := r.past(q.Past, owner)
	if !past.Missing.OK() {
		return Value{Missing: past.Missing}
	}
	values := []float64{now.Number}
	for _, v := range past.Over(time.Duration(*r.program.Config.InputWindow)) {
		if !math.IsNaN(v) {
			values = append(values, v)
		}
	}
	now.Number = median(values)
	return now
}

// ofModelAlone reads a quantity for one model: its own series, or else those that name no model.
func (r *reader) ofModelAlone(q query.Quantity, m *query.Model) Value {
	if q.Query == nil {
		return constant(q)
	}
	if missing := r.failed(q.Query); !missing.OK() {
		return Value{Missing: missing}
	}
	labels := r.program.Config.Labels
	found := r.byModel(q.Query, q.FromLabels, labels)[m.Place]
	if len(found.samples) == 0 && found.bad == "" {
		found = r.namelessOf(q, labels, m.Namespace)
	}
	return r.steady(found.value(q.Query), q, m.Place)
}

// ofVariant reads a quantity for one variant: the median over its pods where it comes from pods.
func (r *reader) ofVariant(q query.Quantity, v *query.Variant, labels config.LabelNames) Value {
	if q.Query == nil {
		return constant(q)
	}
	if missing := r.failed(q.Query); !missing.OK() {
		return Value{Missing: missing}
	}
	vs := r.byVariant(q.Query, q.FromLabels, labels)
	found := vs.cells[v.Place]
	if len(found.samples) == 0 && found.bad == "" {
		found = vs.looseOf(v)
	}
	return r.steady(found.value(q.Query), q, v.Place)
}

// replicas reads what runs of every variant.
func (r *reader) replicas() []Replicas {
	t := &r.program.Targets
	current, ready := r.counts(t.Current.Now), r.counts(t.Ready.Now)
	all := make([]Replicas, len(r.program.Variants))
	for i := range all {
		all[i] = Replicas{
			Current: current[i], Ready: ready[i], Limits: r.past(t.Current.Window, i), Failsafe: r.past(t.Current.Failsafe, i),
			Starts:   Starts{r.past(t.Current.Starts, i), r.past(t.Ready.Starts, i), r.past(t.Rolling.Starts, i), r.past(t.Unplaced.Starts, i)},
			Draining: r.past(t.Draining.Starts, i), ReadyLooks: r.past(t.Ready.Looks, i),
		}
	}
	return all
}
