package optimizer_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/variant-exporter/variant-exporter/optimizer"
)

// TestRunnerUpEqualsBruteForce looks at all choices of one model beside what
// the plan gives the others.
func TestRunnerUpEqualsBruteForce(t *testing.T) {
	generate := problems(shape{models: 3, variants: 3, signals: 2, budgets: 2, replicas: 2, priorities: 2})
	found := 0
	rapid.Check(t, func(t *rapid.T) {
		p := generate.Draw(t, "problem")
		plan := solve(t, p)
		n := planned(plan)
		for i := range p.Models {
			alone := optimizer.Problem{Models: p.Models[i : i+1]}
			for b, used := range usage(p, n) {
				own := usage(optimizer.Problem{Budgets: p.Budgets, Models: alone.Models}, n[i:i+1])[b]
				limit := max(0, p.Budgets[b].Limit-(used-own))
				alone.Budgets = append(alone.Budgets, optimizer.Budget{Name: p.Budgets[b].Name, Limit: limit})
			}
			_, least := bruteForce(alone, 7, n[i:i+1])
			other, dearer, ok := optimizer.RunnerUp(p, plan, i)
			if ok != !math.IsInf(least, 1) {
				t.Fatalf("models[%d]: found is %v, want %g\nplan %+v\nproblem %+v", i, ok, least, plan, p)
			}
			if !ok {
				continue
			}
			found++
			here := worth(alone, n[i:i+1])
			var there replicas
			for _, v := range other.Variants {
				if len(there) == 0 {
					there = replicas{nil}
				}
				there[0] = append(there[0], v.Replicas)
			}
			got := worth(alone, there)
			if math.Abs(here.cost+dearer-least) > 1e-8 || math.Abs(got.cost-least) > 1e-8 {
				t.Fatalf("models[%d]: %v is dearer by %g and costs %g, want %g beside %g", i, there, dearer, got.cost, least, here.cost)
			}
			if math.Abs(other.Shortfall-plan.Models[i].Shortfall) > 1e-8 || math.Abs(got.short[0]-other.Shortfall) > 1e-8 {
				t.Fatalf("models[%d]: shortfall %g, want %g", i, other.Shortfall, plan.Models[i].Shortfall)
			}
			for b, used := range usage(alone, there) {
				base := usage(alone, replicas{minimums(alone.Models[0])})[b]
				if used > max(alone.Budgets[b].Limit, base)*(1+2*optimizer.Tolerance) {
					t.Fatalf("models[%d]: budget %d: %g used", i, b, used)
				}
			}
		}
	})
	if found == 0 {
		t.Error("no runner-up was ever found")
	}
}

// TestRunnerUpOfAMinimumOutOfReach: the budget has room for two of the three
// replicas that the model is to have.
func TestRunnerUpOfAMinimumOutOfReach(t *testing.T) {
	p := parse(t, `{"budgets":[{"name":"gpu","limit":2}],"models":[{"name":"m","min_replicas":3,"demand":{},"variants":[
		{"name":"a","cost":1,"uses":{"gpu":1}},{"name":"b","cost":4,"uses":{"gpu":1}}]}]}`)
	plan, err := optimizer.Solve(p, optimizer.Options{})
	require.NoError(t, err)
	other, dearer, ok := optimizer.RunnerUp(p, plan, 0)
	if !ok || dearer != 3 || other.Variants[0].Replicas != 1 || other.Variants[1].Replicas != 1 {
		t.Errorf("%v, dearer by %g beside %v", other.Variants, dearer, plan.Models[0].Variants)
	}
}

func minimums(m optimizer.Model) []int {
	var n []int
	for _, v := range m.Variants {
		n = append(n, v.Min)
	}
	return n
}
