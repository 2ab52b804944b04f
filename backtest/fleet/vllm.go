package fleet

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// VLLM returns what a pod serves: the series of vLLM's v1 engine.
func VLLM(p PodStatus) prometheus.Collector {
	e := &exposition{labels: prometheus.Labels{"model_name": p.Model, "engine": "0"}}
	e.gauge("vllm:num_requests_running", "Number of requests in model execution batches.", float64(p.Running))
	e.gauge("vllm:num_requests_waiting", "Number of requests waiting to be processed.", float64(p.Waiting))
	const byReason = "vllm:num_requests_waiting_by_reason"
	const byReasonHelp = "Number of waiting requests by the reason that they wait for."
	e.add(byReason, byReasonHelp, prometheus.GaugeValue, float64(p.Waiting), e.with("reason", "capacity"))
	e.add(byReason, byReasonHelp, prometheus.GaugeValue, 0, e.with("reason", "deferred"))
	e.gauge("vllm:kv_cache_usage_perc", "KV-cache usage. 1 means 100 percent usage.", p.KVCacheUsage)
	e.add("vllm:cache_config_info", "Information of the LLMEngine CacheConfig", prometheus.GaugeValue, 1, cacheConfig(p))
	e.serverMetrics(p.Metrics)
	return e
}

// cacheConfig are the labels of vllm:cache_config_info, which has no model_name.
func cacheConfig(p PodStatus) prometheus.Labels {
	return prometheus.Labels{
		"block_size":              strconv.Itoa(p.BlockSize),
		"cache_dtype":             "auto",
		"enable_prefix_caching":   "True",
		"engine":                  "0",
		"gpu_memory_utilization":  "0.9",
		"num_cpu_blocks":          "None",
		"num_gpu_blocks":          strconv.Itoa(p.Blocks),
		"num_gpu_blocks_override": "None",
		"sliding_window":          "None",
	}
}

func (e *exposition) serverMetrics(m ServerMetrics) {
	e.counter("vllm:prompt_tokens_total", "Number of prefill tokens processed.", m.PromptTokens)
	e.counter("vllm:generation_tokens_total", "Number of generation tokens processed.", m.GenerationTokens)
	e.counter("vllm:prefix_cache_queries_total", "Prefix cache queries, in terms of number of queried tokens.", m.PrefixCacheQueries)
	e.counter("vllm:prefix_cache_hits_total", "Prefix cache hits, in terms of number of cached tokens.", 0)
	e.counter("vllm:num_preemptions_total", "Cumulative number of preemption from the engine.", 0)

	// vLLM has a series for every reason from the start.
	finished := map[string]float64{"stop": m.FinishedStop, "length": m.FinishedLength, "abort": 0, "error": 0, "repetition": 0}
	for reason, count := range finished {
		e.add("vllm:request_success_total", "Count of successfully processed requests.", prometheus.CounterValue, count,
			e.with("finished_reason", reason))
	}

	e.histogram("vllm:time_to_first_token_seconds", "Histogram of time to first token in seconds.", m.TimeToFirstToken)
	e.histogram("vllm:inter_token_latency_seconds", "Histogram of inter-token latency in seconds.", m.InterTokenLatency)
	e.histogram("vllm:e2e_request_latency_seconds", "Histogram of e2e request latency in seconds.", m.EndToEndLatency)
	e.histogram("vllm:request_prompt_tokens", "Number of prefill tokens processed.", m.RequestPromptTokens)
	e.histogram("vllm:request_generation_tokens", "Number of generation tokens processed.", m.RequestGenerationTokens)
}
