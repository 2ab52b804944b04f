package backtest_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/internal/long"
)

// TestBelievedTooHigh holds that a capacity which is believed a third too high does not matter for long: the histograms of the servers say
// that first tokens come late. Three replicas would do by what is believed, four are needed.
func TestBelievedTooHigh(t *testing.T) {
	long.Test(t)
	const believed = `
signals:
  rate:
    unit: requests per second
    demand: sum by (namespace, model_name) (rate(llm_d_epp_request_total[1m]))
    observed_load: sum by (namespace, model_name, pod) (rate(vllm:time_to_first_token_seconds_count[5m]))
    observed_ttft_buckets: sum by (namespace, model_name, pod, le) (rate(vllm:time_to_first_token_seconds_bucket[5m]))
models:
  - name: m
    namespace: llm
    slo: {ttft: 2s, quantile: 0.99}
    variants: [{name: a, cost: 10, capacity: {rate: 10}, startup: 1m, replicas: {max: 10}}]
`
	fleet := strings.Replace(fleet, "warmup: 10m", "warmup: 60m", 1)
	fleet, _, _ = strings.Cut(fleet, "  - {name: b,")
	noticed := run(t, fleet, believed).Policies[0]
	t.Logf("within targets: %.4f", noticed.SLOAttainment)
	require.Greater(t, noticed.SLOAttainment, 0.985)
	off := run(t, fleet, strings.Replace(believed, "quantile: 0.99", "quantile: 0.99, correct: false", 1)).Policies[0]
	require.Less(t, off.SLOAttainment, 0.5, "nothing else notices it")
}
