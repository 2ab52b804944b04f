package optimizer_test

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/variant-exporter/variant-exporter/optimizer"
)

// small is what brute force can still check, medium what it cannot.
var (
	small  = shape{models: 3, variants: 2, signals: 2, budgets: 2, replicas: 1, priorities: 3}
	medium = shape{models: 5, variants: 4, signals: 3, budgets: 3, replicas: 6, priorities: 3}
)

func solve(t *rapid.T, p optimizer.Problem) optimizer.Plan {
	plan, err := optimizer.Solve(p, optimizer.Options{})
	require.NoError(t, err, "\n%+v", p)
	if plan.Status != optimizer.StatusOptimal {
		t.Fatalf("status %s, gaps %g and %g\n%+v", plan.Status, plan.ShortfallGap, plan.Gap, p)
	}
	return plan
}

// equalsBruteForce checks a plan against every plan there is.
func equalsBruteForce(t *rapid.T, p optimizer.Problem, most int) {
	best, _ := bruteForce(p, most, nil)
	if best == nil {
		t.Skip("minimum out of reach")
	}
	plan := solve(t, p)
	got := worth(p, planned(plan))
	if got.compare(*best, 1e-8) != 0 {
		t.Fatalf("got %+v, want %+v\nplan %+v\nproblem %+v", got, *best, plan, p)
	}
	_, runnerUp := bruteForce(p, most, planned(plan))
	switch {
	case plan.RunnerUpCost == nil && math.IsInf(runnerUp, 1):
	case plan.RunnerUpCost == nil:
		t.Fatalf("no runner-up, want %g\nplan %+v\nproblem %+v", runnerUp, plan, p)
	case math.Abs(*plan.RunnerUpCost-runnerUp) > 1e-8:
		t.Fatalf("runner-up %g, want %g\nplan %+v\nproblem %+v", *plan.RunnerUpCost, runnerUp, plan, p)
	}
}

func TestSolveEqualsBruteForceForOneModel(t *testing.T) {
	generate := problems(shape{models: 1, variants: 3, signals: 3, replicas: 4, priorities: 1})
	rapid.Check(t, func(t *rapid.T) { equalsBruteForce(t, generate.Draw(t, "problem"), 11) })
}

func TestSolveEqualsBruteForceUnderBudgets(t *testing.T) {
	generate := problems(small)
	rapid.Check(t, func(t *rapid.T) { equalsBruteForce(t, generate.Draw(t, "problem"), 3) })
}

func TestPlanKeepsBoundsAndBudgets(t *testing.T) {
	generate := problems(medium)
	rapid.Check(t, func(t *rapid.T) {
		p := generate.Draw(t, "problem")
		plan := solve(t, p)
		n := planned(plan)
		least := make(replicas, len(n))
		for i := range p.Models {
			m := &p.Models[i]
			for j := range m.Variants {
				v := &m.Variants[j]
				if n[i][j] < v.Min || n[i][j] > maxOf(v) {
					t.Fatalf("models[%d].variants[%d]: %d replicas", i, j, n[i][j])
				}
				least[i] = append(least[i], v.Min)
			}
			if x := modelShortfall(m, n[i]); math.Abs(x-plan.Models[i].Shortfall) > 1e-12 {
				t.Fatalf("models[%d]: shortfall %g, want %g", i, plan.Models[i].Shortfall, x)
			}
		}
		minimum := usage(p, least)
		for b, used := range usage(p, n) {
			if used > max(p.Budgets[b].Limit*(1+optimizer.Tolerance), minimum[b]) {
				t.Fatalf("budgets[%d]: %g used of %g", b, used, p.Budgets[b].Limit)
			}
			if over := slices.Contains(plan.OverBudget, p.Budgets[b].Name); over != (minimum[b] > p.Budgets[b].Limit*(1+optimizer.Tolerance)) {
				t.Fatalf("budgets[%d]: over budget is %v", b, over)
			}
			if math.Abs(plan.Budgets[b].Used-used) > 1e-9 {
				t.Fatalf("budgets[%d]: used %g, want %g", b, plan.Budgets[b].Used, used)
			}
		}
	})
}

func TestOrderOfInputDoesNotMatter(t *testing.T) {
	generate := problems(medium)
	rapid.Check(t, func(t *rapid.T) {
		p := generate.Draw(t, "problem")
		q := optimizer.Problem{
			Budgets: rapid.Permutation(p.Budgets).Draw(t, "budgets"),
			Models:  rapid.Permutation(p.Models).Draw(t, "models"),
		}
		for i := range q.Models {
			q.Models[i].Variants = rapid.Permutation(q.Models[i].Variants).Draw(t, "variants")
		}
		if got, want := byName(solve(t, q)), byName(solve(t, p)); got != want {
			t.Fatalf("got %s, want %s\n%+v", got, want, p)
		}
	})
}

// byName prints what a plan says of each model, variant and budget, sorted.
func byName(plan optimizer.Plan) string {
	var lines []string
	for _, m := range plan.Models {
		lines = append(lines, fmt.Sprint(m.Name, m.Shortfall, m.Binding))
		for _, v := range m.Variants {
			lines = append(lines, fmt.Sprint(m.Name, v))
		}
	}
	for _, b := range plan.Budgets {
		lines = append(lines, fmt.Sprint(b))
	}
	slices.Sort(lines)
	return fmt.Sprint(lines, plan.Cost, plan.StartCost, plan.Changed)
}

