package command

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"
)

// lonely is two hours of one vLLM, with some series of kube-state-metrics about it.
func lonely(names ...string) (samples model.Vector) {
	now := time.Now().Truncate(15 * time.Second)
	for at := now.Add(-2 * time.Hour); !at.After(now); at = at.Add(15 * time.Second) {
		put := func(v float64, name string, pairs ...string) {
			samples = append(samples, &model.Sample{Metric: metricOf(name, pairs...), Value: model.SampleValue(v), Timestamp: model.TimeFromUnixNano(at.UnixNano())})
		}
		scraped := []string{"namespace", "llm", "pod", "chat-59bd75cc8f-xxxxb", "instance", "10.0.0.1:80", "model_name", "org/chat"}
		put(12, "vllm:num_requests_running", scraped...)
		put(0, "vllm:num_requests_waiting", scraped...)
		put(float64(at.Unix()), "vllm:generation_tokens_total", scraped...)
		put(float64(at.Unix()), "vllm:prompt_tokens_total", scraped...)
		for _, name := range names {
			put(1, name, "namespace", "llm", "deployment", "chat")
		}
	}
	return samples
}

// TestInitWithoutOwners: where kube-state-metrics tells replicas and not who owns the pods, replicas are read all the same. Where it tells
// nothing, they are not, and that is said where it is seen: not only in the file.
func TestInitWithoutOwners(t *testing.T) {
	for name, c := range map[string]struct {
		series   []string
		disabled bool
		note     string
	}{
		"only replicas": {
			series: []string{"kube_deployment_spec_replicas", "kube_deployment_status_replicas_ready"},
			note:   "note: kube-state-metrics shows replicas, and not who owns the pods (kube_pod_owner, kube_replicaset_owner)",
		},
		"nothing": {disabled: true, note: "note: kube-state-metrics shows no pod and no replicas in these namespaces, so scale_targets is disabled"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "variant_exporter.yml")
			url := engineWith(t, lonely(c.series...))
			code, _, said := runs(t, "init", "--prometheus.url="+url, "--from=2h", "--output="+file)
			require.Zero(t, code, said)
			require.Equal(t, c.disabled, loaded(t, file).ScaleTargets.Disabled)
			require.Contains(t, said, c.note)
			require.Contains(t, said, "then run variant_exporter check --online "+file+"\n")
			code, out, said := runs(t, "check", "--online", "--online.timeout=30s", file)
			require.Zero(t, code, "%s%s", out, said)
		})
	}
}

// TestInitSaysNoOtherFlags: that a Prometheus does not have the series which tell a capacity is said without the flags of calibrate.
func TestInitSaysNoOtherFlags(t *testing.T) {
	code, text, said := runs(t, "init", "--prometheus.url="+engineWith(t, lonely()), "--from=2h")
	require.Zero(t, code, said)
	require.Contains(t, text, "0 observations, at least 6 are needed")
	require.NotContains(t, text, "--expr")
	require.Contains(t, said, "Next: save this, such as in variant_exporter.yml, settle what variant_exporter check FILE lists")
}
