package whatif_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/decide"
	"github.com/variant-exporter/variant-exporter/collector/whatif"
	"github.com/variant-exporter/variant-exporter/optimizer"
)

func never() bool { return false }

// fleet has a chat model with a large and a small variant, and a code model that shares the accelerators.
func fleet(t *testing.T) *collector.Snapshot {
	t.Helper()
	large := func(current int) optimizer.Variant {
		return optimizer.Variant{
			Name: "large", Cost: 4, StartCost: 1, Current: current, Capacity: map[string]float64{"c": 100}, Uses: map[string]float64{"gpus": 2},
		}
	}
	problem := optimizer.Problem{
		Budgets: []optimizer.Budget{{Name: "gpus", Limit: 8}},
		Models: []optimizer.Model{
			{Name: "llm/chat", Demand: map[string]float64{"c": 150}, Variants: []optimizer.Variant{
				large(2), {Name: "small", Cost: 1.5, Capacity: map[string]float64{"c": 30}, Uses: map[string]float64{"gpus": 1}},
			}},
			{Name: "llm/code", Demand: map[string]float64{"c": 100}, Variants: []optimizer.Variant{large(1)}},
		},
	}
	plan, err := optimizer.Solve(problem, optimizer.Options{})
	require.NoError(t, err)
	limit, one, four := 8.0, 1.5, 4.0
	return &collector.Snapshot{Decision: decide.Decision{
		Problem: problem, Solution: plan, Plan: collector.Plan{Status: plan.Status, Cost: &plan.Cost},
		Budgets: []collector.Budget{{Name: "gpus", Unit: "accelerators", Limit: &limit}},
		Models: []collector.Model{
			{Name: "chat", Namespace: "llm", Variants: []collector.Variant{{Name: "large", Cost: &four}, {Name: "small", Cost: &one}}},
			{Name: "code", Namespace: "llm", Variants: []collector.Variant{{Name: "large", Cost: &four}}},
		},
	}}
}

func ask(t *testing.T, q whatif.Question) *whatif.Answer {
	t.Helper()
	s := fleet(t)
	a, err := whatif.Ask(s, &q, never)
	require.NoError(t, err)
	again, err := optimizer.Solve(s.Problem, optimizer.Options{})
	require.NoError(t, err)
	require.Equal(t, again, s.Solution, "a question must not change the snapshot")
	return a
}

// after are the replicas of the other plan.
func after(a *whatif.Answer) []float64 {
	var all []float64
	for _, m := range a.Models {
		for _, v := range m.Variants {
			all = append(all, v.Replicas.After)
		}
	}
	return all
}

func TestNothingChanged(t *testing.T) {
	a := ask(t, whatif.Question{})
	assert.Equal(t, []float64{1, 2, 1}, after(a))
	assert.Equal(t, whatif.Pair{Before: 11, After: 11}, a.Cost)
	for i := range a.Models {
		assert.False(t, a.Models[i].Changed())
	}
	assert.Equal(t, optimizer.StatusOptimal, a.Status)
}

func TestAsk(t *testing.T) {
	f := func(x float64) *float64 { return &x }
	n := func(n int) *int { return &n }
	for name, tc := range map[string]struct {
		question whatif.Question
		want     []float64
		cost     float64
	}{
		"more demand of one":    {whatif.Question{Demand: []whatif.Demand{{Model: "llm/chat", Signal: "c", Value: f(220)}}}, []float64{2, 1, 1}, 13.5},
		"less of all":           {whatif.Question{Demand: []whatif.Demand{{Factor: f(0.5)}}}, []float64{1, 0, 1}, 8},
		"a dearer variant":      {whatif.Question{Costs: []whatif.Cost{{Model: "llm/chat", Variant: "large", Cost: 40}}}, []float64{0, 5, 1}, 11.5},
		"a cheaper variant":     {whatif.Question{Costs: []whatif.Cost{{Model: "llm/chat", Variant: "large", Cost: 1}}}, []float64{2, 0, 1}, 6},
		"a maximum":             {whatif.Question{Replicas: []whatif.Replicas{{Model: "llm/chat", Variant: "small", Max: n(1)}}}, []float64{2, 0, 1}, 12},
		"a minimum":             {whatif.Question{Replicas: []whatif.Replicas{{Model: "llm/chat", Variant: "small", Min: n(6)}}}, []float64{0, 6, 1}, 13},
		"without the large one": {whatif.Question{Without: []whatif.Variant{{Model: "llm/chat", Variant: "large"}}}, []float64{0, 5, 1}, 11.5},
	} {
		t.Run(name, func(t *testing.T) {
			a := ask(t, tc.question)
			assert.Equal(t, tc.want, after(a))
			assert.InDelta(t, tc.cost, a.Cost.After, 1e-9)
			assert.InDelta(t, 11, a.Cost.Before, 1e-9)
			assert.InDelta(t, tc.cost-11, a.Cost.Change(), 1e-9)
		})
	}
}

