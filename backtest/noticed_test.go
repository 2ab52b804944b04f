package backtest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/backtest"
	"github.com/variant-exporter/variant-exporter/backtest/product"
	"github.com/variant-exporter/variant-exporter/backtest/scenario"
	"github.com/variant-exporter/variant-exporter/backtest/sim"
	"github.com/variant-exporter/variant-exporter/internal/long"
)

// oneServer is a server like an H200 with a model of 8 billion parameters, under mixed lengths at a steady rate.
const oneServer = `
duration: 40m
warmup: 5m
evaluate: 5m
models: [{model: llm/m, gateway: none}]
load: [{model: llm/m, shape: constant, rate: %g, input_tokens: {mean: 580, cv: 1}, output_tokens: {mean: 155, cv: 1}}]
pools: {h200: 1}
variants:
  - name: a
    namespace: llm
    model: m
    pool: h200
    cost: 1
    replicas: 1
    profile: {alpha: 5.008ms, beta: 0ms, gamma: 0.00006844ms, max_batch: 256, max_batch_tokens: 2048, async_scheduling: true,
      chunk: {alpha: 3.991ms, beta: 0.01951ms, gamma: 0.00006767ms, attention: 0.000002125ms, longest: 0.000877ms}}
`

// oneServerBelieved asks for what the preset vllm asks for, but knows how lengths vary: the simulated server has no histograms of them.
const oneServerBelieved = `
signals:
  rate:
    unit: requests per second
    latency: sum by (namespace, model_name) (rate(vllm:time_to_first_token_seconds_count[5m]))
    input_tokens: sum by (namespace, model_name) (rate(vllm:request_prompt_tokens_sum[30m])) / sum by (namespace, model_name) (rate(vllm:request_prompt_tokens_count[30m]))
    output_tokens: sum by (namespace, model_name) (rate(vllm:request_generation_tokens_sum[30m])) / sum by (namespace, model_name) (rate(vllm:request_generation_tokens_count[30m]))
    input_cv: 0 * sum by (namespace, model_name) (vllm:num_requests_running) + 1
    output_cv: 0 * sum by (namespace, model_name) (vllm:num_requests_running) + 1
    observed_itl: sum by (namespace, model_name, pod) (rate(vllm:inter_token_latency_seconds_sum[10m])) / sum by (namespace, model_name, pod) (rate(vllm:inter_token_latency_seconds_count[10m]))
    observed_running: sum by (namespace, model_name, pod) (avg_over_time(vllm:num_requests_running[10m]))
    observed_load: sum by (namespace, model_name, pod) (rate(vllm:time_to_first_token_seconds_count[5m]))
    observed_itl_buckets: sum by (namespace, model_name, pod, le) (rate(vllm:inter_token_latency_seconds_bucket[5m]))
models: [{name: m, namespace: llm, slo: {itl: 40ms, quantile: 0.95}, variants: [{name: a, cost: 1, replicas: {min: 1, max: 1}, %s}]}]
`

const oneTarget = 0.040 // seconds between tokens, for 95 % of them

// served is what the program makes of the server at a rate: the capacity that it plans with and whether it says that a target was
// missed; and the 95th percentile of the time between tokens.
func served(t *testing.T, rate float64, believed string) (capacity float64, missed bool, itl float64) {
	t.Helper()
	s, found := scenario.Load("server.yml", fmt.Sprintf(oneServer, rate))
	require.NotNil(t, s, "%v", found)
	c, remarks := product.ParseConfig("server.conf.yml", fmt.Sprintf(oneServerBelieved, believed))
	require.NotNil(t, c, "%v", remarks)
	all, err := backtest.Prepare(t.Context(), backtest.Options{
		Scenario: s, Config: c, Policies: []string{"variant_exporter"}, Seed: 1, Mode: sim.Requests, Now: time.Now,
	})
	require.NoError(t, err)
	defer func() { require.NoError(t, all[0].Close()) }()
	r, err := all[0].Sim.Run(t.Context())
	require.NoError(t, err)
	v := all[0].Product.Last().Models[0].Variants[0]
	require.NotEmpty(t, v.Capacities, v.Missing)
	return v.Capacities[0].Value, v.Missed != nil, r.Score.ITL.P95
}

// TestLateTokensAreNoticed is about beliefs that are too high: a capacity, and a profile that is a quarter too fast; beside one that is right. Where the server
// keeps the target, nothing is lowered; where it does not, the capacity comes near the largest rate that keeps it.
func TestLateTokensAreNoticed(t *testing.T) {
	long.Test(t)
	const (
		guessed = `capacity: {rate: 44}`
		tooFast = `profile: {alpha: 4ms, beta: 0ms, gamma: 0.000055ms, max_batch: 256, max_batch_tokens: 2048,
  chunk: {alpha: 3.2ms, beta: 0.0156ms, gamma: 0.000054ms, attention: 0.0000017ms, longest: 0.0007ms}}`
		right = `profile: {alpha: 5.008ms, beta: 0ms, gamma: 0.00006844ms, max_batch: 256, max_batch_tokens: 2048,
  chunk: {alpha: 3.991ms, beta: 0.01951ms, gamma: 0.00006767ms, attention: 0.000002125ms, longest: 0.000877ms}}`
	)
	type point struct{ rate, itl float64 }
	var points []point
	capacities := map[string]map[float64]float64{guessed: {}, tooFast: {}, right: {}}
	for _, rate := range []float64{18, 26, 32, 36} {
		for believed, at := range capacities {
			if rate == 26 && believed != guessed {
				continue // one is enough to know the server
			}
			capacity, missed, itl := served(t, rate, believed)
			t.Logf("%g/s: capacity %.1f, missed %t, p95 itl %.1f ms", rate, capacity, missed, 1000*itl)
			if believed != right { // by which the server carries less than comes, and what it shows may be as it should
				require.Equal(t, itl > oneTarget, missed)
			}
			at[rate] = capacity
			if believed == guessed {
				points = append(points, point{rate, itl})
			}
		}
	}
	largest := 0.0
	for i := range len(points) - 1 {
		if a, b := points[i], points[i+1]; a.itl <= oneTarget && b.itl > oneTarget {
			largest = a.rate + (b.rate-a.rate)*(oneTarget-a.itl)/(b.itl-a.itl)
		}
	}
	t.Logf("the largest rate is %.1f", largest)
	require.NotZero(t, largest)
	require.InDelta(t, 44, capacities[guessed][18], 1e-9, "nothing says that it is not so")
	require.InEpsilon(t, largest, capacities[right][18], 0.1)
	for _, at := range capacities {
		require.InEpsilon(t, largest, at[32], 0.1)
		require.InEpsilon(t, largest, at[36], 0.1)
	}
}
