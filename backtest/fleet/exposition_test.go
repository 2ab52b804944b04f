package fleet_test

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/variant-exporter/variant-exporter/backtest/fleet"
)

// engineSeries are what TestVLLM wants but for the histograms, with ID for the labels of every series.
const engineSeries = `
# HELP vllm:cache_config_info Information of the LLMEngine CacheConfig
# TYPE vllm:cache_config_info gauge
vllm:cache_config_info{block_size="16",cache_dtype="auto",enable_prefix_caching="True",engine="0",gpu_memory_utilization="0.9",num_cpu_blocks="None",num_gpu_blocks="4000",num_gpu_blocks_override="None",sliding_window="None"} 1
# HELP vllm:generation_tokens_total Number of generation tokens processed.
# TYPE vllm:generation_tokens_total counter
vllm:generation_tokens_total{ID} 120
# HELP vllm:kv_cache_usage_perc KV-cache usage. 1 means 100 percent usage.
# TYPE vllm:kv_cache_usage_perc gauge
vllm:kv_cache_usage_perc{ID} 0.25
# HELP vllm:num_preemptions_total Cumulative number of preemption from the engine.
# TYPE vllm:num_preemptions_total counter
vllm:num_preemptions_total{ID} 0
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{ID} 7
# HELP vllm:num_requests_waiting Number of requests waiting to be processed.
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{ID} 2
# HELP vllm:num_requests_waiting_by_reason Number of waiting requests by the reason that they wait for.
# TYPE vllm:num_requests_waiting_by_reason gauge
vllm:num_requests_waiting_by_reason{ID,reason="capacity"} 2
vllm:num_requests_waiting_by_reason{ID,reason="deferred"} 0
# HELP vllm:prefix_cache_hits_total Prefix cache hits, in terms of number of cached tokens.
# TYPE vllm:prefix_cache_hits_total counter
vllm:prefix_cache_hits_total{ID} 0
# HELP vllm:prefix_cache_queries_total Prefix cache queries, in terms of number of queried tokens.
# TYPE vllm:prefix_cache_queries_total counter
vllm:prefix_cache_queries_total{ID} 1200
# HELP vllm:prompt_tokens_total Number of prefill tokens processed.
# TYPE vllm:prompt_tokens_total counter
vllm:prompt_tokens_total{ID} 900
# HELP vllm:request_success_total Count of successfully processed requests.
# TYPE vllm:request_success_total counter
vllm:request_success_total{engine="0",finished_reason="abort",model_name="meta-llama/Llama-3.1-8B-Instruct"} 0
vllm:request_success_total{engine="0",finished_reason="error",model_name="meta-llama/Llama-3.1-8B-Instruct"} 0
vllm:request_success_total{engine="0",finished_reason="length",model_name="meta-llama/Llama-3.1-8B-Instruct"} 1
vllm:request_success_total{engine="0",finished_reason="repetition",model_name="meta-llama/Llama-3.1-8B-Instruct"} 0
vllm:request_success_total{engine="0",finished_reason="stop",model_name="meta-llama/Llama-3.1-8B-Instruct"} 5
`

// histogramSeries are what it wants of each histogram.
const histogramSeries = `# HELP NAME HELP_TEXT
# TYPE NAME histogram
NAME_bucket{ID,le="0.5"} 3
NAME_bucket{ID,le="1"} 5
NAME_bucket{ID,le="+Inf"} 6
NAME_sum{ID} 4.25
NAME_count{ID} 6
`

