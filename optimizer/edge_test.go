package optimizer_test

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/optimizer"
)

// parse reads a problem that must be valid.
func parse(t testing.TB, text string) optimizer.Problem {
	t.Helper()
	p, err := optimizer.ParseProblem([]byte(text))
	require.NoError(t, err)
	return p
}

// TestSolveAtTheEdges plans problems at the edges of what is allowed. The work
// limit stands for a time limit: none of them may need a long search.
func TestSolveAtTheEdges(t *testing.T) {
	for _, test := range []struct {
		name, problem string
		replicas      replicas
		shortfalls    []float64
		over          []string
	}{
		{"nothing", `{}`, replicas{}, []float64{}, nil},
		{"no variants", `{"models":[{"name":"m","demand":{"s":1}}]}`, replicas{nil}, []float64{1}, nil},
		{
			"no demand", `{"models":[{"name":"m","demand":{"s":0},"variants":[{"name":"v","cost":1,"capacity":{"s":1},"current":3}]}]}`,
			replicas{{0}},
			[]float64{0},
			nil,
		},
		{
			"a replica that costs nothing goes on running",
			`{"models":[{"name":"m","demand":{"s":1},"variants":[{"name":"v","capacity":{"s":1},"current":3}]}]}`,
			replicas{{3}},
			[]float64{0},
			nil,
		},
		{
			"a signal that nothing carries leaves the others unserved",
			`{"models":[{"name":"m","demand":{"s":5,"t":1},"variants":[{"name":"v","cost":1,"capacity":{"s":1}}]}]}`,
			replicas{{0}},
			[]float64{1},
			nil,
		},
		{
			"the minimum holds where nothing is served",
			`{"models":[{"name":"m","min_replicas":2,"demand":{"t":1},"variants":[{"name":"v","cost":2},{"name":"w","cost":1}]}]}`,
			replicas{{0, 2}},
			[]float64{1},
			nil,
		},
		{
			"a minimum that maximums make impossible",
			`{"models":[{"name":"m","min_replicas":9,"variants":[{"name":"v","cost":2,"max":3},{"name":"w","cost":1,"max":2}]}]}`,
			replicas{{3, 2}},
			[]float64{0},
			nil,
		},
		{
			"minimums that a budget makes impossible share it",
			`{"budgets":[{"name":"b","limit":6}],"models":[
				{"name":"m","priority":1,"min_replicas":4,"variants":[{"name":"v","cost":2,"uses":{"b":1}}]},
				{"name":"n","priority":1,"min_replicas":8,"variants":[{"name":"v","cost":2,"uses":{"b":1}}]}]}`,
			replicas{{2}, {4}},
			[]float64{0, 0},
			nil,
		},
		{
			"minimums of the more important come first",
			`{"budgets":[{"name":"b","limit":6}],"models":[
				{"name":"m","priority":2,"min_replicas":4,"demand":{"s":9},"variants":[{"name":"v","cost":2,"uses":{"b":1},"capacity":{"s":1}}]},
				{"name":"n","priority":1,"min_replicas":5,"demand":{"s":5},"variants":[{"name":"v","cost":2,"uses":{"b":1},"capacity":{"s":1}}]}]}`,
			replicas{{1}, {5}},
			[]float64{8.0 / 9, 0},
			nil,
		},
		{
			"minimums that exceed a budget are kept, and it is used no further",
			`{"budgets":[{"name":"b","limit":2}],"models":[{"name":"m","demand":{"s":9},"variants":[
				{"name":"v","cost":1,"min":3,"capacity":{"s":1},"uses":{"b":1}},
				{"name":"w","cost":5,"capacity":{"s":1}},
				{"name":"x","cost":1,"capacity":{"s":1},"uses":{"b":0.5}}]}]}`,
			replicas{{3, 6, 0}},
			[]float64{0},
			[]string{"b"},
		},
		{
			"a budget of nothing",
			`{"budgets":[{"name":"b","limit":0}],"models":[{"name":"m","demand":{"s":2},"variants":[
				{"name":"v","cost":1,"capacity":{"s":1},"uses":{"b":1}},{"name":"w","cost":5,"capacity":{"s":1}}]}]}`,
			replicas{{0, 2}},
			[]float64{0},
			nil,
		},
		{
			"a thousand million replicas",
			`{"models":[{"name":"m","demand":{"s":1e9},"variants":[{"name":"v","cost":1,"capacity":{"s":1}},{"name":"w","cost":2.5,"capacity":{"s":2}}]}]}`,
			replicas{{999999999, 0}},
			[]float64{0},
			nil,
		},
		{
			"more replicas than there can be",
			`{"models":[{"name":"m","demand":{"s":1e18},"variants":[{"name":"v","cost":1e-9,"capacity":{"s":1e-9}}]}]}`,
			replicas{{0}},
			[]float64{1},
			nil,
		},
		{
			"a row is met within a thousand millionth of its size",
			`{"budgets":[{"name":"b","limit":2.999999999}],"models":[{"name":"m","demand":{"s":3.000000001},"variants":[{"name":"v","cost":1,"capacity":{"s":1},"uses":{"b":1}}]}]}`,
			replicas{{3}},
			[]float64{0},
			nil,
		},
		{
			"fairness before sums",
			`{"budgets":[{"name":"b","limit":6}],"models":[
				{"name":"m","demand":{"s":4},"variants":[{"name":"v","cost":1,"capacity":{"s":1},"uses":{"b":1}}]},
				{"name":"n","demand":{"s":8},"variants":[{"name":"v","cost":1,"capacity":{"s":1},"uses":{"b":1}}]}]}`,
			replicas{{2}, {4}},
			[]float64{0.5, 0.5},
			nil,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			plan, err := optimizer.Solve(parse(t, test.problem), optimizer.Options{WorkLimit: 200_000})
			require.NoError(t, err)
			assert.Equal(t, optimizer.StatusOptimal, plan.Status, "gaps %g and %g", plan.ShortfallGap, plan.Gap)
			if diff := cmp.Diff(test.replicas, planned(plan)); diff != "" {
				t.Error(diff)
			}
			shortfalls := make([]float64, len(plan.Models))
			for i, m := range plan.Models {
				shortfalls[i] = m.Shortfall
			}
			assert.Len(t, shortfalls, len(test.shortfalls))
			if len(test.shortfalls) > 0 {
				assert.InDeltaSlice(t, test.shortfalls, shortfalls, 1e-9)
			}
			assert.ElementsMatch(t, test.over, plan.OverBudget)
		})
	}
}

