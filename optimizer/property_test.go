package optimizer_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/variant-exporter/variant-exporter/optimizer"
)

// equalsBruteForce checks a plan against every plan there is.
func equalsBruteForce(t *rapid.T, p optimizer.Problem, most int) {
	plan, err := optimizer.Solve(p, optimizer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	best := bruteForce(p, most)
	if best == nil {
		t.Skip("minimum out of reach")
	}
	if plan.Status != optimizer.StatusOptimal {
		t.Fatalf("status %s, gaps %g and %g", plan.Status, plan.ShortfallGap, plan.Gap)
	}
	got := worth(p, planned(plan))
	if got.compare(*best, 1e-8) != 0 {
		t.Fatalf("got %+v, want %+v\nplan %+v\nproblem %+v", got, *best, plan, p)
	}
}

func TestSolveEqualsBruteForceAlone(t *testing.T) {
	generate := problems(shape{models: 2, variants: 3, signals: 3, replicas: 4, priorities: 2})
	rapid.Check(t, func(t *rapid.T) { equalsBruteForce(t, generate.Draw(t, "problem"), 12) })
}

func TestSolveEqualsBruteForceTogether(t *testing.T) {
	generate := problems(shape{models: 3, variants: 2, signals: 2, budgets: 2, replicas: 1, priorities: 3})
	rapid.Check(t, func(t *rapid.T) { equalsBruteForce(t, generate.Draw(t, "problem"), 3) })
}
