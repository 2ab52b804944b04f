package config_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/internal/long"
)

// droppable lists what a relabelling may drop of an exposition: each metric, and the series of one metric that parts are told apart by.
func droppable(e exposition) []string {
	dropped := map[string]bool{}
	for _, s := range e {
		dropped[s.metric+"{"] = true
		if strings.HasPrefix(s.metric, "nv_trt_llm_") || strings.HasSuffix(s.metric, "_bucket") {
			dropped[s.metric+"{"+s.labels] = true
		}
	}
	return slices.Sorted(maps.Keys(dropped))
}

// reading is what one expression says of all pods together, and of how many.
type reading struct {
	total float64
	rows  int
}

func readingOf(t *testing.T, lines []string) (r reading) {
	t.Helper()
	for _, line := range lines {
		r.total += number(t, line[strings.LastIndexByte(line, ' ')+1:])
		r.rows++
	}
	return r
}

// TestPresetDropped drops each metric in turn, from one of two busy pods and from both. What a signal needs then is missing, or unchanged,
// or more; or its witness notices: a pod that does not tell it, or one that is named. It is never a smaller number that passes for whole.
func TestPresetDropped(t *testing.T) {
	// Where completed requests are not counted, first tokens say what arrives, and what waits is added: one a second from each of two
	// pods, and 20 of each within five minutes.
	const byFirstTokens = 2*1 + 2*20./300
	completions := []string{"vllm:request_success_total{", "sglang:num_requests_total{", "trtllm_request_success_total{"}
	long.Test(t) // a thousand evaluations
	eachSignal(t, func(t *testing.T, preset string, s config.ActiveSignal) {
		e := expositions()[preset]
		read := func(series string) (readings map[string]reading, told int, named []string) {
			store, readings := loaded(t, series), map[string]reading{}
			for key, expr := range expressionsOf(s) {
				if key == "alive" || strings.HasPrefix(key, "observed_") {
					continue // what is observed only lowers what replicas are believed to serve
				}
				lines := evaluateIn(t, 10*time.Minute, store, expr.String())
				switch key {
				case "sources":
					told = len(lines)
				case "silent":
					named = lines
				default:
					readings[key] = readingOf(t, lines)
				}
			}
			return readings, told, named
		}
		whole, told, named := read(e.at("a", "8000", "") + e.at("b", "8000", ""))
		require.Equal(t, 2, told)
		require.Empty(t, named)
		for _, dropped := range droppable(e) {
			for from, of := range map[string]exposition{"one pod": e, "both pods": e.without(dropped)} {
				now, told, named := read(of.at("a", "8000", "") + e.without(dropped).at("b", "8000", ""))
				if told < 2 || len(named) > 0 {
					continue // noticed
				}
				for key, before := range whole {
					got, what := now[key], fmt.Sprintf("%s without %s of %s", key, dropped, from)
					switch {
					case got.rows == 0:
					case key == "capacity":
						require.LessOrEqual(t, got.total/float64(got.rows), before.total/float64(before.rows)*(1+1e-9), what)
					case strings.HasSuffix(key, "_tokens"): // mean lengths of requests
						require.GreaterOrEqual(t, got.total/float64(got.rows), before.total/float64(before.rows)*(1-1e-9), what)
					case key == "latency" && slices.Contains(completions, dropped):
						require.GreaterOrEqual(t, got.total, byFirstTokens*(1-1e-6), what)
					default:
						require.GreaterOrEqual(t, got.total, before.total*(1-1e-9), what)
					}
				}
			}
		}
	})
}

