package sim

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/backtest/scenario"
	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/internal/recorded"
)

// table is a CSV file of numbers and words.
type table struct {
	t    *testing.T
	rows []recorded.Row
}

func readTable(t *testing.T, name string) table {
	t.Helper()
	return table{t, recorded.Table(t, "runs/"+name)}
}

func (x table) number(line int, column string) float64 {
	x.t.Helper()
	return x.rows[line].Number(x.t, column)
}

// fit finds the coefficients of the rows that come closest to the values, by least squares.
func fit(t *testing.T, rows [][3]float64, values []float64) (best [3]float64) {
	t.Helper()
	var a [3][4]float64
	for k, row := range rows {
		for i := range 3 {
			for j := range 3 {
				a[i][j] += row[i] * row[j]
			}
			a[i][3] += row[i] * values[k]
		}
	}
	for i := range 3 {
		require.NotZero(t, a[i][i])
		for k := range 3 {
			if k == i {
				continue
			}
			by := a[k][i] / a[i][i]
			for j := range 4 {
				a[k][j] -= by * a[i][j]
			}
		}
	}
	for i := range 3 {
		best[i] = a[i][3] / a[i][i]
	}
	return best
}

// errorsOf are relative errors of a simulated number, by what it is.
type errorsOf map[string][]float64

// compare logs and keeps a measured and a simulated number.
func (e errorsOf) compare(what string, measured, simulated float64) string {
	off := simulated/measured - 1
	e[what] = append(e[what], math.Abs(off))
	return fmt.Sprintf("%s %6.1f / %6.1f ms (%+3.0f %%)", what, 1000*measured, 1000*simulated, 100*off)
}

// all compares the mean and quantiles.
func (e errorsOf) all(what string, measured, simulated []float64) string {
	all := []string{e.compare(what+" mean", meanOf(measured), meanOf(simulated))}
	for _, q := range []float64{0.5, 0.95, 0.99} {
		all = append(all, e.compare(fmt.Sprintf("%s p%.0f", what, 100*q), quantileOf(measured, q), quantileOf(simulated, q)))
	}
	return strings.Join(all, "  ")
}

// hold logs the median of the errors of each kind, and holds it to a bound.
func (e errorsOf) hold(t *testing.T, bounds map[string]float64) {
	t.Helper()
	for _, what := range slices.Sorted(mapKeys(bounds)) {
		require.NotEmpty(t, e[what], what)
		slices.Sort(e[what])
		n := len(e[what])
		median := (e[what][(n-1)/2] + e[what][n/2]) / 2
		t.Logf("%-16s median error %4.1f %%, largest %5.1f %% of %d", what, 100*median, 100*e[what][n-1], n)
		require.LessOrEqual(t, median, bounds[what], what)
	}
}

func mapKeys(m map[string]float64) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func quantileOf(values []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

func meanOf(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// oneServer is a scenario with a single server and no load, which lasts so many seconds after a warm-up.
func oneServer(warmup, duration float64) *scenario.Scenario {
	s, found := scenario.Load("measured.yml", fmt.Sprintf(`
duration: %dms
warmup: %dms
models: [{model: llm/m}]
load: [{model: llm/m, shape: constant, rate: 0, input_tokens: 1, output_tokens: 1}]
pools: {gpus: 1000}
variants: [{name: a, namespace: llm, model: m, pool: gpus, cost: 1, replicas: 1, profile: {alpha: 5ms, beta: 0.02ms, gamma: 0.00005ms, max_batch: 256, max_batch_tokens: 2048}}]
`, int(1000*duration), int(1000*warmup)))
	if s == nil {
		panic(found)
	}
	return s
}

// feed lets requests arrive at their times.
func feed(s *scenario.Scenario, requests []scenario.Request) []scenario.Arrivals {
	a := s.Arrive(1)
	a[0].Requests = make([][]scenario.Request, len(a[0].Counts))
	for _, q := range requests {
		if slot := int(q.At / scenario.Slot); slot < len(a[0].Requests) {
			a[0].Requests[slot] = append(a[0].Requests[slot], q)
			a[0].Counts[slot]++
			a[0].Input[slot], a[0].Output[slot] = float64(q.Input), float64(q.Output)
		}
	}
	return a
}

func secondsOf(v float64) config.Seconds { return config.Seconds(v) }
