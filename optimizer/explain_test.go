package optimizer_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/optimizer"
)

// TestReasons plans one model and looks at why each variant has its replicas.
func TestReasons(t *testing.T) {
	for _, test := range []struct {
		name, problem string
		want          []optimizer.Reason
	}{
		{
			"other variants are cheaper",
			`{"models":[{"name":"m","demand":{"s":3},"variants":[{"name":"a","cost":1,"capacity":{"s":1}},{"name":"b","cost":2,"capacity":{"s":1}}]}]}`,
			[]optimizer.Reason{optimizer.ReasonDemand, optimizer.ReasonNotNeeded},
		},
		{
			"a maximum sends demand to a dearer variant",
			`{"models":[{"name":"m","demand":{"s":3},"variants":[{"name":"a","cost":1,"max":1,"capacity":{"s":1}},{"name":"b","cost":2,"capacity":{"s":1}}]}]}`,
			[]optimizer.Reason{optimizer.ReasonMax, optimizer.ReasonDemand},
		},
		{
			"a budget sends demand to a dearer variant",
			`{"budgets":[{"name":"g","limit":2}],"models":[{"name":"m","demand":{"s":3},"variants":[{"name":"a","cost":1,"capacity":{"s":1},"uses":{"g":1}},{"name":"b","cost":2,"capacity":{"s":1}}]}]}`,
			[]optimizer.Reason{optimizer.ReasonBudget, optimizer.ReasonDemand},
		},
		{
			"a budget leaves demand unmet",
			`{"budgets":[{"name":"g","limit":2}],"models":[{"name":"m","demand":{"s":3},"variants":[{"name":"a","cost":1,"capacity":{"s":1},"uses":{"g":1}}]}]}`,
			[]optimizer.Reason{optimizer.ReasonBudget},
		},
		{
			"a variant's minimum",
			`{"models":[{"name":"m","demand":{"s":1},"variants":[{"name":"a","cost":1,"min":2,"capacity":{"s":1}}]}]}`,
			[]optimizer.Reason{optimizer.ReasonMin},
		},
		{
			"the model's minimum",
			`{"models":[{"name":"m","min_replicas":2,"demand":{"s":1},"variants":[{"name":"a","cost":1,"capacity":{"s":1}}]}]}`,
			[]optimizer.Reason{optimizer.ReasonMin},
		},
		{
			"replicas that cost nothing",
			`{"models":[{"name":"m","demand":{"s":1},"variants":[{"name":"a","current":2,"capacity":{"s":1}}]}]}`,
			[]optimizer.Reason{optimizer.ReasonNotNeeded},
		},
		{
			"no demand",
			`{"models":[{"name":"m","min_replicas":1,"demand":{"s":0},"variants":[{"name":"a","cost":1,"capacity":{"s":1}},{"name":"b","cost":2,"capacity":{"s":1}}]}]}`,
			[]optimizer.Reason{optimizer.ReasonMin, optimizer.ReasonIdle},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			plan, err := optimizer.Solve(parse(t, test.problem), optimizer.Options{})
			require.NoError(t, err)
			var got []optimizer.Reason
			for _, v := range plan.Models[0].Variants {
				assert.Contains(t, optimizer.Reasons(), v.Reason)
				got = append(got, v.Reason)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestShadowPrices checks what one more unit of a budget is said to save
// against a plan with that unit.
func TestShadowPrices(t *testing.T) {
	checked := 0
	for seed := range uint64(200) {
		p := scarce(seed)
		plan, err := optimizer.Solve(p, optimizer.Options{})
		require.NoError(t, err)
		before := worth(p, planned(plan))
		if len(plan.OverBudget) > 0 || slices.Max(before.short) > 0 {
			continue
		}
		for b := range p.Budgets {
			p.Budgets[b].Limit++
			more, err := optimizer.Solve(p, optimizer.Options{})
			require.NoError(t, err)
			p.Budgets[b].Limit--
			saved := before.cost - worth(p, planned(more)).cost
			if plan.Budgets[b].Limit == 0 {
				saved = 0
			}
			price := plan.Budgets[b].ShadowPrice
			assert.InDelta(t, saved, price, 1e-9, "seed %d: what one more unit of budget %d saves", seed, b)
			if saved > 0 {
				checked++
			}
		}
	}
	assert.GreaterOrEqual(t, checked, 10, "budgets that would have saved something")
}

func TestUnserved(t *testing.T) {
	none := 0
	m := optimizer.Model{
		Demand: map[string]float64{"carried": 1, "capped": 1, "lost": 2, "absent": 0},
		Variants: []optimizer.Variant{
			{Capacity: map[string]float64{"carried": 1}},
			{Capacity: map[string]float64{"capped": 1}, Max: &none},
		},
	}
	if diff := cmp.Diff([]string{"capped", "lost"}, m.Unserved()); diff != "" {
		t.Error(diff)
	}
}
