package config_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// preset loads a configuration that uses a preset's signals and returns it.
func preset(t *testing.T, name, signals string) *config.Config {
	t.Helper()
	c, found := config.Load("test.yml", fmt.Sprintf(`
prometheus: {url: http://prometheus:9090}
models:
  - name: llama
    namespace: llm
    presets: [%s]
    signals: [%s]
    variants: [{name: llama, cost: 1, capacity: {%s: 1}}]
  - name: qwen
    namespace: chat
    presets: [%[1]s]
    variants: [{name: qwen, cost: 1, capacity: {%[3]s: 1}}]
`, name, signals, strings.Split(signals, ",")[0]))
	require.NotNil(t, c, "%s", found)
	return c
}

// signalOf returns a signal of the first model.
func signalOf(t *testing.T, c *config.Config, name string) config.ActiveSignal {
	t.Helper()
	for _, s := range c.Models[0].ActiveSignals() {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("no signal %s", name)
	return config.ActiveSignal{}
}

// evaluate asks Prometheus' own engine one minute after the series began, and returns the result as sorted lines.
func evaluate(t *testing.T, series, expr string) []string {
	t.Helper()
	var load strings.Builder
	load.WriteString("load 30s\n")
	for line := range strings.Lines(series) {
		if line = strings.TrimSpace(line); line != "" {
			fmt.Fprintf(&load, "  %s\n", line)
		}
	}
	storage := promqltest.LoadedStorage(t, load.String())
	engine := promqltest.NewTestEngine(t, false, 5*time.Minute, 10_000)
	query, err := engine.NewInstantQuery(t.Context(), storage, nil, expr, time.Unix(60, 0))
	require.NoError(t, err)
	defer query.Close()
	result := query.Exec(t.Context())
	require.NoError(t, result.Err)
	require.Empty(t, result.Warnings.AsErrors())
	vector, ok := result.Value.(promql.Vector)
	require.True(t, ok)
	lines := []string{}
	for _, s := range vector {
		lines = append(lines, fmt.Sprintf("%s %v", s.Metric, s.F))
	}
	slices.Sort(lines)
	return lines
}

func TestPresetEPPDemand(t *testing.T) {
	demand := signalOf(t, preset(t, "epp", "concurrency"), "concurrency").Demand.String()
	llama := func(value int) []string {
		return []string{fmt.Sprintf(`{model_name="llama", namespace="llm"} %d`, value)}
	}
	for name, test := range map[string]struct {
		series string
		want   []string
	}{
		"newest names": {`
			llm_d_epp_flow_control_queue_size{namespace="llm",instance="a",model_name="llama",target_model_name="",fairness_id="x",priority="0",inference_pool="p"} 3x2
			llm_d_epp_flow_control_queue_size{namespace="llm",instance="a",model_name="llama",target_model_name="",fairness_id="y",priority="0",inference_pool="p"} 2x2
			llm_d_epp_request_running{namespace="llm",instance="a",model_name="llama",target_model_name="llama",fairness_id="x",priority="0"} 10x2
		`, llama(15)},
		"all names at once are not summed": {`
			llm_d_epp_flow_control_queue_size{namespace="llm",instance="a",model_name="llama",target_model_name="",fairness_id="x",priority="0",inference_pool="p"} 3x2
			inference_extension_flow_control_queue_size{namespace="llm",instance="a",model_name="llama",target_model_name="",fairness_id="x",priority="0",inference_pool="p"} 3x2
			llm_d_epp_request_running{namespace="llm",instance="a",model_name="llama",target_model_name="llama",fairness_id="x",priority="0"} 10x2
			inference_objective_running_requests{namespace="llm",instance="a",model_name="llama"} 10x2
			inference_model_running_requests{namespace="llm",instance="a",model_name="llama"} 10x2
		`, llama(13)},
		"older names": {`
			inference_extension_flow_control_queue_size{namespace="llm",instance="a",model_name="llama",target_model_name="",fairness_id="x",priority="0",inference_pool="p"} 3x2
			inference_objective_running_requests{namespace="llm",instance="a",model_name="llama"} 10x2
		`, llama(13)},
		"oldest names": {`
			inference_model_running_requests{namespace="llm",instance="a",model_name="llama"} 10x2
		`, llama(10)},
		"no flow control": {`
			llm_d_epp_request_running{namespace="llm",instance="a",model_name="llama",target_model_name="llama",fairness_id="x",priority="0"} 10x2
		`, llama(10)},
		"scaled to zero, only the queue": {`
			llm_d_epp_flow_control_queue_size{namespace="llm",instance="a",model_name="llama",target_model_name="",fairness_id="x",priority="0",inference_pool="p"} 3x2
		`, llama(3)},
		"a negative queue takes nothing from another": {`
			llm_d_epp_flow_control_queue_size{namespace="llm",instance="a",model_name="llama",target_model_name="",fairness_id="x",priority="0",inference_pool="p"} -2x2
			llm_d_epp_flow_control_queue_size{namespace="llm",instance="a",model_name="llama",target_model_name="",fairness_id="y",priority="0",inference_pool="p"} 3x2
			llm_d_epp_request_running{namespace="llm",instance="a",model_name="llama",target_model_name="llama",fairness_id="x",priority="0"} 10x2
		`, llama(13)},
		"several names are rewritten to one": {`
			llm_d_epp_flow_control_queue_size{namespace="llm",instance="a",model_name="chat",target_model_name="llama",fairness_id="x",priority="0",inference_pool="p"} 3x2
			llm_d_epp_request_running{namespace="llm",instance="a",model_name="chat",target_model_name="llama",fairness_id="x",priority="0"} 10x2
			llm_d_epp_request_running{namespace="llm",instance="a",model_name="code",target_model_name="llama",fairness_id="x",priority="0"} 5x2
			inference_objective_running_requests{namespace="llm",instance="a",model_name="chat"} 10x2
			inference_objective_running_requests{namespace="llm",instance="a",model_name="code"} 5x2
		`, llama(18)},
		"two replicas of the gateway are summed": {`
			llm_d_epp_flow_control_queue_size{namespace="llm",instance="a",model_name="llama",target_model_name="",fairness_id="x",priority="0",inference_pool="p"} 3x2
			llm_d_epp_flow_control_queue_size{namespace="llm",instance="b",model_name="llama",target_model_name="",fairness_id="x",priority="0",inference_pool="p"} 4x2
			llm_d_epp_request_running{namespace="llm",instance="a",model_name="llama",target_model_name="llama",fairness_id="x",priority="0"} 10x2
			llm_d_epp_request_running{namespace="llm",instance="b",model_name="llama",target_model_name="llama",fairness_id="x",priority="0"} 20x2
		`, llama(37)},
		"an old and a new replica, during an upgrade": {`
			inference_objective_running_requests{namespace="llm",instance="a",model_name="llama"} 10x2
			inference_objective_running_requests{namespace="llm",instance="b",model_name="llama"} 20x2
			llm_d_epp_request_running{namespace="llm",instance="b",model_name="llama",target_model_name="llama",fairness_id="x",priority="0"} 20x2
		`, llama(30)},
		"models and namespaces stay apart": {`
			llm_d_epp_request_running{namespace="llm",instance="a",model_name="llama",target_model_name="llama",fairness_id="x",priority="0"} 10x2
			llm_d_epp_request_running{namespace="llm",instance="a",model_name="qwen",target_model_name="qwen",fairness_id="x",priority="0"} 20x2
			llm_d_epp_request_running{namespace="chat",instance="b",model_name="qwen",target_model_name="qwen",fairness_id="x",priority="0"} 30x2
		`, []string{
			`{model_name="llama", namespace="llm"} 10`, `{model_name="qwen", namespace="chat"} 30`, `{model_name="qwen", namespace="llm"} 20`,
		}},
		"idle, its series gone": {`
			llm_d_epp_request_running{namespace="llm",instance="a",model_name="llama",target_model_name="llama",fairness_id="x",priority="0"} 10 stale
			llm_d_epp_ready_endpoints{namespace="llm",instance="a",name="p"} 2x2
		`, []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, test.want, evaluate(t, test.series, demand))
		})
	}
}

