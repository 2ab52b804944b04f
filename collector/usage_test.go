package collector_test

import (
	"strings"
	"testing"
)

// TestUsage is about demand that shows in what is used of a capacity.
func TestUsage(t *testing.T) {
	blocks := `
signals: {kv_tokens: {unit: tokens, usage: usage, capacity: {query: engines, from_labels: [num_gpu_blocks, block_size]}}}
models: [{name: m, namespace: ns, signals: [kv_tokens], variants: [{name: a, cost: 1}]}]
`
	queued := strings.Replace(usageSignal, "usage: usage", "usage: usage, queued: queued", 1)
	used := `
		{namespace="ns", llm_d_ai_variant="a"} 1.5
		{namespace="ns", llm_d_ai_variant="b"} 0`
	runCases(t, map[string]decisionCase{
		"capacity from labels: blocks x tokens x engines, the median over the pods": {
			config: blocks,
			answers: canned{
				"usage": `
					{namespace="ns", model_name="m", pod="a-6d4cf56db6-xxxxx"} 0.5
					{namespace="ns", model_name="m", pod="a-6d4cf56db6-zzzzz"} 0.75
					{namespace="ns", model_name="m", pod="a-6d4cf56db6-bbbbb"} 0.25`,
				"engines": `
					{namespace="ns", pod="a-6d4cf56db6-xxxxx", num_gpu_blocks="1000", block_size="16"} 2
					{namespace="ns", pod="a-6d4cf56db6-zzzzz", num_gpu_blocks="1000", block_size="16"} 1
					{namespace="ns", pod="a-6d4cf56db6-bbbbb", num_gpu_blocks="1100", block_size="16"} 1`,
			},
			want: `
				variant_desired_replicas{variant="a"} 2
				variant_model_demand{signal="kv_tokens",unit="tokens"} 26400
				variant_replica_capacity{signal="kv_tokens",unit="tokens",variant="a"} 17600`,
		},
		"capacity from a label that is no number": {
			config: blocks,
			answers: canned{
				"usage":   `{namespace="ns", model_name="m", pod="a-6d4cf56db6-xxxxx"} 0.5`,
				"engines": `{namespace="ns", pod="a-6d4cf56db6-xxxxx", num_gpu_blocks="None", block_size="16"} 1`,
			},
			want:   `variant_exporter_query_bad_samples{input="kv_tokens.capacity",reason="labels"} 1`,
			absent: []string{"variant_desired_replicas", "variant_replica_capacity"},
		},
		"no capacity for what is used": {
			config:  blocks,
			answers: canned{"usage": `{namespace="ns", model_name="m", pod="a-6d4cf56db6-xxxxx"} 0.5`, "engines": ""},
			absent:  []string{"variant_desired_replicas", "variant_model_demand"},
		},
		"what is queued is added": {
			config:  queued,
			answers: canned{"usage": used, "queued": load("30")},
			want:    `variant_model_demand{signal="load",unit="tokens"} 45`,
		},
		"nothing known of what is queued": {
			config:  queued,
			answers: canned{"usage": used, "queued": ""},
			absent:  []string{"variant_model_demand", "variant_desired_replicas"},
		},
		"what is queued while no variant runs": {
			config: queued,
			// All of it came just now, and what is not worked off within five minutes is planned for in addition.
			answers: canned{"queued": load("30"), "current": runs("a", "0", "b", "0")},
			want: `
				variant_desired_replicas{variant="a"} 4
				variant_desired_replicas{variant="b"} 0
				variant_model_demand{signal="load",unit="tokens"} 30`,
		},
		"a variant that carries nothing of the signal uses none of it": {
			config: strings.Replace(usageSignal, "capacity: {load: 100}", "role: prefill", 1),
			answers: canned{"usage": `
				{namespace="ns", llm_d_ai_variant="a"} 1.5
				{namespace="ns", llm_d_ai_variant="b"} 3`},
			want: `
				variant_desired_replicas{variant="a"} 2
				variant_desired_replicas{variant="b"} 0
				variant_model_demand{signal="load",unit="tokens"} 15`,
		},
	})
}
