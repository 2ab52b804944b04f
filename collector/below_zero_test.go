package collector_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
)

// TestBelowZero is about servers that tell a number below zero: it would take from what the others tell. Of three replicas two would do for what they
// tell in all, and none goes.
func TestBelowZero(t *testing.T) {
	const replicas = `
		kube_deployment_spec_replicas{namespace="llm",deployment="llama"} 3
		kube_deployment_status_replicas_ready{namespace="llm",deployment="llama"} 3`
	told := func(metric, labels, a, b, c string) string {
		var lines strings.Builder
		for i, value := range []string{a, b, c} {
			pod := "llama-6d4cf56db6-" + strings.Repeat("bcd"[i:i+1], 5)
			lines.WriteString("\n" + metric + `{namespace="llm",pod="` + pod + `",instance="` + pod + `:80",` + labels + `} ` + value)
		}
		return lines.String()
	}
	vllm := func(metric, a, b, c string) string {
		return told("vllm:"+metric, `model_name="llama",engine="0"`, a, b, c)
	}
	gateway := func(queue string) string {
		const epp = `namespace="llm",pod="epp-6d4cf56db6-bbbbb",instance="epp:9090",`
		return `
			llm_d_epp_ready_endpoints{` + epp + `name="p"} 3
			llm_d_epp_request_running{` + epp + `model_name="llama"} 150
			llm_d_epp_flow_control_queue_size{` + epp + `model_name="llama",inference_pool="p",fairness_id="x"} 3
			llm_d_epp_flow_control_queue_size{` + epp + `model_name="llama",inference_pool="p",fairness_id="y"} ` + queue
	}
	const (
		rest = "0"
		held = "3 wanted and 2 told, up 0, desired none"
	)
	for name, test := range map[string]struct{ preset, series, want, log string }{ // no log: it says nothing of the kind
		"none": {
			"vllm", vllm("num_requests_running", "80", "70", rest) + vllm("num_requests_waiting", rest, rest, rest),
			"3 wanted and 3 told, up 1, desired 2", "",
		},
		"what runs": {
			"vllm", vllm("num_requests_running", "80", "70", "-5") + vllm("num_requests_waiting", rest, rest, rest),
			held, "2 of 3 ready replicas of llama tell it",
		},
		"what waits": {
			"vllm", vllm("num_requests_running", "80", "70", rest) + vllm("num_requests_waiting", "6", rest, "-5"),
			held, "2 of 3 ready replicas of llama tell it",
		},
		"what waits, in all": {
			"vllm", vllm("num_requests_running", "80", "70", rest) + vllm("num_requests_waiting", rest, rest, "-5"),
			"up 0, desired none", "vllm.concurrency.queued: negative",
		},
		"what runs, until now": {
			"vllm", vllm("num_requests_running", "80", "70", "-5x119 0") + vllm("num_requests_waiting", rest, rest, rest),
			"3 wanted and 3 told, up 0, desired none", "steps of the window not all sources told it",
		},
		"an own signal": {"", told("busy", `model_name="llama"`, "80", "70", "-5"), held, "2 of 3 ready replicas of llama tell it"},
		"the queue of a gateway, which counts as zero": {"epp", gateway("-5"), "1 wanted and 1 told, up 1, desired 2", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := `
prometheus: {url: http://prometheus:9090}
models: [{name: llama, namespace: llm, presets: [` + test.preset + `], headroom: 0, variants: [{name: llama, cost: 1, capacity: {concurrency: 80}}]}]`
			if test.preset == "" {
				text += "\nsignals: {concurrency: {unit: requests, demand: 'sum by (namespace, model_name) (busy)'}}"
			}
			start := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
			engine := storing(t, replicas+test.series, start)
			var log bytes.Buffer
			e, err := collector.NewEvaluator(parsed(t, text), engine, collector.EvaluatorOptions{
				Concurrency: 1, Now: time.Now, Logger: slog.New(slog.NewTextHandler(&log, nil)),
			})
			require.NoError(t, err)
			got := exposition(t, e.Evaluate(t.Context(), start.Add(exampleSpan)))
			e.Close()
			require.Equal(t, test.want, witnessIn(got))
			if test.log != "" {
				require.Contains(t, log.String(), test.log)
				return
			}
			for _, untrue := range []string{"negative", "tell it", "not all sources"} {
				require.NotContains(t, log.String(), untrue)
			}
		})
	}
}

// witnessIn are how many sources should tell a signal and do, and what becomes of the one variant, in an exposition.
func witnessIn(exposition string) string {
	found := map[string]string{"variant_desired_replicas": "none"}
	for line := range strings.Lines(exposition) {
		if name, rest, ok := strings.Cut(line, "{"); ok {
			found[name] = strings.TrimSpace(rest[strings.LastIndex(rest, " "):])
		}
	}
	decided := "up " + found["variant_up"] + ", desired " + found["variant_desired_replicas"]
	if found["variant_model_sources"] == "" {
		return decided
	}
	return found["variant_model_expected_sources"] + " wanted and " + found["variant_model_sources"] + " told, " + decided
}