func TestPresetEPPAlive(t *testing.T) {
	signal := signalOf(t, preset(t, "epp", "concurrency"), "concurrency")
	require.Equal(t, config.OnMissingZero, signal.OnMissing)
	for name, test := range map[string]struct {
		series string
		want   []string
	}{
		"no endpoint is ready":     {`llm_d_epp_ready_endpoints{namespace="llm",instance="a",name="p"} 0x2`, []string{`{inference_pool="p", namespace="llm"} 1`}},
		"both generations":         {"llm_d_epp_ready_endpoints{namespace=\"llm\",instance=\"a\",name=\"p\"} 2x2\ninference_pool_ready_pods{namespace=\"llm\",instance=\"a\",name=\"p\"} 2x2", []string{`{inference_pool="p", namespace="llm"} 1`}},
		"older name":               {`inference_pool_ready_pods{namespace="llm",instance="a",name="p"} 2x2`, []string{`{inference_pool="p", namespace="llm"} 1`}},
		"the gateway is not there": {`llm_d_epp_ready_endpoints{namespace="llm",instance="a",name="p"} 2 stale`, []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, test.want, evaluate(t, test.series, signal.Alive.String()))
		})
	}
}

func TestPresetVLLMConcurrency(t *testing.T) {
	demand := signalOf(t, preset(t, "vllm", "concurrency"), "concurrency").Demand.String()
	for name, test := range map[string]struct {
		series string
		want   []string
	}{
		"several pods and engines": {`
			vllm:num_requests_running{namespace="llm",pod="a",engine="0",model_name="llama"} 3x2
			vllm:num_requests_running{namespace="llm",pod="a",engine="1",model_name="llama"} 4x2
			vllm:num_requests_running{namespace="llm",pod="b",engine="0",model_name="llama"} 5x2
			vllm:num_requests_waiting{namespace="llm",pod="a",engine="0",model_name="llama"} 1x2
			vllm:num_requests_waiting{namespace="llm",pod="a",engine="1",model_name="llama"} 0x2
			vllm:num_requests_waiting{namespace="llm",pod="b",engine="0",model_name="llama"} 2x2
		`, []string{`{model_name="llama", namespace="llm"} 15`}},
		"waiting by reason": {`
			vllm:num_requests_running{namespace="llm",pod="a",engine="0",model_name="llama"} 3x2
			vllm:num_requests_waiting{namespace="llm",pod="a",engine="0",model_name="llama"} 7x2
			vllm:num_requests_waiting_by_reason{namespace="llm",pod="a",engine="0",model_name="llama",reason="capacity"} 2x2
			vllm:num_requests_waiting_by_reason{namespace="llm",pod="a",engine="0",model_name="llama",reason="deferred"} 5x2
		`, []string{`{model_name="llama", namespace="llm"} 5`}},
		"old and new servers side by side": {`
			vllm:num_requests_running{namespace="llm",pod="a",engine="0",model_name="llama"} 3x2
			vllm:num_requests_waiting{namespace="llm",pod="a",engine="0",model_name="llama"} 7x2
			vllm:num_requests_waiting_by_reason{namespace="llm",pod="a",engine="0",model_name="llama",reason="capacity"} 2x2
			vllm:num_requests_running{namespace="llm",pod="b",model_name="llama"} 10x2
			vllm:num_requests_waiting{namespace="llm",pod="b",model_name="llama"} 20x2
		`, []string{`{model_name="llama", namespace="llm"} 35`}},
		"idle": {`
			vllm:num_requests_running{namespace="llm",pod="a",model_name="llama"} 0x2
			vllm:num_requests_waiting{namespace="llm",pod="a",model_name="llama"} 0x2
		`, []string{`{model_name="llama", namespace="llm"} 0`}},
		"nothing runs": {``, []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, test.want, evaluate(t, test.series, demand))
		})
	}
}

