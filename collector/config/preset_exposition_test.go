package config_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// exposed is one series that a busy server or gateway exposes: its labels, and its values every 30 s over ten minutes.
type exposed struct{ metric, labels, values string }

// exposition is everything that one process of a server or gateway exposes.
type exposition []exposed

// expositions are those of busy servers and gateways, by preset.
func expositions() map[string]exposition {
	return map[string]exposition{
		"vllm": {
			{"vllm:num_requests_running", `model_name="llama",engine="0"`, "8x20"},
			{"vllm:num_requests_waiting", `model_name="llama",engine="0"`, "0+1x20"},
			{"vllm:kv_cache_usage_perc", `model_name="llama",engine="0"`, "0.5x20"},
			{"vllm:cache_config_info", `engine="0",block_size="16",num_gpu_blocks="1000"`, "1x20"},
			{"vllm:prompt_tokens_total", `model_name="llama",engine="0"`, "0+9000x20"},
			{"vllm:generation_tokens_total", `model_name="llama",engine="0"`, "0+3000x20"},
			{"vllm:request_success_total", `model_name="llama",engine="0",finished_reason="stop"`, "0+20x20"},
			{"vllm:request_success_total", `model_name="llama",engine="0",finished_reason="length"`, "0+10x20"},
			{"vllm:request_prompt_tokens_sum", `model_name="llama",engine="0"`, "0+9000x20"},
			{"vllm:request_prompt_tokens_count", `model_name="llama",engine="0"`, "0+30x20"},
			{"vllm:request_generation_tokens_sum", `model_name="llama",engine="0"`, "0+3000x20"},
			{"vllm:request_generation_tokens_count", `model_name="llama",engine="0"`, "0+30x20"},
			{"vllm:time_to_first_token_seconds_bucket", `model_name="llama",engine="0",le="0.5"`, "0+30x20"},
			{"vllm:time_to_first_token_seconds_bucket", `model_name="llama",engine="0",le="+Inf"`, "0+30x20"},
			{"vllm:time_to_first_token_seconds_count", `model_name="llama",engine="0"`, "0+30x20"},
			{"vllm:inter_token_latency_seconds_bucket", `model_name="llama",engine="0",le="0.05"`, "0+300x20"},
			{"vllm:inter_token_latency_seconds_bucket", `model_name="llama",engine="0",le="+Inf"`, "0+300x20"},
			{"vllm:inter_token_latency_seconds_sum", `model_name="llama",engine="0"`, "0+6x20"},
			{"vllm:inter_token_latency_seconds_count", `model_name="llama",engine="0"`, "0+300x20"},
		},
		"sglang": {
			{"sglang:num_running_reqs", `model_name="llama",tp_rank="0"`, "8x20"},
			{"sglang:num_queue_reqs", `model_name="llama",tp_rank="0"`, "0+1x20"},
			{"sglang:token_usage", `model_name="llama",tp_rank="0"`, "0.5x20"},
			{"sglang:max_total_num_tokens", `model_name="llama",tp_rank="0"`, "400000x20"},
			{"sglang:num_requests_total", `model_name="llama",is_streaming="true"`, "0+20x20"},
			{"sglang:num_requests_total", `model_name="llama",is_streaming="false"`, "0+10x20"},
			{"sglang:prompt_tokens_total", `model_name="llama",is_streaming="true"`, "0+6000x20"},
			{"sglang:prompt_tokens_total", `model_name="llama",is_streaming="false"`, "0+3000x20"},
			{"sglang:generation_tokens_total", `model_name="llama",is_streaming="true"`, "0+3000x20"},
			{"sglang:time_to_first_token_seconds_bucket", `model_name="llama",is_streaming="true",le="0.5"`, "0+30x20"},
			{"sglang:time_to_first_token_seconds_bucket", `model_name="llama",is_streaming="true",le="+Inf"`, "0+30x20"},
			{"sglang:time_to_first_token_seconds_count", `model_name="llama",is_streaming="true"`, "0+30x20"},
			{"sglang:inter_token_latency_seconds_bucket", `model_name="llama",le="0.05"`, "0+300x20"},
			{"sglang:inter_token_latency_seconds_bucket", `model_name="llama",le="+Inf"`, "0+300x20"},
			{"sglang:inter_token_latency_seconds_sum", `model_name="llama"`, "0+6x20"},
			{"sglang:inter_token_latency_seconds_count", `model_name="llama"`, "0+300x20"},
		},
		"tgi": {
			{"tgi_batch_current_size", "", "8x20"},
			{"tgi_queue_size", "", "0+1x20"},
			{"tgi_batch_current_max_tokens", "", "20000x20"},
			{"tgi_request_success", "", "0+30x20"},
			{"tgi_request_count", "", "0+31x20"},
			{"tgi_request_input_length_sum", "", "0+9000x20"},
			{"tgi_request_input_length_count", "", "0+30x20"},
			{"tgi_request_generated_tokens_sum", "", "0+3000x20"},
			{"tgi_request_generated_tokens_count", "", "0+30x20"},
			{"tgi_request_mean_time_per_token_duration_bucket", `le="0.05"`, "0+30x20"},
			{"tgi_request_mean_time_per_token_duration_bucket", `le="+Inf"`, "0+30x20"},
			{"tgi_request_mean_time_per_token_duration_sum", "", "0+1x20"},
			{"tgi_request_mean_time_per_token_duration_count", "", "0+30x20"},
		},
		"trtllm": {
			{"trtllm_model_config_info", `model="llama"`, "1x20"},
			{"trtllm_num_requests_running", `model_name="undefined"`, "8x20"},
			{"trtllm_num_requests_waiting", `model_name="undefined"`, "0+1x20"},
			{"trtllm_kv_cache_utilization", `model_name="undefined"`, "0.5x20"},
			{"trtllm_kv_cache_max_blocks", `model_name="undefined"`, "1000x20"},
			{"trtllm_kv_cache_tokens_per_block", `model_name="undefined"`, "32x20"},
			{"trtllm_request_success_total", `model_name="undefined",finished_reason="stop"`, "0+20x20"},
			{"trtllm_request_success_total", `model_name="undefined",finished_reason="length"`, "0+10x20"},
			{"trtllm_prompt_tokens_total", `model_name="undefined"`, "0+9000x20"},
			{"trtllm_generation_tokens_total", `model_name="undefined"`, "0+3000x20"},
			{"trtllm_time_to_first_token_seconds_bucket", `model_name="undefined",le="0.5"`, "0+30x20"},
			{"trtllm_time_to_first_token_seconds_bucket", `model_name="undefined",le="+Inf"`, "0+30x20"},
			{"trtllm_time_to_first_token_seconds_count", `model_name="undefined"`, "0+30x20"},
			{"trtllm_time_per_output_token_seconds_bucket", `model_name="undefined",le="0.05"`, "0+30x20"},
			{"trtllm_time_per_output_token_seconds_bucket", `model_name="undefined",le="+Inf"`, "0+30x20"},
			{"trtllm_time_per_output_token_seconds_sum", `model_name="undefined"`, "0+1x20"},
			{"trtllm_time_per_output_token_seconds_count", `model_name="undefined"`, "0+30x20"},
		},
		"triton": {
			{"nv_trt_llm_request_metrics", `model="llama",version="1",request_type="scheduled"`, "8x20"},
			{"nv_trt_llm_request_metrics", `model="llama",version="1",request_type="waiting"`, "2x20"},
			{"nv_trt_llm_kv_cache_block_metrics", `model="llama",version="1",kv_cache_block_type="fraction"`, "0.5x20"},
			{"nv_trt_llm_kv_cache_block_metrics", `model="llama",version="1",kv_cache_block_type="max"`, "1000x20"},
			{"nv_trt_llm_kv_cache_block_metrics", `model="llama",version="1",kv_cache_block_type="tokens_per"`, "64x20"},
		},
		"epp": {
			{"llm_d_epp_ready_endpoints", `name="llama-pool"`, "2x20"},
			{"llm_d_epp_flow_control_queue_size", `model_name="llama",target_model_name="",fairness_id="x",priority="0",inference_pool="llama-pool"`, "3x20"},
			{"llm_d_epp_flow_control_request_enqueue_duration_seconds_count", `fairness_id="x",priority="0",outcome="Dispatched",inference_pool="llama-pool",model_name="llama",target_model_name=""`, "0+60x20"},
			{"llm_d_epp_request_running", `model_name="llama",target_model_name="llama",fairness_id="x",priority="0"`, "10x20"},
			{"llm_d_epp_request_running", `model_name="llama",target_model_name="llama",fairness_id="y",priority="0"`, "5x20"},
			{"llm_d_epp_request_total", `model_name="llama",target_model_name="llama",fairness_id="x",priority="0"`, "0+60x20"},
			{"llm_d_epp_request_input_tokens_sum", `model_name="llama",target_model_name="llama",fairness_id="x",priority="0"`, "0+9000x20"},
			{"llm_d_epp_request_input_tokens_count", `model_name="llama",target_model_name="llama",fairness_id="x",priority="0"`, "0+30x20"},
			{"llm_d_epp_request_output_tokens_sum", `model_name="llama",target_model_name="llama",fairness_id="x",priority="0"`, "0+3000x20"},
			{"llm_d_epp_request_output_tokens_count", `model_name="llama",target_model_name="llama",fairness_id="x",priority="0"`, "0+30x20"},
		},
	}
}

