package collector_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestTwoLooks is about requests in service, which go up and down more than the load does: they count by their mean over two looks. Three
// replicas have 60 in service in all, and 600 from the last sample on.
func TestTwoLooks(t *testing.T) {
	const idle, steps = "0", "x119"
	for name, test := range map[string]struct {
		window, waiting string
		later           time.Duration
		want            string
	}{
		"the first look counts half":                     {"5m", idle, 0, "5"},
		"the second one counts in full":                  {"5m", idle, 15 * time.Second, "8"},
		"what waits shows that it is no noise":           {"5m", idle + steps + " 1", 0, "8"},
		"a window by the minute knows no look before":    {"1h", idle, 0, "8"},
		"the longest window of finer steps knows it":     {"30m", idle, 0, "5"},
		"a window by the minute, too, a minute later on": {"1h", idle, time.Minute, "8"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var series strings.Builder
			series.WriteString(`
				kube_deployment_spec_replicas{namespace="llm",deployment="llama"} 3
				kube_deployment_status_replicas_ready{namespace="llm",deployment="llama"} 3`)
			for _, p := range "bcd" {
				pod := "llama-6d4cf56db6-" + strings.Repeat(string(p), 5)
				labels := `{namespace="llm",pod="` + pod + `",instance="` + pod + `:80",model_name="llama",engine="0"} `
				series.WriteString("\nvllm:num_requests_running" + labels + "20" + steps + " 200\nvllm:num_requests_waiting" + labels + test.waiting)
			}
			e, at := evaluatorOf(t, parsed(t, `
prometheus: {url: http://prometheus:9090}
models: [{name: llama, namespace: llm, presets: [vllm], headroom: 0, scale_down_window: `+test.window+`, variants: [{name: llama, cost: 1, capacity: {concurrency: 80}}]}]`,
			), series.String())
			got := exposition(t, e.Evaluate(t.Context(), at.Add(test.later)))
			require.Equal(t, "3 wanted and 3 told, up 1, desired "+test.want, witnessIn(got))
		})
	}
}
