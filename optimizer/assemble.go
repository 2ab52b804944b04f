package optimizer

import "math"

// assemble turns points into a plan, in the order of the problem. All numbers
// are computed from the problem itself, summed up in the order of names.
func (in *instance) assemble(p *Problem, points [][]int) Plan {
	plan := Plan{
		Status: StatusFeasible, OverBudget: []string{},
		Budgets: make([]BudgetPlan, len(p.Budgets)), Models: make([]ModelPlan, len(p.Models)),
	}
	for i := range p.Budgets {
		plan.Budgets[i] = BudgetPlan{Name: p.Budgets[i].Name, Limit: p.Budgets[i].Limit}
	}
	for at, m := range in.models {
		from := &p.Models[m.index]
		to := &plan.Models[m.index]
		to.Name, to.Variants = from.Name, make([]VariantPlan, len(from.Variants))
		for i := range m.variants {
			v := &m.variants[i]
			n := v.low + points[at][i]
			variant := &from.Variants[v.index]
			to.Variants[v.index] = VariantPlan{Name: variant.Name, Replicas: n, Reason: ReasonDemand}
			plan.Cost += variant.Cost * float64(n)
			plan.StartCost += variant.StartCost * float64(max(0, n-v.current))
			plan.Changed += max(n-v.current, v.current-n)
			for _, t := range v.takes {
				plan.Budgets[in.rows[t.row].index].Used += t.use * float64(n)
			}
		}
		to.Shortfall, to.Binding = m.binding(from, points[at])
		to.MinimumShort = from.minimumShort(to)
	}
	plan.Cost, plan.StartCost = rounded(plan.Cost), rounded(plan.StartCost)
	over := make([]bool, len(p.Budgets))
	for _, r := range in.rows {
		over[r.index] = r.over
	}
	for i := range p.Budgets {
		if over[i] {
			plan.OverBudget = append(plan.OverBudget, p.Budgets[i].Name)
		}
	}
	return plan
}

// minimumShort is how many replicas of a role a plan misses of the minimum.
func (m *Model) minimumShort(plan *ModelPlan) int {
	most := 0
	for _, role := range m.roles() {
		missing := m.MinReplicas
		for i := range m.Variants {
			if m.Variants[i].serves(role) {
				missing -= plan.Variants[i].Replicas
			}
		}
		most = max(most, missing)
	}
	return most
}

// binding returns the shortfall at a point and the signal with the least
// supply per demand.
func (m *model) binding(from *Model, k []int) (float64, string) {
	worst, name := math.Inf(-1), ""
	for _, s := range m.signals {
		supply := 0.0
		for i := range m.variants {
			v := &m.variants[i]
			supply += from.Variants[v.index].Capacity[s] * float64(v.low+k[i])
		}
		if x := max(-math.MaxFloat64, 1-supply/from.Demand[s]); x > worst {
			worst, name = x, s
		}
	}
	if worst <= Tolerance {
		worst = 0
	}
	return max(0, worst), name
}
