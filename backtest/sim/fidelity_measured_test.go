package sim

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/backtest/policy"
	"github.com/variant-exporter/variant-exporter/backtest/scenario"
)

const h200 = "h200-llama8b/"

// h200Profile fits the times of iterations to those of the closed loop. What the open loop measured has no part in it.
//
// A line is written when an iteration is put together, while others run: one that follows only its like shows its time at the line after
// the next, and one with a part of a prompt spreads over its neighbours. So iterations that only decode are fitted one by one, and the rest
// of the time of each stretch of iterations is what those with prompts took.
func h200Profile(t *testing.T) scenario.Profile {
	t.Helper()
	const stretch = 12
	x := readTable(t, h200+"main-closed-iterations.csv.gz")
	row := func(i int) [3]float64 {
		return [3]float64{1, x.number(i, "batch_tokens"), x.number(i, "cached_tokens")}
	}
	said := func(c, row [3]float64) float64 { return c[0]*row[0] + c[1]*row[1] + c[2]*row[2] }
	last := len(x.rows) - 2
	took, decodes := make([]float64, last), make([]bool, last)
	var rows [][3]float64
	var times []float64
	for i := range last {
		took[i], decodes[i] = x.number(i+2, "time")-x.number(i+1, "time"), x.number(i, "decode_only") == 1
		if decodes[i] && took[i] > 0 && took[i] < 0.1 {
			rows, times = append(rows, row(i)), append(times, took[i])
		}
	}
	decode := fit(t, rows, times)
	rows, times = nil, nil
	for from := 0; from+stretch <= last; from += stretch {
		var sum [3]float64
		left := 0.0
		for i := from; i < from+stretch; i++ {
			left += took[i]
			if took[i] <= 0 || took[i] > 0.1 {
				left = math.Inf(-1) // between two levels
			}
			for k, v := range row(i) {
				if decodes[i] {
					left -= decode[k] * v
				} else {
					sum[k] += v
				}
			}
		}
		if sum[0] > 0 && left > 0 {
			rows, times = append(rows, sum), append(times, left)
		}
	}
	chunk := fit(t, rows, times)
	var off []float64
	for i := range rows {
		off = append(off, math.Abs(said(chunk, rows[i])/times[i]-1))
	}
	t.Logf("an iteration that decodes: %.2f ms + %.4f ms a token + %.4f ms per 1000 cached", 1e3*decode[0], 1e3*decode[1], 1e6*decode[2])
	t.Logf("one with a part of a prompt: %.2f ms + %.4f ms a token + %.4f ms per 1000 cached; median error of %d stretches %.0f %%",
		1e3*chunk[0], 1e3*chunk[1], 1e6*chunk[2], len(off), 100*quantileOf(off, 0.5))
	return scenario.Profile{
		Alpha: secondsOf(decode[0]), Beta: secondsOf(decode[1]), Gamma: secondsOf(decode[2]), MaxBatch: 256, MaxBatchTokens: 2048, Async: true,
		Chunk: &scenario.Chunk{Alpha: secondsOf(chunk[0]), Beta: secondsOf(chunk[1]), Gamma: secondsOf(chunk[2])},
	}
}

// TestMeasuredClosedLoop compares a server with one that was measured under a number of clients that each ask again at once.
func TestMeasuredClosedLoop(t *testing.T) {
	profile := h200Profile(t)
	x := readTable(t, h200+"closed.csv")
	off := errorsOf{}
	for i, line := range x.rows {
		if line["run"] != "main" {
			continue
		}
		clients, input, output := int(x.number(i, "concurrency")), int(x.number(i, "input_tokens")), int(x.number(i, "output_tokens"))
		r, ttft := closedLoop(t, profile, clients, input, output)
		t.Logf("%3d clients, %4d in, %3d out: %s", clients, input, output, strings.Join([]string{
			off.compare("ITL p50", x.number(i, "itl_p50"), r.Score.ITL.P50), off.compare("ITL p95", x.number(i, "itl_p95"), r.Score.ITL.P95),
			off.compare("ITL mean", x.number(i, "itl"), r.itl()), off.compare("TTFT mean", x.number(i, "ttft"), meanOf(ttft)),
			off.compare("TTFT p95", x.number(i, "ttft_p95"), quantileOf(ttft, 0.95)),
		}, ", "))
	}
	off.hold(t, map[string]float64{"ITL mean": 0.05, "ITL p50": 0.12, "ITL p95": 0.2, "TTFT mean": 0.4, "TTFT p95": 0.45})
}

// measured is a result with the means that the scorecard does not have.
type measured struct {
	*Result
	tokens histogram
}

func (m measured) itl() float64 { return m.tokens.sum / m.tokens.total }