func TestPresetVLLMTokens(t *testing.T) {
	signal := signalOf(t, preset(t, "vllm", "kv_tokens"), "kv_tokens")
	t.Run("usage is a pod's mean over its engines", func(t *testing.T) {
		require.Equal(t, []string{
			`{llm_d_ai_variant="h100", model_name="llama", namespace="llm", pod="a"} 0.5`,
			`{model_name="llama", namespace="llm", pod="b"} 0.25`,
		}, evaluate(t, `
			vllm:kv_cache_usage_perc{namespace="llm",pod="a",engine="0",model_name="llama",llm_d_ai_variant="h100"} 0.75x2
			vllm:kv_cache_usage_perc{namespace="llm",pod="a",engine="1",model_name="llama",llm_d_ai_variant="h100"} 0.25x2
			vllm:gpu_cache_usage_perc{namespace="llm",pod="a",engine="0",model_name="llama",llm_d_ai_variant="h100"} 0.75x2
			vllm:gpu_cache_usage_perc{namespace="llm",pod="b",model_name="llama"} 0.25x2
		`, signal.Usage.String()))
	})
	require.Equal(t, []string{"num_gpu_blocks", "block_size"}, signal.Capacity.FromLabels)
	t.Run("capacity is one series a pod, with the number of its engines", func(t *testing.T) {
		got := evaluate(t, `
			vllm:cache_config_info{namespace="llm",pod="a",engine="0",block_size="16",num_gpu_blocks="1000",x="1"} 1x2
			vllm:cache_config_info{namespace="llm",pod="a",engine="1",block_size="16",num_gpu_blocks="1000",x="2"} 1x2
			vllm:cache_config_info{namespace="llm",pod="b",engine="0",block_size="16",num_gpu_blocks="2000"} 1x2
			vllm:cache_config_info{namespace="llm",pod="c",engine="0",block_size="16",num_gpu_blocks="1000"} 1x2
			vllm:cache_config_info{namespace="llm",pod="c",engine="1",block_size="16",num_gpu_blocks="1001"} 1x2
			vllm:cache_config_info{namespace="llm",pod="c",engine="2",block_size="16",num_gpu_blocks="1001"} 1x2
		`, signal.Capacity.Query.String())
		require.Equal(t, []string{
			`{block_size="16", namespace="llm", num_gpu_blocks="1000", pod="a"} 2`,
			`{block_size="16", namespace="llm", num_gpu_blocks="1001", pod="c"} 3`,
			`{block_size="16", namespace="llm", num_gpu_blocks="2000", pod="b"} 1`,
		}, got)
	})
}

