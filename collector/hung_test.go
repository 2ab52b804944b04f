package collector_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestHungServer: a server that hangs goes on to show its requests, and its rates are zero: they say nothing of what is asked of it. Of three
// that are planned by the tokens they generate, the third makes no progress for some minutes.
func TestHungServer(t *testing.T) {
	const moves, stands = "0+2400x120", "0+2400x100 240000"
	for name, test := range map[string]struct {
		running, generated string // of the third
		notReady           bool
		want               string
	}{
		"it makes progress": {"20", moves, false, "3 wanted and 3 told, up 1, desired 3"},
		"it hangs":          {"20", stands, false, "3 wanted and 3 told, up 0, desired none"},
		"it has stood still for half an hour: its requests are gone": {"20", "0+2400x60 144000", false, "3 wanted and 3 told, up 1, desired 2"},
		"it is idle": {"20x100 0", stands, false, "3 wanted and 3 told, up 1, desired 2"},
		"it hangs, and is not ready: it is asked for nothing": {"20", stands, true, "2 wanted and 3 told, up 1, desired 2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ready := "3"
			if test.notReady {
				ready = "3x100 2"
			}
			var series strings.Builder
			series.WriteString("kube_deployment_spec_replicas{namespace=\"llm\",deployment=\"llama\"} 3\n")
			series.WriteString("kube_deployment_status_replicas_ready{namespace=\"llm\",deployment=\"llama\"} " + ready + "\n")
			for i := range 3 {
				running, generated, unready := "20", moves, "0"
				if i == 2 {
					running, generated = test.running, test.generated
					if test.notReady {
						unready = "0x100 1"
					}
				}
				pod := "llama-6d4cf56db6-" + strings.Repeat("bcd"[i:i+1], 5)
				labels := fmt.Sprintf(`{namespace="llm",pod=%q,instance="10.0.0.%d:80",model_name="llama",engine="0"} `, pod, i)
				for metric, values := range map[string]string{
					"num_requests_running": running, "num_requests_waiting": "0", "prompt_tokens_total": generated, "generation_tokens_total": generated,
				} {
					series.WriteString("vllm:" + metric + labels + values + "\n")
				}
				fmt.Fprintf(&series, "kube_pod_status_ready{namespace=\"llm\",pod=%q,condition=\"false\"} %s\n", pod, unready)
			}
			const text = `
prometheus: {url: http://prometheus:9090}
rate_window: 2m
models:
  - name: llama
    namespace: llm
    presets: [vllm]
    headroom: 0
    variants: [{name: llama, cost: 1, capacity: {generation_tokens: 80}, startup: 1m}]`
			e, at := evaluatorOf(t, parsed(t, text), series.String())
			require.Equal(t, test.want, witnessIn(exposition(t, e.Evaluate(t.Context(), at))))
		})
	}
}
