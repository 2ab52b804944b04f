package optimizer_test

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/optimizer"
)

// TestCompare plans the same random fleets with this planner, with the greedy
// rule and, where CBC is installed, as a mixed integer program, and prints
// cost, unmet demand and time side by side:
//
//	go test ./optimizer -run Compare -v
//
// A MILP solver gets ten seconds for each objective; a dash says that it had
// no proven answer by then. Its time includes starting it and reading files.
func TestCompare(t *testing.T) {
	if !testing.Verbose() {
		t.Skip("prints a table: run it with -v")
	}
	_, err := exec.LookPath("cbc")
	judge := err == nil
	if !judge {
		t.Log("cbc is not installed (Debian: coinor-cbc): its columns stay empty")
	}
	t.Logf("%-30s %10s %10s %10s  %9s %9s  %9s %9s %9s", "fleet", "cost", "greedy", "milp",
		"unmet", "greedy", "time", "greedy", "milp")
	for _, f := range []struct {
		name string
		fleet
	}{
		{"5 models, no budgets", fleet{models: 5, variants: 5, signals: 2, seed: 11}},
		{"50 models, no budgets", fleet{models: 50, variants: 5, signals: 2, seed: 12}},
		{"5 models, scarce", fleet{models: 5, variants: 5, signals: 2, accelerators: 0.8, power: 1.1, seed: 13}},
		{"15 models, scarce", fleet{models: 15, variants: 5, signals: 2, accelerators: 0.8, power: 1.1, seed: 14}},
		{"50 models, scarce", fleet{models: 50, variants: 5, signals: 2, accelerators: 0.8, power: 1.1, seed: 15}},
		{"5 models, too little", fleet{models: 5, variants: 5, signals: 2, accelerators: 0.6, power: 0.6, seed: 16}},
		{"15 models, too little", fleet{models: 15, variants: 5, signals: 2, accelerators: 0.6, power: 0.6, seed: 17}},
	} {
		comparePlanners(t, f.name, f.problem(), judge)
	}
}

// comparePlanners prints one line of the table and checks that neither of the others is better.
func comparePlanners(t *testing.T, name string, p optimizer.Problem, judge bool) {
	begin := time.Now()
	plan, err := optimizer.Solve(p, optimizer.Options{})
	ours := time.Since(begin)
	require.NoError(t, err)
	begin = time.Now()
	rough := greedy(p)
	theirs := time.Since(begin)
	best, rival := worth(p, planned(plan)), worth(p, rough)
	best.changed, rival.changed = 0, 0
	if plan.Status == optimizer.StatusOptimal && rival.compare(best, 1e-6) < 0 && fits(p, rough) {
		t.Errorf("%s: greedy is better: %+v, %+v", name, rival, best)
	}
	milpCost, milpTime := "-", "-"
	if judge {
		m := newMILP(t, p)
		m.limit = 10 * time.Second
		if n, ok := m.solve(t); ok {
			exact := worth(p, n)
			milpCost, milpTime = fmt.Sprintf("%.2f", exact.cost), m.spent.Round(time.Millisecond).String()
			exact.changed = 0
			if c := exact.compare(best, 1e-6); c != 0 && plan.Status == optimizer.StatusOptimal && (c < 0 && fits(p, n)) {
				t.Errorf("%s: MILP is better: %+v, %+v", name, exact, best)
			}
		}
	}
	t.Logf("%-30s %10.2f %10.2f %10s  %9s %9s  %9s %9s %9s", name+mark(plan), best.cost, rival.cost, milpCost,
		unmet(best), unmet(rival), ours.Round(10*time.Microsecond), theirs.Round(10*time.Microsecond), milpTime)
}

// mark flags a plan that is not proven.
func mark(plan optimizer.Plan) string {
	if plan.Status == optimizer.StatusOptimal {
		return ""
	}
	return fmt.Sprintf(" (gap %.0e)", plan.Gap)
}

// unmet prints the sum of the shortfalls per priority.
func unmet(o objective) string {
	var sums []string
	for i := 1; i < len(o.short); i += 2 {
		sums = append(sums, fmt.Sprintf("%.2g", o.short[i]))
	}
	return strings.Join(sums, "/")
}
