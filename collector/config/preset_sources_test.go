package config_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

func number(t *testing.T, text string) float64 {
	t.Helper()
	x, err := strconv.ParseFloat(text, 64)
	require.NoError(t, err)
	return x
}

// partsOf are the series that a pod must show to tell a signal, in groups of which each is needed, and one of a group is enough.
func partsOf(preset, signal string) [][]string {
	const (
		running, waiting = "vllm:num_requests_running", "vllm:num_requests_waiting"
		sgRunning, queue = "sglang:num_running_reqs", "sglang:num_queue_reqs"
		batch, tgiQueue  = "tgi_batch_current_size", "tgi_queue_size"
		trtRun, trtWait  = "trtllm_num_requests_running", "trtllm_num_requests_waiting"
	)
	return map[string]map[string][][]string{
		"vllm": {
			"concurrency":       {{running}, {waiting}},
			"kv_tokens":         {{"vllm:kv_cache_usage_perc"}, {waiting}},
			"prompt_tokens":     {{"vllm:prompt_tokens_total"}, {waiting}},
			"generation_tokens": {{"vllm:generation_tokens_total"}, {waiting}},
			"ttft":              {{"vllm:time_to_first_token_seconds_bucket"}},
			"itl":               {{"vllm:inter_token_latency_seconds_bucket"}},
			"latency":           {{running}, {waiting}, {"vllm:request_success_total", "vllm:time_to_first_token_seconds_count"}},
		},
		"sglang": {
			"concurrency":       {{sgRunning}, {queue}},
			"kv_tokens":         {{"sglang:token_usage"}, {queue}},
			"prompt_tokens":     {{"sglang:prompt_tokens_total"}, {queue}},
			"generation_tokens": {{"sglang:generation_tokens_total"}, {queue}},
			"ttft":              {{"sglang:time_to_first_token_seconds_bucket"}},
			"itl":               {{"sglang:inter_token_latency_seconds_bucket"}},
			"latency":           {{sgRunning}, {queue}, {"sglang:num_requests_total", "sglang:time_to_first_token_seconds_count"}},
		},
		"tgi": {
			"concurrency": {{batch}, {tgiQueue}},
			"kv_tokens":   {{"tgi_batch_current_max_tokens"}, {tgiQueue}},
			"itl":         {{"tgi_request_mean_time_per_token_duration_bucket"}},
			"latency":     {{batch}, {tgiQueue}, {"tgi_request_success"}},
		},
		"trtllm": {
			"concurrency": {{trtRun}, {trtWait}},
			"kv_tokens":   {{"trtllm_kv_cache_utilization"}, {trtWait}},
			"ttft":        {{"trtllm_time_to_first_token_seconds_bucket"}},
			"itl":         {{"trtllm_time_per_output_token_seconds_bucket"}},
			"latency":     {{trtRun}, {trtWait}, {"trtllm_request_success_total", "trtllm_time_to_first_token_seconds_count"}},
		},
		"triton": {
			"concurrency": {
				{`nv_trt_llm_request_metrics{model="llama",version="1",request_type="scheduled"`},
				{`nv_trt_llm_request_metrics{model="llama",version="1",request_type="waiting"`},
			},
			"kv_tokens": {{`nv_trt_llm_kv_cache_block_metrics{model="llama",version="1",kv_cache_block_type="fraction"`}},
		},
		"epp": {
			"concurrency": {{"llm_d_epp_ready_endpoints"}, {"llm_d_epp_request_running"}},
			"latency":     {{"llm_d_epp_ready_endpoints"}, {"llm_d_epp_request_total"}},
		},
	}[preset][signal]
}

// podsIn lists the pods that a result names.
func podsIn(lines []string) []string {
	var pods []string
	for _, line := range lines {
		_, rest, _ := strings.Cut(line, `pod="`)
		pod, _, _ := strings.Cut(rest, `"`)
		pods = append(pods, pod)
	}
	slices.Sort(pods)
	return pods
}

// TestPresetSources holds that the sources of a signal are exactly the pods that show each part of it.
func TestPresetSources(t *testing.T) {
	eachSignal(t, func(t *testing.T, preset string, s config.ActiveSignal) {
		require.False(t, s.Sources.IsZero())
		e, parts := expositions()[preset], partsOf(preset, s.Name)
		require.NotEmpty(t, parts)
		var series strings.Builder
		series.WriteString(e.at("whole", "8000", "") + e.at("twice", "8000", `job="x"`) + e.at("twice", "8000", `job="y"`) + e.idle().at("idle", "8000", ""))
		want := []string{"idle", "twice", "whole"}
		for i, group := range parts {
			series.WriteString(e.without(group...).at("lacks-"+strconv.Itoa(i), "8000", ""))
			for _, enough := range group[1:] {
				series.WriteString(e.without(enough).at("has-"+enough, "8000", ""))
				want = append(want, "has-"+enough)
			}
		}
		slices.Sort(want)
		require.Equal(t, want, podsIn(evaluateAt(t, 10*time.Minute, series.String(), s.Sources.String())))
	})
}

