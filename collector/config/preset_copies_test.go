package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/storage"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// TestPresetsCountCopiesOnce holds that no expression of a preset changes when the series of one process are stored several times,
// or under the other spelling of their names.
func TestPresetsCountCopiesOnce(t *testing.T) {
	eachSignal(t, func(t *testing.T, preset string, s config.ActiveSignal) {
		e := expositions()[preset]
		once := e.at("a", "8000", "") + e.at("b", "8000", "")
		single, several := loaded(t, once), map[string]storage.Queryable{}
		for name, copies := range map[string]string{
			"through two services":               e.at("a", "8000", `service="x"`) + e.at("a", "8000", `service="x-headless"`) + e.at("b", "8000", `service="x"`),
			"through two monitors":               e.at("a", "8000", `job="x",endpoint="http"`) + e.at("a", "8000", `job="y",container="server"`) + e.at("b", "8000", ""),
			"by a pair of Prometheus":            e.at("a", "8000", `prometheus_replica="0"`) + e.at("a", "8000", `prometheus_replica="1"`) + e.at("b", "8000", ""),
			"under the other spelling":           underscored(once),
			"under both spellings":               once + underscored(once),
			"under both spellings and rewritten": once + underscored(e.at("a", "8000", `otel_scope_name="x"`)+e.at("b", "8000", `otel_scope_name="x"`)),
		} {
			several[name] = loaded(t, copies)
		}
		for key, expr := range expressionsOf(s) {
			if key == "silent" {
				continue // It has a test of its own.
			}
			want := evaluateIn(t, 10*time.Minute, single, expr.String())
			require.NotEmpty(t, want, key)
			for name, copies := range several {
				require.ElementsMatch(t, want, evaluateIn(t, 10*time.Minute, copies, expr.String()), "%s of %s", key, name)
			}
		}
	})
}

// TestPresetsAddServers holds that two ports of a pod are two servers, and two pods two.
func TestPresetsAddServers(t *testing.T) {
	for name, e := range expositions() {
		demand := signalOf(t, preset(t, name, "concurrency"), "concurrency").Demand.String()
		total := func(series string) float64 {
			var sum float64
			for _, line := range evaluateAt(t, 10*time.Minute, series, demand) {
				sum += number(t, line[strings.LastIndex(line, " ")+1:])
			}
			return sum
		}
		one := total(e.at("a", "8000", ""))
		require.Positive(t, one, name)
		require.InDelta(t, 2*one, total(e.at("a", "8000", "")+e.at("a", "8001", "")), 1e-9, "%s, two ports", name)
		require.InDelta(t, 2*one, total(e.at("a", "8000", "")+e.at("b", "8000", "")), 1e-9, "%s, two pods", name)
	}
}

func TestPresetVLLMEngines(t *testing.T) {
	const pod = `namespace="llm",pod="a",instance="a:8000",model_name="llama"`
	const info = `vllm:cache_config_info{namespace="llm",pod="a",instance="a:8000",block_size="4",num_gpu_blocks="20377",`
	usage := func(value string) []string {
		return []string{`{model_name="llama", namespace="llm", pod="a"} ` + value}
	}
	runPresetCases(t, "vllm", map[string]presetCase{
		// Only one process of the API server is told of the cache.
		"one cache, seen by several processes": {"kv_tokens", "usage", `
			vllm:kv_cache_usage_perc{` + pod + `,engine="0",pid="71"} 0x20
			vllm:kv_cache_usage_perc{` + pod + `,engine="0",pid="72"} 0.75x20
			vllm:kv_cache_usage_perc{` + pod + `,engine="0",pid="73"} 0x20
		`, usage("0.75")},
		"two caches, one full": {"kv_tokens", "usage", `
			vllm:kv_cache_usage_perc{` + pod + `,engine="0"} 0.75x20
			vllm:kv_cache_usage_perc{` + pod + `,engine="1"} 0.25x20
		`, usage("0.5")},
		"size of the cache, said by the server": {
			"kv_tokens", "capacity", info + `engine="0",kv_cache_size_tokens="1179770"} 1x20`,
			[]string{`{block_size="1", namespace="llm", num_gpu_blocks="1179770", pod="a"} 1`},
		},
		"size of the cache, not a number": {
			"kv_tokens", "capacity", info + `engine="0",kv_cache_size_tokens="None"} 1x20`,
			[]string{`{block_size="4", namespace="llm", num_gpu_blocks="20377", pod="a"} 1`},
		},
		"size of the cache, zero": {
			"kv_tokens", "capacity", info + `engine="0",kv_cache_size_tokens="0"} 1x20`,
			[]string{`{block_size="4", namespace="llm", num_gpu_blocks="20377", pod="a"} 1`},
		},
		"sizes of two caches, scraped twice": {
			"kv_tokens", "capacity",
			info + `engine="0",kv_cache_size_tokens="500",job="x"} 1x20` + "\n" + info + `engine="0",kv_cache_size_tokens="500",job="y"} 1x20` + "\n" +
				info + `engine="1",kv_cache_size_tokens="500",job="x"} 1x20` + "\n" + info + `engine="1",kv_cache_size_tokens="500",job="y"} 1x20`,
			[]string{`{block_size="1", namespace="llm", num_gpu_blocks="500", pod="a"} 2`},
		},
		"blocks that are no number stay so": {
			"kv_tokens", "capacity",
			`vllm:cache_config_info{namespace="llm",pod="a",engine="0",block_size="16",num_gpu_blocks="None"} 1x20`,
			[]string{`{block_size="16", namespace="llm", num_gpu_blocks="None", pod="a"} 1`},
		},
	})
}

func TestPresetSGLangRanks(t *testing.T) {
	const pod = `namespace="llm",pod="a",instance="a:30000",model_name="llama"`
	var cp strings.Builder
	for _, rank := range []string{"0", "1", "2", "3"} {
		cp.WriteString(`sglang:num_running_reqs{` + pod + `,tp_rank="` + rank + `",moe_ep_rank="0",pp_rank="0"} 60x20` + "\n")
		cp.WriteString(`sglang:num_queue_reqs{` + pod + `,tp_rank="` + rank + `",moe_ep_rank="0",pp_rank="0"} 10x20` + "\n")
	}
	const router = `
		sglang_num_running_reqs{namespace="llm",pod="router",instance="router:3001",model_name="llama",worker_addr="http://a:30000",tp_rank="0"} 60x20
		sglang_num_queue_reqs{namespace="llm",pod="router",instance="router:3001",model_name="llama",worker_addr="http://a:30000",tp_rank="0"} 10x20
	`
	one := func(value string) []string { return []string{`{model_name="llama", namespace="llm"} ` + value} }
	runPresetCases(t, "sglang", map[string]presetCase{
		"context-parallel ranks say the same":              {"concurrency", "demand", cp.String(), one("60")},
		"context-parallel ranks say the same of the queue": {"concurrency", "queued", cp.String(), one("10")},
		"the router repeats the queues of its workers":     {"concurrency", "queued", cp.String() + router, one("10")},
		"the router repeats its workers":                   {"concurrency", "demand", cp.String() + router, one("60")},
		"the router is no source":                          {"concurrency", "sources", cp.String() + router, []string{`{model_name="llama", namespace="llm", pod="a"} 1`}},
	})
}
