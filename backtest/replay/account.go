package replay

import (
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/optimizer"
)

// account adds up what either way of running cost and missed.
type account struct {
	config   *config.Config
	result   *Result
	models   []modelAccount
	failures map[Failure]int
	short    [2]int // steps at which any model was short, of what ran and of what would have run
	beyond   int    // steps at which any model would have carried more than was seen
}

// modelAccount is what is remembered of a model from one step to the next.
type modelAccount struct {
	variants   []variantAccount
	seen       []seen // by signal
	short      [2]int
	beyond     int
	unmeasured int
}

// variantAccount is what is remembered of a variant. A cost or a capacity that is not known at a step is the last one known.
type variantAccount struct {
	cost       *float64
	capacities map[string]float64
	last       [2]int // replicas at the last step that counted
	counted    bool
	unknown    int
	unpriced   int
	held       int
}

// The two ways of running, as indices.
const (
	ran = iota
	wouldRun
)

func (c *Compared) of(way int) *Account {
	if way == ran {
		return &c.Ran
	}
	return &c.Followed
}

func newAccount(c *config.Config, grid v1.Range) *account {
	steps := int(grid.End.Sub(grid.Start)/grid.Step) + 1
	a := &account{config: c, failures: map[Failure]int{}, result: &Result{
		From: grid.Start, To: grid.End.Add(grid.Step), StepSeconds: grid.Step.Seconds(), Steps: steps,
	}}
	for i := range c.Models {
		m := &c.Models[i]
		model := Model{Namespace: m.Namespace, Name: m.Name}
		var remembered modelAccount
		for _, s := range m.ActiveSignals() {
			remembered.seen = append(remembered.seen, seen{rate: s.Rate()})
			model.Signals = append(model.Signals, Signal{
				Name: s.Name, Unit: s.Unit,
				Demand: make([]*float64, steps), RanSupply: make([]*float64, steps), FollowedSupply: make([]*float64, steps),
			})
		}
		for j := range m.Variants {
			model.Variants = append(model.Variants, newVariant(&m.Variants[j], steps))
			remembered.variants = append(remembered.variants, variantAccount{capacities: map[string]float64{}})
		}
		a.result.Models = append(a.result.Models, model)
		a.models = append(a.models, remembered)
	}
	return a
}

func newVariant(v *config.Variant, steps int) Variant {
	return Variant{
		Name: v.Name, Accelerator: v.Accelerator,
		Current: make([]*int, steps), Ready: make([]*int, steps), Desired: make([]*int, steps), Reason: make([]string, steps),
		Followed: make([]*int, steps), FollowedReady: make([]*int, steps), Cost: make([]*float64, steps),
	}
}

// add enters one step: what was decided given what ran, what was decided given what would have run, and what would have run then.
func (a *account) add(step int, then, followed *collector.Snapshot, f *follower) {
	for i := range then.Inputs {
		if in := &then.Inputs[i]; in.Err != nil {
			a.failures[Failure{Input: in.Name, Reason: string(in.Failure)}]++
		}
	}
	first := 0
	for m := range a.models {
		remembered := &a.models[m]
		for v := range remembered.variants {
			entry := variantEntry{
				step: step, into: &a.result.Models[m].Variants[v], then: &then.Models[m].Variants[v],
				decided: followed.Models[m].Variants[v].Desired != nil, followed: f.order[first+v], power: then.Models[m].Variants[v].Watts,
			}
			a.addVariant(&remembered.variants[v], entry)
		}
		first += len(remembered.variants)
		a.addModel(m, step, &then.Models[m])
	}
}

// variantEntry is what there is to enter of a variant at a step.
type variantEntry struct {
	step     int
	into     *Variant
	then     *collector.Variant
	decided  bool // with what would have run
	followed *followed
	power    *float64 // watts of a replica, where they are known
}

func (a *account) addVariant(r *variantAccount, e variantEntry) {
	v, i := e.into, e.step
	v.Current[i], v.Ready[i], v.Desired[i], v.Reason[i] = e.then.Current, e.then.Ready, e.then.Desired, string(e.then.Reason)
	if e.then.Desired == nil {
		v.Reason[i] = string(optimizer.ReasonHold)
	}
	if !e.decided {
		r.held++
	}
	if e.then.Cost != nil {
		r.cost = e.then.Cost
	}
	v.Cost[i] = r.cost
	for _, c := range e.then.Capacities {
		r.capacities[c.Signal] = c.Value
	}
	if e.followed.known {
		n, ready := e.followed.current(), e.followed.ready(true)
		v.Followed[i], v.FollowedReady[i] = &n, &ready
	}
	if v.Current[i] == nil {
		r.unknown++
		return
	}
	replicas := [2]int{*v.Current[i], *v.Followed[i]}
	if !r.counted {
		r.counted = true
		r.last = [2]int{replicas[ran], replicas[ran]}
	}
	if r.cost == nil {
		r.unpriced++
	}
	for way, n := range replicas {
		total := v.Total.of(way)
		hours := float64(n) * a.result.hours(1)
		total.ReplicaHours += hours
		if r.cost != nil {
			total.Cost += *r.cost * hours
		}
		total.addEnergy(e.power, hours)
		if n != r.last[way] {
			total.Changes++
		}
	}
	r.last = replicas
}

const wattsPerKilowatt = 1000

// addEnergy counts the power that replicas draw.
func (t *Account) addEnergy(power *float64, hours float64) {
	if power == nil {
		return
	}
	if t.EnergyKWh == nil {
		t.EnergyKWh = new(float64)
	}
	*t.EnergyKWh += *power * hours / wattsPerKilowatt
}
