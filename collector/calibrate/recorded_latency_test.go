package calibrate_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/calibrate"
	"github.com/variant-exporter/variant-exporter/internal/long"
	"github.com/variant-exporter/variant-exporter/internal/recorded"
	"github.com/variant-exporter/variant-exporter/optimizer/calibration"
	"github.com/variant-exporter/variant-exporter/optimizer/latency"
)

const h200 = "runs/h200-llama8b/"

func readTable(t *testing.T, name string) []recorded.Row {
	t.Helper()
	return recorded.Table(t, h200+name)
}

// segment is a span of one rate on the recorded server.
type segment struct {
	name                     string
	mixed                    bool
	lengths                  latency.Lengths
	rate                     float64
	ttft, ttft95, itl, itl95 float64
	running                  float64
	late                     func(target float64) float64 // share of the tokens
}

func segments(t *testing.T) []segment {
	t.Helper()
	var all []segment
	for _, row := range readTable(t, "open.csv") {
		s := segment{
			name: fmt.Sprintf("%s %.1f/s", row["name"], row.Number(t, "rate")), mixed: row["name"] == "mixed", rate: row.Number(t, "rate"),
			lengths: latency.Lengths{Input: row.Number(t, "input_tokens"), Output: row.Number(t, "output_tokens")},
			ttft:    row.Number(t, "ttft"), ttft95: row.Number(t, "ttft_p95"), itl: row.Number(t, "itl"), itl95: row.Number(t, "itl_p95"),
			running: row.Number(t, "running"),
		}
		file := "main-" + row["name"] + "-" + row["segment"]
		if s.mixed {
			s.lengths.InputCV, s.lengths.OutputCV = spread(t, file, "input_tokens"), spread(t, file, "output_tokens")
		}
		gaps := readTable(t, file+"-itl-ms.csv")
		s.late = func(target float64) float64 {
			late, tokens := 0.0, 0.0
			for _, g := range gaps {
				n := g.Number(t, "tokens")
				tokens += n
				if g.Number(t, "itl_from_ms") >= 1000*target {
					late += n
				}
			}
			return late / tokens
		}
		all = append(all, s)
	}
	return all
}

// spread is the coefficient of variation of the lengths of a segment.
func spread(t *testing.T, file, column string) float64 {
	t.Helper()
	var sum, squares, n float64
	for _, row := range readTable(t, file+"-requests.csv.gz") {
		v := row.Number(t, column)
		sum, squares, n = sum+v, squares+v*v, n+1
	}
	return math.Sqrt(squares/n-sum*sum/n/n) / (sum / n)
}

// benchmarked are the closed-loop points of the recorded server.
func benchmarked(t *testing.T) []calibration.Observation {
	t.Helper()
	all, err := calibrate.ReadCSV("calibrate-main.csv", recorded.Open(t, h200+"calibrate-main.csv"))
	require.NoError(t, err)
	return all
}

// h200Profile is what calibrate fits to the closed-loop points of the recorded server that are kept.
func h200Profile(t *testing.T, keep func(o *calibration.Observation) bool) latency.Profile {
	t.Helper()
	all := benchmarked(t)
	var some []calibration.Observation
	for i := range all {
		if keep(&all[i]) {
			some = append(some, all[i])
		}
	}
	r := calibrate.Fit(calibrate.Subject{Observations: some, MaxBatch: 256, MaxQueue: 2560, MaxBatchTokens: 2048})
	require.Empty(t, r.Error)
	t.Logf("%d points: %+v", len(some), *r.Profile)
	return *r.Profile
}

// TestRecordedLatency holds the model to a server that was measured: the profile is from points of fixed lengths at fixed
// concurrencies, the traffic comes at random, with fixed and with mixed lengths. docs/latency.md has the table.
func TestRecordedLatency(t *testing.T) {
	p := h200Profile(t, func(*calibration.Observation) bool { return true })
	for _, s := range segments(t) {
		errors := s.compare(t, p)
		for what, most := range map[string]float64{"p95 itl": 0.17, "mean itl": 0.12, "in service": 0.15, "p95 ttft": 0.3} {
			assert.LessOrEqual(t, math.Abs(errors[what]), most, "%s: %s", s.name, what)
		}
	}
}

