package explain

import (
	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/optimizer"
)

// New explains an evaluation.
func New(s *collector.Snapshot) *Explanation {
	e := &Explanation{
		Time: s.At, Duration: s.Duration.Seconds(), Plan: s.Plan,
		Budgets: append([]collector.Budget{}, s.Budgets...), Models: []Model{}, Inputs: append([]collector.Input{}, s.Inputs...),
	}
	for m := range s.Models {
		b := builder{Snapshot: s, m: m, model: &s.Models[m]}
		e.Models = append(e.Models, b.build())
	}
	return e
}

// builder explains one model.
type builder struct {
	*collector.Snapshot
	m     int
	model *collector.Model
}

func (b *builder) build() Model {
	out := Model{Model: *b.model, Variants: []Variant{}}
	if b.model.Shortfall != nil {
		out.Cost, out.StartCost, out.Waking = b.cost(), b.startCost(), b.waking()
	}
	for i := range b.model.Variants {
		v := Variant{b.model.Variants[i], b.because(i)}
		v.Starting = append([]collector.Start{}, v.Starting...)
		out.Variants = append(out.Variants, v)
	}
	return out
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