// TestPresetKeepList is about a rule that keeps some series of a server and drops others: a pod that shows one series of requests has had
// some, and those that it does not show are not zero.
func TestPresetKeepList(t *testing.T) {
	e := expositions()["trtllm"]
	eachSignal(t, func(t *testing.T, preset string, s config.ActiveSignal) {
		if preset != "trtllm" || s.Name != "concurrency" && s.Name != "kv_tokens" {
			t.Skip("no other preset takes silence for rest")
		}
		for _, kept := range []string{"trtllm_num_requests_running", "trtllm_num_requests_waiting", "trtllm_kv_cache_utilization", "trtllm_request_success_total"} {
			series := e.at("whole", "8000", "") + e.only("trtllm_model_config_info", kept).at("kept", "8000", "")
			require.Equal(t, []string{"whole"}, podsIn(evaluateAt(t, 10*time.Minute, series, s.Sources.String())), kept)
		}
	})
}

// TestPresetQueueHidesArrivals holds that a pod with a queue is named where it does not show what its clients give up: they may ask for
// more than is completed. Without a queue, what is completed is what is asked for.
func TestPresetQueueHidesArrivals(t *testing.T) {
	shows := map[string][2]string{ // what tells arrivals, and the queue
		"vllm":   {"vllm:time_to_first_token_seconds_count", "vllm:num_requests_waiting"},
		"sglang": {"sglang:time_to_first_token_seconds_count", "sglang:num_queue_reqs"},
		"tgi":    {"tgi_request_count", "tgi_queue_size"},
		"trtllm": {"trtllm_time_to_first_token_seconds_count", "trtllm_num_requests_waiting"},
	}
	eachSignal(t, func(t *testing.T, preset string, s config.ActiveSignal) {
		if s.Name != "latency" || shows[preset][0] == "" {
			t.Skip("no rate of requests, or that of a gateway, which counts what arrives")
		}
		arrivals, queue := shows[preset][0], shows[preset][1]
		e := expositions()[preset]
		silent := func(b exposition) []string {
			return evaluateAt(t, 10*time.Minute, e.at("a", "8000", "")+b.at("b", "8000", ""), s.Silent.String())
		}
		lines := silent(e.without(arrivals))
		require.Equal(t, []string{"b"}, podsIn(lines))
		require.Contains(t, lines[0], `lacks="`+arrivals+`"`)
		empty := e.without(arrivals, queue)
		for _, series := range e.only(queue) {
			series.values = "0x20"
			empty = append(empty, series)
		}
		require.Empty(t, silent(empty), "nothing waits")
		if preset == "tgi" {
			more := append(e.without(arrivals), exposed{arrivals, "", "0+300x20"})
			require.Equal(t, []string{"b"}, podsIn(silent(more)), "more arrives than is completed")
		}
	})
}

// TestPresetLengthsAreHidden holds that a pod which completes requests and does not show how long they are is named: the mean lengths of
// the others may be a fraction of its own.
func TestPresetLengthsAreHidden(t *testing.T) {
	lengths := map[string][]string{
		"vllm":   {"vllm:request_prompt_tokens_sum", "vllm:request_generation_tokens_sum"},
		"sglang": {"sglang:prompt_tokens_total", "sglang:generation_tokens_total"},
		"tgi":    {"tgi_request_input_length_sum", "tgi_request_generated_tokens_sum"},
		"trtllm": {"trtllm_prompt_tokens_total", "trtllm_generation_tokens_total"},
	}
	eachSignal(t, func(t *testing.T, preset string, s config.ActiveSignal) {
		if s.Name != "latency" || lengths[preset] == nil {
			t.Skip("no lengths of requests, or those of a gateway, whose pods share one load")
		}
		e := expositions()[preset]
		require.Empty(t, evaluateAt(t, 10*time.Minute, e.at("a", "8000", "")+e.idle().at("b", "8000", ""), s.Silent.String()))
		for _, hidden := range lengths[preset] {
			lines := evaluateAt(t, 10*time.Minute, e.at("a", "8000", "")+e.without(hidden).at("b", "8000", ""), s.Silent.String())
			require.Equal(t, []string{"b"}, podsIn(lines), hidden)
			require.Contains(t, lines[0], `lacks="`+hidden+`"`)
		}
	})
}
