package query

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// Program is a configuration made ready for evaluation. It is not changed once it has been compiled.
type Program struct {
	Config    *config.Config
	Queries   []*Query
	Histories []*History
	Ages      []AgeQuery

	EnergyPrice Quantity
	Targets     Targets
	Budgets     []*Budget
	Models      []*Model
	Variants    []*Variant // of all models, in their order
}

// Targets are the expressions that tell how many replicas run.
type Targets struct {
	Current, Ready, Rolling, Unplaced, Draining Expression

	Silent *History // the ready pods of which a target does not answer scrapes; nil where nobody is counted
}

// Told reports whether the configuration asks for replicas at all.
func (t *Targets) Told() bool { return t.Current.Given() }

// Budget is a budget with what answers its numbers.
type Budget struct {
	*config.Budget
	Limits []Quantity // of which the smallest counts
	Borrow Quantity
}

// Model is a model with what answers its quantities.
type Model struct {
	*config.Model
	Place        int // in Program.Models
	Signals      []*Signal
	Variants     []*Variant
	Min          Quantity      // of replicas over all variants
	HeadroomTold Quantity      // where headroom is an expression
	IdleFor      time.Duration // how long it must have been idle: idle_after, and no less than a start takes
	Asked        *History      // replicas asked for over the time in which limits on change look for an overload, and a start before
	Ready        *History      // ready replicas over the windows, and a minute before: who should have told
}

// Variant is a variant with what answers its quantities.
type Variant struct {
	*config.Variant
	Model      *Model
	Place      int      // in Program.Variants
	Min        Quantity // of replicas
	Cost       Quantity
	Uses       map[string]Quantity
	Capacities []Quantity // in the order of the model's signals
	Inputs     []string   // names of the queries and histories about the variant itself
}

// ID tells a model from those of other namespaces.
func (m *Model) ID() string { return m.Namespace + "/" + m.Name }

// Carries reports whether the variant is meant to serve a signal: it has a capacity for it, or a profile that yields one.
func (v *Variant) Carries(s *Signal) bool { return v.Capacities[s.Place].Set || v.Sized(s) }

// Sized reports whether the variant's capacity for a signal follows from its profile.
func (v *Variant) Sized(s *Signal) bool {
	return !v.Capacities[s.Place].Set && v.Profile != nil && s.InputTokens != nil && v.Serves(s.ActiveSignal)
}

// compiler collects the distinct queries of a Program.
type compiler struct {
	*Program
	queries   map[string]*Query
	histories map[historyKey]*History
	named     map[string]int // name -> how many queries were to have it
	rules     map[string]string
	recorded  map[string]config.Recording // by the expression that its series are read in the place of
}

// historyKey tells histories of one expression apart.
type historyKey struct {
	expr   string
	step   time.Duration
	season time.Duration
	by     Reader
}

// Compile makes a configuration ready for evaluation.
func Compile(c *config.Config) *Program {
	p := &compiler{
		Program: &Program{Config: c},
		queries: map[string]*Query{}, histories: map[historyKey]*History{}, named: map[string]int{}, rules: map[string]string{},
		recorded: c.ReadFromRules(),
	}
	p.bindTargets()
	p.EnergyPrice = p.quantity("energy_price", c.EnergyPrice)
	for i := range c.Budgets {
		p.bindBudget(&c.Budgets[i])
	}
	for i := range c.Models {
		p.bindModel(&c.Models[i])
	}
	p.markShared()
	p.limitAges()
	p.findFiner()
	p.Ages = ageQueries(p.Queries)
	for i, a := range p.Ages {
		a.Query.Place = len(p.Queries) + i
	}
	p.listInputs()
	return p.Program
}

func (p *compiler) bindBudget(b *config.Budget) {
	bound := &Budget{Budget: b}
	name := "budget." + b.Name + ".limit"
	for _, limit := range b.Limit {
		bound.Limits = append(bound.Limits, p.withParts(name, p.quantity(name, limit)))
	}
	bound.Borrow = p.quantity("budget."+b.Name+".borrow", b.Borrow)
	p.Budgets = append(p.Budgets, bound)
}

func (p *compiler) bindModel(m *config.Model) {
	bound := &Model{Model: m, Place: len(p.Models), IdleFor: idleFor(m)}
	by := Reader{Owner: OfModel, Labels: p.Config.Labels}
	least := bound.ID() + ".replicas.min"
	bound.Min = p.withParts(least, p.quantityBy(least, m.Replicas.Min.Quantity, by))
	bound.HeadroomTold = p.quantityBy(bound.ID()+".headroom", config.Quantity{Query: m.Headroom.Query, Set: !m.Headroom.Query.IsZero()}, by)
	for i, s := range m.ActiveSignals() {
		signal := p.bindSignal(m, s)
		signal.Place = i
		bound.Signals = append(bound.Signals, signal)
	}
	for i := range m.Variants {
		v := p.bindVariant(bound, &m.Variants[i])
		bound.Variants = append(bound.Variants, v)
		p.Variants = append(p.Variants, v)
	}
	bound.Ready, bound.Asked = p.readyWindow(bound), p.askedWindow(bound)
	p.Models = append(p.Models, bound)
}

