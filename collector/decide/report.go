package decide

import (
	"slices"
	"time"

	"github.com/variant-exporter/variant-exporter/collector/match"
	"github.com/variant-exporter/variant-exporter/optimizer"
)

// report writes down what was worked out, planned and decided.
func (d *decider) report(found *solution) *Decision {
	plan, out := &found.plan, &Decision{Budgets: []Budget{}, Models: make([]Model, 0, len(d.models))}
	if found.err != nil {
		out.Plan.Error = found.err.Error()
	}
	planned := found.err == nil && slices.ContainsFunc(d.models, func(m *model) bool { return m.known != optimizer.KnownNothing })
	if planned {
		cost := d.costOf(plan)
		out.Plan = Plan{Status: plan.Status, Gap: &plan.Gap, ShortfallGap: &plan.ShortfallGap, Cost: &cost}
		out.Problem, out.Solution = found.problem, found.plan
	}
	d.reportBudgets(out, plan, planned)
	for i, m := range d.models {
		out.Models = append(out.Models, d.reportModel(i, m, found))
	}
	return out
}

// costOf is the running cost of a plan by the variants' own costs, which are not what a plan that wakes a model goes by.
func (d *decider) costOf(plan *optimizer.Plan) float64 {
	total := 0.0
	for i, m := range d.models {
		for j, v := range m.variants {
			if v.cost != nil {
				total += *v.cost * float64(plan.Models[i].Variants[j].Replicas)
			}
		}
	}
	return total
}

func (d *decider) reportBudgets(out *Decision, plan *optimizer.Plan, planned bool) {
	known := 0
	for i, b := range d.program.Budgets {
		x := Budget{Name: b.Name, Unit: b.Unit, Limit: d.limits[i], Partial: partial(d.read.Budgets[i].Limits), Exceeded: planned && slices.Contains(plan.OverBudget, b.Name)}
		if x.Limit != nil && planned {
			used, price := plan.Budgets[known].Used, plan.Budgets[known].ShadowPrice
			x.Used, x.ShadowPrice = &used, &price
			known++
		}
		out.Budgets = append(out.Budgets, x)
	}
}

func (d *decider) reportModel(i int, m *model, found *solution) Model {
	out := Model{
		Name: m.Name, Namespace: m.Namespace, Life: min(m.life, m.holds).Seconds(), Signals: make([]Signal, 0, len(m.signals)), Variants: make([]Variant, 0, len(m.variants)),
	}
	if m.Min.Query != nil && m.read.Min.Missing.OK() {
		out.Minimum = &m.minimum
	}
	var planned *optimizer.ModelPlan
	if found.err == nil && m.known != optimizer.KnownNothing {
		planned = &found.plan.Models[i]
		out.Shortfall, out.Binding, out.MinimumShort = &planned.Shortfall, planned.Binding, planned.MinimumShort
	}
	for j, v := range m.variants {
		x := v.report()
		x.Missing = d.missing(v, planned)
		if found.err == nil {
			decided := &found.decision.Models[i].Variants[j]
			x.Desired, x.Reason = decided.Desired, decided.Reason
			x.Guards = append(x.Guards, decided.Effects...)
		}
		if planned != nil && v.missing.OK() {
			x.Planned, x.PlanReason = &planned.Variants[j].Replicas, planned.Variants[j].Reason
			if v.kept {
				x.Stays = &Stays{*x.Planned, v.staysFor.Seconds()}
			}
			x.Up = m.known == optimizer.KnownFully
		}
		out.Variants = append(out.Variants, x)
	}
	for _, s := range m.signals {
		s.out.Ready = s.supplyOfReady()
		s.out.Supply = s.plannedSupply(out.Variants)
		if s.out.Planned != nil && s.marked > *s.out.Planned {
			s.out.Minute = new(s.marked)
		}
		s.out.Returns = s.returns()
		if s.out.Inputs == nil {
			s.out.Inputs = []string{}
		}
		out.Signals = append(out.Signals, s.out)
	}
	return out
}

