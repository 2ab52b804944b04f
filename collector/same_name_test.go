package collector_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSameName: a StatefulSet may have the name of a Deployment. Its pods make up for none of the Deployment's, and the two are not two fleets.
func TestSameName(t *testing.T) {
	served := func(pod string, running int) string {
		labels := fmt.Sprintf(`{namespace="llm",pod=%q,instance="%[1]s:80",model_name="llama",engine="0"}`, pod)
		return fmt.Sprintf("vllm:num_requests_running%s %d\nvllm:num_requests_waiting%[1]s 0\n", labels, running)
	}
	deployed := func(i, running int) string {
		return served("llama-6d4cf56db6-"+strings.Repeat("bcd"[i:i+1], 5), running)
	}
	for name, test := range map[string]struct {
		kind, series, want string
	}{
		"all tell":                       {"Deployment", deployed(0, 20) + deployed(1, 95) + deployed(2, 95) + served("llama-0", 5), "3 wanted and 3 told, up 1, desired 3"},
		"one of the Deployment's is not": {"Deployment", deployed(0, 20) + deployed(1, 95) + served("llama-0", 5), "3 wanted and 2 told, up 0, desired none"},
		"it is the StatefulSet's that are planned": {
			"StatefulSet", served("llama-0", 95) + served("llama-1", 95) + served("llama-2", 20) + deployed(0, 5), "3 wanted and 3 told, up 1, desired 3",
		},
		"one of the StatefulSet's is not": {"StatefulSet", served("llama-0", 95) + served("llama-1", 20) + deployed(0, 5), "3 wanted and 2 told, up 0, desired none"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const replicas = `
				kube_deployment_spec_replicas{namespace="llm",deployment="llama"} 3
				kube_deployment_status_replicas_ready{namespace="llm",deployment="llama"} 3
				kube_statefulset_replicas{namespace="llm",statefulset="llama"} 3
				kube_statefulset_status_replicas_ready{namespace="llm",statefulset="llama"} 3
				`
			text := `
prometheus: {url: http://prometheus:9090}
models:
  - name: llama
    namespace: llm
    presets: [vllm]
    headroom: 0
    variants: [{name: llama, cost: 1, capacity: {concurrency: 80}, scale_target: {kind: ` + test.kind + `, name: llama}}]`
			e, at := evaluatorOf(t, parsed(t, text), replicas+test.series)
			require.Equal(t, test.want, witnessIn(exposition(t, e.Evaluate(t.Context(), at))))
		})
	}
}
