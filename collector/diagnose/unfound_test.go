package diagnose_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// without leaves out the series of some metrics.
func without(series string, metrics ...string) string {
	var kept strings.Builder
	for line := range strings.Lines(series) {
		dropped := false
		for _, metric := range metrics {
			dropped = dropped || strings.HasPrefix(strings.TrimSpace(line), metric+"{")
		}
		if !dropped {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// TestUnfoundMetrics: the metric of which nothing is there is named where a signal cannot do without it, in the log at run time, in explain and
// in check --online.
func TestUnfoundMetrics(t *testing.T) {
	const (
		dropped = "in namespace llm: they are not scraped, or a relabelling (a keep-list) drops them"
		queues  = "no series of vllm:num_requests_waiting_by_reason or vllm:num_requests_waiting " + dropped
	)
	own := func(demand string) string {
		return strings.NewReplacer("presets: [vllm]", "presets: []", "models:", "signals: {concurrency: {unit: requests, demand: '"+demand+"'}}\nmodels:").Replace(chat)
	}
	ignored := strings.NewReplacer("models:", "signals: {extra: {unit: requests, on_missing: ignore, demand: 'sum by (namespace, model_name) (my_gateway_running)'}}\nmodels:", "concurrency:", "extra: 10, concurrency:").Replace(chat)
	rewritten := own(`sum by (namespace, model_name) (label_replace(gateway_running, "namespace", "$1", "exported_namespace", "(.+)"))`)
	const gateway = `gateway_running{namespace="gw",exported_namespace="llm",pod="gw-0",instance="1:1",job="gw",model_name="zzz"} 5x48` + "\n"
	whole := replicas("1", here) + pod(podOf("bcd2x", "10.0.0.1")) + upOf("10.0.0.1", "1x48")
	for name, test := range map[string]struct {
		text, series string
		want         string // empty for nothing
	}{
		"all are there":           {chat, whole, ""},
		"a queue is dropped":      {chat, without(whole, "vllm:num_requests_waiting"), queues},
		"a misspelt metric":       {own(`sum by (namespace, model_name) (vllm:num_request_running)`), whole, "no series of vllm:num_request_running " + dropped + "; there is vllm:num_requests_running: is the name misspelt?"},
		"another model's queue":   {chat, without(whole, "vllm:num_requests_waiting") + `vllm:num_requests_waiting{` + here + `,model_name="other"} 1x48` + "\n", queues},
		"a model by another name": {strings.ReplaceAll(chat, "name: chat\n", "name: chap\n"), whole, ""},
		"no replica is ready": {
			chat, strings.Replace(replicas("1", here), `replicas_ready{deployment="chat-h100",`+here+`} 1x48`, `replicas_ready{deployment="chat-h100",`+here+`} 0x48`, 1),
			"no series of vllm:num_requests_running, vllm:num_requests_waiting_by_reason or vllm:num_requests_waiting in namespace llm: servers tell it, and no replica is ready",
		},
		"all servers do not answer": {chat, replicas("1", here) + lost(pod(podOf("bcd2x", "10.0.0.1"))) + upOf("10.0.0.1", "1x42 0x5"), ""},
		"no label with the model":   {chat, strings.ReplaceAll(whole, `,model_name="chat"`, ""), "no series of it has the label model_name: a relabelling drops it, or another label has it, which labels: names"},
		"no label with the namespace": {
			chat, replicas("1", here) + strings.ReplaceAll(pod(podOf("bcd2x", "10.0.0.1")), here+",", ""),
			"no series of it has the label namespace: a relabelling drops it, or another label has it, which labels: names",
		},
		"a namespace that is rewritten":                    {rewritten, whole + gateway, ""},
		"a namespace that is rewritten, and nothing of it": {rewritten, whole, "no series of gateway_running: they are not scraped, or a relabelling (a keep-list) drops them"},
		"there in another namespace":                       {own(`sum by (namespace, model_name) (gateway_running)`), whole + gateway, "no series of gateway_running " + dropped},
		"a pattern":                                        {own(`sum by (namespace, model_name) ({__name__=~"vllm:num_requests_runs.*"})`), whole, ""},
		"a pattern and a name":                             {own(`sum by (namespace, model_name) ({__name__=~"vllm:num_requests_runn.*"} + ignoring() foo_waits_long)`), whole, "no series of foo_waits_long " + dropped},
		"what must be absent":                              {own(`sum by (namespace, model_name) (vllm:num_requests_running{x="y"}) and on () absent(foo_is_missing)`), whole, ""},
		"a signal that may be missing":                     {ignored, whole, ""},
		"a label named within another's name":              {strings.ReplaceAll(own(`sum without (pod, model_name) (vllm:model_running)`), "unit:", "labels: {model: model}, unit:"), whole + `vllm:model_running{` + here + `,model_name="chat"} 1x48` + "\n", ""},
		"in the spelling of exporters":                     {chat, strings.ReplaceAll(whole, "vllm:", "vllm_"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, said, _ := check(t, test.text, test.series)
			doubts := strings.Join(explained(t, test.text, test.series), "\n")
			if test.want == "" {
				require.NotContains(t, said, "no series of")
				require.NotContains(t, doubts, "no series of")
				return
			}
			require.Contains(t, said, "signal concurrency: "+test.want+"\n")
			require.Contains(t, doubts+"\n", "signal concurrency: "+test.want+"\n")
			var log lines
			e, _ := evaluatorOf(t, test.text, test.series, &log)
			s := e.Evaluate(t.Context(), at)
			log.requireFound(t, test.want)
			require.Equal(t, test.want, e.Findings(t.Context(), s)[0].Text)
		})
	}
}
