package explain

import (
	"math"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/optimizer"
)

// Single is what a model would cost if one variant served it alone, or one that prefills with one that decodes.
type Single struct {
	Variants []Replicas
	Cost     float64 // currency per hour, without start costs
}

// BestSingle returns the least cost for which one variant alone serves the demand that a model is planned for, within its own bounds and
// without regard to budgets; nil where none can.
func BestSingle(s *collector.Snapshot, index int) *Single {
	b := builder{Snapshot: s, m: index, model: &s.Models[index]}
	stated := b.stated()
	if stated == nil || b.model.Shortfall == nil {
		return nil
	}
	var best *Single
	keep := func(candidate *Single) {
		if candidate != nil && (best == nil || candidate.Cost < best.Cost) {
			best = candidate
		}
	}
	for i := range stated.Variants {
		v := &stated.Variants[i]
		switch v.Role {
		case optimizer.RolePrefill:
			for j := range stated.Variants {
				if stated.Variants[j].Role == optimizer.RoleDecode {
					keep(b.pair(stated, i, j))
				}
			}
		case optimizer.RoleDecode:
		default:
			keep(b.alone(stated, i))
		}
	}
	return best
}

// alone is one variant that serves both parts of a request.
func (b *builder) alone(m *optimizer.Model, i int) *Single {
	v, cost := &m.Variants[i], b.model.Variants[i].Cost
	if cost == nil {
		return nil
	}
	n := max(v.Min, m.MinReplicas)
	for signal, demand := range m.Demand {
		if demand <= 0 {
			continue
		}
		capacity := v.Capacity[signal]
		needed := math.Ceil(demand/capacity - optimizer.Tolerance)
		if capacity <= 0 || needed > math.MaxInt32 {
			return nil
		}
		n = max(n, int(needed))
	}
	if v.Max != nil && n > *v.Max {
		return nil
	}
	return &Single{Variants: []Replicas{{v.Name, n}}, Cost: *cost * float64(n)}
}

// pair is one variant that prefills with one that decodes.
func (b *builder) pair(m *optimizer.Model, i, j int) *Single {
	out := &Single{}
	problem := optimizer.Problem{Models: []optimizer.Model{{Name: m.Name, MinReplicas: m.MinReplicas, Demand: m.Demand}}}
	for _, k := range []int{i, j} {
		v, cost := m.Variants[k], b.model.Variants[k].Cost
		if cost == nil {
			return nil
		}
		v.Cost, v.StartCost, v.Uses = *cost, 0, nil
		problem.Models[0].Variants = append(problem.Models[0].Variants, v)
	}
	plan, err := optimizer.Solve(problem, optimizer.Options{})
	if err != nil || plan.Models[0].Shortfall > optimizer.Tolerance {
		return nil
	}
	for _, v := range plan.Models[0].Variants {
		out.Variants = append(out.Variants, Replicas{v.Name, v.Replicas})
	}
	out.Cost = plan.Cost
	return out
}
