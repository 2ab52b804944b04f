package config_test

import "testing"

func TestPresetSGLang(t *testing.T) {
	const llama = `namespace="llm",model_name="llama",engine_type="unified"`
	const a0, a1 = `{` + llama + `,pod="a",instance="a:30000",tp_rank="0"}`, `{` + llama + `,pod="a",instance="a:30000",tp_rank="1"}`
	one := func(value string) []string { return []string{`{model_name="llama", namespace="llm"} ` + value} }
	// 30 requests in 30 s, of 300 and 100 tokens.
	const served = `
		sglang:num_requests_total{` + llama + `,pod="a",instance="a:30000",is_streaming="true"} 0+20x20
		sglang:num_requests_total{` + llama + `,pod="a",instance="a:30000",is_streaming="false"} 0+10x20
		sglang:prompt_tokens_total{` + llama + `,pod="a",instance="a:30000",is_streaming="true"} 0+6000x20
		sglang:prompt_tokens_total{` + llama + `,pod="a",instance="a:30000",is_streaming="false"} 0+3000x20
		sglang:generation_tokens_total{` + llama + `,pod="a",instance="a:30000",is_streaming="true"} 0+2000x20
		sglang:generation_tokens_total{` + llama + `,pod="a",instance="a:30000",is_streaming="false"} 0+1000x20
	`
	const ranks = `
		sglang:num_running_reqs` + a0 + ` 5x20
		sglang:num_running_reqs` + a1 + ` 5x20
		sglang:num_queue_reqs` + a0 + ` 2x20
		sglang:num_queue_reqs` + a1 + ` 2x20
	`
	const parallel = `
		sglang:num_running_reqs{` + llama + `,pod="a",instance="a:30000",dp_rank="0",tp_rank="0"} 5x20
		sglang:num_running_reqs{` + llama + `,pod="a",instance="a:30000",dp_rank="1",tp_rank="1"} 6x20
		sglang:num_running_reqs{` + llama + `,pod="b",instance="b:30000",dp_rank="0",tp_rank="0"} 7x20
		sglang:num_queue_reqs{` + llama + `,pod="a",instance="a:30000",dp_rank="0",tp_rank="0"} 0x20
		sglang:num_queue_reqs{` + llama + `,pod="a",instance="a:30000",dp_rank="1",tp_rank="1"} 0x20
		sglang:num_queue_reqs{` + llama + `,pod="b",instance="b:30000",dp_rank="0",tp_rank="0"} 1x20
	`
	const priorities = `
		sglang:num_running_reqs` + a0 + ` 5x20
		sglang:num_running_reqs{` + llama + `,pod="a",instance="a:30000",tp_rank="0",priority="0"} 2x20
		sglang:num_running_reqs{` + llama + `,pod="a",instance="a:30000",tp_rank="0",priority="1"} 3x20
		sglang:num_queue_reqs` + a0 + ` 4x20
		sglang:num_queue_reqs{` + llama + `,pod="a",instance="a:30000",tp_rank="0",priority="1"} 4x20
	`
	runPresetCases(t, "sglang", map[string]presetCase{
		"every rank exposes the same":                         {"concurrency", "demand", ranks, one("5")},
		"every rank exposes the same, what waits":             {"concurrency", "queued", ranks, one("2")},
		"data-parallel ranks and pods are summed":             {"concurrency", "demand", parallel, one("18")},
		"data-parallel ranks and pods are summed, what waits": {"concurrency", "queued", parallel, one("1")},
		"priorities beside their total":                       {"concurrency", "demand", priorities, one("5")},
		"priorities beside their total, what waits":           {"concurrency", "queued", priorities, one("4")},
		"nothing runs": {"concurrency", "demand", ``, nil},
		"usage of a pod is the mean of its data-parallel ranks": {"kv_tokens", "usage", `
			sglang:token_usage{` + llama + `,pod="a",instance="a:30000",dp_rank="0",tp_rank="0"} 0.5x20
			sglang:token_usage{` + llama + `,pod="a",instance="a:30000",dp_rank="0",tp_rank="1"} 0.5x20
			sglang:token_usage{` + llama + `,pod="a",instance="a:30000",dp_rank="1",tp_rank="2"} 0.75x20
			sglang:token_usage{` + llama + `,pod="new",instance="new:30000",tp_rank="0"}  _x19 NaN
		`, []string{`{model_name="llama", namespace="llm", pod="a"} 0.625`}},
		"capacity of a pod is the sum of its data-parallel ranks": {"kv_tokens", "capacity", `
			sglang:max_total_num_tokens{` + llama + `,pod="a",instance="a:30000",dp_rank="0",tp_rank="0",llm_d_ai_variant="h100"} 400000x20
			sglang:max_total_num_tokens{` + llama + `,pod="a",instance="a:30000",dp_rank="0",tp_rank="1",llm_d_ai_variant="h100"} 400000x20
			sglang:max_total_num_tokens{` + llama + `,pod="a",instance="a:30000",dp_rank="1",tp_rank="2",llm_d_ai_variant="h100"} 300000x20
		`, []string{`{llm_d_ai_variant="h100", namespace="llm", pod="a"} 700000`}},
		// 12 requests of 300 + 100 tokens.
		"cache that what waits will need": {"kv_tokens", "queued", served + `sglang:num_queue_reqs` + a0 + ` 12x20`, one("4800")},
		"cache, lengths are not known":    {"kv_tokens", "queued", `sglang:num_queue_reqs` + a0 + ` 12x20`, nil},
		"cache, nothing waits":            {"kv_tokens", "queued", `sglang:num_queue_reqs` + a0 + ` 0x20`, one("0")},
		// 9000 and 3000 tokens in 30 s. 12 requests of 300 and 100 tokens wait.
		"prompt tokens":                   {"prompt_tokens", "demand", served + `sglang:num_queue_reqs` + a0 + ` 12x20`, one("300")},
		"prompt tokens of what waits":     {"prompt_tokens", "queued", served + `sglang:num_queue_reqs` + a0 + ` 12x20`, one("3600")},
		"generation tokens":               {"generation_tokens", "demand", served + `sglang:num_queue_reqs` + a0 + ` 12x20`, one("100")},
		"generation tokens of what waits": {"generation_tokens", "queued", served + `sglang:num_queue_reqs` + a0 + ` 12x20`, one("1200")},
		"tokens, nothing waits":           {"prompt_tokens", "queued", `sglang:num_queue_reqs` + a0 + ` 0x20`, one("0")},
		"tokens, lengths are not known":   {"generation_tokens", "queued", `sglang:num_queue_reqs` + a0 + ` 12x20`, nil},
		"arrivals while the queue grows, seen by two ranks": {"latency", "latency", served + `
			sglang:num_running_reqs` + a0 + ` 8x20
			sglang:num_running_reqs` + a1 + ` 8x20
			sglang:num_queue_reqs` + a0 + ` 0+15x20
			sglang:num_queue_reqs` + a1 + ` 0+15x20
		`, one("2.5")},
		"arrivals before the first request": {"latency", "latency", `
			sglang:num_running_reqs` + a0 + ` 0x20
			sglang:num_queue_reqs` + a0 + ` 0x20
		`, one("0")},
		"no counter of requests, though some run": {"latency", "latency", `
			sglang:num_running_reqs` + a0 + ` 0+3x20
			sglang:num_queue_reqs` + a0 + ` 0x20
		`, nil},
		"clients give up": {"latency", "latency", `
			sglang:num_requests_total{` + llama + `,pod="a",instance="a:30000",is_streaming="true"} 0+45x20
			sglang:time_to_first_token_seconds_count{` + llama + `,pod="a",instance="a:30000",is_streaming="true"} 0+240x20
			sglang:num_running_reqs` + a0 + ` 64x20
			sglang:num_queue_reqs` + a0 + ` 300x20
		`, one("9")},
		"mean prompt": {"latency", "input_tokens", served, one("300")},
		"mean answer": {"latency", "output_tokens", served, one("100")},
		"time between tokens shown": {"latency", "observed_itl", `
			sglang:inter_token_latency_seconds_sum{` + llama + `,pod="a",instance="a:30000"} 0+6x20
			sglang:inter_token_latency_seconds_count{` + llama + `,pod="a",instance="a:30000"} 0+300x20
			sglang:inter_token_latency_seconds_sum{` + llama + `,pod="idle",instance="b:30000"} 6x20
			sglang:inter_token_latency_seconds_count{` + llama + `,pod="idle",instance="b:30000"} 300x20
		`, []string{`{model_name="llama", namespace="llm", pod="a"} 0.02`}},
		"at how many requests": {"latency", "observed_running", `
			sglang:num_running_reqs` + a0 + ` 8x20
			sglang:num_running_reqs` + a1 + ` 8x20
		`, []string{`{model_name="llama", namespace="llm", pod="a"} 8`}},
		"ttft leaves out what is not streamed": {"ttft", "demand", `
			sglang:time_to_first_token_seconds_bucket{` + llama + `,pod="a",is_streaming="true",le="0.5"} 0+10x20
			sglang:time_to_first_token_seconds_bucket{` + llama + `,pod="a",is_streaming="true",le="+Inf"} 0+10x20
			sglang:time_to_first_token_seconds_bucket{` + llama + `,pod="a",is_streaming="false",le="0.5"} 0x20
			sglang:time_to_first_token_seconds_bucket{` + llama + `,pod="a",is_streaming="false",le="+Inf"} 0+90x20
			sglang:num_running_reqs` + a0 + ` 8x20
			sglang:num_running_reqs{` + llama + `,pod="idle",tp_rank="0"} 0x20
			sglang:num_queue_reqs{` + llama + `,pod="idle",tp_rank="0"} 0x20
		`, one("0.45")},
		"ttft while nothing is streamed": {"ttft", "demand", `
			sglang:time_to_first_token_seconds_bucket{` + llama + `,pod="a",is_streaming="false",le="0.5"} 0x20
			sglang:time_to_first_token_seconds_bucket{` + llama + `,pod="a",is_streaming="false",le="+Inf"} 0+90x20
		`, one("0")},
		"itl of a version that does not tell what is streamed": {"itl", "demand", `
			sglang:inter_token_latency_seconds_bucket{` + llama + `,pod="a",le="0.05"} 0+10x20
			sglang:inter_token_latency_seconds_bucket{` + llama + `,pod="a",le="+Inf"} 0+10x20
		`, one("0.045")},
	})
}

