package collector

import (
	"cmp"
	"maps"
	"slices"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/optimizer"
)

// decision is the way from what was read to what is to be run.
type decision struct {
	*results
	sizer     *sizer
	running   Running // nil where what runs is as the scale targets' series say
	interrupt func() bool

	facts   []facts               // per variant
	known   []optimizer.Knowledge // per model
	lacking []string              // per model: what is not known of its replicas or their past; empty where all is
	signals [][]SignalValue
	limits  []*float64 // per budget; nil when unknown

	interrupted bool // the planner ran out of time: its plan depends on the machine, so that it may raise, never lower
}

// facts are what is known of one variant.
type facts struct {
	current, ready *int
	watched        fleet // what was there to be measured: with Running, not what is decided for
	cost           *float64
	uses           map[string]float64
	capacities     []float64 // in the order of the model's signals
	correction     *float64  // of the variant's profile, where it is corrected
	stuck          *int      // replicas that it is capped at
	missing        string    // a quantity of its own that is not known
}

// fleet are replicas of a variant that were asked for, and those that were ready; nil where not known.
type fleet struct{ current, ready *int }

// serves says that there is a replica that may be in use: ready, or, where that is not known, asked for.
func (f fleet) serves() bool {
	if f.ready != nil {
		return *f.ready > 0
	}
	return f.current == nil || *f.current > 0
}

// solution is what was planned, the plan, and what the guards made of it.
type solution struct {
	problem  optimizer.Problem
	plan     optimizer.Plan
	decision optimizer.Decision
	err      error
}

// decide goes from what was read to what is to be run: guards that bound the plan, the plan, guards that follow it.
func (d *decision) decide() *Snapshot {
	d.gather()
	problem, options := d.problem(), optimizer.Options{Interrupt: d.interrupt}
	s := solution{problem: optimizer.Constrain(problem, d.state())}
	if s.plan, s.err = optimizer.Solve(s.problem, options); s.err != nil {
		return d.snapshot(&s)
	}
	if d.interrupted = d.interrupt() && s.plan.Status != optimizer.StatusOptimal; d.interrupted {
		for m, known := range d.known {
			d.known[m] = min(known, optimizer.KnownPartly)
		}
	}
	s.decision = optimizer.Guard(problem, s.plan, d.state(), options)
	return d.snapshot(&s)
}

// gather reads everything that the plan depends on.
func (d *decision) gather() {
	price, noPrice := d.single(d.program.energyPrice)
	for i := range d.program.budgets {
		d.limits = append(d.limits, d.limit(i))
	}
	for v := range d.program.variants {
		f := d.runs(v)
		d.readUses(v, &f)
		d.readCost(v, &f, price, noPrice)
		d.facts = append(d.facts, f)
	}
	d.unknownBudgets()
	for m := range d.program.models {
		model := &d.program.models[m]
		values := make([]SignalValue, len(model.signals))
		for s := range model.signals {
			values[s] = d.demandOf(m, s)
		}
		d.signals = append(d.signals, values)
		d.readCapacities(m)
		d.uncarried(m)
		d.readRest(m)
		d.lacking = append(d.lacking, cmp.Or(d.replicasUnknown(m), d.guardsFailed(m)))
		d.known = append(d.known, d.knowledge(m))
	}
}

// readRest reads what this evaluation may have done without, so that what an input is seen to match does not depend on that.
func (d *decision) readRest(m int) {
	model := &d.program.models[m]
	var moments []moment
	for s := range model.signals {
		sig := &model.signals[s]
		for _, query := range []int{sig.alive, sig.aliveEarlier, sig.aliveBefore} {
			if query != none {
				d.sources(query, sig.Labels)
			}
		}
		moments = append(moments[:0], sig.idle, sig.before, sig.earlier)
		for v := model.first; v < model.behind; v++ {
			if x := &d.program.variants[v]; x.Failsafe != nil && x.watched != none {
				d.replicas(x.watched, v)
				moments = append(moments, x.usable[s])
			}
		}
		for _, q := range moments {
			if q.asked() {
				d.watched(m, s, q)
			}
		}
	}
}

// runs reads what runs of a variant.
func (d *decision) runs(v int) facts {
	watched := fleet{d.replicas(d.program.current, v), d.replicas(d.program.ready, v)}
	if d.running != nil {
		x := &d.program.variants[v]
		current, ready := d.running.Replicas(d.program.models[x.model].Namespace, x.Name)
		return facts{current: &current, ready: &ready, watched: watched}
	}
	return facts{current: watched.current, ready: watched.ready, watched: watched, stuck: d.stuck(v, watched.ready)}
}

// limit is the smallest of a budget's limits; nil when one of them is not known.
func (d *decision) limit(i int) *float64 {
	var least *float64
	for _, q := range d.program.budgets[i].limits {
		value, missing := d.single(q)
		if missing != "" {
			return nil
		}
		if least == nil || value < *least {
			least = &value
		}
	}
	return least
}

func (d *decision) readUses(v int, f *facts) {
	x := &d.program.variants[v]
	f.uses = make(map[string]float64, len(x.uses))
	for _, name := range slices.Sorted(maps.Keys(x.uses)) {
		value, missing := d.ofVariant(x.uses[name], v, d.program.config.Labels)
		if missing != "" {
			f.missing = missing
			continue
		}
		f.uses[name] = value
	}
}

