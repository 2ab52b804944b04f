package collector

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/optimizer/forecast"
)

// none stands for a query that is not asked.
const none = -1

// program is a configuration made ready for evaluation: every distinct expression once, and for every quantity where its answer
// is found. The number of queries depends on how many different expressions there are, not on how many models and variants.
type program struct {
	config  *config.Config
	queries []query
	index   map[string]int // expression -> place in queries
	named   map[string]int // name -> how many queries were to have it
	ages    []ageQuery

	histories []history

	models         []boundModel
	variants       []boundVariant // of all models, in their order
	budgets        []boundBudget
	energyPrice    quantity
	current, ready int
	matcher        *matcher
}

// query is one expression and the name by which people know it.
type query struct {
	name, expr string
	maxAge     time.Duration // of the newest sample behind the answer; 0: any
	sparse     bool          // no series is a good answer
}

// quantity is a number, or where its answer is found.
type quantity struct {
	set        bool
	number     float64
	query      int
	fromLabels []string
}

type boundModel struct {
	*config.Model
	signals       []boundSignal
	first, behind int // its variants in program.variants
	up, down      boundLimit
}

type boundSignal struct {
	config.ActiveSignal
	now, stable, idle, before moment
	earlier                   moment // one scale-down window ago
	aliveEarlier              int
	aliveShared               bool  // another model of the namespace has the same signal, and nothing tells their sources apart
	forecasts                 []int // of which the largest counts
	inputTokens, outputTokens int   // of the latency form
	observedITL, running      int   // of the latency form, where a profile is to be corrected
	alive, aliveBefore        int
	headroom                  float64
	history                   int // in program.histories; of headroom: auto
	noise                     forecast.Noise
	mustLast                  bool // a rise counts only after the scale-up window
}

// moment are the queries that tell a signal's demand: as it is, over a window, or as it was.
type moment struct{ demand, usage, queued int }

func (q moment) asked() bool { return q.demand != none || q.usage != none || q.queued != none }

type boundVariant struct {
	*config.Variant
	model      int
	cost       quantity
	uses       map[string]quantity
	capacities []quantity // in the order of the model's signals
	stuck      int
	watched    int      // whether its replicas were known as long ago as its failsafe asks for
	usable     []moment // whether anything was known of the model's signals since, in their order
	inputs     []int    // queries about the variant itself
}

type boundBudget struct {
	*config.Budget
	limits []quantity
	borrow quantity
}

// compile makes a configuration ready for evaluation.
func compile(c *config.Config) *program {
	p := &program{config: c, index: map[string]int{}, named: map[string]int{}}
	p.current = p.ask("scale_targets.current", c.ScaleTargets.Current)
	p.ready = p.ask("scale_targets.ready", c.ScaleTargets.Ready)
	p.energyPrice = p.quantity("energy_price", c.EnergyPrice)
	for i := range c.Budgets {
		b := &c.Budgets[i]
		bound := boundBudget{Budget: b}
		for _, limit := range b.Limit {
			bound.limits = append(bound.limits, p.quantity("budget."+b.Name+".limit", limit))
		}
		bound.borrow = p.quantity("budget."+b.Name+".borrow", b.Borrow)
		p.budgets = append(p.budgets, bound)
	}
	for i := range c.Models {
		p.bindModel(i, &c.Models[i])
	}
	p.markShared()
	p.matcher = newMatcher(p)
	p.limitAges()
	p.ages = ageQueries(p.queries)
	return p
}

// markShared finds the signals whose source could be another model's: those of models in one namespace, without a match that
// would tell the sources apart.
func (p *program) markShared() {
	users := map[scoped]int{}
	for i := range p.models {
		for _, s := range p.models[i].signals {
			users[scoped{p.models[i].Namespace, s.Key()}]++
		}
	}
	for i := range p.models {
		m := &p.models[i]
		for j := range m.signals {
			m.signals[j].aliveShared = len(m.Match) == 0 && users[scoped{m.Namespace, m.signals[j].Key()}] > 1
		}
	}
}

func (p *program) bindModel(i int, m *config.Model) {
	bound := boundModel{Model: m, first: len(p.variants)}
	for _, s := range m.ActiveSignals() {
		bound.signals = append(bound.signals, p.bindSignal(m, s))
	}
	for j := range m.Variants {
		v := &m.Variants[j]
		id := m.Namespace + "/" + v.Name
		x := boundVariant{Variant: v, model: i, cost: p.quantity(id+".cost", v.Cost), uses: map[string]quantity{}}
		for _, name := range slices.Sorted(maps.Keys(v.Uses)) {
			x.uses[name] = p.quantity(id+".uses."+name, v.Uses[name])
		}
		for _, s := range bound.signals {
			x.capacities = append(x.capacities, p.capacity(id, v, s.ActiveSignal))
		}
		p.variants = append(p.variants, x)
	}
	bound.behind = len(p.variants)
	p.bindGuards(&bound)
	for v := bound.first; v < bound.behind; v++ {
		p.variants[v].inputs = p.inputsOf(&bound, &p.variants[v])
	}
	p.models = append(p.models, bound)
}

// capacity is the variant's own, or the one that the signal brings.
func (p *program) capacity(id string, v *config.Variant, s config.ActiveSignal) quantity {
	if own, ok := v.Capacity[s.Name]; ok && own.Set {
		return p.quantity(id+".capacity."+s.Name, own)
	}
	return p.quantity(s.Key()+".capacity", s.Capacity)
}