func TestVLLM(t *testing.T) {
	t.Parallel()
	histogram := fleet.Histogram{Bounds: []float64{0.5, 1}, Counts: []uint64{3, 2, 1}, Count: 6, Sum: 4.25}
	pod := fleet.PodStatus{
		Name: "a-xyz", Variant: "a", Model: "meta-llama/Llama-3.1-8B-Instruct", Running: 7, Waiting: 2, KVCacheUsage: 0.25,
		Blocks: 4000, BlockSize: 16,
		Metrics: fleet.ServerMetrics{
			PromptTokens: 900, GenerationTokens: 120, PrefixCacheQueries: 1200, FinishedStop: 5, FinishedLength: 1,
			TimeToFirstToken: histogram, InterTokenLatency: histogram, EndToEndLatency: histogram,
			RequestPromptTokens: histogram, RequestGenerationTokens: histogram,
		},
	}
	var want strings.Builder
	want.WriteString(engineSeries)
	for name, help := range map[string]string{
		"vllm:time_to_first_token_seconds": "Histogram of time to first token in seconds.",
		"vllm:inter_token_latency_seconds": "Histogram of inter-token latency in seconds.",
		"vllm:e2e_request_latency_seconds": "Histogram of e2e request latency in seconds.",
		"vllm:request_prompt_tokens":       "Number of prefill tokens processed.",
		"vllm:request_generation_tokens":   "Number of generation tokens processed.",
	} {
		want.WriteString(strings.NewReplacer("NAME", name, "HELP_TEXT", help).Replace(histogramSeries))
	}
	all := strings.ReplaceAll(want.String(), "ID", `engine="0",model_name="meta-llama/Llama-3.1-8B-Instruct"`)
	if err := testutil.CollectAndCompare(fleet.VLLM(pod), strings.NewReader(all)); err != nil {
		t.Error(err)
	}
}

const currentGateway = `
# HELP llm_d_epp_average_kv_cache_utilization Average KV-cache utilization over the pool's endpoints, from 0 to 1.
# TYPE llm_d_epp_average_kv_cache_utilization gauge
llm_d_epp_average_kv_cache_utilization{name="pool"} 0.37
# HELP llm_d_epp_average_queue_size Average number of waiting requests over the pool's endpoints.
# TYPE llm_d_epp_average_queue_size gauge
llm_d_epp_average_queue_size{name="pool"} 1.5
# HELP llm_d_epp_average_running_requests Average number of running requests over the pool's endpoints.
# TYPE llm_d_epp_average_running_requests gauge
llm_d_epp_average_running_requests{name="pool"} 20.33
# HELP llm_d_epp_flow_control_queue_size Current number of requests being actively managed by the flow control layer.
# TYPE llm_d_epp_flow_control_queue_size gauge
llm_d_epp_flow_control_queue_size{fairness_id="default-flow",inference_pool="pool",model_name="m",priority="0",target_model_name="m"} 4
# HELP llm_d_epp_ready_endpoints Number of ready endpoints in the pool.
# TYPE llm_d_epp_ready_endpoints gauge
llm_d_epp_ready_endpoints{name="pool"} 3
# HELP llm_d_epp_request_running Number of running requests.
# TYPE llm_d_epp_request_running gauge
llm_d_epp_request_running{fairness_id="default-flow",model_name="m",priority="0",target_model_name="m"} 65
# HELP llm_d_epp_request_total Number of inference requests.
# TYPE llm_d_epp_request_total counter
llm_d_epp_request_total{fairness_id="default-flow",model_name="m",priority="0",target_model_name="m"} 700
`

const deprecatedGateway = `
# HELP inference_extension_flow_control_queue_size Current number of requests being actively managed by the flow control layer.
# TYPE inference_extension_flow_control_queue_size gauge
inference_extension_flow_control_queue_size{fairness_id="default-flow",inference_pool="pool",model_name="m",priority="0",target_model_name="m"} 4
# HELP inference_objective_request_total Number of inference requests.
# TYPE inference_objective_request_total counter
inference_objective_request_total{model_name="m",priority="0",target_model_name="m"} 700
# HELP inference_objective_running_requests Number of running requests.
# TYPE inference_objective_running_requests gauge
inference_objective_running_requests{model_name="m"} 65
# HELP inference_pool_average_kv_cache_utilization Average KV-cache utilization over the pool's pods, from 0 to 1.
# TYPE inference_pool_average_kv_cache_utilization gauge
inference_pool_average_kv_cache_utilization{name="pool"} 0.37
# HELP inference_pool_average_queue_size Average number of waiting requests over the pool's pods.
# TYPE inference_pool_average_queue_size gauge
inference_pool_average_queue_size{name="pool"} 1.5
# HELP inference_pool_average_running_requests Average number of running requests over the pool's pods.
# TYPE inference_pool_average_running_requests gauge
inference_pool_average_running_requests{name="pool"} 20.33
# HELP inference_pool_ready_pods Number of ready pods in the pool.
# TYPE inference_pool_ready_pods gauge
inference_pool_ready_pods{name="pool"} 3
`

