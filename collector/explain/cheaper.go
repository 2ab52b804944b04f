package explain

import (
	"fmt"
	"math"
	"time"

	"github.com/prometheus/common/model"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/optimizer"
)

// cheaper finds what would cost less to run than a model's plan, and is not planned because its starts do not pay within the life of a
// plan; nil where there is nothing of the kind.
func cheaper(s *collector.Snapshot, m int, stop func() bool) *Cheaper {
	b := builder{Snapshot: s, m: m, model: &s.Models[m]}
	stated := b.stated()
	if stated == nil || b.model.Shortfall == nil || b.waking() {
		return nil
	}
	best, cost, ok := optimizer.Cheapest(s.Problem, s.Solution, m, optimizer.Options{Interrupt: stop})
	if !ok {
		return nil
	}
	planned := s.Solution.Models[m].Variants
	out := &Cheaper{Variants: []Replicas{}, Saves: -cost, Life: b.model.Life}
	for i, v := range best.Variants {
		from := &stated.Variants[i]
		out.Variants = append(out.Variants, Replicas{v.Name, v.Replicas})
		out.Saves += from.Cost * float64(planned[i].Replicas)
		if from.StartCost > 0 { // It is that of the startup, spread over the life of a plan.
			starts := func(n int) float64 { return float64(max(0, n-from.Current)) }
			out.Reach += from.Cost * b.model.Variants[i].Startup / time.Hour.Seconds() * (starts(v.Replicas) - starts(planned[i].Replicas))
		}
	}
	if out.Saves <= optimizer.Tolerance*max(1, math.Abs(cost)) || out.Reach <= 0 {
		return nil
	}
	return out
}

// sentence says what keeps the plan from the cheaper choice.
func (c *Cheaper) sentence() string {
	return fmt.Sprintf("The cheaper mix, %s, would save %s per hour and cost %s to reach: not within the %s for which a plan is expected to live.",
		mix(c.Variants), money(c.Saves), money(c.Reach), span(c.Life))
}

// mix lists replicas of variants as in a sentence.
func mix(variants []Replicas) string {
	var parts []string
	for _, v := range variants {
		if v.Replicas > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", v.Replicas, v.Variant))
		}
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return list(parts)
}

// span writes a time for people, to the second below an hour and to the minute above.
func span(seconds float64) string {
	d, unit := time.Duration(seconds*float64(time.Second)), time.Second
	if d >= time.Hour {
		unit = time.Minute
	}
	return model.Duration(d.Round(unit)).String()
}