func (p *program) bindSignal(m *config.Model, s config.ActiveSignal) boundSignal {
	never := moment{none, none, none}
	b := boundSignal{
		ActiveSignal: s, headroom: m.Headroom.Ratio, history: none, mustLast: *m.ScaleUpWindow > 0,
		now: never, stable: never, idle: never, before: never, earlier: never, aliveBefore: none, aliveEarlier: none,
	}
	key := s.Key()
	b.alive = p.ask(key+".alive", s.Alive)
	p.bindLatency(m, &b)
	absolute, form := s.Demand, "demand"
	if !s.Latency.IsZero() {
		absolute, form = s.Latency, "latency"
	}
	window := *m.ScaleDownWindow
	if window > 0 {
		b.aliveEarlier = p.askBefore(key+".alive", s.Alive, window)
	}
	mayIdle := *m.Replicas.Min == 0
	if mayIdle {
		b.aliveBefore = p.askBefore(key+".alive", s.Alive, *m.IdleAfter)
	}
	for _, part := range []struct {
		name  string
		expr  config.Expr
		query func(*moment) *int
	}{
		{form, absolute, func(q *moment) *int { return &q.demand }},
		{"usage", s.Usage, func(q *moment) *int { return &q.usage }},
		{"queued", s.Queued, func(q *moment) *int { return &q.queued }},
	} {
		name := key + "." + part.name
		*part.query(&b.now) = p.ask(name, part.expr)
		*part.query(&b.stable) = p.askStable(name, part.expr, m)
		if window > 0 && part.name != "queued" {
			*part.query(&b.earlier) = p.askBefore(name, part.expr, window)
		}
		if mayIdle {
			idle := overTime("max", part.expr.String(), *m.IdleAfter)
			*part.query(&b.idle) = p.askText(fmt.Sprintf("%s.max_%s", name, m.IdleAfter), idle)
			*part.query(&b.before) = p.askBefore(name, part.expr, *m.IdleAfter)
		}
	}
	b.forecasts = p.askForecasts(key+"."+form, absolute, m)
	if m.Headroom.Auto && !absolute.IsZero() {
		b.history = p.askHistory(key+"."+form, absolute, s.Labels)
		b.noise = noiseOf(m)
	}
	return b
}

// bindLatency asks for what the queueing model needs, and, where a profile is to be corrected, for what replicas show.
func (p *program) bindLatency(m *config.Model, b *boundSignal) {
	key := b.Key()
	b.inputTokens, b.outputTokens = p.ask(key+".input_tokens", b.InputTokens), p.ask(key+".output_tokens", b.OutputTokens)
	b.observedITL, b.running = none, none
	if slices.ContainsFunc(m.Variants, func(v config.Variant) bool { return v.Profile != nil && v.Profile.Correct }) {
		b.observedITL, b.running = p.ask(key+".observed_itl", b.ObservedITL), p.ask(key+".observed_running", b.ObservedRunning)
	}
}

// askBefore asks for what an expression said some time ago.
func (p *program) askBefore(name string, e config.Expr, ago config.Duration) int {
	if e.IsZero() {
		return none
	}
	step := resolution(time.Duration(ago))
	return p.askText(fmt.Sprintf("%s.before_%s", name, ago), fmt.Sprintf("last_over_time((%s)[%s:%s] offset %s)", e, step, step, ago))
}

// askStable asks for the demand after the windows of a model: what lasted for the scale-up window, at its most over the
// scale-down window.
func (p *program) askStable(name string, e config.Expr, m *config.Model) int {
	text := e.String()
	if up := *m.ScaleUpWindow; up > 0 {
		name += ".min_" + up.String()
		text = overTime("min", text, up)
	}
	if down := *m.ScaleDownWindow; down > 0 {
		name += ".max_" + down.String()
		text = overTime("max", text, down)
	}
	if text == e.String() {
		return none
	}
	return p.askText(name, text)
}

// overTime is the least or most of an expression over a window, as a subquery. Its steps lie at multiples of the resolution
// since the epoch, so that every evaluation looks at the same moments.
func overTime(function, expr string, window config.Duration) string {
	if expr == "" {
		return ""
	}
	return fmt.Sprintf("%s_over_time((%s)[%s:%s])", function, expr, window, resolution(time.Duration(window)))
}

// resolution is the step of a window's subquery: a twentieth of the window, in whole seconds, between 1 s and 1 min.
func resolution(window time.Duration) config.Duration {
	step := (window / 20).Truncate(time.Second)
	return config.Duration(min(max(step, time.Second), time.Minute))
}

func (p *program) quantity(name string, q config.Quantity) quantity {
	return quantity{set: q.Set, number: q.Number, query: p.ask(name, q.Query), fromLabels: q.FromLabels}
}

func (p *program) ask(name string, e config.Expr) int { return p.askText(name, e.String()) }

// askText returns the place of an expression among the queries. Equal expressions are asked once, under the first name. Of two
// expressions with one name, such as two limits of a budget, the later one's gets a number: names are told apart in series.
func (p *program) askText(name, expr string) int {
	if expr == "" {
		return none
	}
	if i, ok := p.index[expr]; ok {
		return i
	}
	p.index[expr] = len(p.queries)
	if p.named[name]++; p.named[name] > 1 {
		name = fmt.Sprintf("%s#%d", name, p.named[name])
	}
	p.queries = append(p.queries, query{name: name, expr: expr})
	return len(p.queries) - 1
}
