package policy

import (
	"maps"
	"math"
	"time"

	"github.com/variant-exporter/variant-exporter/optimizer"
)

// planner finds the cheapest replicas of a whole fleet that serve given rates, exactly.
type planner struct {
	setup   Setup
	dwell   time.Duration  // a start is weighed against what it saves in this time; 0: starts cost nothing
	current map[string]int // the last plan
	last    map[string]float64
}

func newPlanner(s Setup, dwell time.Duration) *planner {
	p := &planner{setup: s, dwell: dwell, current: map[string]int{}}
	for i := range s.Variants {
		p.current[s.Variants[i].ID] = s.Variants[i].Current
	}
	return p
}

// plan returns the replicas that serve so many requests per second of every model.
func (p *planner) plan(demand map[string]float64) map[string]int {
	if p.last != nil && maps.Equal(p.last, demand) {
		return p.current
	}
	replicas, ok := p.single(demand)
	if !ok {
		replicas = p.solve(demand)
	}
	p.last, p.current = demand, replicas
	return replicas
}

// single plans a fleet in which no model has a choice and no pool is too small for all maximums.
func (p *planner) single(demand map[string]float64) (map[string]int, bool) {
	if len(p.setup.Pools) > 0 {
		return nil, false
	}
	replicas, seen := map[string]int{}, map[string]bool{}
	for i := range p.setup.Variants {
		v := &p.setup.Variants[i]
		key := v.Model + "|" + roleOf(v.Facts)
		if seen[key] || v.Facts.Rate <= 0 {
			return nil, false
		}
		seen[key] = true
		replicas[v.ID] = v.bound(ceil(demand[v.Model]/v.Facts.Rate), 0)
	}
	return replicas, true
}

func (p *planner) solve(demand map[string]float64) map[string]int {
	plan, err := optimizer.Solve(p.problem(demand), optimizer.Options{})
	replicas := map[string]int{}
	if err != nil {
		// A scenario that was checked makes no problem that is refused. Holding is what is left.
		return maps.Clone(p.current)
	}
	for _, m := range plan.Models {
		for _, v := range m.Variants {
			replicas[v.Name] = v.Replicas
		}
	}
	return replicas
}

func (p *planner) problem(demand map[string]float64) optimizer.Problem {
	var problem optimizer.Problem
	for name, limit := range p.setup.Pools {
		problem.Budgets = append(problem.Budgets, optimizer.Budget{Name: name, Limit: float64(limit)})
	}
	for i := range p.setup.Models {
		m := optimizer.Model{Name: p.setup.Models[i].ID, Demand: map[string]float64{}}
		for j := range p.setup.Variants {
			if v := &p.setup.Variants[j]; v.Model == m.Name && v.Facts.Rate > 0 {
				m.Variants = append(m.Variants, p.variant(v))
				for signal := range signals(v.Facts) {
					m.Demand[signal] = demand[m.Name]
				}
			}
		}
		if len(m.Variants) > 0 {
			problem.Models = append(problem.Models, m)
		}
	}
	return problem
}

func (p *planner) variant(v *Variant) optimizer.Variant {
	out := optimizer.Variant{
		Name: v.ID, Cost: v.Facts.Cost, Min: v.Facts.Min, Current: p.current[v.ID],
		StartCost: v.Facts.Cost * ratio(v.Facts.Startup, p.dwell), Capacity: signals(v.Facts),
	}
	if v.Facts.Max >= 0 {
		limit := max(v.Facts.Max, v.Facts.Min)
		out.Max = &limit
	}
	if _, limited := p.setup.Pools[v.Facts.Pool]; limited {
		out.Uses = map[string]float64{v.Facts.Pool: float64(v.Facts.Accelerators)}
	}
	return out
}

// signals are what a replica serves, by the halves of a request.
func signals(f VariantFacts) map[string]float64 {
	switch roleOf(f) {
	case "prefill":
		return map[string]float64{"prefill": f.Rate}
	case "decode":
		return map[string]float64{"decode": f.Rate}
	default:
		return map[string]float64{"prefill": f.Rate, "decode": f.Rate}
	}
}

func ratio(a, b time.Duration) float64 {
	if b <= 0 {
		return 0
	}
	return math.Max(0, float64(a)/float64(b))
}
