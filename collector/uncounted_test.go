package collector_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestUncounted: where no replicas are told, nothing says how many servers should tell a preset's signal. One that told it before, is to be
// scraped and does not answer is missing from it all the same.
func TestUncounted(t *testing.T) {
	for _, signal := range []string{"concurrency", "generation_tokens"} {
		for name, test := range map[string]struct{ up, until, want string }{
			"all answer":                {"1", "", "up 1, desired 3"},
			"one does not":              {"0", "stale", "up 0, desired none"},
			"one is no longer a target": {"stale", "stale", "up 1, desired 2"},
		} {
			t.Run(signal+"/"+name, func(t *testing.T) {
				t.Parallel()
				var series strings.Builder
				for i := range 3 {
					labels := fmt.Sprintf(`namespace="llm",pod="llama-6d4cf56db6-%s",instance="10.0.0.%d:80",job="vllm"`, strings.Repeat("bcd"[i:i+1], 5), i)
					end, counts, up := "", "x120", ""
					if i == 2 && test.until != "" {
						end, counts, up = "x99 "+test.until, "x99 "+test.until, "x99 "+test.up
					}
					fmt.Fprintf(&series, "up{%s} 1%s\n", labels, up)
					for metric, value := range map[string]string{"num_requests_running": "80", "num_requests_waiting": "0"} {
						fmt.Fprintf(&series, "vllm:%s{%s,model_name=\"llama\",engine=\"0\"} %s%s\n", metric, labels, value, end)
					}
					for _, metric := range []string{"generation_tokens_total", "prompt_tokens_total", "request_generation_tokens_count", "request_generation_tokens_sum"} {
						fmt.Fprintf(&series, "vllm:%s{%s,model_name=\"llama\",engine=\"0\"} 0+2400%s\n", metric, labels, counts)
					}
				}
				text := `
prometheus: {url: http://prometheus:9090}
scale_targets: {disabled: true}
rate_window: 2m
models: [{name: llama, namespace: llm, presets: [vllm], headroom: 0, variants: [{name: llama, cost: 1, capacity: {` + signal + `: 80}}]}]`
				e, at := evaluatorOf(t, parsed(t, text), series.String())
				require.Equal(t, test.want, witnessIn(exposition(t, e.Evaluate(t.Context(), at))))
			})
		}
	}
}