// readyWindow reads how many replicas were ready over the windows of a model's signals: they should have had series then, and they serve
// what waits.
func (p *compiler) readyWindow(m *Model) *History {
	ready, told := p.Config.ScaleTargets.Ready, slices.ContainsFunc(m.Signals, func(s *Signal) bool {
		return s.Sources.Given() || s.Queued.Given() && !s.Rate()
	})
	if ready.IsZero() || !told && overloadWindow(m.Model) == 0 {
		return nil
	}
	window := max(time.Duration(*m.ScaleDownWindow+*m.ScaleUpWindow), overloadWindow(m.Model))
	return p.readStep("scale_targets.ready", ready, window+ReadyFor, readyStep(m.Model), Reader{Owner: OfTarget})
}

// askedWindow reads how many replicas were asked for while limits on change look back for an overload, and for a start before: what was ready
// and lost it was overloaded for another reason than that too few were asked for.
func (p *compiler) askedWindow(m *Model) *History {
	current, over := p.Config.ScaleTargets.Current, overloadWindow(m.Model)
	if current.IsZero() || over == 0 {
		return nil
	}
	least, err := config.ParseExpr(fmt.Sprintf("min_over_time((%s)[%s:%s])", current.String(), config.Duration(AskedStep), config.Duration(gridStep)))
	if err != nil {
		return nil // it cannot be looked at over time
	}
	return p.readStep("scale_targets.current.least", least, over+slowestStart(m.Model)+ReadyFor+AskedStep, AskedStep, Reader{Owner: OfTarget})
}

// AskedStep is the step at which it is read, a coarse one, as it takes memory for each variant: the fewest of each step, so that a number that was
// lowered and raised again at once counts.
const AskedStep = 5 * time.Minute

// readyStep is the step at which ready replicas are compared with the sources of a signal.
func readyStep(m *config.Model) time.Duration { return min(gridStep, WindowStep(m)) }

// overloadWindow is how long limits on change look back for an overload; 0 where none does.
func overloadWindow(m *config.Model) time.Duration {
	var longest time.Duration
	for _, limit := range []*config.ChangeLimit{m.ScaleUpLimit, m.ScaleDownLimit} {
		if limit != nil && limit.AfterOverload != nil {
			longest = max(longest, time.Duration(*limit.AfterOverload))
		}
	}
	return longest
}

func (p *compiler) bindVariant(m *Model, v *config.Variant) *Variant {
	id := m.Namespace + "/" + v.Name
	x := &Variant{
		Variant: v, Model: m, Place: len(p.Variants), Uses: map[string]Quantity{},
	}
	by := Reader{Owner: OfVariant, Labels: p.Config.Labels}
	x.Min = p.withParts(id+".replicas.min", p.quantityBy(id+".replicas.min", v.Replicas.Min.Quantity, by))
	x.Cost = p.quantityBy(id+".cost", v.Cost, by)
	if x.Cost.Query != nil && len(m.Model.Variants) > 1 {
		for _, l := range v.Cost.FromLabels {
			by.From += l + ","
		}
		by.Median = true
		x.Cost.Day = p.readStep(id+".cost", v.Cost.Query, day, priceStep, by)
	}
	for _, name := range slices.Sorted(maps.Keys(v.Uses)) {
		if name == config.MeanPowerUse && !p.EnergyPrice.Set {
			continue // it is for the cost of energy alone
		}
		x.Uses[name] = p.quantityBy(id+".uses."+name, v.Uses[name], by)
	}
	for _, s := range m.Signals {
		x.Capacities = append(x.Capacities, p.capacity(id, v, s.ActiveSignal))
	}
	return x
}

// idleFor is how long a model must have been idle before it may go to zero. A model that is put to sleep while it starts would never
// serve.
func idleFor(m *config.Model) time.Duration {
	after := *m.IdleAfter
	for i := range m.Variants {
		if startup := m.Variants[i].Startup; startup > 0 {
			after = max(after, startup+config.Duration(ReadyFor))
		}
	}
	return time.Duration(after)
}

// ReadyFor is how long a replica is ready before its series are expected: it is ready before its first scrape.
const ReadyFor = time.Minute

