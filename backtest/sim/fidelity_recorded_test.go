package sim

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/backtest/policy"
	"github.com/variant-exporter/variant-exporter/backtest/scenario"
	"github.com/variant-exporter/variant-exporter/internal/recorded"
)

// recording is a run of real vLLM pods.
type recording struct{ *recorded.Run }

func readRecording(t *testing.T, name string) recording {
	t.Helper()
	return recording{recorded.Staircase(t, name)}
}

func (r *recording) start() float64 { return r.Requests[0].Arrival }

// ready is how many replicas were ready at a time.
func (r *recording) ready(at float64) int {
	n := int(r.Replicas[0].Ready)
	for _, x := range r.Replicas {
		if x.T-r.start() <= at {
			n = int(x.Ready)
		}
	}
	return n
}

// profile is what a recording says of its servers, by the requests that shared their server with few. The time between tokens against the
// number in service gives alpha, and what each request adds. The time to the first token is that of a prompt, beside one and a half
// iterations. The rest of what a request adds is the reading of its cache.
func (r *recording) profile(t *testing.T) scenario.Profile {
	t.Helper()
	var inService, itl, prompt, input, output []float64
	for _, q := range r.Requests {
		beside := 0.0 // requests in service, on average over its time
		for _, o := range r.Requests {
			beside += max(0, min(q.Departure, o.Departure)-max(q.Arrival, o.Arrival)) / (q.Departure - q.Arrival)
		}
		beside /= float64(r.ready(q.Arrival - r.start()))
		input, output = append(input, q.Input), append(output, q.Output)
		if beside < 80 && q.TTFT < 1 {
			inService, itl = append(inService, beside), append(itl, q.ITL/1e3)
			prompt = append(prompt, (q.TTFT-1.5*q.ITL/1e3)/q.Input)
		}
	}
	alpha, each := straight(inService, itl)
	beta := quantileOf(prompt, 0.5)
	gamma := (each - beta*(1+meanOf(input)/meanOf(output))) / (meanOf(input) + meanOf(output)/2)
	t.Logf("%d requests: %.2f + %.4f n ms between tokens, so alpha %.2f ms, beta %.4f ms, gamma %.4f ms per 1000 cached",
		len(itl), 1e3*alpha, 1e3*each, 1e3*alpha, 1e3*beta, 1e6*gamma)
	return scenario.Profile{
		Alpha: secondsOf(alpha), Beta: secondsOf(beta), Gamma: secondsOf(max(0, gamma)), MaxBatch: 256, MaxBatchTokens: 2048,
	}
}

// straight is the line line through points.
func straight(x, y []float64) (at0, slope float64) {
	var n, sx, sy, sxx, sxy float64
	for i := range x {
		n, sx, sy, sxx, sxy = n+1, sx+x[i], sy+y[i], sxx+x[i]*x[i], sxy+x[i]*y[i]
	}
	slope = (n*sxy - sx*sy) / (n*sxx - sx*sx)
	return (sy - slope*sx) / n, slope
}

// follows is the policy that has as many replicas as were ready in a recording.
type follows struct{ *recording }

func (follows) Name() string { return "follows" }
func (follows) Acts() bool   { return true }
func (f follows) Desired(o *policy.Observation) map[string]int {
	return map[string]int{"llm/a": f.ready(o.At.Seconds())}
}

// TestRecordedRuns feeds the requests of recorded vLLM runs to as many servers as were ready then, with the profile of the other run, and
// compares what the requests met.
func TestRecordedRuns(t *testing.T) {
	names := recorded.Staircases()
	var runs []recording
	for _, name := range names {
		runs = append(runs, readRecording(t, name))
	}
	off := errorsOf{}
	for i := range runs {
		profile := runs[1-i].profile(t)
		t.Logf("%s, with the profile of the other", names[i])
		served := replayed(t, &runs[i], profile)
		require.Greater(t, len(served), len(runs[i].Requests)*99/100)
		for _, part := range []struct {
			name     string
			from, to float64
		}{{"all", 0, math.Inf(1)}, {"before the step up", 0, 300}, {"while it is high", 300, 650}, {"after it", 650, math.Inf(1)}} {
			compareRun(t, off, &runs[i], served, part.name, part.from, part.to)
		}
	}
	off.hold(t, map[string]float64{
		"ITL mean": 0.12, "ITL p50": 0.08, "ITL p95": 0.15, "ITL p99": 0.15, "end to end mean": 0.12, "end to end p50": 0.08, "end to end p95": 0.15, "end to end p99": 0.15,
		"TTFT p50": 0.35, "TTFT mean": 0.25, "TTFT p95": 0.4, "TTFT p99": 0.9,
	})
}

// replayed serves the requests of a recording.
func replayed(t *testing.T, r *recording, p scenario.Profile) []Request {
	t.Helper()
	s := oneServer(0, 1400)
	s.Variants[0].Profile, s.Variants[0].KVTokens, s.Variants[0].Replicas = p, r.Derived.Capacity.KVTokens, r.ready(0)
	s.Evaluate = s.Scrape / 3
	var requests []scenario.Request
	for _, q := range r.Requests {
		requests = append(requests, scenario.Request{At: time.Duration((q.Arrival - r.start()) * 1e9), Input: int(q.Input), Output: int(q.Output)})
	}
	slices.SortFunc(requests, func(a, b scenario.Request) int { return int(a.At - b.At) })
	o := Options{Scenario: s, Seed: 1, Mode: Requests, Policy: follows{r}, Arrivals: feed(s, requests)}
	o.Setup = SetupOf(o)
	var served []Request
	o.Served = func(q Request) { served = append(served, q) }
	sim := New(o)
	require.NoError(t, sim.Until(t.Context(), s.Length()))
	return served
}

func compareRun(t *testing.T, off errorsOf, r *recording, served []Request, part string, from, to float64) {
	t.Helper()
	var measured, simulated [3][]float64
	for _, q := range r.Requests {
		if at := q.Arrival - r.start(); at >= from && at < to {
			for i, v := range []float64{q.TTFT, q.ITL / 1e3, q.Departure - q.Arrival} {
				measured[i] = append(measured[i], v)
			}
		}
	}
	for _, q := range served {
		if q.Arrived >= from && q.Arrived < to {
			for i, v := range []float64{q.First - q.Arrived, (q.Done - q.First) / float64(q.Output-1), q.Done - q.Arrived} {
				simulated[i] = append(simulated[i], v)
			}
		}
	}
	for i, what := range []string{"TTFT", "ITL", "end to end"} {
		t.Logf("  %-18s  %s", part, off.all(what, measured[i], simulated[i]))
	}
}