// TestBudget tells what a smaller budget costs: demand that is not served, and a price of one unit more.
func TestBudget(t *testing.T) {
	a := ask(t, whatif.Question{Budgets: []whatif.Budget{{Budget: "gpus", Limit: 5}}})
	require.Len(t, a.Budgets, 1)
	assert.Equal(t, whatif.BudgetAnswer{
		Name: "gpus", Unit: "accelerators", Limit: whatif.Pair{Before: 8, After: 5}, Used: whatif.Pair{Before: 6, After: 5},
		ShadowPrice: a.Budgets[0].ShadowPrice,
	}, a.Budgets[0])
	short := a.Models[0].Shortfall.After + a.Models[1].Shortfall.After
	assert.Positive(t, short)
	assert.Zero(t, a.Models[0].Shortfall.Before)
}

func TestRefused(t *testing.T) {
	f := func(x float64) *float64 { return &x }
	n := func(n int) *int { return &n }
	for text, q := range map[string]whatif.Question{
		`there is no model "chat": want namespace/name`:                             {Without: []whatif.Variant{{Model: "chat", Variant: "large"}}},
		`model "llm/chat" has no variant "huge"`:                                    {Costs: []whatif.Cost{{Model: "llm/chat", Variant: "huge"}}},
		`a cost of -1: want a number from 0 to 1e+18`:                               {Costs: []whatif.Cost{{Model: "llm/chat", Variant: "large", Cost: -1}}},
		`a change of demand needs either value or factor`:                           {Demand: []whatif.Demand{{Model: "llm/chat", Signal: "c"}}},
		`no demand is planned for of model "llm/x", signal ""`:                      {Demand: []whatif.Demand{{Model: "llm/x", Factor: f(2)}}},
		`a factor of -1: want a number from 0 to 1000000`:                           {Demand: []whatif.Demand{{Factor: f(-1)}}},
		`there is no budget "watts", or its limit is not known`:                     {Budgets: []whatif.Budget{{Budget: "watts", Limit: 5}}},
		`-1 replicas: want a number from 0 to 1000000`:                              {Replicas: []whatif.Replicas{{Model: "llm/chat", Variant: "large", Max: n(-1)}}},
		`1001 changes at once: at most 1000`:                                        {Without: make([]whatif.Variant, 1001)},
		`a demand of 5: say of which model and signal; a factor may be that of all`: {Demand: []whatif.Demand{{Value: f(5)}}},
		`variant large of llm/chat: a minimum of 3 is above the maximum of 2`: {
			Replicas: []whatif.Replicas{{Model: "llm/chat", Variant: "large", Min: n(3), Max: n(2)}},
		},
	} {
		_, err := whatif.Ask(fleet(t), &q, never)
		var invalid *whatif.InvalidError
		require.ErrorAs(t, err, &invalid, text)
		assert.Equal(t, text, err.Error())
	}
	_, err := whatif.Ask(&collector.Snapshot{}, &whatif.Question{}, never)
	require.ErrorContains(t, err, "there is no plan")
}
