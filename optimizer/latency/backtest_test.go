package latency_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/backtest/policy"
	"github.com/variant-exporter/variant-exporter/backtest/scenario"
	"github.com/variant-exporter/variant-exporter/backtest/sim"
	"github.com/variant-exporter/variant-exporter/internal/long"
	"github.com/variant-exporter/variant-exporter/optimizer/latency"
)

// asItIs is the policy that changes nothing.
type asItIs struct{}

func (asItIs) Name() string                               { return "as it is" }
func (asItIs) Desired(*policy.Observation) map[string]int { return nil }

// TestBacktestAgainstSimulation holds the servers of the backtest, which serve request by request, to the simulation that the model is held
// to. Neither shares code with the other, nor with the model. It is here because the simulation is.
func TestBacktestAgainstSimulation(t *testing.T) {
	long.Test(t) // 300,000 requests are simulated twice
	for _, c := range []struct {
		name    string
		profile latency.Profile
		lengths latency.Lengths
	}{
		{"overlapping, 512/128", accelerated, latency.Lengths{Input: 512, Output: 128}},
		{"overlapping, 580/155, cv 1", accelerated, latency.Lengths{Input: 580, Output: 155, InputCV: 1, OutputCV: 1}},
		{"overlapping, 580/155, cv 1, 512 a batch", budgeted(accelerated, 512), latency.Lengths{Input: 580, Output: 155, InputCV: 1, OutputCV: 1}},
		{"waiting, 580/155, cv 1", waiting(attending(accelerated)), latency.Lengths{Input: 580, Output: 155, InputCV: 1, OutputCV: 1}},
		{"adding, 800/200", slower, latency.Lengths{Input: 800, Output: 200}},
		{"adding, 4000/100, cv 0.5", slower, latency.Lengths{Input: 4000, Output: 100, InputCV: 0.5, OutputCV: 0.5}},
	} {
		for _, load := range []float64{0.3, 0.6, 0.8} {
			rate := load * server(t, c.profile, c.lengths).MaxRate()
			m := simulation{profile: c.profile, lengths: c.lengths, requests: 12_000, seed: 1, rate: rate}.run()
			ttft, itl := backtested(t, c.profile, c.lengths, rate)
			errors := map[string]float64{
				"mean ttft": average(ttft)/average(m.ttft) - 1, "p50 ttft": quantile(ttft, 0.5)/quantile(m.ttft, 0.5) - 1,
				"p95 ttft": quantile(ttft, 0.95)/quantile(m.ttft, 0.95) - 1, "p99 ttft": quantile(ttft, 0.99)/quantile(m.ttft, 0.99) - 1,
				"mean itl": itl.mean/average(m.itl) - 1, "p50 itl": itl.p50/quantile(m.itl, 0.5) - 1, "p95 itl": itl.p95/quantile(m.itl, 0.95) - 1,
			}
			t.Logf("%-40s at %.1f: TTFT mean %+5.1f %% p50 %+5.1f %% p95 %+5.1f %% p99 %+5.1f %%, ITL mean %+5.1f %% p50 %+5.1f %% p95 %+5.1f %%", c.name, load,
				100*errors["mean ttft"], 100*errors["p50 ttft"], 100*errors["p95 ttft"], 100*errors["p99 ttft"],
				100*errors["mean itl"], 100*errors["p50 itl"], 100*errors["p95 itl"])
			for name, most := range map[string]float64{
				"mean ttft": 0.15, "p50 ttft": 0.15, "p95 ttft": 0.2, "mean itl": 0.1, "p50 itl": 0.1, "p95 itl": 0.15,
			} {
				e := errors[name]
				assert.InDelta(t, 0, e, most, "%s at %.1f: relative error of %s", c.name, load, name)
			}
		}
	}
}

// gaps are times between tokens: quantiles over all tokens.
type gaps struct{ mean, p50, p95 float64 }

// backtested is what requests meet at one server of the backtest.
func backtested(t *testing.T, p latency.Profile, l latency.Lengths, rate float64) (ttft []float64, itl gaps) {
	t.Helper()
	chunk := ""
	if p.Chunk != (latency.Chunk{}) {
		chunk = fmt.Sprintf(", chunk: {alpha: %.9fms, beta: %.9fms, gamma: %.9fms, attention: %.9fms, longest: %.9fms}", 1e3*p.Chunk.Alpha, 1e3*p.Chunk.Beta, 1e3*p.Chunk.Gamma,
			1e3*p.Chunk.Attention, 1e3*p.Chunk.Longest)
	}
	s, found := scenario.Load("server.yml", fmt.Sprintf(`
duration: %ds
warmup: %ds
models: [{model: llm/m}]
load: [{model: llm/m, shape: constant, rate: %g, input_tokens: {mean: %g, cv: %g}, output_tokens: {mean: %g, cv: %g}}]
pools: {gpus: 1}
variants:
  - {name: a, namespace: llm, model: m, pool: gpus, cost: 1, replicas: 1, profile: {alpha: %.9fms, beta: %.9fms, gamma: %.9fms, max_batch: %d, max_batch_tokens: %d, async_scheduling: true%s}}
`, int(10_800/rate), int(1_200/rate), rate, l.Input, l.InputCV, l.Output, l.OutputCV,
		1e3*p.Alpha, 1e3*p.Beta, 1e3*p.Gamma, p.MaxBatch, p.MaxBatchTokens, chunk))
	require.NotNil(t, s, found)
	o := sim.Options{Scenario: s, Arrivals: s.Arrive(1), Seed: 1, Mode: sim.Requests, Policy: asItIs{}}
	o.Setup = sim.SetupOf(o)
	var sum, tokens float64
	o.Served = func(q sim.Request) {
		if q.Arrived < 1200/rate {
			return
		}
		ttft = append(ttft, q.First-q.Arrived)
		sum, tokens = sum+q.Done-q.First, tokens+float64(q.Output-1)
	}
	r, err := sim.Run(t.Context(), o)
	require.NoError(t, err)
	slices.Sort(ttft)
	return ttft, gaps{sum / tokens, r.Score.ITL.P50, r.Score.ITL.P95}
}
