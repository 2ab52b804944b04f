package whatif

import (
	"math"
	"slices"
	"time"

	"github.com/variant-exporter/variant-exporter/optimizer"
)

// Answer is the plan in force, and the one that the question leads to.
type Answer struct {
	Time    time.Time        `json:"time"`
	Status  optimizer.Status `json:"status"`
	Gap     float64          `json:"gap"`     // upper bound on the relative saving of a better plan
	Cut     bool             `json:"cut"`     // there was no time to look for a better plan
	Cost    Pair             `json:"cost"`    // currency per hour
	Budgets []BudgetAnswer   `json:"budgets"` // those with a known limit
	Models  []ModelAnswer    `json:"models"`
}

// Pair is a number in the plan in force, and in the other one.
type Pair struct {
	Before float64 `json:"before"`
	After  float64 `json:"after"`
}

// Change is by how much the number is larger in the other plan.
func (p Pair) Change() float64 { return p.After - p.Before }

// BudgetAnswer is what both plans use of a budget. Prices are in currency per hour and unit.
type BudgetAnswer struct {
	Name        string `json:"name"`
	Unit        string `json:"unit"`
	Limit       Pair   `json:"limit"`
	Used        Pair   `json:"used"`
	ShadowPrice Pair   `json:"shadow_price"`
	Exceeded    bool   `json:"exceeded"` // in the other plan, by minimums alone
}

// ModelAnswer is what both plans do for a model.
type ModelAnswer struct {
	Name      string          `json:"name"` // namespace/name
	Binding   string          `json:"binding"`
	Shortfall Pair            `json:"shortfall"`
	Cost      Pair            `json:"cost"`
	Variants  []VariantAnswer `json:"variants"`
}

// Changed reports whether the plans differ for the model.
func (m *ModelAnswer) Changed() bool {
	return m.Cost.Before != m.Cost.After || m.Shortfall.Before != m.Shortfall.After ||
		slices.ContainsFunc(m.Variants, func(v VariantAnswer) bool { return v.Replicas.Before != v.Replicas.After })
}

// VariantAnswer is how many replicas both plans run, and why the other runs as many.
type VariantAnswer struct {
	Name     string           `json:"name"`
	Replicas Pair             `json:"replicas"`
	Reason   optimizer.Reason `json:"reason"`
}

func (c *change) answer(plan *optimizer.Plan, cut bool) *Answer {
	a := &Answer{Time: c.At, Status: plan.Status, Gap: plan.Gap, Cut: cut, Budgets: []BudgetAnswer{}, Models: []ModelAnswer{}}
	units := map[string]string{}
	for i := range c.Budgets {
		units[c.Budgets[i].Name] = c.Budgets[i].Unit
	}
	for i, after := range plan.Budgets {
		before := c.Solution.Budgets[i]
		a.Budgets = append(a.Budgets, BudgetAnswer{
			Name: after.Name, Unit: units[after.Name], Limit: Pair{before.Limit, after.Limit}, Used: Pair{before.Used, after.Used},
			ShadowPrice: Pair{before.ShadowPrice, after.ShadowPrice}, Exceeded: slices.Contains(plan.OverBudget, after.Name),
		})
	}
	for i := range plan.Models {
		m := c.model(i, plan)
		a.Cost.Before += m.Cost.Before
		a.Cost.After += m.Cost.After
		a.Models = append(a.Models, m)
	}
	return a
}

func (c *change) model(i int, plan *optimizer.Plan) ModelAnswer {
	before, after := &c.Solution.Models[i], &plan.Models[i]
	m := ModelAnswer{
		Name: after.Name, Binding: after.Binding, Shortfall: Pair{before.Shortfall, after.Shortfall}, Variants: []VariantAnswer{},
	}
	for j, v := range after.Variants {
		m.Variants = append(m.Variants, VariantAnswer{
			Name: v.Name, Replicas: Pair{float64(before.Variants[j].Replicas), float64(v.Replicas)}, Reason: v.Reason,
		})
		if known := c.Snapshot.Models[i].Variants[j].Cost; known != nil {
			m.Cost.Before += *known * float64(before.Variants[j].Replicas)
		}
		if cost := c.costs[i][j]; !math.IsNaN(cost) {
			m.Cost.After += cost * float64(v.Replicas)
		}
	}
	return m
}