// compare logs and returns the errors of the model at a segment.
func (s *segment) compare(t *testing.T, p latency.Profile) map[string]float64 {
	t.Helper()
	server, err := latency.NewServer(p, s.lengths)
	require.NoError(t, err)
	m := server.Means(s.rate)
	itl95, ttft95 := server.ITLQuantile(s.rate, 0.95), server.TTFTQuantile(s.rate, 0.95)
	t.Logf("| %-12s | %.1f / %.1f | %.0f / %.0f | %.1f / %.1f | %.1f / %.1f | %.0f / %.0f |", s.name,
		1000*s.ttft, 1000*m.TTFT, 1000*s.ttft95, 1000*ttft95, 1000*s.itl, 1000*m.ITL, 1000*s.itl95, 1000*itl95, s.running, m.InService)
	return map[string]float64{
		"p95 itl": itl95/s.itl95 - 1, "mean itl": m.ITL/s.itl - 1, "in service": m.InService/s.running - 1,
		"p95 ttft": ttft95/s.ttft95 - 1, "mean ttft": m.TTFT/s.ttft - 1,
	}
}

// TestRecordedHeldOut predicts the same traffic from parts of the points: without long prompts, without long outputs, without the
// highest loads, and without the coefficients of chunks.
func TestRecordedHeldOut(t *testing.T) {
	long.Test(t)
	for name, keep := range map[string]func(o *calibration.Observation) bool{
		"without 2,048 input":   func(o *calibration.Observation) bool { return o.Lengths.Input < 2000 },
		"without 512 output":    func(o *calibration.Observation) bool { return o.Lengths.Output < 500 },
		"up to 64 in service":   func(o *calibration.Observation) bool { return o.Concurrency <= 64 },
		"8 and more in service": func(o *calibration.Observation) bool { return o.Concurrency >= 8 },
		"every second point":    func(o *calibration.Observation) bool { return math.Mod(math.Log2(o.Concurrency), 2) == 0 },
		"itl alone (no chunks)": func(o *calibration.Observation) bool { o.TTFT = 0; return true },
	} {
		t.Run(name, func(t *testing.T) {
			p := h200Profile(t, keep)
			for _, s := range segments(t) {
				errors := s.compare(t, p)
				t.Logf("%s: p95 itl %+.0f %%, mean itl %+.0f %%, in service %+.0f %%, p95 ttft %+.0f %%", s.name,
					100*errors["p95 itl"], 100*errors["mean itl"], 100*errors["in service"], 100*errors["p95 ttft"])
				assert.LessOrEqual(t, math.Abs(errors["p95 itl"]), 0.4, "%s: p95 itl", s.name)
			}
		})
	}
}

// TestRecordedCapacity holds the largest rate with 95 % of the tokens within a target to that of the recorded server, between whose
// segments the logarithm of the late share is interpolated.
func TestRecordedCapacity(t *testing.T) {
	p := h200Profile(t, func(*calibration.Observation) bool { return true })
	for _, mixed := range []bool{false, true} {
		var some []segment
		for _, s := range segments(t) {
			if s.mixed == mixed {
				some = append(some, s)
			}
		}
		for _, target := range []float64{0.02, 0.03, 0.04, 0.05} {
			measured := crossing(some, target)
			if measured == 0 {
				continue
			}
			server, err := latency.NewServer(p, some[len(some)-1].lengths)
			require.NoError(t, err)
			capacity, err := server.Capacity(latency.SLO{ITL: target, Quantile: 0.95})
			require.NoError(t, err)
			t.Logf("| mixed %t, %.0f ms | about %.1f | %.1f | %+.0f %% |", mixed, 1000*target, measured, capacity.Rate, 100*(capacity.Rate/measured-1))
			assert.InEpsilon(t, measured, capacity.Rate, 0.15)
		}
	}
}

// crossing is the rate at which a twentieth of the tokens are late, or 0 where no segments lie on both sides.
func crossing(some []segment, target float64) float64 {
	const share, least = 0.05, 1e-4
	for i := range len(some) - 1 {
		a, b := max(least, some[i].late(target)), max(least, some[i+1].late(target))
		if a <= share && b > share {
			part := math.Log(share/a) / math.Log(b/a)
			return some[i].rate + part*(some[i+1].rate-some[i].rate)
		}
	}
	return 0
}