func TestPresetScaleTargets(t *testing.T) {
	c := preset(t, "vllm", "concurrency")
	series := `
		kube_deployment_spec_replicas{namespace="llm",deployment="a",instance="ksm-0"} 3x2
		kube_deployment_spec_replicas{namespace="llm",deployment="a",instance="ksm-1"} 3x2
		kube_deployment_spec_replicas{namespace="llm",deployment="zero",instance="ksm-0"} 0x2
		kube_deployment_spec_replicas{namespace="elsewhere",deployment="a",instance="ksm-0"} 9x2
		kube_deployment_status_replicas_ready{namespace="llm",deployment="a",instance="ksm-0"} 2x2
		kube_deployment_status_replicas_ready{namespace="llm",deployment="zero",instance="ksm-0"} 0x2
		kube_statefulset_replicas{namespace="chat",statefulset="a",instance="ksm-0"} 5x2
		kube_statefulset_status_replicas_ready{namespace="chat",statefulset="a",instance="ksm-0"} 4x2
		kube_statefulset_replicas{namespace="llm",statefulset="a",instance="ksm-0"} 7x2
	`
	require.Equal(t, []string{
		`{deployment="a", namespace="llm", scale_target_kind="Deployment", scale_target_name="a"} 3`,
		`{deployment="zero", namespace="llm", scale_target_kind="Deployment", scale_target_name="zero"} 0`,
		`{namespace="chat", scale_target_kind="StatefulSet", scale_target_name="a", statefulset="a"} 5`,
		`{namespace="llm", scale_target_kind="StatefulSet", scale_target_name="a", statefulset="a"} 7`,
	}, evaluate(t, series, c.ScaleTargets.Current.String()))
	require.Equal(t, []string{
		`{deployment="a", namespace="llm", scale_target_kind="Deployment", scale_target_name="a"} 2`,
		`{deployment="zero", namespace="llm", scale_target_kind="Deployment", scale_target_name="zero"} 0`,
		`{namespace="chat", scale_target_kind="StatefulSet", scale_target_name="a", statefulset="a"} 4`,
	}, evaluate(t, series, c.ScaleTargets.Ready.String()))
}

func TestPresetText(t *testing.T) {
	require.Equal(t, []string{"epp", "kube-state-metrics", "vllm"}, config.PresetNames())
	_, err := config.PresetText("vlm", config.LabelNames{}, nil)
	require.EqualError(t, err, `no preset "vlm"; there are epp, kube-state-metrics, vllm`)
	names := config.LabelNames{Namespace: "kubernetes_namespace", Model: "model", Variant: "flavour"}
	for _, name := range config.PresetNames() {
		text, err := config.PresetText(name, names, []string{"b", "a.x", "b"})
		require.NoError(t, err)
		require.NotContains(t, text, "$namespace")
		require.NotContains(t, text, "$variant")
		if name == "kube-state-metrics" {
			require.Contains(t, text, `{kubernetes_namespace=~"a\\.x|b"}`)
			require.Contains(t, text, `"$1"`, "what belongs to PromQL stays")
		}
	}
	text, err := config.PresetText("kube-state-metrics", names, nil)
	require.NoError(t, err)
	require.Contains(t, text, `{kubernetes_namespace=~".*"}`)
}
