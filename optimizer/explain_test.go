package optimizer_test

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

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
			if err != nil {
				t.Fatal(err)
			}
			var got []optimizer.Reason
			for _, v := range plan.Models[0].Variants {
				if !slices.Contains(optimizer.Reasons(), v.Reason) {
					t.Errorf("%q is not in the list of reasons", v.Reason)
				}
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
		if err != nil {
			t.Fatal(err)
		}
		before := worth(p, planned(plan))
		if len(plan.OverBudget) > 0 || slices.Max(before.short) > 0 {
			continue
		}
		for b := range p.Budgets {
			p.Budgets[b].Limit++
			more, err := optimizer.Solve(p, optimizer.Options{})
			if err != nil {
				t.Fatal(err)
			}
			p.Budgets[b].Limit--
			saved := before.cost - worth(p, planned(more)).cost
			if plan.Budgets[b].Limit == 0 {
				saved = 0
			}
			if price := plan.Budgets[b].ShadowPrice; math.Abs(price-saved) > 1e-9 {
				t.Errorf("seed %d: budget %d is priced %g, one more unit saves %g", seed, b, price, saved)
			}
			if saved > 0 {
				checked++
			}
		}
	}
	if checked < 10 {
		t.Errorf("only %d budgets would have saved anything", checked)
	}
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
