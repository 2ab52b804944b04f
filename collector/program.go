package collector

import (
	"fmt"
	"time"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// none stands for a query that is not asked.
const none = -1

// program is a configuration made ready for evaluation: every distinct expression once, and for every quantity where its answer
// is found. The number of queries depends on how many different expressions there are, not on how many models and variants.
type program struct {
	config  *config.Config
	queries []query
	index   map[string]int // expression -> place in queries
	ages    []ageQuery

	models         []boundModel
	variants       []boundVariant // of all models, in their order
	budgets        []boundBudget
	energyPrice    quantity
	current, ready int
	matcher        *matcher
}

// query is one expression and the name by which people know it.
type query struct{ name, expr string }

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
}

type boundSignal struct {
	config.ActiveSignal
	demand, usage, queued, alive            int
	stableDemand, stableUsage, stableQueued int
	idleDemand, idleUsage, idleQueued       int
	headroom                                float64
	mustLast                                bool // a rise counts only after the scale-up window
}

type boundVariant struct {
	*config.Variant
	model      int
	cost       quantity
	uses       map[string]quantity
	capacities []quantity // in the order of the model's signals
}

type boundBudget struct {
	*config.Budget
	limits []quantity
}

// compile makes a configuration ready for evaluation.
func compile(c *config.Config) *program {
	p := &program{config: c, index: map[string]int{}}
	p.current = p.ask("scale_targets.current", c.ScaleTargets.Current)
	p.ready = p.ask("scale_targets.ready", c.ScaleTargets.Ready)
	p.energyPrice = p.quantity("energy_price", c.EnergyPrice)
	for i := range c.Budgets {
		b := &c.Budgets[i]
		bound := boundBudget{Budget: b}
		for _, limit := range b.Limit {
			bound.limits = append(bound.limits, p.quantity("budget."+b.Name+".limit", limit))
		}
		p.budgets = append(p.budgets, bound)
	}
	for i := range c.Models {
		p.bindModel(i, &c.Models[i])
	}
	p.matcher = newMatcher(p)
	p.ages = ageQueries(p.queries)
	return p
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
		for name, q := range v.Uses {
			x.uses[name] = p.quantity(id+".uses."+name, q)
		}
		for _, s := range bound.signals {
			x.capacities = append(x.capacities, p.capacity(id, v, s.ActiveSignal))
		}
		p.variants = append(p.variants, x)
	}
	bound.behind = len(p.variants)
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
	b := boundSignal{ActiveSignal: s, headroom: *m.Headroom, mustLast: *m.ScaleUpWindow > 0}
	key := s.Key()
	b.alive = p.ask(key+".alive", s.Alive)
	b.idleDemand, b.idleUsage, b.idleQueued = none, none, none
	for _, part := range []struct {
		name              string
		expr              config.Expr
		now, stable, idle *int
	}{
		{"demand", s.Demand, &b.demand, &b.stableDemand, &b.idleDemand},
		{"usage", s.Usage, &b.usage, &b.stableUsage, &b.idleUsage},
		{"queued", s.Queued, &b.queued, &b.stableQueued, &b.idleQueued},
	} {
		name := key + "." + part.name
		*part.now = p.ask(name, part.expr)
		*part.stable = p.askStable(name, part.expr, m)
		if *m.Replicas.Min == 0 {
			*part.idle = p.askText(fmt.Sprintf("%s.max_%s", name, m.IdleAfter), overTime("max", part.expr.String(), *m.IdleAfter))
		}
	}
	return b
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

// askText returns the place of an expression among the queries. Equal expressions are asked once, under the first name.
func (p *program) askText(name, expr string) int {
	if expr == "" {
		return none
	}
	if i, ok := p.index[expr]; ok {
		return i
	}
	p.index[expr] = len(p.queries)
	p.queries = append(p.queries, query{name, expr})
	return len(p.queries) - 1
}
