package optimizer_test

import (
	"context"
	"fmt"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/optimizer"
)

// milp states a problem as a mixed integer program in CPLEX LP format, for a
// solver of others to judge by. The objectives are solved one after the other,
// each with those before it held.
type milp struct {
	p     optimizer.Problem
	rows  []string
	whole []string
	dir   string
	path  string
	// spent is the time in the solver.
	spent time.Duration
	limit time.Duration
}

// newMILP returns nil if there is no solver.
func newMILP(t testing.TB, p optimizer.Problem) *milp {
	path, err := exec.LookPath("cbc")
	if err != nil {
		t.Skip("cbc is not installed (Debian: coinor-cbc)")
	}
	m := &milp{p: p, dir: t.TempDir(), path: path, limit: time.Minute}
	m.state()
	return m
}

func name(kind string, i, j int) string { return fmt.Sprintf("%s_%d_%d", kind, i, j) }

// term writes a coefficient and a variable on a line of their own: CBC does
// not read long lines.
func term(c float64, variable string) string {
	return fmt.Sprintf("\n %+.17g %s", c, variable)
}

// state writes all rows but those of the objectives.
func (m *milp) state() {
	budgets := make([]strings.Builder, len(m.p.Budgets))
	for i := range m.p.Models {
		model := &m.p.Models[i]
		m.stateDemand(i, model)
		var least strings.Builder
		for j := range model.Variants {
			v := &model.Variants[j]
			m.stateVariant(i, j, v)
			least.WriteString(term(1, name("n", i, j)))
			for b := range m.p.Budgets {
				if use := v.Uses[m.p.Budgets[b].Name]; use > 0 {
					budgets[b].WriteString(term(use, name("n", i, j)))
				}
			}
		}
		if model.MinReplicas > 0 && least.Len() > 0 {
			m.add("%s >= %d", least.String(), model.MinReplicas)
		}
	}
	for b := range budgets {
		if budgets[b].Len() > 0 {
			m.add("%s <= %.17g", budgets[b].String(), m.p.Budgets[b].Limit)
		}
	}
}

func (m *milp) add(format string, args ...any) {
	m.rows = append(m.rows, fmt.Sprintf(format, args...))
}

func (m *milp) stateDemand(i int, model *optimizer.Model) {
	x := fmt.Sprintf("x_%d", i)
	m.add(" %s >= 0", x)
	m.add(" %s <= 1", x)
	for _, s := range slices.Sorted(maps.Keys(model.Demand)) {
		if demand := model.Demand[s]; demand > 0 {
			var row strings.Builder
			row.WriteString(term(1, x))
			for j := range model.Variants {
				if c := model.Variants[j].Capacity[s]; c > 0 {
					row.WriteString(term(c/demand, name("n", i, j)))
				}
			}
			m.add("%s >= 1", row.String())
		}
	}
}

// stateVariant bounds the replicas and defines those started and stopped.
func (m *milp) stateVariant(i, j int, v *optimizer.Variant) {
	n := name("n", i, j)
	m.whole = append(m.whole, n)
	m.add(" %s >= %d", n, v.Min)
	if v.Max != nil {
		m.add(" %s <= %d", n, *v.Max)
	}
	m.add(" %s - %s <= %d", n, name("up", i, j), v.Current)
	m.add(" %s + %s >= %d", n, name("down", i, j), v.Current)
}

// objectives returns the expressions to minimise, in order, and the row that
// holds each at a value.
func (m *milp) objectives() []string {
	var out []string
	priorities := map[int]string{}
	for i := range m.p.Models {
		priorities[m.p.Models[i].Priority] += term(1, fmt.Sprintf("x_%d", i))
	}
	for _, p := range slices.Sorted(maps.Keys(priorities)) {
		z := fmt.Sprintf("z_%d", p)
		for i := range m.p.Models {
			if m.p.Models[i].Priority == p {
				m.add(" %s - x_%d >= 0", z, i)
			}
		}
		out = append(out, term(1, z), priorities[p])
	}
	var cost, changes strings.Builder
	for i := range m.p.Models {
		for j := range m.p.Models[i].Variants {
			v := &m.p.Models[i].Variants[j]
			cost.WriteString(term(v.Cost, name("n", i, j)) + term(v.StartCost, name("up", i, j)))
			changes.WriteString(term(1, name("up", i, j)) + term(1, name("down", i, j)))
		}
	}
	return append(out, cost.String(), changes.String())
}

// solve returns the replicas of the optimum in all objectives.
func (m *milp) solve(t testing.TB) (replicas, bool) {
	objectives := m.objectives()
	var values map[string]float64
	for stage, objective := range objectives {
		if objective == "" {
			continue
		}
		var ok bool
		if values, ok = m.run(t, stage, objective); !ok {
			return nil, false
		}
		reached := evaluate(objective, values)
		m.add("%s <= %.17g", objective, reached+1e-8*max(1, math.Abs(reached)))
	}
	n := make(replicas, len(m.p.Models))
	for i := range m.p.Models {
		for j := range m.p.Models[i].Variants {
			n[i] = append(n[i], int(math.Round(values[name("n", i, j)])))
		}
	}
	return n, true
}

// evaluate computes an expression written by term.
func evaluate(expression string, values map[string]float64) float64 {
	fields := strings.Fields(expression)
	sum := 0.0
	for i := 0; i+1 < len(fields); i += 2 {
		c, err := strconv.ParseFloat(fields[i], 64)
		if err != nil {
			panic(err)
		}
		sum += c * values[fields[i+1]]
	}
	return sum
}

// run solves the program for one objective.
func (m *milp) run(t testing.TB, stage int, objective string) (map[string]float64, bool) {
	var b strings.Builder
	b.WriteString("Minimize\n obj:" + objective + "\nSubject To\n")
	for i, row := range m.rows {
		fmt.Fprintf(&b, " r%d:%s\n", i, row)
	}
	b.WriteString("Generals\n " + strings.Join(m.whole, "\n ") + "\nEnd\n")
	in, out := filepath.Join(m.dir, fmt.Sprintf("%d.lp", stage)), filepath.Join(m.dir, fmt.Sprintf("%d.txt", stage))
	require.NoError(t, os.WriteFile(in, []byte(b.String()), 0o600))
	ctx, cancel := context.WithTimeout(context.Background(), m.limit)
	defer cancel()
	begin := time.Now()
	log, err := exec.CommandContext(ctx, m.path, in, "-ratioGap", "0", "-allowableGap", "0",
		"-integerTolerance", "1e-9", "-primalTolerance", "1e-9",
		"-sec", strconv.Itoa(int(m.limit.Seconds())), "-solve", "-solution", out).CombinedOutput()
	m.spent += time.Since(begin)
	if err != nil {
		t.Logf("cbc: %v\n%s", err, log)
		return nil, false
	}
	text, err := os.ReadFile(out)
	require.NoError(t, err, "\n%s", log)
	lines := strings.Split(string(text), "\n")
	if !strings.HasPrefix(lines[0], "Optimal") {
		t.Logf("cbc: %s", lines[0])
		return nil, false
	}
	values := map[string]float64{}
	for _, line := range lines[1:] {
		if f := strings.Fields(line); len(f) >= 3 {
			x, err := strconv.ParseFloat(f[2], 64)
			require.NoError(t, err)
			values[f[1]] = x
		}
	}
	return values, true
}
