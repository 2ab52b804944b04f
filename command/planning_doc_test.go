package command

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/optimizer"
)

// TestPowerExample holds the table of docs/planning.md to what the planner says of the example beside it.
func TestPowerExample(t *testing.T) {
	const (
		page  = "../docs/planning.md"
		begin = "<!-- power table: made by go test -run TestPowerExample ./command -update -->\n"
		end   = "<!-- end of power table -->"
	)
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	before, rest, found := strings.Cut(string(text), begin)
	require.True(t, found)
	old, after, found := strings.Cut(rest, end)
	require.True(t, found)
	table := powerTable(t)
	if *update {
		require.NoError(t, os.WriteFile(page, []byte(before+begin+table+end+after), 0o644))
		return
	}
	require.Equal(t, table, old, "run go test -run TestPowerExample ./command -update")
}

func powerTable(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("../docs/examples/power.json")
	require.NoError(t, err)
	problem, err := optimizer.ParseProblem(data)
	require.NoError(t, err)
	var b strings.Builder
	b.WriteString("| power limit | cost per hour | a100x4 | b200x2 | h100x4 | power used | demand left uncarried |\n|---|---|---|---|---|---|---|\n")
	for _, kilowatts := range []float64{40, 30, 20, 18} {
		problem.Budgets[0].Limit = 1000 * kilowatts
		plan, err := optimizer.Solve(problem, optimizer.Options{})
		require.NoError(t, err)
		require.Equal(t, optimizer.StatusOptimal, plan.Status)
		m := plan.Models[0]
		fmt.Fprintf(&b, "| %g kW | %.2f | %d | %d | %d | %g kW | %.0f %% |\n", kilowatts, plan.Cost,
			m.Variants[0].Replicas, m.Variants[1].Replicas, m.Variants[2].Replicas, plan.Budgets[0].Used/1000, 100*m.Shortfall)
	}
	return b.String()
}