// TestPresetSourcesAreNotBelowZero holds that a pod which shows a gauge below zero is no source of a signal that adds it up. The preset of the
// gateway says for itself what such numbers count as.
func TestPresetSourcesAreNotBelowZero(t *testing.T) {
	gauges := []string{
		"vllm:num_requests_running", "vllm:num_requests_waiting", "vllm:kv_cache_usage_perc", "sglang:num_running_reqs", "sglang:num_queue_reqs",
		"sglang:token_usage", "tgi_batch_current_size", "tgi_queue_size", "tgi_batch_current_max_tokens", "trtllm_num_requests_running",
		"trtllm_num_requests_waiting", "trtllm_kv_cache_utilization", "nv_trt_llm_",
	}
	eachSignal(t, func(t *testing.T, preset string, s config.ActiveSignal) {
		if preset == "epp" {
			t.Skip("told by those who are alive")
		}
		for _, part := range slices.Concat(partsOf(preset, s.Name)...) {
			if slices.ContainsFunc(gauges, func(gauge string) bool { return strings.HasPrefix(part, gauge) }) {
				e := expositions()[preset]
				below := e.only(part)
				for i := range below {
					below[i].values = "-5x20"
				}
				series := e.at("busy", "8000", "") + append(e.without(part), below...).at("below", "8000", "")
				require.Equal(t, []string{"busy"}, podsIn(evaluateAt(t, 10*time.Minute, series, s.Sources.String())), part)
			}
		}
	})
}

// TestPresetSourcesUnasked holds that a pod which has never been asked anything, and has no series of requests yet, is not silent.
func TestPresetSourcesUnasked(t *testing.T) {
	unasked := map[string][]string{
		"vllm":   {"vllm:num_requests_running", "vllm:num_requests_waiting", "vllm:kv_cache_usage_perc"},
		"sglang": {"sglang:num_running_reqs", "sglang:num_queue_reqs", "sglang:token_usage"},
		"tgi":    {"tgi_batch_current_size", "tgi_queue_size", "tgi_batch_current_max_tokens"},
		"trtllm": {"trtllm_model_config_info"},
		"triton": {"nv_trt"},
		"epp":    {"llm_d_epp_ready_endpoints"},
	}
	eachSignal(t, func(t *testing.T, preset string, s config.ActiveSignal) {
		e := expositions()[preset]
		series := e.at("busy", "8000", "") + e.idle().only(unasked[preset]...).at("unasked", "8000", "")
		require.Equal(t, []string{"busy", "unasked"}, podsIn(evaluateAt(t, 10*time.Minute, series, s.Sources.String())))
	})
}

// TestPresetSourcesHaveRates holds that a pod whose samples are two minutes old, which adds nothing to a rate over two minutes, is not counted
// among those that tell it, though Prometheus still shows its counters. Signals that are told by pod notice it by their own results.
func TestPresetSourcesHaveRates(t *testing.T) {
	rates := map[string][]string{
		"vllm":   {"prompt_tokens", "generation_tokens", "latency", "ttft", "itl"},
		"sglang": {"prompt_tokens", "generation_tokens", "latency", "ttft", "itl"},
		"epp":    {"latency"},
	}
	eachSignal(t, func(t *testing.T, preset string, s config.ActiveSignal) {
		if !slices.Contains(rates[preset], s.Name) {
			t.Skip("no rate over all pods")
		}
		e := expositions()[preset]
		series := e.at("busy", "8000", "") + strings.ReplaceAll(e.at("old", "8001", ""), "x20", "x16")
		require.Equal(t, []string{"busy"}, podsIn(evaluateAt(t, 10*time.Minute, series, s.Sources.String())))
	})
}

// TestPresetPartsAreNotZero holds that a signal of which a part is absent everywhere has no result, and no source.
func TestPresetPartsAreNotZero(t *testing.T) {
	eachSignal(t, func(t *testing.T, preset string, s config.ActiveSignal) {
		if preset == "epp" {
			t.Skip("The series of a gateway vanish while it is idle: alive says what that means.")
		}
		for _, group := range partsOf(preset, s.Name) {
			series := expositions()[preset].without(group...).at("a", "8000", "") + expositions()[preset].without(group...).at("b", "8000", "")
			store := loaded(t, series)
			require.Empty(t, evaluateIn(t, 10*time.Minute, store, s.Sources.String()), "sources without %s", group)
			missing := 0
			for key, expr := range expressionsOf(s) {
				if slices.Contains([]string{"demand", "usage", "queued", "latency"}, key) && len(evaluateIn(t, 10*time.Minute, store, expr.String())) == 0 {
					missing++
				}
			}
			if s.Name == "latency" && strings.Contains(group[0], "running") {
				require.Zero(t, missing, "first tokens say what arrives")
				continue
			}
			require.Positive(t, missing, "without %s", group)
		}
	})
}

// TestPresetIdleIsZero holds that servers at rest say so, whose histograms stand still.
func TestPresetIdleIsZero(t *testing.T) {
	eachSignal(t, func(t *testing.T, preset string, s config.ActiveSignal) {
		store := loaded(t, expositions()[preset].idle().at("a", "8000", ""))
		for key, expr := range expressionsOf(s) {
			if !slices.Contains([]string{"demand", "usage", "queued", "latency"}, key) {
				continue
			}
			lines := evaluateIn(t, 10*time.Minute, store, expr.String())
			require.Len(t, lines, 1, key)
			require.True(t, strings.HasSuffix(lines[0], "} 0"), "%s: %s", key, lines[0])
		}
	})
}

// TestPresetBucketsAreGone is about histograms that were converted to native ones, or of which only the mean is kept.
func TestPresetBucketsAreGone(t *testing.T) {
	eachSignal(t, func(t *testing.T, preset string, s config.ActiveSignal) {
		if s.Name != "ttft" && s.Name != "itl" {
			t.Skip("not made of buckets")
		}
		e := slices.DeleteFunc(expositions()[preset], func(s exposed) bool { return strings.HasSuffix(s.metric, "_bucket") })
		for _, series := range []string{e.at("a", "8000", ""), e.idle().at("a", "8000", "")} {
			require.Empty(t, evaluateAt(t, 10*time.Minute, series, s.Demand.String()))
			require.Empty(t, evaluateAt(t, 10*time.Minute, series, s.Sources.String()))
		}
	})
}
