package collector

import (
	"slices"

	"github.com/variant-exporter/variant-exporter/optimizer"
)

// snapshot writes down what was read, planned and decided.
func (d *decision) snapshot(plan optimizer.Plan, err error) *Snapshot {
	s := &Snapshot{Inputs: d.inputs}
	s.Plan = PlanSummary{Err: err}
	planned := err == nil && slices.ContainsFunc(d.trust, func(t trust) bool { return t != trustNone })
	if planned {
		s.Plan = PlanSummary{Status: plan.Status, Gap: plan.Gap, ShortfallGap: plan.ShortfallGap, Cost: d.costOf(plan)}
	}
	s.Budgets = d.budgets(plan, planned)
	for i := range s.Inputs {
		s.Inputs[i].Matched = min(s.Inputs[i].Matched, s.Inputs[i].Series) // an answer may be read in more than one way
	}
	for m := range d.program.models {
		var planned *optimizer.ModelPlan
		if err == nil && d.trust[m] != trustNone {
			planned = &plan.Models[m]
		}
		s.Models = append(s.Models, d.modelOf(m, planned))
	}
	return s
}

// costOf is the running cost of a plan by the variants' own costs, which are not what a plan that wakes a model goes by.
func (d *decision) costOf(plan optimizer.Plan) float64 {
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

func (d *decision) budgets(plan optimizer.Plan, planned bool) []Budget {
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

func (d *decision) modelOf(m int, planned *optimizer.ModelPlan) Model {
	model := &d.program.models[m]
	out := Model{Name: model.Name, Namespace: model.Namespace, Signals: d.signals[m]}
	if planned != nil {
		out.Shortfall, out.Binding = &planned.Shortfall, planned.Binding
	}
	for v := model.first; v < model.behind; v++ {
		var p *optimizer.VariantPlan
		if planned != nil {
			p = &planned.Variants[v-model.first]
		}
		out.Variants = append(out.Variants, d.variantOf(m, v, p))
	}
	return out
}

func (d *decision) variantOf(m, v int, planned *optimizer.VariantPlan) Variant {
	x, f := &d.program.variants[v], &d.facts[v]
	out := Variant{
		Name: x.Name, Accelerator: x.Accelerator, Role: string(x.Role),
		TargetKind: string(x.ScaleTarget.Kind), TargetName: x.ScaleTarget.Name,
		Current: f.current, Ready: f.ready, Cost: f.cost, Correction: f.correction, Reason: optimizer.ReasonHold,
	}
	for s, value := range f.capacities {
		if q := x.capacities[s]; q.set && q.query == none || value > 0 {
			sig := &d.program.models[m].signals[s]
			out.Capacities = append(out.Capacities, Capacity{sig.Name, sig.Unit, value})
		}
	}
	out.Missing = d.missing(m, f, planned)
	if planned == nil || f.missing != "" {
		return out
	}
	n := planned.Replicas
	out.Planned = &n
	switch {
	case d.trust[m] == trustAll && !d.interrupted:
		out.Desired, out.Reason, out.Up = &n, planned.Reason, true
	case f.current != nil && n > *f.current:
		// Only part of the demand is known: it may raise the variant. Where it does not, there is nothing to say, for what
		// runs is not a decision.
		out.Desired, out.Reason = &n, planned.Reason
	}
	return out
}

// missing says what keeps a variant from being fully decided.
func (d *decision) missing(m int, f *facts, planned *optimizer.VariantPlan) string {
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
	if failed := d.replicasFailed(); failed != "" {
		return failed
	}
	switch {
	case d.trust[m] == trustNone:
		return "no signal can be trusted"
	case planned == nil:
		return "there is no plan"
	case d.interrupted:
		return "there was no time to plan to the end"
	}
	return ""
}