func TestPresetTRTLLM(t *testing.T) {
	const undefined = `namespace="llm",model_name="undefined",engine_type="undefined"`
	const a, b = `{` + undefined + `,pod="a"}`, `{` + undefined + `,pod="b",llm_d_ai_variant="h100"}`
	const served = `
		trtllm_request_success_total{` + undefined + `,pod="a",finished_reason="stop"} 0+20x20
		trtllm_request_success_total{` + undefined + `,pod="a",finished_reason="length"} 0+10x20
		trtllm_prompt_tokens_total` + a + ` 0+9000x20
		trtllm_generation_tokens_total` + a + ` 0+3000x20
	`
	one := func(value string) []string { return []string{`{namespace="llm", pod="a"} ` + value} }
	const pods = `
		trtllm_num_requests_running` + a + ` 5x20
		trtllm_num_requests_waiting` + a + ` 2x20
		trtllm_num_requests_running` + b + ` 6x20
		trtllm_num_requests_waiting` + b + ` 0x20
	`
	runPresetCases(t, "trtllm", map[string]presetCase{
		"by pod and variant, as there is no model's name":             {"concurrency", "demand", pods, []string{`{namespace="llm", pod="a"} 5`, `{llm_d_ai_variant="h100", namespace="llm", pod="b"} 6`}},
		"by pod and variant, as there is no model's name, what waits": {"concurrency", "queued", pods, []string{`{namespace="llm", pod="a"} 2`, `{llm_d_ai_variant="h100", namespace="llm", pod="b"} 0`}},
		"1.1.0rc5, which has no such gauges":                          {"concurrency", "demand", served, nil},
		"usage": {"kv_tokens", "usage", `
			trtllm_kv_cache_utilization` + a + ` 0.25x20
			trtllm_kv_cache_utilization` + b + `  _x19 NaN
		`, one("0.25")},
		"capacity": {"kv_tokens", "capacity", `
			trtllm_kv_cache_max_blocks` + a + ` 10000x20
			trtllm_kv_cache_tokens_per_block` + a + ` 32x20
		`, one("320000")},
		"cache that what waits will need": {"kv_tokens", "queued", served + `trtllm_num_requests_waiting` + a + ` 12x20`, one("4800")},
		"cache, lengths are not known":    {"kv_tokens", "queued", `trtllm_num_requests_waiting` + a + ` 12x20`, nil},
		"cache, nothing waits":            {"kv_tokens", "queued", `trtllm_num_requests_waiting` + a + ` 0x20`, one("0")},
		"arrivals while the queue grows": {"latency", "latency", served + `
			trtllm_num_requests_running` + a + ` 8x20
			trtllm_num_requests_waiting` + a + ` 0+15x20
		`, one("2.5")},
		"clients give up": {"latency", "latency", `
			trtllm_request_success_total{` + undefined + `,pod="a",finished_reason="stop"} 0+45x20
			trtllm_time_to_first_token_seconds_count` + a + ` 0+240x20
			trtllm_num_requests_running` + a + ` 64x20
			trtllm_num_requests_waiting` + a + ` 300x20
		`, one("9")},
		"arrivals are never below zero": {"latency", "latency", `
			trtllm_request_success_total{` + undefined + `,pod="a",finished_reason="stop"} 3x20
			trtllm_num_requests_running` + a + ` 800-30x20
			trtllm_num_requests_waiting` + a + ` 0x20
		`, one("0")},
		"mean prompt": {"latency", "input_tokens", served, one("300")},
		"mean answer": {"latency", "output_tokens", served, one("100")},
		"time per token shown": {"latency", "observed_itl", `
			trtllm_time_per_output_token_seconds_sum` + a + ` 0+6x20
			trtllm_time_per_output_token_seconds_count` + a + ` 0+300x20
		`, one("0.02")},
		"at how many requests": {"latency", "observed_running", `trtllm_num_requests_running` + a + ` 8x20`, one("8")},
		"ttft, one pod idle": {"ttft", "demand", `
			trtllm_time_to_first_token_seconds_bucket{` + undefined + `,pod="a",le="0.5"} 0+10x20
			trtllm_time_to_first_token_seconds_bucket{` + undefined + `,pod="a",le="+Inf"} 0+10x20
			trtllm_num_requests_running` + a + ` 5x20
			trtllm_num_requests_running` + b + ` 0x20
			trtllm_num_requests_waiting` + b + ` 0x20
		`, []string{`{namespace="llm", pod="a"} 0.45`, `{llm_d_ai_variant="h100", namespace="llm", pod="b"} 0`}},
		"itl": {"itl", "demand", `
			trtllm_time_per_output_token_seconds_bucket{` + undefined + `,pod="a",le="0.05"} 0+10x20
			trtllm_time_per_output_token_seconds_bucket{` + undefined + `,pod="a",le="+Inf"} 0+10x20
		`, one("0.045")},
	})
}

