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
		told: map[readKey]*workloadCounts{}, unnamed: map[readKey]map[string]bool{}, strays: map[readKey]map[string]string{}, respelt: map[readKey]map[scoped][]string{}, nameless: map[readKey]map[string]*cell{},
	}
	r.read.Inputs = r.inputs()
	r.read.Unaged = r.age()
	r.read.EnergyPrice = r.single(m.program.EnergyPrice)
	for _, b := range m.program.Budgets {
		r.read.Budgets = append(r.read.Budgets, r.budget(b))
	}
	current, ready := r.counts(m.program.Targets.Current.Now), r.counts(m.program.Targets.Ready.Now)
	r.read.Models = make([]Model, len(m.program.Models))
	for i, x := range m.program.Models {
		out := &r.read.Models[i]
		out.Min, out.Headroom = r.ofModelAlone(x.Min, x), r.ofModelAlone(x.HeadroomTold, x)
		out.Signals, out.Variants = make([]Signal, len(x.Signals)), make([]Variant, len(x.Variants))
		for j, s := range x.Signals {
			r.signal(&out.Signals[j], x, s)
		}
		for j, v := range x.Variants {
			r.variant(&out.Variants[j], v)
			r.replicas(&out.Variants[j].Replicas, v, current[v.Place], ready[v.Place])
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
func (r *reader) signal(out *Signal, m *query.Model, s *query.Signal) {
	out.Alive = r.alive(m, s)
	out.AliveWindow, out.AliveIdle = r.aliveOver(s.Alive.Window, m, s), r.aliveOver(s.Alive.Idle, m, s)
	out.InputTokens, out.OutputTokens = r.mean(m, s.InputTokens, s.Labels), r.mean(m, s.OutputTokens, s.Labels)
	out.InputCV, out.OutputCV = r.variation(s.InputCV, m, out.InputTokens), r.variation(s.OutputCV, m, out.OutputTokens)
	if s.InputTokens != nil && s.OutputTokens != nil {
		out.Before = Lengths{r.minuteBefore(s.InputTokens.Minute, m), r.minuteBefore(s.OutputTokens.Minute, m), r.minuteBefore(s.InputCV, m), r.minuteBefore(s.OutputCV, m)}
	}
	demand := func(d *Demand, e *query.Expression, now Reading, owner int) {
		d.Now, d.Window, d.Idle, d.Trend = now, r.past(e.Window, owner), r.past(e.Idle, owner), r.past(e.Trend, owner)
		d.Recent, d.Day, d.WeekAgo = r.past(e.Recent, owner), r.past(e.Day, owner), r.past(e.WeekAgo, owner)
		d.Levels, d.Looks, d.Failsafe = r.past(e.Levels, owner), r.past(e.Looks, owner), r.past(e.Failsafe, owner)
		d.Starts, d.Overload = r.past(e.Starts, owner), r.past(e.Overload, owner)
		if s.OnMissing == config.OnMissingZero {
			d.Window, d.Idle = r.filled(e.Window, owner, m.Namespace, out.AliveWindow.History), r.filled(e.Idle, owner, m.Namespace, out.AliveIdle.History)
		}
		for _, h := range e.Seasons {
			d.Seasons = append(d.Seasons, r.past(h, owner))
		}
	}
	out.Witness, out.Respelt = r.witness(m, s), r.respeltDemand(m, s)
	if s.Absolute.Given() {
		if s.OnMissing == config.OnMissingZero && r.failed(s.Absolute.Now).OK() {
			out.Stray = r.strayDemand(s.Absolute.Now, s.Labels, m.Namespace)
			if out.Stray == "" && s.Queued.Given() && r.failed(s.Queued.Now).OK() {
				out.Stray = r.strayDemand(s.Queued.Now, s.Labels, m.Namespace)
			}
		}
		demand(&out.Absolute, &s.Absolute, r.ofModel(m, s.Absolute.Now, s.Labels), m.Place)
	}
	if s.Queued.Given() {
		demand(&out.Queued, &s.Queued, r.ofModel(m, s.Queued.Now, s.Labels), m.Place)
	}
	if s.Usage.Given() {
		out.Usage = make([]Demand, len(m.Variants))
		for i, v := range m.Variants {
			demand(&out.Usage[i], &s.Usage, r.usage(v, s), v.Place)
		}
	}
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

// variation reads how much lengths vary. A rule that records it yields a number wherever lengths are known: without one it is not there.
func (r *reader) variation(h *query.History, m *query.Model, lengths Value) Value {
	v := r.atMinute(h, m)
	if h != nil && h.Rule != "" && v.Missing.NoResult() && lengths.Missing.OK() {
		v.Missing = Missing{Input: h.Name, Why: BadRule}
	}
	return v
}

// atMinute reads a number of a model at the last full minute.
func (r *reader) atMinute(h *query.History, m *query.Model) Value { return r.minutesAgo(h, m, 0) }

// minuteBefore reads a number of a model at the full minute before the last one.
func (r *reader) minuteBefore(h *query.History, m *query.Model) Value { return r.minutesAgo(h, m, 1) }

func (r *reader) minutesAgo(h *query.History, m *query.Model, minutes time.Duration) Value {
	if h == nil {
		return Value{Missing: Missing{Why: NotGiven}}
	}
	past := r.past(h, m.Place)
	last := past.At(past.Since + minutes*h.Step)
	switch {
	case !past.Missing.OK():
		return Value{Missing: past.Missing}
	case past.Spoilt((minutes + 1) * h.Step):
		return Value{Missing: Missing{Input: h.Name, Why: Unusable}}
	case math.IsNaN(last):
		return Value{Missing: Missing{Input: h.Name, Why: NoResult}}
	}
	return Value{Number: last}
}

// variant reads what is told of a variant itself.
func (r *reader) variant(out *Variant, v *query.Variant) {
	labels := r.program.Config.Labels
	n := len(v.Model.Signals)
	out.Min, out.Cost, out.CostDay = r.ofVariant(v.Min, v, labels), r.ofVariant(v.Cost, v, labels), r.past(v.Cost.Day, v.Place)
	out.Uses = make(map[string]Value, len(v.Uses))
	out.Capacities, out.ITL, out.Running, out.Looks = make([]Value, n), make([]Value, n), make([]Value, n), make([]Looks, n)
	for name, q := range v.Uses {
		out.Uses[name] = r.ofVariant(q, v, labels)
	}
	for i, s := range v.Model.Signals {
		out.Capacities[i] = r.ofVariant(v.Capacities[s.Place], v, s.Labels)
		out.ITL[i], out.Running[i] = r.observed(s.ObservedITL, v, s.Labels), r.observed(s.ObservedRunning, v, s.Labels)
		out.Looks[i] = Looks{r.past(s.Looks.Load, v.Place), r.past(s.Looks.TTFT, v.Place), r.past(s.Looks.ITL, v.Place)}
	}
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

// lacking reports whether a target that is a part of a quantity is silent, or whether one is is not known.
func (r *reader) lacking(q query.Quantity) bool {
	silent := q.Silent.Now
	if silent == nil {
		return false
	}
	if !r.failed(silent).OK() {
		return true
	}
	t := r.tally(silent)
	for i := range t.matched {
		t.matched[i] = true
	}
	return len(t.matched) > 0
}

// steady is a quantity's median over the input window, the present included: one look is no evidence. What a part was missing from is none
// either, unless there is nothing else.
func (r *reader) steady(now Value, q query.Quantity, owner int) Value {
	if !now.Missing.OK() {
		return now
	}
	now.Partial = r.lacking(q)
	past := r.past(q.Past, owner)
	if !past.Missing.OK() {
		return Value{Missing: past.Missing}
	}
	window := time.Duration(*r.program.Config.InputWindow)
	silent := r.past(q.Silent.Window, 0)
	if !silent.Missing.OK() {
		return Value{Missing: silent.Missing}
	}
	lacking := silent.Over(window)
	var values []float64
	if !now.Partial {
		values = append(values, now.Number)
	}
	for i, v := range past.Over(window) {
		if !math.IsNaN(v) && (i >= len(lacking) || math.IsNaN(lacking[i])) {
			values = append(values, v)
		}
	}
	if len(values) > 0 {
		now.Number = median(values)
	}
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

// replicas reads what runs of a variant.
func (r *reader) replicas(out *Replicas, v *query.Variant, current, ready Count) {
	t, i := &r.program.Targets, v.Place
	out.Current, out.Ready = current, ready
	out.Limits, out.Failsafe = r.past(t.Current.Window, i), r.past(t.Current.Failsafe, i)
	out.AskedWindow = r.past(v.Model.Asked, i)
	out.ReadyWindow, out.ReadyLooks, out.Draining = r.past(v.Model.Ready, i), r.past(t.Ready.Looks, i), r.past(t.Draining.Starts, i)
	out.Silent = r.past(t.Silent, i)
	out.Starts = Starts{r.past(t.Current.Starts, i), r.past(t.Ready.Starts, i), r.past(t.Rolling.Starts, i), r.past(t.Unplaced.Starts, i)}
}
