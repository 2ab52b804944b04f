package explain

import (
	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/optimizer"
)

// runnerUp asks the planner for the runner-up of a model; nil where there is none.
func runnerUp(s *collector.Snapshot, m int) *RunnerUp {
	b := builder{Snapshot: s, m: m, model: &s.Models[m]}
	stated := b.stated()
	if stated == nil || b.model.Shortfall == nil {
		return nil
	}
	other, dearer, ok := optimizer.RunnerUp(s.Problem, s.Solution, m)
	if !ok {
		return nil
	}
	out := &RunnerUp{Variants: []Replicas{}}
	if !b.waking() {
		out.Dearer = &dearer
	}
	for i, v := range other.Variants {
		out.Variants = append(out.Variants, Replicas{v.Name, v.Replicas})
		if cost := b.model.Variants[i].Cost; cost != nil {
			out.Cost += *cost * float64(v.Replicas)
		}
		out.StartCost += stated.Variants[i].StartCost * float64(max(0, v.Replicas-stated.Variants[i].Current))
	}
	return out
}
