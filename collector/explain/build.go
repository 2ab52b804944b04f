package explain

import (
	"slices"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/optimizer"
)

// New explains an evaluation.
func New(s *collector.Snapshot) *Explanation {
	e := &Explanation{
		Time: s.At, Duration: s.Duration.Seconds(), Plan: planOf(s),
		Budgets: []Budget{}, Models: []Model{}, Inputs: inputsOf(s),
	}
	for _, b := range s.Budgets {
		e.Budgets = append(e.Budgets, Budget{b.Name, b.Unit, b.Limit, b.Used, b.ShadowPrice, slices.Contains(s.Solution.OverBudget, b.Name)})
	}
	for m := range s.Models {
		b := builder{Snapshot: s, m: m, model: &s.Models[m]}
		e.Models = append(e.Models, b.build())
	}
	return e
}

func planOf(s *collector.Snapshot) Plan {
	p := Plan{Status: s.Plan.Status}
	if s.Plan.Err != nil {
		p.Error = s.Plan.Err.Error()
	}
	if p.Status != "" {
		p.Gap, p.ShortfallGap, p.Cost = &s.Plan.Gap, &s.Plan.ShortfallGap, &s.Plan.Cost
	}
	return p
}

// builder explains one model.
type builder struct {
	*collector.Snapshot
	m     int
	model *collector.Model
}

func (b *builder) build() Model {
	m := b.model
	out := Model{
		Name: m.Name, Namespace: m.Namespace, Binding: m.Binding, Shortfall: m.Shortfall, Signals: []Signal{}, Variants: []Variant{},
	}
	if m.Shortfall != nil {
		out.Cost, out.StartCost, out.Waking = b.cost(), b.startCost(), b.waking()
	}
	for i := range m.Signals {
		out.Signals = append(out.Signals, b.signal(&m.Signals[i]))
	}
	for v := range m.Variants {
		out.Variants = append(out.Variants, b.variant(v))
	}
	return out
}

func (b *builder) signal(s *collector.SignalValue) Signal {
	return Signal{
		Name: s.Name, Unit: s.Unit, Measured: s.Measured, Stabilized: s.Stabilized, Forecast: s.Forecast, Planned: s.Planned,
		Headroom: headroom(s), Missing: s.Missing, Ignored: s.Ignored, Partial: s.Partial, Inputs: b.names(s.Inputs),
		Ready:  s.Ready,
		Supply: b.supply(s.Name, func(v *collector.Variant) *int { return v.Planned }),
	}
}

// headroom is what planned demand is above what is expected.
func headroom(s *collector.SignalValue) *float64 {
	if s.Planned == nil || s.Measured == nil {
		return nil
	}
	expected := *s.Measured
	if s.Stabilized != nil {
		expected = *s.Stabilized
	}
	if s.Forecast != nil {
		expected = max(expected, *s.Forecast)
	}
	if expected <= 0 {
		return nil
	}
	share := *s.Planned/expected - 1
	return &share
}

// supply is what some replicas of all variants carry together of a signal; nil where of a variant that carries it they are not known.
func (b *builder) supply(signal string, replicas func(*collector.Variant) *int) *float64 {
	total, known := 0.0, false
	for i := range b.model.Variants {
		v := &b.model.Variants[i]
		capacity := capacityOf(v, signal)
		if capacity == 0 {
			continue
		}
		n := replicas(v)
		if n == nil {
			return nil
		}
		total, known = total+capacity*float64(*n), true
	}
	if !known {
		return nil
	}
	return &total
}

func capacityOf(v *collector.Variant, signal string) float64 {
	for _, c := range v.Capacities {
		if c.Signal == signal {
			return c.Value
		}
	}
	return 0
}

// cost is the running cost of the model's part of the plan.
func (b *builder) cost() *float64 {
	total := 0.0
	for i := range b.model.Variants {
		if v := &b.model.Variants[i]; v.Cost != nil && v.Planned != nil {
			total += *v.Cost * float64(*v.Planned)
		}
	}
	return &total
}

// startCost is what the planner took starting replicas for.
func (b *builder) startCost() *float64 {
	stated := b.stated()
	if stated == nil {
		return nil
	}
	total := 0.0
	for i := range b.model.Variants {
		if n := b.model.Variants[i].Planned; n != nil {
			total += stated.Variants[i].StartCost * float64(max(0, *n-stated.Variants[i].Current))
		}
	}
	return &total
}

// waking says that the planner went by something else than the costs.
func (b *builder) waking() bool {
	stated := b.stated()
	if stated == nil {
		return false
	}
	for i := range b.model.Variants {
		if cost := b.model.Variants[i].Cost; cost != nil && *cost != stated.Variants[i].Cost {
			return true
		}
	}
	return false
}

// stated is the model as the planner got it; nil where nothing could be planned.
func (b *builder) stated() *optimizer.Model {
	if b.m >= len(b.Problem.Models) || len(b.Problem.Models[b.m].Variants) != len(b.model.Variants) {
		return nil
	}
	return &b.Problem.Models[b.m]
}

// planned is the planner's answer about a variant; nil where there is none.
func (b *builder) planned(v int) *optimizer.VariantPlan {
	if b.model.Variants[v].Planned == nil || b.m >= len(b.Solution.Models) || v >= len(b.Solution.Models[b.m].Variants) {
		return nil
	}
	return &b.Solution.Models[b.m].Variants[v]
}

func (b *builder) variant(i int) Variant {
	v := &b.model.Variants[i]
	out := Variant{
		Name: v.Name, Accelerator: v.Accelerator, Role: v.Role, TargetKind: v.TargetKind, TargetName: v.TargetName,
		Cost: v.Cost, Correction: v.Correction, Capacities: []Capacity{}, Current: v.Current, Ready: v.Ready, Planned: v.Planned,
		Guards: append([]optimizer.Effect{}, v.Effects...), Stuck: v.Stuck, Desired: v.Desired, Reason: v.Reason,
		Because: b.because(i), Up: v.Up, Missing: v.Missing, Inputs: b.names(v.Inputs),
	}
	for _, c := range v.Capacities {
		out.Capacities = append(out.Capacities, Capacity(c))
	}
	if p := b.planned(i); p != nil {
		out.PlanReason = p.Reason
	}
	return out
}

// names are those of inputs, each once.
func (b *builder) names(inputs []int) []string {
	names := []string{}
	seen := map[int]bool{}
	for _, i := range inputs {
		if !seen[i] {
			names = append(names, b.Inputs[i].Name)
		}
		seen[i] = true
	}
	return names
}

func inputsOf(s *collector.Snapshot) []Input {
	inputs := []Input{}
	for i := range s.Inputs {
		inputs = append(inputs, inputOf(&s.Inputs[i]))
	}
	return inputs
}

func inputOf(i *collector.Input) Input {
	in := Input{Name: i.Name, Query: i.Query, Stray: i.Stray, Duration: i.Duration.Seconds(), Bad: map[string]int{}}
	if i.Age >= 0 {
		age := i.Age.Seconds()
		in.Age = &age
	}
	if i.Err != nil {
		in.Failure, in.Error = i.Reason(), i.Err.Error()
		return in
	}
	in.Series, in.Matched = &i.Series, &i.Matched
	for _, bad := range i.Bad {
		if in.Bad[bad.Reason]++; in.Example == "" || bad.Metric < in.Example {
			in.Example = bad.Metric // the first by name: the order of an answer is not fixed
		}
	}
	return in
}
