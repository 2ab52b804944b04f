package optimizer_test

import (
	"fmt"

	"pgregory.net/rapid"

	"github.com/variant-exporter/variant-exporter/optimizer"
)

// shape bounds the random problems of a test.
type shape struct {
	models, variants, signals, budgets, priorities int
	// replicas is about how many replicas of one variant carry a demand.
	replicas int
}

// problems generates problems of a shape. Their numbers are short decimals, so
// that ties are frequent.
func problems(s shape) *rapid.Generator[optimizer.Problem] {
	return rapid.Custom(func(t *rapid.T) optimizer.Problem {
		var p optimizer.Problem
		for b := range rapid.IntRange(0, s.budgets).Draw(t, "budgets") {
			limit := rapid.IntRange(0, 2*s.replicas*s.models).Draw(t, "limit")
			p.Budgets = append(p.Budgets, optimizer.Budget{Name: fmt.Sprintf("b%d", b), Limit: float64(limit) / 2})
		}
		for i := range rapid.IntRange(1, s.models).Draw(t, "models") {
			p.Models = append(p.Models, drawModel(t, s, p.Budgets, fmt.Sprintf("m%d", i)))
		}
		return p
	})
}

func drawModel(t *rapid.T, s shape, budgets []optimizer.Budget, name string) optimizer.Model {
	m := optimizer.Model{Name: name, Demand: map[string]float64{}}
	m.Priority = rapid.IntRange(1, max(1, s.priorities)).Draw(t, "priority")
	for k := range rapid.IntRange(1, s.signals).Draw(t, "signals") {
		demand := rapid.IntRange(0, 10*s.replicas).Draw(t, "demand")
		m.Demand[fmt.Sprintf("s%d", k)] = float64(demand)
	}
	for j := range rapid.IntRange(0, s.variants).Draw(t, "variants") {
		m.Variants = append(m.Variants, drawVariant(t, s, budgets, fmt.Sprintf("v%d", j)))
	}
	if len(m.Variants) > 0 && rapid.IntRange(0, 4).Draw(t, "has minimum") == 0 {
		unlimited := false
		for _, v := range m.Variants {
			unlimited = unlimited || (v.Max == nil && len(v.Uses) == 0)
		}
		if unlimited {
			m.MinReplicas = rapid.IntRange(0, s.replicas).Draw(t, "min replicas")
		}
	}
	return m
}

func drawVariant(t *rapid.T, s shape, budgets []optimizer.Budget, name string) optimizer.Variant {
	v := optimizer.Variant{Name: name, Capacity: map[string]float64{}, Uses: map[string]float64{}}
	v.Cost = float64(rapid.IntRange(0, 60).Draw(t, "cost")) / 10
	if rapid.Bool().Draw(t, "starts") {
		v.StartCost = float64(rapid.IntRange(0, 20).Draw(t, "start cost")) / 10
	}
	v.Current = rapid.IntRange(0, s.replicas).Draw(t, "current")
	if rapid.IntRange(0, 4).Draw(t, "has min") == 0 {
		v.Min = rapid.IntRange(0, 2).Draw(t, "min")
	}
	if rapid.Bool().Draw(t, "has max") {
		most := v.Min + rapid.IntRange(0, s.replicas).Draw(t, "max")
		v.Max = &most
	}
	for k := range s.signals {
		if capacity := rapid.IntRange(0, 40).Draw(t, "capacity"); capacity > 3 {
			v.Capacity[fmt.Sprintf("s%d", k)] = float64(capacity)
		}
	}
	for _, b := range budgets {
		if use := rapid.IntRange(0, 4).Draw(t, "use"); use > 0 {
			v.Uses[b.Name] = float64(use) / 2
		}
	}
	return v
}
