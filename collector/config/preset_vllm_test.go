package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPresetVLLMConcurrency(t *testing.T) {
	signal := signalOf(t, preset(t, "vllm", "concurrency"), "concurrency")
	llama := func(value int) []string {
		return []string{fmt.Sprintf(`{model_name="llama", namespace="llm"} %d`, value)}
	}
	for name, test := range map[string]struct {
		series         string
		demand, queued []string
	}{
		"several pods and engines": {`
			vllm:num_requests_running{namespace="llm",pod="a",engine="0",model_name="llama"} 3x2
			vllm:num_requests_running{namespace="llm",pod="a",engine="1",model_name="llama"} 4x2
			vllm:num_requests_running{namespace="llm",pod="b",engine="0",model_name="llama"} 5x2
			vllm:num_requests_waiting{namespace="llm",pod="a",engine="0",model_name="llama"} 1x2
			vllm:num_requests_waiting{namespace="llm",pod="a",engine="1",model_name="llama"} 0x2
			vllm:num_requests_waiting{namespace="llm",pod="b",engine="0",model_name="llama"} 2x2
		`, llama(12), llama(3)},
		"waiting by reason": {`
			vllm:num_requests_running{namespace="llm",pod="a",engine="0",model_name="llama"} 3x2
			vllm:num_requests_waiting{namespace="llm",pod="a",engine="0",model_name="llama"} 7x2
			vllm:num_requests_waiting_by_reason{namespace="llm",pod="a",engine="0",model_name="llama",reason="capacity"} 2x2
			vllm:num_requests_waiting_by_reason{namespace="llm",pod="a",engine="0",model_name="llama",reason="deferred"} 5x2
		`, llama(3), llama(2)},
		"old and new servers side by side": {`
			vllm:num_requests_running{namespace="llm",pod="a",engine="0",model_name="llama"} 3x2
			vllm:num_requests_waiting{namespace="llm",pod="a",engine="0",model_name="llama"} 7x2
			vllm:num_requests_waiting_by_reason{namespace="llm",pod="a",engine="0",model_name="llama",reason="capacity"} 2x2
			vllm:num_requests_running{namespace="llm",pod="b",model_name="llama"} 10x2
			vllm:num_requests_waiting{namespace="llm",pod="b",model_name="llama"} 20x2
		`, llama(13), llama(22)},
		"idle": {`
			vllm:num_requests_running{namespace="llm",pod="a",model_name="llama"} 0x2
			vllm:num_requests_waiting{namespace="llm",pod="a",model_name="llama"} 0x2
		`, llama(0), llama(0)},
		"nothing runs": {``, []string{}, []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, test.demand, evaluate(t, test.series, signal.Demand.String()))
			require.Equal(t, test.queued, evaluate(t, test.series, signal.Queued.String()))
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

// TestPresetVLLMObserved is about what replicas show of their latency, and how lengths vary.
func TestPresetVLLMObserved(t *testing.T) {
	const a, b = `namespace="llm",pod="a",engine="0",model_name="llama"`, `namespace="llm",pod="b",engine="0",model_name="llama"`
	// 30 of 40 tokens a second come within 25 ms.
	shown := func(metric, of string) string {
		return metric + `_bucket{` + of + `,le="0.025"} 0+900x20
			` + metric + `_bucket{` + of + `,le="0.05"} 0+1200x20
			` + metric + `_bucket{` + of + `,le="+Inf"} 0+1200x20
			` + metric + `_count{` + of + `} 0+1200x20
		`
	}
	const itl, ttft = "vllm:inter_token_latency_seconds", "vllm:time_to_first_token_seconds"
	runPresetCases(t, "vllm", map[string]presetCase{
		"quantile of each pod": {"latency", "observed_itl_buckets", shown(itl, a) + shown(itl, b), []string{
			`{model_name="llama", namespace="llm", pod="a"} 0.045`, `{model_name="llama", namespace="llm", pod="b"} 0.045`,
		}},
		"quantile of the first token": {"concurrency", "observed_ttft_buckets", shown(ttft, a), []string{
			`{model_name="llama", namespace="llm", pod="a"} 0.045`,
		}},
		"nothing was served": {"latency", "observed_itl_buckets", itl + `_bucket{` + a + `,le="0.025"} 0x20
			` + itl + `_bucket{` + a + `,le="+Inf"} 0x20`, nil},
		"load in requests per second": {"latency", "observed_load", shown(ttft, a), []string{`{model_name="llama", namespace="llm", pod="a"} 40`}},
		"load in requests": {"concurrency", "observed_load", `
			vllm:num_requests_running{` + a + `} 30x20
			vllm:num_requests_waiting{` + a + `} 4x20
		`, []string{`{model_name="llama", namespace="llm", pod="a"} 34`}},
		"lengths that are all alike": {"latency", "input_cv", `
			vllm:request_prompt_tokens_bucket{` + a + `,le="500"} 0x20
			vllm:request_prompt_tokens_bucket{` + a + `,le="1000"} 0+30x20
			vllm:request_prompt_tokens_bucket{` + a + `,le="+Inf"} 0+30x20
			vllm:request_prompt_tokens_sum{` + a + `} 0+15360x20
			vllm:request_prompt_tokens_count{` + a + `} 0+30x20
		`, []string{`{model_name="llama", namespace="llm"} 0`}},
		// Exponential, of mean 150: 1 is right.
		"lengths that vary as much as their mean": {"latency", "output_cv", `
			vllm:request_generation_tokens_bucket{` + a + `,le="50"} 0+283x20
			vllm:request_generation_tokens_bucket{` + a + `,le="100"} 0+487x20
			vllm:request_generation_tokens_bucket{` + a + `,le="200"} 0+736x20
			vllm:request_generation_tokens_bucket{` + a + `,le="500"} 0+964x20
			vllm:request_generation_tokens_bucket{` + a + `,le="1000"} 0+999x20
			vllm:request_generation_tokens_bucket{` + a + `,le="+Inf"} 0+1000x20
			vllm:request_generation_tokens_sum{` + a + `} 0+150000x20
			vllm:request_generation_tokens_count{` + a + `} 0+1000x20
		`, []string{`{model_name="llama", namespace="llm"} 1.0160005`}},
		"lengths without requests": {"latency", "input_cv", ``, nil},
		"lengths while nothing is served": {"latency", "input_cv", `
			vllm:request_prompt_tokens_bucket{` + a + `,le="1000"} 30x20
			vllm:request_prompt_tokens_bucket{` + a + `,le="+Inf"} 30x20
			vllm:request_prompt_tokens_sum{` + a + `} 15360x20
			vllm:request_prompt_tokens_count{` + a + `} 30x20
		`, nil},
	})
}

func TestPresetVLLMRates(t *testing.T) {
	const a, b = `{namespace="llm",pod="a",engine="0",model_name="llama"}`, `{namespace="llm",pod="b",engine="0",model_name="llama"}`
	const served = `
		vllm:request_prompt_tokens_sum` + a + ` 0+9000x20
		vllm:request_prompt_tokens_count` + a + ` 0+30x20
		vllm:request_generation_tokens_sum` + a + ` 0+3000x20
		vllm:request_generation_tokens_count` + a + ` 0+30x20
		vllm:prompt_tokens_total` + a + ` 0+9000x20
		vllm:generation_tokens_total` + a + ` 0+3000x20
	`
	llama := func(value string) []string { return []string{`{model_name="llama", namespace="llm"} ` + value} }
	runPresetCases(t, "vllm", map[string]presetCase{
		// 9000 tokens in 30 s. 12 requests of 300 tokens wait.
		"prompt tokens":                  {"prompt_tokens", "demand", served + `vllm:num_requests_waiting` + a + ` 12x20`, llama("300")},
		"prompt tokens of what waits":    {"prompt_tokens", "queued", served + `vllm:num_requests_waiting` + a + ` 12x20`, llama("3600")},
		"prompt tokens, nothing waits":   {"prompt_tokens", "queued", served + `vllm:num_requests_waiting` + a + ` 0x20`, llama("0")},
		"prompt tokens, lengths unknown": {"prompt_tokens", "queued", `vllm:num_requests_waiting` + a + ` 12x20`, nil},
		"prompt tokens, what waits waits for something else": {"prompt_tokens", "queued", served + `
			vllm:num_requests_waiting` + a + ` 12x20
			vllm:num_requests_waiting_by_reason{namespace="llm",pod="a",engine="0",model_name="llama",reason="capacity"} 2x20
			vllm:num_requests_waiting_by_reason{namespace="llm",pod="a",engine="0",model_name="llama",reason="deferred"} 10x20
		`, llama("600")},
		"prompt tokens, requests wait and none was ever served": {"prompt_tokens", "queued", `
			vllm:num_requests_waiting` + a + ` 12x20
			vllm:prompt_tokens_total` + a + ` 0x20
			vllm:request_prompt_tokens_sum` + a + ` 0x20
			vllm:request_prompt_tokens_count` + a + ` 0x20
		`, llama("0")},
		"prompt tokens, nothing runs": {"prompt_tokens", "demand", ``, nil},
		// 3000 tokens in 30 s. 12 requests of 100 tokens wait.
		"generation tokens":                {"generation_tokens", "demand", served + `vllm:num_requests_waiting` + a + ` 12x20`, llama("100")},
		"generation tokens of what waits":  {"generation_tokens", "queued", served + `vllm:num_requests_waiting` + a + ` 12x20`, llama("1200")},
		"generation tokens, nothing waits": {"generation_tokens", "queued", `vllm:num_requests_waiting` + a + ` 0x20`, llama("0")},
		// 12 requests of 300 + 100 tokens.
		"cache that what waits will need": {"kv_tokens", "queued", served + `vllm:num_requests_waiting` + a + ` 12x20`, llama("4800")},
		"cache, servers that have served nothing": {"kv_tokens", "queued", `
			vllm:num_requests_waiting` + a + ` 12x20
			vllm:request_prompt_tokens_count` + a + ` 0x20
		`, llama("0")},
		"cache, lengths are not known": {"kv_tokens", "queued", `vllm:num_requests_waiting` + a + ` 12x20`, nil},
		"cache, nothing waits":         {"kv_tokens", "queued", `vllm:num_requests_waiting` + a + ` 0x20`, llama("0")},
		"cache, served some time ago": {"kv_tokens", "queued", `
			vllm:num_requests_waiting` + a + ` 12x60
			vllm:request_prompt_tokens_sum` + a + ` 9000x60
			vllm:request_prompt_tokens_count` + a + ` 30x60
			vllm:request_generation_tokens_sum` + a + ` 3000x60
			vllm:request_generation_tokens_count` + a + ` 30x60
		`, llama("4800")},
		"cache, and no server to say": {"kv_tokens", "queued", served, nil},
		"arrivals are what leaves, when even": {"latency", "latency", `
			vllm:request_success_total{namespace="llm",pod="a",engine="0",model_name="llama",finished_reason="stop"} 0+60x20
			vllm:request_success_total{namespace="llm",pod="a",engine="0",model_name="llama",finished_reason="length"} 0+30x20
			vllm:num_requests_running` + a + ` 8x20
			vllm:num_requests_waiting` + a + ` 0x20
		`, llama("3")},
		"arrivals while a queue of 400 has grown by two in three seconds": {"latency", "latency", `
			vllm:request_success_total` + a + ` 0+90x20
			vllm:num_requests_running` + a + ` 8x20
			vllm:num_requests_waiting` + a + ` 0+20x20
		`, llama("5")},
		"arrivals while a queue empties are what leaves": {"latency", "latency", `
			vllm:request_success_total` + a + ` 0+90x20
			vllm:num_requests_running` + a + ` 8x20
			vllm:num_requests_waiting` + a + ` 400-20x20
		`, llama("3")},
		"the simulator, before its first request": {"latency", "latency", `
			vllm:num_requests_running{namespace="llm",pod="a",model_name="llama"} 0x20
			vllm:num_requests_waiting{namespace="llm",pod="a",model_name="llama"} 0x20
		`, llama("0")},
		"no counter of requests, though some run": {"latency", "latency", `
			vllm:num_requests_running` + a + ` 0+3x20
			vllm:num_requests_waiting` + a + ` 0x20
			vllm:prompt_tokens_total` + a + ` 0+9000x20
		`, nil},
		// Of eight requests a second six and a half are given up, after their first token. The queue is full.
		"clients give up": {"latency", "latency", `
			vllm:request_success_total` + a + ` 0+45x20
			vllm:time_to_first_token_seconds_count` + a + ` 0+240x20
			vllm:num_requests_running` + a + ` 64x20
			vllm:num_requests_waiting` + a + ` 300x20
		`, llama("9")},
		"first tokens, and no counter of what is completed": {"latency", "latency", `
			vllm:time_to_first_token_seconds_count` + a + ` 0+60x20
			vllm:num_requests_running` + a + ` 8x20
			vllm:num_requests_waiting` + a + ` 0x20
		`, llama("2")},
		"the simulator's name of the reason": {"latency", "latency", `
			vllm:request_success_total{namespace="llm",pod="a",model_name="llama",finish_reason="stop"} 0+60x20
			vllm:num_requests_running{namespace="llm",pod="a",model_name="llama"} 8x20
			vllm:num_requests_waiting{namespace="llm",pod="a",model_name="llama"} 0x20
		`, llama("2")},
		"a server restarts: its counter and its gauge fall": {"latency", "latency", `
			vllm:request_success_total` + a + ` 0+60x18 60+60x1
			vllm:num_requests_running` + a + ` 50x18 0x1
			vllm:num_requests_waiting` + a + ` 0x20
		`, llama("2")},
		// Pod b takes over what pod a gives up: what there is in the system stays the same, or falls.
		"load moves from a pod that drains and goes to one that comes": {"latency", "latency", `
			vllm:request_success_total` + a + ` 0+60x19 stale
			vllm:num_requests_running` + a + ` 40x17 20 0 stale
			vllm:num_requests_waiting` + a + ` 0x19 stale
			vllm:request_success_total` + b + ` 0+60x20
			vllm:num_requests_running` + b + ` 40x17 60 80 80
			vllm:num_requests_waiting` + b + ` 0x20
		`, llama("4")},
		"idle": {"latency", "latency", `
			vllm:request_success_total` + a + ` 700x20
			vllm:num_requests_running` + a + ` 0x20
			vllm:num_requests_waiting` + a + ` 0x20
		`, llama("0")},
		"nothing runs": {"latency", "latency", ``, nil},
		"mean prompt":  {"latency", "input_tokens", served, llama("300")},
		"mean answer":  {"latency", "output_tokens", served, llama("100")},
		"no request ever done": {"latency", "output_tokens", `
			vllm:request_generation_tokens_sum` + a + ` 0x20
			vllm:request_generation_tokens_count` + a + ` 0x20
		`, nil},
	})
}

func TestPresetVLLMLatencies(t *testing.T) {
	// Ten requests, all between 0.5 and 1 s in pod a, so that nine of ten took at most 0.95 s; between 0 and 0.5 s in pod b: 0.45 s.
	histogram := func(name string) string {
		var series strings.Builder
		for pod, least := range map[string]string{"a": "0x20", "b": "0+10x20"} {
			for le, values := range map[string]string{"0.5": least, "1.0": "0+10x20", "+Inf": "0+10x20"} {
				fmt.Fprintf(&series, "%s_bucket{namespace=%q,pod=%q,engine=\"0\",model_name=%q,le=%q} %s\n", name, "llm", pod, "llama", le, values)
			}
		}
		return series.String()
	}
	const idle = `
		vllm:num_requests_running{namespace="llm",pod="a",model_name="llama"} 1x20
		vllm:num_requests_running{namespace="llm",pod="b",model_name="llama"} 1x20
		vllm:num_requests_running{namespace="llm",pod="idle",model_name="llama"} 0x20
		vllm:time_to_first_token_seconds_bucket{namespace="llm",pod="idle",model_name="llama",le="0.5"} 7x20
		vllm:time_to_first_token_seconds_bucket{namespace="llm",pod="idle",model_name="llama",le="+Inf"} 7x20
	`
	llama := func(value string) []string { return []string{`{model_name="llama", namespace="llm"} ` + value} }
	runPresetCases(t, "vllm", map[string]presetCase{
		"ttft over the pods, one idle":   {"ttft", "demand", histogram("vllm:time_to_first_token_seconds") + idle, llama("1.4")},
		"ttft while all are idle":        {"ttft", "demand", idle, llama("0")},
		"ttft, nothing runs":             {"ttft", "demand", ``, nil},
		"itl":                            {"itl", "demand", histogram("vllm:inter_token_latency_seconds") + idle, llama("1.4")},
		"itl under its name before 0.11": {"itl", "demand", histogram("vllm:time_per_output_token_seconds") + idle, llama("1.4")},
		"itl under both names, once":     {"itl", "demand", histogram("vllm:inter_token_latency_seconds") + histogram("vllm:time_per_output_token_seconds") + idle, llama("1.4")},
	})
}