func TestPresetTriton(t *testing.T) {
	const backend = `namespace="llm",pod="a",model="tensorrt_llm",version="1"`
	one := func(value string) []string { return []string{`{namespace="llm", pod="a"} ` + value} }
	const requests = `
		nv_trt_llm_request_metrics{` + backend + `,request_type="waiting"} 2x20
		nv_trt_llm_request_metrics{` + backend + `,request_type="scheduled"} 5x20
		nv_trt_llm_request_metrics{` + backend + `,request_type="active"} 7x20
		nv_trt_llm_request_metrics{` + backend + `,request_type="context"} 1x20
		nv_trt_llm_request_metrics{` + backend + `,request_type="max"} 256x20
		nv_inference_exec_count{` + backend + `} 0+100x20
	`
	runPresetCases(t, "triton", map[string]presetCase{
		"waiting and scheduled, not what else there is":             {"concurrency", "demand", requests, one("5")},
		"waiting and scheduled, not what else there is, what waits": {"concurrency", "queued", requests, one("2")},
		"another backend": {"concurrency", "demand", `nv_inference_pending_request_count{namespace="llm",pod="a",model="bert",version="1"} 3x20`, nil},
		"usage": {"kv_tokens", "usage", `
			nv_trt_llm_kv_cache_block_metrics{` + backend + `,kv_cache_block_type="fraction"} 0.25x20
			nv_trt_llm_kv_cache_block_metrics{` + backend + `,kv_cache_block_type="used"} 2500x20
		`, one("0.25")},
		"capacity": {"kv_tokens", "capacity", `
			nv_trt_llm_kv_cache_block_metrics{` + backend + `,kv_cache_block_type="max"} 10000x20
			nv_trt_llm_kv_cache_block_metrics{` + backend + `,kv_cache_block_type="tokens_per"} 64x20
			nv_trt_llm_kv_cache_block_metrics{` + backend + `,kv_cache_block_type="free"} 7500x20
		`, one("640000")},
	})
}

