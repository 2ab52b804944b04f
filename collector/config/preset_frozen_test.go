package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestPresetFrozen is about servers that show requests in progress: those that make no progress, and no others.
func TestPresetFrozen(t *testing.T) {
	vllm := func(running, prompt, generated string) string {
		const labels = `{namespace="llm",pod="p",instance="i",engine="0",model_name="m"} `
		return "vllm:num_requests_running" + labels + running + "\nvllm:prompt_tokens_total" + labels + prompt + "\nvllm:generation_tokens_total" + labels + generated
	}
	const (
		still, moving = "700x20", "0+30x20"
		frozen        = `{engine="0", instance="i", model_name="m", namespace="llm", pod="p"} 0`
	)
	runPresetCases(t, "vllm", map[string]presetCase{
		"neither prompts nor tokens": {"concurrency", "frozen", vllm("106x20", still, still), []string{frozen}},
		"with _ for colons":          {"concurrency", "frozen", strings.ReplaceAll(vllm("106x20", still, still), "vllm:", "vllm_"), []string{frozen}},
		"tokens":                     {"concurrency", "frozen", vllm("106x20", still, moving), []string{}},
		"prompts":                    {"concurrency", "frozen", vllm("106x20", moving, still), []string{}},
		"idle":                       {"concurrency", "frozen", vllm("0x20", still, still), []string{}},
		"only just begun":            {"concurrency", "frozen", vllm("0x18 1x2", still, still), []string{}},
		"no counters":                {"concurrency", "frozen", `vllm:num_requests_running{namespace="llm",pod="p",instance="i",engine="0",model_name="m"} 106x20`, []string{}},
		"a process of its API server that knows nothing": {
			"concurrency", "frozen", vllm("106x20", still, still) + "\n" + strings.ReplaceAll(vllm("0x20", still, still), `pod="p"`, `pod="p",pid="7"`), []string{frozen},
		},
	})
	const hangs = `{lacks="progress", model_name="m", namespace="llm", pod="p"} 1`
	ready := func(is string) string {
		return "\nkube_pod_status_ready{namespace=\"llm\",pod=\"p\",condition=\"false\"} " + is
	}
	const stopped = "0+70x10 700x10" // ten minutes ago
	for _, signal := range []string{"prompt_tokens", "generation_tokens", "latency", "ttft", "itl"} {
		runPresetCases(t, "vllm", map[string]presetCase{
			signal + ", whose server hangs":                                         {signal, "silent", vllm("106x20", stopped, stopped) + ready("0x20"), []string{hangs}},
			signal + ", whose new server hangs":                                     {signal, "silent", vllm("_x10 1x10", "_x10 0x10", "_x10 0x10"), []string{hangs}},
			signal + ", one of whose processes knows nothing":                       {signal, "silent", vllm("106x20", stopped, stopped) + "\n" + strings.ReplaceAll(vllm("0x20", "0x20", "0x20"), `pod="p"`, `pod="p",pid="7"`), []string{hangs}},
			signal + ", whose server hangs and is not ready":                        {signal, "silent", vllm("106x20", stopped, stopped) + ready("1x20"), []string{}},
			signal + ", whose server reads a long prompt, and generates for others": {signal, "silent", vllm("106x20", still, moving), []string{}},
			signal + ", whose server prefills":                                      {signal, "silent", vllm("106x20", moving, still), []string{}},
			signal + ", whose server is idle":                                       {signal, "silent", vllm("0x20", still, still), []string{}},
		})
	}
	sglang := func(running, generated, between string) string {
		const labels = `{namespace="llm",pod="p",instance="i",tp_rank="0",model_name="m"} `
		return "sglang:num_running_reqs" + labels + running + "\nsglang:generation_tokens_total" + labels + generated + "\nsglang:inter_token_latency_seconds_count" + labels + between
	}
	runPresetCases(t, "sglang", map[string]presetCase{
		"nothing moves": {"concurrency", "frozen", sglang("9x20", still, still), []string{`{instance="i", model_name="m", namespace="llm", pod="p"} 0`}},
		"long answers, counted when they are done": {"concurrency", "frozen", sglang("9x20", still, moving), []string{}},
		"answers": {"concurrency", "frozen", sglang("9x20", moving, moving), []string{}},
		"idle":    {"concurrency", "frozen", sglang("0x20", still, still), []string{}},
	})
	for _, signal := range []string{"prompt_tokens", "generation_tokens", "latency", "ttft", "itl"} {
		runPresetCases(t, "sglang", map[string]presetCase{
			signal + ", whose server hangs":                   {signal, "silent", sglang("9x20", stopped, stopped), []string{hangs}},
			signal + ", whose server hangs amid long answers": {signal, "silent", sglang("9x20", still, stopped), []string{hangs}},
			signal + ", whose server answers long":            {signal, "silent", sglang("9x20", still, moving), []string{}},
			signal + ", whose server is idle":                 {signal, "silent", sglang("0x20", still, still), []string{}},
		})
	}
	for title, c := range map[string]struct {
		preset, series string
		want           []string
	}{
		"vllm, for half an hour":        {"vllm", vllm("106x60", "700x60", "700x60"), []string{}},
		"vllm, for ten minutes":         {"vllm", vllm("106x60", "0+70x40 2800x20", "0+70x40 2800x20"), []string{hangs}},
		"sglang, for half an hour":      {"sglang", sglang("9x60", "700x60", "700x60"), []string{}},
		"sglang, for ten minutes":       {"sglang", sglang("9x60", "700x60", "0+70x40 2800x20"), []string{hangs}},
		"vllm, _ for colons":            {"vllm", strings.ReplaceAll(vllm("106x60", "700x60", "700x60"), "vllm:", "vllm_"), []string{}},
		"sglang, _ for colons, as well": {"sglang", strings.ReplaceAll(sglang("9x60", "700x60", "700x60"), "sglang:", "sglang_"), []string{}},
	} {
		t.Run(title, func(t *testing.T) {
			expr := signalOf(t, preset(t, c.preset, "latency"), "latency").Silent.String()
			require.ElementsMatch(t, c.want, evaluateAt(t, 30*time.Minute, c.series, expr))
		})
	}
}