func TestEPP(t *testing.T) {
	t.Parallel()
	m := fleet.ModelStatus{
		Name: "m", Namespace: "ns", Pool: "pool", Queued: 4, Waiting: 5, Running: 60, Dispatched: 700, FlowActive: true,
		Averages: fleet.PoolAverages{ReadyEndpoints: 3, QueueSize: 1.5, RunningRequests: 20.33, KVCacheUtilization: 0.37},
	}
	for names, want := range map[fleet.NameGeneration]string{
		fleet.CurrentNames:    currentGateway,
		fleet.BothNames:       currentGateway + deprecatedGateway,
		fleet.DeprecatedNames: deprecatedGateway,
	} {
		if err := testutil.CollectAndCompare(fleet.EPP(m, names), strings.NewReader(want)); err != nil {
			t.Errorf("generation %d: %v", names, err)
		}
	}
	// Before its first request a pool has averages and nothing else, in either generation.
	idle := fleet.ModelStatus{Name: "m", Pool: "pool"}
	if got := testutil.CollectAndCount(fleet.EPP(idle, fleet.BothNames)); got != 8 {
		t.Errorf("an idle pool has %d series, want the 8 of its averages", got)
	}
}

func TestKubeStateMetrics(t *testing.T) {
	t.Parallel()
	s := fleet.Status{Variants: []fleet.VariantStatus{
		{Name: "a", Namespace: "ns", Desired: 4, Current: 3, Ready: 2, Terminating: 1},
		{Name: "b", Namespace: "ns"},
	}}
	const want = `
# HELP kube_deployment_spec_replicas Number of desired pods for a deployment.
# TYPE kube_deployment_spec_replicas gauge
kube_deployment_spec_replicas{deployment="a",namespace="ns"} 4
kube_deployment_spec_replicas{deployment="b",namespace="ns"} 0
# HELP kube_deployment_status_replicas The number of replicas per deployment.
# TYPE kube_deployment_status_replicas gauge
kube_deployment_status_replicas{deployment="a",namespace="ns"} 3
kube_deployment_status_replicas{deployment="b",namespace="ns"} 0
# HELP kube_deployment_status_replicas_ready The number of ready replicas per deployment.
# TYPE kube_deployment_status_replicas_ready gauge
kube_deployment_status_replicas_ready{deployment="a",namespace="ns"} 2
kube_deployment_status_replicas_ready{deployment="b",namespace="ns"} 0
`
	if err := testutil.CollectAndCompare(fleet.KubeStateMetrics(s), strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}

// TestPoolAverages: the averages come every five seconds and freeze when no endpoint is ready; the flow's series go when it has been
// idle for five minutes.
func TestPoolAverages(t *testing.T) {
	t.Parallel()
	f := newFleet(t, oneModel(fleet.Constant(10), server("a", 2)))
	gateway := func(seconds float64) fleet.ModelStatus {
		f.Advance(at(seconds))
		return f.Status().Models[0]
	}
	if m := gateway(4.9); m.Averages != (fleet.PoolAverages{ReadyEndpoints: 2}) || !m.FlowActive {
		t.Errorf("before the first refresh: %+v", m)
	}
	busy := gateway(5).Averages
	if busy.ReadyEndpoints != 2 || busy.RunningRequests <= 0 || busy.KVCacheUtilization <= 0 {
		t.Errorf("after the first refresh: %+v", busy)
	}
	if got := gateway(9.9).Averages; got != busy {
		t.Errorf("between two refreshes the averages went from %+v to %+v", busy, got)
	}
	if err := f.Scale("a", 0); err != nil {
		t.Fatal(err)
	}
	frozen := busy
	frozen.ReadyEndpoints = 0
	if got := gateway(30).Averages; got != frozen {
		t.Errorf("no endpoint ready: %+v, want %+v", got, frozen)
	}
}

func TestFlowVanishes(t *testing.T) {
	t.Parallel()
	f := newFleet(t, oneModel(fleet.Steps(100*time.Second, 5, 0), server("a", 1)))
	for _, tc := range []struct {
		at     float64
		active bool
	}{{0, false}, {100, true}, {390, true}, {410, false}} {
		f.Advance(at(tc.at))
		if got := f.Status().Models[0].FlowActive; got != tc.active {
			t.Errorf("the flow has series after %v s: %v, want %v", tc.at, got, tc.active)
		}
	}
}