func TestUnitsOfASignalDoNotMatter(t *testing.T) {
	generate := problems(medium)
	rapid.Check(t, func(t *rapid.T) {
		p := generate.Draw(t, "problem")
		factor := rapid.SampledFrom([]float64{1e-6, 0.1, 3, 7e3, 1e9}).Draw(t, "factor")
		want := planned(solve(t, p))
		for i := range p.Models {
			p.Models[i].Demand["s0"] *= factor
			for j := range p.Models[i].Variants {
				if c, ok := p.Models[i].Variants[j].Capacity["s0"]; ok {
					p.Models[i].Variants[j].Capacity["s0"] = c * factor
				}
			}
		}
		if got := planned(solve(t, p)); !slices.EqualFunc(got, want, slices.Equal) {
			t.Fatalf("got %v, want %v\n%+v", got, want, p)
		}
	})
}

// notBetter fails if the objectives but the changes improve.
func notBetter(t *rapid.T, before, after objective, p optimizer.Problem) {
	before.changed, after.changed = 0, 0
	if after.compare(before, 1e-8) < 0 {
		t.Fatalf("better: %+v before, %+v after\n%+v", before, after, p)
	}
}

func TestMoreDemandIsNeverCheaper(t *testing.T) {
	generate := problems(medium)
	rapid.Check(t, func(t *rapid.T) {
		p := generate.Draw(t, "problem")
		before := worth(p, planned(solve(t, p)))
		m := &p.Models[rapid.IntRange(0, len(p.Models)-1).Draw(t, "model")]
		m.Demand["s0"] += float64(rapid.IntRange(1, 30).Draw(t, "more"))
		notBetter(t, before, worth(p, planned(solve(t, p))), p)
	})
}

func TestLargerBudgetIsNeverDearer(t *testing.T) {
	generate := problems(medium)
	rapid.Check(t, func(t *rapid.T) {
		p := generate.Draw(t, "problem")
		if len(p.Budgets) == 0 {
			t.Skip("no budget")
		}
		before := worth(p, planned(solve(t, p)))
		p.Budgets[0].Limit += float64(rapid.IntRange(1, 10).Draw(t, "more"))
		notBetter(t, worth(p, planned(solve(t, p))), before, p)
	})
}

func TestPlanIsItsOwnPlan(t *testing.T) {
	generate := problems(medium)
	rapid.Check(t, func(t *rapid.T) {
		p := generate.Draw(t, "problem")
		want := planned(solve(t, p))
		for i := range p.Models {
			for j := range p.Models[i].Variants {
				p.Models[i].Variants[j].Current = want[i][j]
			}
		}
		plan := solve(t, p)
		if got := planned(plan); plan.Changed != 0 || !slices.EqualFunc(got, want, slices.Equal) {
			t.Fatalf("got %v, want %v\n%+v", got, want, p)
		}
	})
}

// TestWildNumbers plans problems whose numbers span all magnitudes: a valid
// plan of finite numbers must come out, proven or not.
func TestWildNumbers(t *testing.T) {
	number := rapid.SampledFrom([]float64{
		0, 1, 1, 2, 3, 0.1, 1.0 / 3, 7, 1e-18, 1e-9, 1e-9 / 3, 1e9, 1e18, 5e-324, 123456789.123, math.MaxInt32,
	})
	count := rapid.SampledFrom([]int{0, 0, 0, 1, 2, 1000, math.MaxInt32})
	rapid.Check(t, func(t *rapid.T) {
		p := problems(shape{models: 3, variants: 3, signals: 2, budgets: 2, replicas: 2, priorities: 2}).Draw(t, "problem")
		for i := range p.Budgets {
			p.Budgets[i].Limit = number.Draw(t, "limit")
		}
		for i := range p.Models {
			m := &p.Models[i]
			m.MinReplicas = count.Draw(t, "min replicas")
			m.Demand["s0"] = number.Draw(t, "demand")
			for j := range m.Variants {
				v := &m.Variants[j]
				v.Cost, v.Capacity["s0"] = number.Draw(t, "cost"), number.Draw(t, "capacity")
				v.Current = count.Draw(t, "current")
				if len(p.Budgets) > 0 {
					v.Uses["b0"] = number.Draw(t, "use")
				}
			}
		}
		plan, err := optimizer.Solve(p, optimizer.Options{WorkLimit: 20_000})
		require.NoError(t, err)
		_, err = json.Marshal(plan)
		require.NoError(t, err)
		n := planned(plan)
		if used := usage(p, n); len(plan.OverBudget) == 0 {
			for b := range used {
				if used[b] > p.Budgets[b].Limit*(1+2*optimizer.Tolerance) {
					t.Fatalf("budgets[%d]: %g used\n%+v", b, used[b], p)
				}
			}
		}
		for i := range p.Models {
			for j := range p.Models[i].Variants {
				if v := &p.Models[i].Variants[j]; n[i][j] < v.Min || n[i][j] > maxOf(v) {
					t.Fatalf("models[%d].variants[%d]: %d replicas\n%+v", i, j, n[i][j], p)
				}
			}
		}
	})
}