// without leaves out the series whose text begins with one of some beginnings, such as a metric's name.
func (e exposition) without(beginnings ...string) exposition {
	return slices.DeleteFunc(slices.Clone(e), func(s exposed) bool {
		return slices.ContainsFunc(beginnings, func(b string) bool { return strings.HasPrefix(s.metric+"{"+s.labels, b) })
	})
}

// only keeps those series.
func (e exposition) only(beginnings ...string) exposition {
	var kept exposition
	for _, b := range beginnings {
		for _, s := range e {
			if strings.HasPrefix(s.metric+"{"+s.labels, b) {
				kept = append(kept, s)
			}
		}
	}
	return kept
}

// idle is the same at rest: gauges are zero, and what counts stands still.
func (e exposition) idle() exposition {
	at := slices.Clone(e)
	for i := range at {
		at[i].values = "0x20"
	}
	return at
}

// at writes the series as they are stored of a pod that is scraped on a port, with further labels.
func (e exposition) at(pod, port, further string) string {
	var b strings.Builder
	for _, s := range e {
		labels := slices.DeleteFunc([]string{s.labels, further}, func(s string) bool { return s == "" })
		fmt.Fprintf(&b, "%s{%s} %s\n", s.metric,
			strings.Join(append(labels, fmt.Sprintf("namespace=%q,pod=%q,instance=%q", "llm", pod, pod+":"+port)), ","), s.values)
	}
	return b.String()
}