// markShared finds the signals whose source could be another model's: those of models in one namespace, without a match that
// tells the sources apart.
func (p *compiler) markShared() {
	type place struct{ namespace, signal string }
	users := map[place]int{}
	for _, m := range p.Models {
		for _, s := range m.Signals {
			users[place{m.Namespace, s.Key()}]++
		}
	}
	for _, m := range p.Models {
		for _, s := range m.Signals {
			s.SharedSource = len(m.Match) == 0 && users[place{m.Namespace, s.Key()}] > 1
		}
	}
}

// ask returns the query of an expression; nil for none. Equal expressions are asked once, under the first name.
func (p *compiler) ask(name string, e config.Expr) *Query {
	if e.IsZero() {
		return nil
	}
	expr, rule := p.source(e)
	if q := p.queries[expr]; q != nil {
		return q
	}
	q := &Query{Name: p.unique(name), Expr: expr, Rule: rule, Place: len(p.Queries)}
	p.queries[expr] = q
	p.Queries = append(p.Queries, q)
	return q
}

// askMinute returns the query of an expression of which the last full minute counts. A capacity that follows from it is then the same until an
// order that rests on it is seen.
func (p *compiler) askMinute(name string, e config.Expr, by Reader) *Query {
	q := p.ask(name, e)
	if q != nil {
		q.Minute = p.minute(name, e, by)
	}
	return q
}

// minute reads an expression at the last full minute, and at the one before it, which the orders that are not seen yet rest on.
func (p *compiler) minute(name string, e config.Expr, by Reader) *History {
	if e.IsZero() {
		return nil
	}
	return p.readStep(name, e, longStep, longStep, by)
}

// read returns the history of an expression over a window before now; nil for no window. One history serves all windows that have
// the same step.
func (p *compiler) read(name string, e config.Expr, window time.Duration, by Reader) *History {
	if e.IsZero() || window <= 0 {
		return nil
	}
	return p.readStep(name, e, window, StepOf(window), by)
}

func (p *compiler) readStep(name string, e config.Expr, window, step time.Duration, by Reader) *History {
	suffix := ".history"
	if step != gridStep {
		suffix += "_" + config.Duration(step).String()
	}
	expr, rule := p.source(e)
	h := p.history(name+suffix, historyKey{expr: expr, step: step, by: by})
	h.Rule, h.From = rule, max(h.From, window)
	return h
}

// source is what is asked for an expression, itself or the series that it is recorded in, and the fingerprint of what these must have been
// recorded from.
func (p *compiler) source(e config.Expr) (expr, rule string) {
	if r, ok := p.recorded[e.String()]; ok {
		return r.Name, r.Expr.Fingerprint()
	}
	return e.String(), p.ruleOf(e)
}

// ruleOf is the fingerprint of the expression from which a known rule records the series that an expression selects; empty without such a
// rule.
func (p *compiler) ruleOf(e config.Expr) string {
	expr := e.String()
	if rule, known := p.rules[expr]; known {
		return rule
	}
	p.rules[expr] = ""
	if r, ok := p.Config.RecordingOf(e); ok {
		p.rules[expr] = r.Expr.Fingerprint()
	}
	return p.rules[expr]
}

func (p *compiler) history(name string, key historyKey) *History {
	if h := p.histories[key]; h != nil {
		return h
	}
	h := &History{Name: p.unique(name), Expr: key.expr, Step: key.step, By: key.by, Place: len(p.Histories)}
	p.histories[key] = h
	p.Histories = append(p.Histories, h)
	return h
}

// findFiner finds the histories whose newest steps are all steps of another one, so they are read once: those that have not settled, and
// one before each end, which is read again.
func (p *compiler) findFiner() {
	for _, h := range p.Histories {
		tail := max(h.Until, Settled) + 2*h.Step
		for _, f := range p.Histories {
			same := f.Expr == h.Expr && f.By == h.By && f.Rule == h.Rule && !h.By.Median
			if same && f.Step < h.Step && h.Step%f.Step == 0 && f.Until == 0 && f.From >= tail && (h.Finer == nil || f.Step < h.Finer.Step) {
				h.Finer = f
			}
		}
	}
}

// unique gives a name that is taken already a number: names are told apart in series.
func (p *compiler) unique(name string) string {
	if p.named[name]++; p.named[name] > 1 {
		return fmt.Sprintf("%s#%d", name, p.named[name])
	}
	return name
}

// AllQueries lists the queries by place: those of the configuration, then those for the ages of what they rest on.
func (p *Program) AllQueries() []*Query {
	all := slices.Clone(p.Queries)
	for _, a := range p.Ages {
		all = append(all, a.Query)
	}
	return all
}