func TestPresetTGI(t *testing.T) {
	const a = `{namespace="llm",pod="a"}`
	const served = `
		tgi_request_success` + a + ` 0+30x20
		tgi_request_input_length_sum` + a + ` 0+9000x20
		tgi_request_input_length_count` + a + ` 0+30x20
		tgi_request_generated_tokens_sum` + a + ` 0+3000x20
		tgi_request_generated_tokens_count` + a + ` 0+30x20
	`
	one := func(value string) []string { return []string{`{namespace="llm", pod="a"} ` + value} }
	const pods = `
		tgi_batch_current_size` + a + ` 5x20
		tgi_queue_size` + a + ` 2x20
		tgi_batch_current_size{namespace="llm",pod="b"} 1x20
		tgi_queue_size{namespace="llm",pod="b"} 0x20
	`
	runPresetCases(t, "tgi", map[string]presetCase{
		"by pod, as there is no model's name":             {"concurrency", "demand", pods, []string{`{namespace="llm", pod="a"} 5`, `{namespace="llm", pod="b"} 1`}},
		"by pod, as there is no model's name, what waits": {"concurrency", "queued", pods, []string{`{namespace="llm", pod="a"} 2`, `{namespace="llm", pod="b"} 0`}},
		// 20000 tokens, and 12 requests of 300 + 100.
		"tokens of the batch and of what waits": {"kv_tokens", "demand", served + `
			tgi_batch_current_max_tokens` + a + ` 20000x20
			tgi_queue_size` + a + ` 12x20
		`, one("24800")},
		"tokens, lengths of what waits are not known": {"kv_tokens", "demand", `
			tgi_batch_current_max_tokens` + a + ` 20000x20
			tgi_queue_size` + a + ` 12x20
		`, nil},
		"tokens, nothing waits": {"kv_tokens", "demand", `
			tgi_batch_current_max_tokens` + a + ` 20000x20
			tgi_queue_size` + a + ` 0x20
		`, one("20000")},
		"arrivals, of which calls that generate nothing are none": {"latency", "latency", served + `
			tgi_request_count` + a + ` 0+300x20
			tgi_batch_current_size` + a + ` 8x20
			tgi_queue_size` + a + ` 0+15x20
		`, one("2.5")},
		"mean prompt": {"latency", "input_tokens", served, one("300")},
		"mean answer": {"latency", "output_tokens", served, one("100")},
		"time per token shown": {"latency", "observed_itl", `
			tgi_request_mean_time_per_token_duration_sum` + a + ` 0+6x20
			tgi_request_mean_time_per_token_duration_count` + a + ` 0+300x20
		`, one("0.02")},
		"at how many requests": {"latency", "observed_running", `tgi_batch_current_size` + a + ` 8x20`, one("8")},
		"itl, one pod idle": {"itl", "demand", `
			tgi_request_mean_time_per_token_duration_bucket{namespace="llm",pod="a",le="0.05"} 0+10x20
			tgi_request_mean_time_per_token_duration_bucket{namespace="llm",pod="a",le="+Inf"} 0+10x20
			tgi_batch_current_size` + a + ` 5x20
			tgi_batch_current_size{namespace="llm",pod="b"} 0x20
			tgi_queue_size{namespace="llm",pod="b"} 0x20
		`, []string{`{namespace="llm", pod="a"} 0.045`, `{namespace="llm", pod="b"} 0`}},
	})
}
