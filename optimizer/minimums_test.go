package optimizer_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/optimizer"
)

// TestMinimumsSurviveAnInterrupt: minimums that fit are kept also where there is no time to search.
func TestMinimumsSurviveAnInterrupt(t *testing.T) {
	model := func(name string, cost, capacity float64) optimizer.Model {
		return optimizer.Model{
			Name: name, MinReplicas: 2, Demand: map[string]float64{"s": 30},
			Variants: []optimizer.Variant{{
				Name: "a", Cost: cost, Capacity: map[string]float64{"s": capacity}, Uses: map[string]float64{"b": 1},
			}},
		}
	}
	problem := optimizer.Problem{
		Budgets: []optimizer.Budget{{Name: "b", Limit: 4}},
		Models:  []optimizer.Model{model("m", 1, 3), model("n", 1.1, 4)},
	}
	for name, interrupted := range map[string]bool{"with time": false, "without": true} {
		plan, err := optimizer.Solve(problem, optimizer.Options{Interrupt: func() bool { return interrupted }})
		require.NoError(t, err)
		for _, m := range plan.Models {
			assert.Equal(t, 2, m.Variants[0].Replicas, "replicas of %s", m.Name)
		}
		assert.NotEqual(t, interrupted, plan.Status == optimizer.StatusOptimal, "%s: %s", name, plan.Status)
	}
}

// TestCutSearchIsNoProof: 13 of these 26 variants fit the six limits, which were made from such a choice. A search that finds 12 and
// ends without having looked at all choices has proven nothing.
func TestCutSearchIsNoProof(t *testing.T) {
	takes := [][3]float64{
		{18, 73, 98},
		{9, 33, 16},
		{64, 98, 58},
		{61, 84, 49},
		{27, 13, 63},
		{4, 50, 56},
		{78, 98, 99},
		{1, 90, 58},
		{35, 93, 30},
		{76, 14, 41},
		{4, 3, 4},
		{84, 70, 2},
		{49, 88, 28},
		{55, 93, 4},
		{68, 29, 98},
		{57, 64, 71},
		{30, 45, 30},
		{87, 29, 98},
		{59, 38, 3},
		{54, 72, 83},
		{13, 24, 81},
		{93, 38, 16},
		{96, 43, 93},
		{92, 65, 55},
		{65, 86, 25},
		{39, 37, 76},
	}
	one := 1
	m := optimizer.Model{Name: "m", MinReplicas: 13}
	for i, a := range takes {
		uses := map[string]float64{}
		for j, name := range []string{"0", "1", "2"} {
			uses["p"+name], uses["q"+name] = a[j], 110-a[j]
		}
		m.Variants = append(m.Variants, optimizer.Variant{Name: string(rune('a' + i)), Cost: 1, Max: &one, Uses: uses})
	}
	problem := optimizer.Problem{Models: []optimizer.Model{m}}
	for name, limit := range map[string]float64{"p0": 527, "q0": 903, "p1": 790, "q1": 640, "p2": 510, "q2": 920} {
		problem.Budgets = append(problem.Budgets, optimizer.Budget{Name: name, Limit: limit})
	}
	plan, err := optimizer.Solve(problem, optimizer.Options{})
	require.NoError(t, err)
	replicas := 0
	for _, v := range plan.Models[0].Variants {
		replicas += v.Replicas
	}
	if plan.Status == optimizer.StatusOptimal && replicas < 13 {
		t.Errorf("%d replicas are called optimal, where 13 are possible", replicas)
	}
}

// TestHopelessVariantDoesNotBlurPrices: a variant that could carry the demand only at a price far too high must not make the others'
// prices look equal.
func TestHopelessVariantDoesNotBlurPrices(t *testing.T) {
	variant := func(name string, cost float64, signal string, capacity float64) optimizer.Variant {
		return optimizer.Variant{Name: name, Cost: cost, Capacity: map[string]float64{signal: capacity}}
	}
	plan, err := optimizer.Solve(optimizer.Problem{Models: []optimizer.Model{{
		Name: "m", Demand: map[string]float64{"prefill": 100, "decode": 100},
		Variants: []optimizer.Variant{
			variant("p", 1, "prefill", 10), variant("d1", 1.004, "decode", 10), variant("d2", 1.001, "decode", 10),
			variant("junk", 1000, "prefill", 1e-9),
		},
	}}}, optimizer.Options{})
	require.NoError(t, err)
	assert.Equal(t, optimizer.StatusOptimal, plan.Status, "cost %v", plan.Cost)
	assert.InDelta(t, 20.01, plan.Cost, 0)
}

// TestMinimumOutOfReachIsReported: two of the three replicas that two models must have fit the budget.
func TestMinimumOutOfReachIsReported(t *testing.T) {
	variant := optimizer.Variant{Name: "v", Cost: 1, Uses: map[string]float64{"b": 1}}
	plan, err := optimizer.Solve(optimizer.Problem{
		Budgets: []optimizer.Budget{{Name: "b", Limit: 2}},
		Models: []optimizer.Model{
			{Name: "m", Priority: 1, MinReplicas: 1, Variants: []optimizer.Variant{variant}},
			{Name: "n", Priority: 2, MinReplicas: 2, Variants: []optimizer.Variant{variant}},
		},
	}, optimizer.Options{})
	require.NoError(t, err)
	m, n := plan.Models[0].MinimumShort, plan.Models[1].MinimumShort
	assert.Zero(t, m)
	assert.Equal(t, 1, n)
}

// TestMinimumsStayWithThoseThatRun: two of six models can have a replica. Those that run keep theirs, whatever their names are, unless a more
// important one asks.
func TestMinimumsStayWithThoseThatRun(t *testing.T) {
	of := func(priorities map[string]int, running ...string) (got []string) {
		problem := optimizer.Problem{Budgets: []optimizer.Budget{{Name: "b", Limit: 2}}}
		for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
			v := optimizer.Variant{Name: "v", Cost: 1, Capacity: map[string]float64{"s": 10}, Uses: map[string]float64{"b": 1}}
			demand := map[string]float64{"s": 5}
			if slices.Contains(running, name) {
				v.Current, demand = 1, map[string]float64{}
			}
			problem.Models = append(problem.Models, optimizer.Model{
				Name: name, Priority: 1 + priorities[name], MinReplicas: 1, Demand: demand, Variants: []optimizer.Variant{v},
			})
		}
		plan, err := optimizer.Solve(problem, optimizer.Options{})
		require.NoError(t, err)
		assert.Equal(t, optimizer.StatusOptimal, plan.Status)
		for _, m := range plan.Models {
			if m.Variants[0].Replicas > 0 {
				got = append(got, m.Name)
			}
		}
		return got
	}
	assert.Equal(t, []string{"a", "b"}, of(nil), "by name where nothing runs")
	assert.Equal(t, []string{"c", "e"}, of(nil, "c", "e"))
	assert.Equal(t, []string{"a", "f"}, of(nil, "f"))
	assert.Equal(t, []string{"b", "c"}, of(map[string]int{"a": 1, "c": 1, "d": 1, "e": 1, "f": 1}, "c", "e"))
}