func TestSolveRefusesInvalidProblems(t *testing.T) {
	for _, x := range []float64{math.NaN(), math.Inf(1), -1} {
		p := optimizer.Problem{Models: []optimizer.Model{{Name: "m", Demand: map[string]float64{"s": x}}}}
		_, err := optimizer.Solve(p, optimizer.Options{})
		assert.Error(t, err, "demand %g is accepted", x)
	}
}

// TestInterruptedPlansAreValid stops the search at every point and looks at
// what it leaves.
func TestInterruptedPlansAreValid(t *testing.T) {
	p := fleet{models: 20, variants: 4, signals: 2, accelerators: 0.8, power: 0.9, seed: 5}.problem()
	for left := 0; left < 1_000_000; left = 2*left + 1 {
		polls := left
		plan, err := optimizer.Solve(p, optimizer.Options{Interrupt: func() bool { polls--; return polls < 0 }})
		require.NoError(t, err)
		assert.True(t, fits(p, planned(plan)), "after %d polls", left)
		if plan.Status == optimizer.StatusOptimal && polls < 0 {
			t.Errorf("after %d polls: optimal", left)
		}
		assert.GreaterOrEqual(t, plan.ShortfallGap, 0., "after %d polls", left)
		assert.GreaterOrEqual(t, plan.Gap, 0., "after %d polls", left)
		assert.LessOrEqual(t, plan.Gap, 1., "after %d polls", left)
		if polls >= 0 {
			return
		}
	}
	t.Error("never ends by itself")
}

