package collector

import (
	"time"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/optimizer"
)

// problem states what is known as an integer program. What follows from how much is known, the guards add.
func (d *decision) problem() optimizer.Problem {
	var p optimizer.Problem
	for i := range d.program.budgets {
		if d.limits[i] != nil {
			p.Budgets = append(p.Budgets, optimizer.Budget{Name: d.program.budgets[i].Name, Limit: *d.limits[i]})
		}
	}
	for m := range d.program.models {
		p.Models = append(p.Models, d.problemModel(m))
	}
	return p
}

func (d *decision) problemModel(m int) optimizer.Model {
	model := &d.program.models[m]
	out := optimizer.Model{Name: model.Namespace + "/" + model.Name, Priority: model.Priority, Demand: map[string]float64{}}
	for _, s := range d.signals[m] {
		if s.Planned != nil {
			out.Demand[s.Name] = *s.Planned
		}
	}
	out.MinReplicas = d.minReplicas(m)
	for v := model.first; v < model.behind; v++ {
		out.Variants = append(out.Variants, d.problemVariant(m, v))
	}
	if d.known[m] != optimizer.KnownNothing && d.waking(m, out.Demand) {
		for i := range out.Variants {
			price(&out.Variants[i], time.Duration(d.program.variants[model.first+i].Startup))
		}
	}
	return out
}

// waking says that there is demand for a model of which nothing is ready: people wait for the first replica.
func (d *decision) waking(m int, demand map[string]float64) bool {
	model := &d.program.models[m]
	for v := model.first; v < model.behind; v++ {
		if d.facts[v].current == nil || d.serves(v) || d.program.variants[v].Startup == 0 {
			return false
		}
	}
	for _, amount := range demand {
		if amount > 0 {
			return true
		}
	}
	return false
}

// price makes the cost of a variant that of waiting for it, so that the plan wakes what is ready soonest for its cost, and stays
// with it until it is. Once something is ready, the next plan is for the least cost again.
func price(v *optimizer.Variant, startup time.Duration) {
	v.Cost, v.StartCost = v.Cost*startup.Hours(), 0
}

func (d *decision) problemVariant(m, v int) optimizer.Variant {
	x, f := &d.program.variants[v], &d.facts[v]
	out := optimizer.Variant{
		Name: x.Name, Min: x.Replicas.Min, Max: x.Replicas.Max, Capacity: map[string]float64{}, Uses: map[string]float64{},
	}
	for s, value := range f.capacities {
		out.Capacity[d.program.models[m].signals[s].Name] = value
	}
	for i := range d.program.budgets {
		if use, ok := f.uses[d.program.budgets[i].Name]; ok && d.limits[i] != nil {
			out.Uses[d.program.budgets[i].Name] = use
		}
	}
	if f.cost != nil {
		out.Cost = *f.cost
	}
	if f.current != nil {
		out.Current = *f.current
		out.StartCost = min(out.Cost*time.Duration(x.Startup).Hours(), maxValue)
	}
	return out
}

// minReplicas is the fewest replicas of a model over all variants. A model that may go to zero keeps one until it has been
// without demand for as long as the configuration asks.
func (d *decision) minReplicas(m int) int {
	model := &d.program.models[m]
	if least := *model.Replicas.Min; least > 0 {
		return least
	}
	for s := range model.signals {
		if d.signals[m][s].Planned != nil && !d.idle(m, s) {
			return 1
		}
	}
	return 0
}

// idle says that a signal showed no demand for as long as the configuration asks, and that it was watched for so long: a
// Prometheus that has just started knows of no demand either.
func (d *decision) idle(m, s int) bool {
	sig := &d.program.models[m].signals[s]
	past, missing := d.level(m, s, sig.idle, nil)
	if past.value > 0 || missing != "" && missing != noResult {
		return false
	}
	_, missing = d.level(m, s, sig.before, nil)
	return missing == "" || missing == noResult && sig.OnMissing == config.OnMissingZero && d.alive(m, s, sig.aliveBefore)
}