// returns tells of demand that comes back, where it is more than what is planned now.
func (s *signal) returns() *Returns {
	if r := s.recurring; r != nil && r.level > *s.out.Planned {
		return &Returns{r.level, r.times, r.gap.Seconds(), r.stay.Seconds()}
	}
	return nil
}

// supplyOfReady is what the ready replicas can serve of a signal; nil where that is not known of all variants.
func (s *signal) supplyOfReady() *float64 {
	supply := 0.0
	for _, v := range s.model.variants {
		if !v.Carries(s.Signal) {
			continue // of another role
		}
		ready, capacity := v.runs.Ready.N, v.capacities[s.Place]
		known := capacity > 0 || v.Capacities[s.Place].Constant()
		if ready == nil || *ready > 0 && !known {
			return nil
		}
		supply += capacity * float64(*ready)
	}
	return &supply
}

// plannedSupply is what the planned replicas can serve of a signal; nil where that is not known of all variants.
func (s *signal) plannedSupply(planned []Variant) *float64 {
	total, known := 0.0, false
	for i, v := range s.model.variants {
		if v.capacities[s.Place] == 0 {
			continue
		}
		if planned[i].Planned == nil {
			return nil
		}
		total, known = total+v.capacities[s.Place]*float64(*planned[i].Planned), true
	}
	if !known {
		return nil
	}
	return &total
}

// report writes down what is known of a variant.
func (v *variant) report() Variant {
	out := Variant{
		Name: v.Name, Accelerator: v.Accelerator, Startup: time.Duration(v.Startup).Seconds(), Role: string(v.Role),
		TargetKind: string(v.ScaleTarget.Kind), TargetName: v.ScaleTarget.Name,
		Current: v.runs.Current.N, Ready: v.runs.Ready.N, Cost: v.cost, Correction: v.correction, Missed: v.missed, Stuck: v.stuck, Unfollowed: v.reached, Unplaced: v.unplaced,
		Inputs: append([]string{}, v.Inputs...), Reason: optimizer.ReasonHold, Capacities: []Capacity{}, Guards: []optimizer.Effect{},
		Starting: v.startsReported(), Overdue: v.pending.overdue,
	}
	if v.Min.Query != nil && v.read.Min.Missing.OK() {
		out.Minimum = &v.asked
	}
	if watts, draws := v.watts(); draws && watts > 0 {
		out.Watts = &watts
	}
	for _, s := range v.model.signals {
		if value := v.capacities[s.Place]; value > 0 || v.Capacities[s.Place].Constant() {
			out.Capacities = append(out.Capacities, Capacity{s.Name, s.Unit, value})
		}
	}
	return out
}

// startsReported lists what is starting, those that are expected at one time together.
func (v *variant) startsReported() []Start {
	out := []Start{}
	for _, s := range v.pending.starting {
		in := s.In.Seconds()
		if last := len(out) - 1; last >= 0 && out[last].In == in {
			out[last].Replicas += s.Replicas
			continue
		}
		out = append(out, Start{Replicas: s.Replicas, In: in})
	}
	return out
}

// missing says what keeps a variant from being fully decided; empty where nothing does.
func (d *decider) missing(v *variant, planned *optimizer.ModelPlan) string {
	if !v.missing.OK() {
		return v.missing.String()
	}
	for _, s := range v.model.signals {
		if !s.missing.OK() && !s.out.Ignored {
			return match.Missing{Input: s.Name, Why: s.missing.String()}.String()
		}
		if s.out.Partial != "" {
			return match.Missing{Input: s.Name, Why: s.out.Partial}.String()
		}
	}
	switch {
	case !v.model.lacking.OK():
		return v.model.lacking.String()
	case d.interrupted && planned != nil:
		return "planning deadline exceeded"
	case v.model.known == optimizer.KnownNothing:
		return "model has no usable signal"
	case planned == nil:
		return "there is no plan"
	}
	return ""
}