func TestEqualInputsGiveEqualPlans(t *testing.T) {
	p := fleet{models: 60, variants: 5, signals: 2, accelerators: 0.7, power: 0.9, seed: 6}.problem()
	first, err := optimizer.Solve(p, optimizer.Options{WorkLimit: 1_000_000})
	require.NoError(t, err)
	for range 3 {
		again, err := optimizer.Solve(p, optimizer.Options{WorkLimit: 1_000_000})
		require.NoError(t, err)
		if diff := cmp.Diff(first, again); diff != "" {
			t.Fatal(diff)
		}
	}
}

// TestManyModelsShortOfEverything holds the bound on the gap of a large fleet
// that cannot be served in full, within the default limit on the work.
func TestManyModelsShortOfEverything(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a second")
	}
	p := fleet{models: 1_000, variants: 5, signals: 2, accelerators: 0.7, power: 0.6, seed: 4}.problem()
	plan, err := optimizer.Solve(p, optimizer.Options{})
	require.NoError(t, err)
	assert.LessOrEqual(t, plan.Gap, 1e-4)
	assert.LessOrEqual(t, plan.ShortfallGap, 1e-4)
}

func TestCostsAreDecimal(t *testing.T) {
	p := optimizer.Problem{Models: []optimizer.Model{{
		Name: "m", Demand: map[string]float64{"rate": 20},
		Variants: []optimizer.Variant{{Name: "v", Cost: 5.56, Capacity: map[string]float64{"rate": 1}}},
	}, {
		Name: "n", Demand: map[string]float64{"rate": 3},
		Variants: []optimizer.Variant{{Name: "v", Cost: 0.1, StartCost: 0.1, Capacity: map[string]float64{"rate": 1}}},
	}}}
	plan, err := optimizer.Solve(p, optimizer.Options{})
	require.NoError(t, err)
	assert.InDelta(t, 111.5, plan.Cost, 0)
	assert.InDelta(t, 0.3, plan.StartCost, 0)
}

func TestFieldErrorOfTheWholeProblem(t *testing.T) {
	_, err := optimizer.ParseProblem([]byte(`[]`))
	assert.EqualError(t, err, "read problem: must be an object")
}

func FuzzSolve(f *testing.F) {
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"budgets":[{"name":"h100","limit":16}],"models":[{"name":"m","priority":1,"min_replicas":0,"demand":{"c":900},
		"variants":[{"name":"a","cost":4.1,"start_cost":0,"min":0,"max":8,"current":2,"capacity":{"c":256},"uses":{"h100":1}}]}]}`))
	f.Add([]byte(`{"budgets":[{"name":"b","limit":3}],"models":[{"name":"m","min_replicas":2,"demand":{"s":5,"t":1},"variants":[
		{"name":"v","cost":1,"capacity":{"s":1},"uses":{"b":1}},{"name":"w","cost":2,"capacity":{"s":2,"t":1},"uses":{"b":2}}]},
		{"name":"n","priority":2,"demand":{"s":1e9},"variants":[{"name":"v","min":1,"cost":1e-9,"capacity":{"s":1e-3},"uses":{"b":1e-9}}]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := optimizer.ParseProblem(data)
		if err != nil {
			return
		}
		begin := time.Now()
		plan, err := optimizer.Solve(p, optimizer.Options{WorkLimit: 100_000})
		require.NoError(t, err)
		spent := time.Since(begin)
		require.LessOrEqual(t, spent, 5*time.Second)
		// JSON knows no NaN and no infinity.
		_, err = json.Marshal(plan)
		require.NoError(t, err)
		n := planned(plan)
		for i := range p.Models {
			for j := range p.Models[i].Variants {
				v := &p.Models[i].Variants[j]
				require.GreaterOrEqual(t, n[i][j], v.Min, "models[%d].variants[%d] replicas", i, j)
				require.LessOrEqual(t, n[i][j], maxOf(v), "models[%d].variants[%d] replicas", i, j)
			}
		}
	})
}
