package optimizer_test

import (
	"math"
	"slices"

	"github.com/variant-exporter/variant-exporter/optimizer"
)

// greedy plans by the rule that autoscalers with several variants use: model
// by model, it adds replicas of the variant with the least cost per capacity
// while demand is unmet, or else takes the dearest away while it is met, and
// keeps one replica of the cheapest variant that has one.
func greedy(p optimizer.Problem) replicas {
	g := greedyPlan{p: p, n: make(replicas, len(p.Models))}
	order := make([]int, len(p.Models))
	for i := range p.Models {
		order[i] = i
		for j := range p.Models[i].Variants {
			g.n[i] = append(g.n[i], p.Models[i].Variants[j].Min)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return p.Models[a].Priority - p.Models[b].Priority })
	g.used = usage(p, g.n)
	for _, i := range order {
		m := &p.Models[i]
		for j := range m.Variants {
			for range m.Variants[j].Current - g.n[i][j] {
				g.add(i, j)
			}
		}
		for more := true; more; {
			more = modelShortfall(m, g.n[i]) > 0 && g.up(i)
		}
		for more := true; more; {
			more = g.down(i)
		}
	}
	return g.n
}

type greedyPlan struct {
	p    optimizer.Problem
	n    replicas
	used []float64
}

// add starts a replica if it fits.
func (g *greedyPlan) add(i, j int) bool {
	v := &g.p.Models[i].Variants[j]
	if g.n[i][j] >= maxOf(v) {
		return false
	}
	for b := range g.p.Budgets {
		if use := v.Uses[g.p.Budgets[b].Name]; use > 0 && g.used[b]+use > g.p.Budgets[b].Limit {
			return false
		}
	}
	g.move(i, j, 1)
	return true
}

func (g *greedyPlan) move(i, j, by int) {
	g.n[i][j] += by
	for b := range g.p.Budgets {
		g.used[b] += float64(by) * g.p.Models[i].Variants[j].Uses[g.p.Budgets[b].Name]
	}
}

// ranked returns the variants that carry the model's worst signal, those with
// the least cost per capacity first.
func (g *greedyPlan) ranked(i int) []int {
	m := &g.p.Models[i]
	worst, most := "", math.Inf(-1)
	for s, demand := range m.Demand {
		supply := 0.0
		for j := range m.Variants {
			supply += m.Variants[j].Capacity[s] * float64(g.n[i][j])
		}
		if short := 1 - supply/demand; short > most || (short == most && s < worst) {
			worst, most = s, short
		}
	}
	var order []int
	for j := range m.Variants {
		if m.Variants[j].Capacity[worst] > 0 {
			order = append(order, j)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		va, vb := &m.Variants[a], &m.Variants[b]
		if va.Cost*vb.Capacity[worst] < vb.Cost*va.Capacity[worst] {
			return -1
		}
		return 1
	})
	return order
}

// up adds a replica of the cheapest variant that fits.
func (g *greedyPlan) up(i int) bool {
	return slices.ContainsFunc(g.ranked(i), func(j int) bool { return g.add(i, j) })
}

// down removes a replica of the dearest variant that can be spared.
func (g *greedyPlan) down(i int) bool {
	m := &g.p.Models[i]
	order := g.ranked(i)
	before := modelShortfall(m, g.n[i])
	for at, j := range slices.Backward(order) {
		if least := m.Variants[j].Min; g.n[i][j] <= least || (at == 0 && g.n[i][j] == 1) {
			continue
		}
		g.move(i, j, -1)
		if modelShortfall(m, g.n[i]) <= before {
			return true
		}
		g.move(i, j, 1)
	}
	return false
}