// unknownBudgets keeps the variants that use a budget of which too little is known where they are: of its limit, or of what a
// variant that runs takes of it, which is not nothing.
func (d *decision) unknownBudgets() {
	for i := range d.program.budgets {
		name := d.program.budgets[i].Name
		unknown := func(v int) bool {
			_, uses := d.program.variants[v].uses[name]
			_, known := d.facts[v].uses[name]
			return uses && !known && (d.facts[v].current == nil || *d.facts[v].current > 0)
		}
		for v := range d.facts {
			if unknown(v) {
				d.limits[i] = nil
			}
		}
		if d.limits[i] != nil {
			continue
		}
		for v := range d.facts {
			if _, uses := d.program.variants[v].uses[name]; uses && d.facts[v].missing == "" {
				d.facts[v].missing = "budget." + name + ": its limit or what is used of it is not known"
			}
		}
	}
}

const wattsPerKilowatt = 1000

func (d *decision) readCost(v int, f *facts, price float64, noPrice string) {
	x := &d.program.variants[v]
	cost, missing := d.ofVariant(x.cost, v, d.program.config.Labels)
	if _, draws := x.uses[config.PowerUse]; draws && d.program.energyPrice.set {
		if noPrice != "" {
			missing = noPrice
		}
		cost += price * f.uses[config.PowerUse] / wattsPerKilowatt
	}
	if missing == "" && cost > maxValue {
		missing = "cost: " + badRange
	}
	if missing != "" {
		f.missing = missing
		return
	}
	f.cost = &cost
}

// readCapacities reads what a replica of each variant carries of each signal. What cannot be read of a variant without replicas
// keeps only that variant out of the plan; of one that serves, it makes the signal say nothing.
func (d *decision) readCapacities(m int) {
	model := &d.program.models[m]
	for v := model.first; v < model.behind; v++ {
		f := &d.facts[v]
		f.capacities = make([]float64, len(model.signals))
		for s := range model.signals {
			if !d.carries(v, s) {
				continue // of another role
			}
			value, missing := d.capacity(v, s)
			if missing == "" {
				f.capacities[s] = value
				continue
			}
			signal := &d.signals[m][s]
			if signal.Ignored {
				continue
			}
			f.missing = missing
			if d.serves(v) && signal.Planned != nil {
				*signal = SignalValue{Name: signal.Name, Unit: signal.Unit, Measured: signal.Measured, Missing: missing}
			}
		}
	}
}

// uncarried makes a signal say nothing of which no capacity is known: its demand would stay uncarried whatever is planned, and
// nothing planned for the others would help.
func (d *decision) uncarried(m int) {
	model := &d.program.models[m]
	for s := range model.signals {
		signal := &d.signals[m][s]
		carried := slices.ContainsFunc(d.facts[model.first:model.behind], func(f facts) bool { return f.capacities[s] > 0 })
		if signal.Planned != nil && *signal.Planned > 0 && !carried {
			*signal = SignalValue{
				Name: signal.Name, Unit: signal.Unit, Measured: signal.Measured, Missing: "no variant has a capacity for it that is known",
			}
		}
	}
}

// carries says that a variant is meant to carry a signal.
func (d *decision) carries(v, s int) bool {
	return d.program.variants[v].capacities[s].set || d.sized(v, s)
}

func (d *decision) capacity(v, s int) (value float64, missing string) {
	if d.sized(v, s) {
		return d.size(v, s)
	}
	x := &d.program.variants[v]
	q := x.capacities[s]
	value, missing = d.ofVariant(q, v, d.program.models[x.model].signals[s].Labels)
	if missing == "" && value == 0 && q.query != none {
		// A server that starts, or one that nobody asked all night, tells 0; only a 0 in the file says that a variant carries
		// nothing.
		return 0, d.inputs[q.query].Name + ": a capacity of 0"
	}
	return value, missing
}

// serves says that a variant has a replica that may be in use.
func (d *decision) serves(v int) bool {
	return fleet{d.facts[v].current, d.facts[v].ready}.serves()
}

// replicasFailed says why what runs could not be asked for; empty where it could, or nobody is there to tell.
func (d *decision) replicasFailed() string {
	if d.running != nil {
		return ""
	}
	for _, query := range []int{d.program.current, d.program.ready} {
		if query != none && d.answers[query].err != nil {
			return d.inputs[query].failed()
		}
	}
	return ""
}

// replicasUnknown says what is not known of the replicas of a model's variants, where they were to be known: a variant that runs
// unseen can be neither replaced nor relied on.
func (d *decision) replicasUnknown(m int) string {
	if failed := d.replicasFailed(); failed != "" || d.running != nil || d.program.current == none {
		return failed
	}
	model := &d.program.models[m]
	for v := model.first; v < model.behind; v++ {
		target := d.program.targetOf(v)
		if d.facts[v].current == nil {
			return d.inputs[d.program.current].Name + ": nothing usable of " + string(target.kind) + " " + target.name
		}
		if found := d.byTarget(d.program.ready)[target]; found != nil && found.bad != "" {
			return d.inputs[d.program.ready].Name + ": " + found.bad
		}
	}
	return ""
}

func (d *decision) knowledge(m int) optimizer.Knowledge {
	known, missing := 0, 0
	for _, s := range d.signals[m] {
		switch {
		case s.Planned != nil && s.Partial == "":
			known++
		case s.Planned != nil:
			known++
			missing++
		case !s.Ignored:
			missing++
		}
	}
	if d.lacking[m] != "" {
		missing++
	}
	model := &d.program.models[m]
	for v := model.first; v < model.behind; v++ {
		if d.facts[v].missing != "" && d.facts[v].current == nil {
			return optimizer.KnownNothing // what it carries now is not known, so nobody can plan around it
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