// underscored is an exposition whose names have lost their colons.
func underscored(series string) string {
	return strings.NewReplacer("vllm:", "vllm_", "sglang:", "sglang_").Replace(series)
}

// expressionsOf lists the expressions of a signal by their keys.
func expressionsOf(s config.ActiveSignal) map[string]config.Expr {
	all := map[string]config.Expr{
		"demand": s.Demand, "usage": s.Usage, "queued": s.Queued, "capacity": s.Capacity.Query,
		"latency": s.Latency, "input_tokens": s.InputTokens, "output_tokens": s.OutputTokens,
		"observed_itl": s.ObservedITL, "observed_running": s.ObservedRunning,
		"observed_load": s.ObservedLoad, "observed_ttft_buckets": quantileOf(s.ObservedTTFT), "observed_itl_buckets": quantileOf(s.ObservedITLs), "observed_queue": s.ObservedQueue,
		"alive": s.Alive, "sources": s.Sources, "silent": s.Silent,
	}
	for key, e := range all {
		if e.IsZero() {
			delete(all, key)
		}
	}
	return all
}

// quantileOf is how buckets are asked for.
func quantileOf(buckets config.Expr) config.Expr {
	if buckets.IsZero() {
		return buckets
	}
	e, err := config.ParseExpr("histogram_quantile(0.95, " + buckets.String() + ") >= 0")
	if err != nil {
		panic(err) // the parser wrote it itself
	}
	return e
}

// eachSignal runs a test for every signal of the presets for servers and gateways.
func eachSignal(t *testing.T, test func(t *testing.T, preset string, s config.ActiveSignal)) {
	t.Helper()
	for name := range expositions() {
		for _, signal := range signalsOf(t, name) {
			t.Run(name+" "+signal, func(t *testing.T) { test(t, name, signalOf(t, preset(t, name, signal), signal)) })
		}
	}
}

// signalsOf lists the signals of a preset.
func signalsOf(t *testing.T, preset string) []string {
	t.Helper()
	text, err := config.PresetText(preset, config.PresetOptions{Labels: config.LabelNames{Namespace: "namespace", Variant: "llm_d_ai_variant"}})
	require.NoError(t, err)
	var p struct {
		Signals map[string]any `yaml:"signals"`
	}
	require.NoError(t, yaml.Unmarshal([]byte(text), &p))
	return slices.Sorted(maps.Keys(p.Signals))
}
