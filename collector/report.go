package collector

import (
	"slices"

	"github.com/variant-exporter/variant-exporter/optimizer"
)

// snapshot writes down what was read, planned and decided.
func (d *decision) snapshot(found *solution) *Snapshot {
	plan := &found.plan
	s := &Snapshot{Inputs: d.inputs}
	s.Plan = PlanSummary{Err: found.err}
	planned := found.err == nil && slices.ContainsFunc(d.known, func(k optimizer.Knowledge) bool { return k != optimizer.KnownNothing })
	if planned {
		s.Plan = PlanSummary{Status: plan.Status, Gap: plan.Gap, ShortfallGap: plan.ShortfallGap, Cost: d.costOf(plan)}
		s.Problem, s.Solution = found.problem, found.plan
	}
	s.Budgets = d.budgets(plan, planned)
	for i := range s.Inputs {
		s.Inputs[i].Matched = min(s.Inputs[i].Matched, s.Inputs[i].Series) // an answer may be read in more than one way
	}
	for m := range d.program.models {
		s.Models = append(s.Models, d.modelOf(m, found))
	}
	return s
}

// costOf is the running cost of a plan by the variants' own costs, which are not what a plan that wakes a model goes by.
func (d *decision) costOf(plan *optimizer.Plan) float64 {
	total := 0.0
	for m := range plan.Models {
		for i, v := range plan.Models[m].Variants {
			if cost := d.facts[d.program.models[m].first+i].cost; cost != nil {
				total += *cost * float64(v.Replicas)
			}
		}
	}
	return total
}

func (d *decision) budgets(plan *optimizer.Plan, planned bool) []Budget {
	var all []Budget
	known := 0
	for i := range d.program.budgets {
		b := Budget{Name: d.program.budgets[i].Name, Unit: d.program.budgets[i].Unit, Limit: d.limits[i]}
		if b.Limit != nil && planned {
			used, price := plan.Budgets[known].Used, plan.Budgets[known].ShadowPrice
			b.Used, b.ShadowPrice = &used, &price
			known++
		}
		all = append(all, b)
	}
	return all
}

func (d *decision) modelOf(m int, found *solution) Model {
	model := &d.program.models[m]
	out := Model{Name: model.Name, Namespace: model.Namespace, Signals: d.signals[m]}
	for s := range out.Signals {
		out.Signals[s].Inputs = model.signals[s].inputs(len(d.program.queries) + len(d.program.ages))
		out.Signals[s].Ready = d.readySupply(m, s)
	}
	if planned := d.plannedFor(m, found); planned != nil {
		out.Shortfall, out.Binding = &planned.Shortfall, planned.Binding
	}
	for v := model.first; v < model.behind; v++ {
		out.Variants = append(out.Variants, d.variantOf(m, v, found))
	}
	return out
}

// readySupply is what the ready replicas of a model carry of a signal.
func (d *decision) readySupply(m, s int) *float64 {
	model, supply := &d.program.models[m], 0.0
	for v := model.first; v < model.behind; v++ {
		if !d.carries(v, s) {
			continue // of another role
		}
		f, own := &d.facts[v], d.program.variants[v].capacities[s]
		known := f.capacities[s] > 0 || own.set && own.query == none
		if f.ready == nil || *f.ready > 0 && !known {
			return nil
		}
		supply += f.capacities[s] * float64(*f.ready)
	}
	return &supply
}

// plannedFor is the plan for a model; nil where nothing could be planned.
func (d *decision) plannedFor(m int, found *solution) *optimizer.ModelPlan {
	if found.err != nil || d.known[m] == optimizer.KnownNothing {
		return nil
	}
	return &found.plan.Models[m]
}

func (d *decision) variantOf(m, v int, found *solution) Variant {
	x, f := &d.program.variants[v], &d.facts[v]
	out := Variant{
		Name: x.Name, Accelerator: x.Accelerator, Role: string(x.Role),
		TargetKind: string(x.ScaleTarget.Kind), TargetName: x.ScaleTarget.Name,
		Current: f.current, Ready: f.ready, Cost: f.cost, Correction: f.correction, Stuck: f.stuck,
		Inputs: x.inputs, Reason: optimizer.ReasonHold,
	}
	for s, value := range f.capacities {
		if q := x.capacities[s]; q.set && q.query == none || value > 0 {
			sig := &d.program.models[m].signals[s]
			out.Capacities = append(out.Capacities, Capacity{sig.Name, sig.Unit, value})
		}
	}
	planned := d.plannedFor(m, found)
	out.Missing = d.missing(m, f, planned)
	if found.err != nil {
		return out
	}
	at := v - d.program.models[m].first
	decided := &found.decision.Models[m].Variants[at]
	out.Desired, out.Reason, out.Effects = decided.Desired, decided.Reason, decided.Effects
	if planned != nil && f.missing == "" {
		out.Planned = &planned.Variants[at].Replicas
		out.Up = d.known[m] == optimizer.KnownFully
	}
	return out
}

// missing says what keeps a variant from being fully decided.
func (d *decision) missing(m int, f *facts, planned *optimizer.ModelPlan) string {
	if f.missing != "" {
		return f.missing
	}
	for _, s := range d.signals[m] {
		if s.Missing != "" && !s.Ignored {
			return s.Name + ": " + s.Missing
		}
		if s.Partial != "" {
			return s.Name + ": " + s.Partial
		}
	}
	if d.lacking[m] != "" {
		return d.lacking[m]
	}
	switch {
	case d.interrupted && planned != nil:
		return "there was no time to plan to the end"
	case d.known[m] == optimizer.KnownNothing:
		return "no signal can be trusted"
	case planned == nil:
		return "there is no plan"
	}
	return ""
}