// closedLoop lets a number of clients ask, each again as soon as it is served. They begin at different ages.
func closedLoop(t *testing.T, p scenario.Profile, clients, input, output int) (measured, []float64) {
	t.Helper()
	s := oneServer(20, 20)
	s.Variants[0].Profile = p
	o := Options{Scenario: s, Seed: 1, Mode: Requests, Policy: idle{}}
	var first []scenario.Request
	for c := range clients {
		first = append(first, scenario.Request{Input: input, Output: max(2, output*(c+1)/clients)})
	}
	o.Arrivals = feed(s, first)
	o.Setup = SetupOf(o)
	var ttft []float64
	var sim *Sim
	o.Served = func(q Request) {
		e := sim.models[0].engine.(*exact)
		e.coming = append(e.coming, &request{input: input, output: output, arrived: q.Done, prompt: input})
		if q.Arrived >= 20 {
			ttft = append(ttft, q.First-q.Arrived)
		}
	}
	sim = New(o)
	require.NoError(t, sim.Until(t.Context(), s.Length()))
	r := sim.Finish()
	return measured{r, sim.models[0].books.itl}, ttft
}

// idle is the policy that changes nothing.
type idle struct{}

func (idle) Name() string                               { return "idle" }
func (idle) Desired(*policy.Observation) map[string]int { return nil }

// TestMeasuredOpenLoop feeds a server the requests that a real one got, and compares what they met. The first five seconds are left out,
// as in the measurement.
func TestMeasuredOpenLoop(t *testing.T) {
	profile := h200Profile(t)
	off := errorsOf{}
	for _, name := range []string{"fixed-0", "fixed-2", "mixed-0", "mixed-2", "mixed-4"} {
		x := readTable(t, h200+"main-"+name+"-requests.csv.gz")
		requests := underWay(t, name)
		var ttft, itl, simTTFT, simITL []float64
		for i := range x.rows {
			at := x.number(i, "arrival")
			requests = append(requests, scenario.Request{At: seconds(at), Input: int(x.number(i, "input_tokens")), Output: int(x.number(i, "output_tokens"))})
			if at >= 5 && x.number(i, "finished") == 1 {
				ttft = append(ttft, x.number(i, "first_token")-at)
				itl = append(itl, x.number(i, "itl_mean"))
			}
		}
		s := oneServer(5, requests[len(requests)-1].At.Seconds()-5+30)
		s.Variants[0].Profile = profile
		o := Options{Scenario: s, Seed: 1, Mode: Requests, Policy: idle{}, Arrivals: feed(s, requests)}
		o.Setup = SetupOf(o)
		last := requests[len(requests)-1].At.Seconds()
		o.Served = func(q Request) {
			if q.Arrived >= 5 && q.Done <= last {
				simTTFT = append(simTTFT, q.First-q.Arrived)
				if q.Output > 1 {
					simITL = append(simITL, (q.Done-q.First)/float64(q.Output-1))
				}
			}
		}
		sim := New(o)
		require.NoError(t, sim.Until(t.Context(), s.Length()))
		gaps, simulated := gapsOf(t, name), &sim.models[0].books.itl
		t.Logf("%-7s %s", name, off.all("TTFT", ttft, simTTFT))
		t.Logf("%-7s %s", name, off.all("ITL", itl, simITL))
		t.Logf("%-7s %s, %s", name, off.compare("tokens p50", gaps.quantile(0.5), simulated.quantile(0.5)),
			off.compare("tokens p95", gaps.quantile(0.95), simulated.quantile(0.95)))
	}
	off.hold(t, map[string]float64{
		"ITL mean": 0.05, "ITL p50": 0.05, "ITL p95": 0.1, "ITL p99": 0.15, "TTFT mean": 0.15, "TTFT p50": 0.2, "TTFT p95": 0.15, "TTFT p99": 0.15,
	})
}

// underWay are the requests that a segment begins with: it took over those of the one before.
func underWay(t *testing.T, name string) []scenario.Request {
	t.Helper()
	x := readTable(t, h200+"main-"+name+"-iterations.csv.gz")
	n, cached := int(x.number(0, "active")), x.number(0, "cached_tokens")
	var requests []scenario.Request
	for i := range n {
		if cached > 0 {
			requests = append(requests, scenario.Request{Input: int(cached) / n, Output: 2 + 150*i/n})
		}
	}
	return requests
}

// gapsOf are the times between tokens that were measured.
func gapsOf(t *testing.T, name string) *histogram {
	t.Helper()
	x := readTable(t, h200+"main-"+name+"-itl-ms.csv")
	h := &histogram{}
	for i := range x.rows {
		h.add((x.number(i, "itl_from_ms")+0.5)/1e3, x.number(i, "tokens"))
	}
	return h
}
