package collector_test

import (
	"strings"
	"testing"
)

// oneSignal has a model m with a variant a, planned by the expression demand at 10 requests a replica.
const oneSignal = `
signals: {load: {unit: requests, demand: demand}}
models: [{name: m, namespace: ns, variants: [{name: a, cost: 1, capacity: {load: 10}}]}]
`

// usageSignal is oneSignal with a demand in fractions of the capacity in use, of two variants.
const usageSignal = `
signals: {load: {unit: tokens, usage: usage}}
models:
  - {name: m, namespace: ns, variants: [
      {name: a, cost: 1, capacity: {load: 10}},
      {name: b, cost: 9, capacity: {load: 100}, replicas: {max: 3}}]}
`

// TestMatchModel is about which model a demand belongs to.
func TestMatchModel(t *testing.T) {
	byMatch := strings.Replace(oneSignal, "variants:", "match: {pool: [p, q]}, variants:", 1)
	two := `
signals: {load: {unit: requests, demand: demand}}
models:
  - {name: m, namespace: ns, variants: [{name: a, cost: 1, capacity: {load: 10}}]}
  - {name: m, namespace: other, variants: [{name: a, cost: 1, capacity: {load: 10}}]}
`
	runCases(t, map[string]decisionCase{
		"model label": {
			config:  oneSignal,
			answers: canned{"demand": `{namespace="ns", model_name="m"} 25`},
			want:    `variant_desired_replicas{variant="a"} 3`,
		},
		"model label under another name": {
			config:  strings.Replace(oneSignal, "demand: demand", "demand: demand, labels: {model: served}", 1),
			answers: canned{"demand": `{namespace="ns", served="m", model_name="x"} 25`},
			want:    `variant_desired_replicas{variant="a"} 3`,
		},
		"match values are summed with the model's own name": {
			config: byMatch,
			answers: canned{"demand": `
				{namespace="ns", pool="p"} 15
				{namespace="ns", pool="q"} 10
				{namespace="ns", pool="r"} 1000
				{namespace="ns", model_name="m"} 5`},
			want: `
				variant_desired_replicas{variant="a"} 3
				variant_exporter_query_matched_series{input="load.demand"} 3
`,
		},
		"match value of a series that names another model by name": {
			config:  byMatch,
			answers: canned{"demand": `{namespace="ns", model_name="base", pool="p"} 15`},
			want:    `variant_desired_replicas{variant="a"} 2`,
		},
		"variant label, where no model is named": {
			config:  oneSignal,
			answers: canned{"demand": `{namespace="ns", llm_d_ai_variant="a"} 25`},
			want:    `variant_desired_replicas{variant="a"} 3`,
		},
		"pod name, where no model is named": {
			config: oneSignal,
			answers: canned{"demand": `
				{namespace="ns", pod="a-6d4cf56db6-bcdfg"} 15
				{namespace="ns", pod="a-6d4cf56db6-xxxxx"} 10`},
			want: `variant_desired_replicas{variant="a"} 3`,
		},
		"a model of that name in no namespace at all": {
			config:  oneSignal,
			answers: canned{"demand": `{model_name="m"} 25`},
			absent:  []string{"variant_desired_replicas"},
			want:    `variant_exporter_query_bad_samples{input="load.demand",reason="labels"} 1`,
		},
		"a model of that name in another namespace is none": {
			config:  oneSignal,
			answers: canned{"demand": `{namespace="elsewhere", model_name="m"} 25`},
			absent:  []string{"variant_desired_replicas"},
			want: `
				variant_exporter_query_matched_series{input="load.demand"} 0
`,
		},
		"strays touch nobody": {
			config: oneSignal,
			answers: canned{"demand": `
				{namespace="ns", model_name="m"} 25
				{namespace="ns", model_name="stray"} NaN
				{} 7`},
			want: `variant_desired_replicas{variant="a"} 3`,
		},
		"two namespaces, told apart": {
			config: two,
			answers: canned{"demand": `
				{namespace="ns", model_name="m"} 25
				{namespace="other", model_name="m"} 45`},
			want: `
				variant_desired_replicas{variant="a"} 3
				variant_desired_replicas{model="m",target_namespace="other",variant="a"} 5`,
		},
		"two namespaces, not told apart: spoils both": {
			config:  two,
			answers: canned{"demand": `{model_name="m"} 25`},
			absent:  []string{"variant_desired_replicas"},
			want:    `variant_exporter_query_bad_samples{input="load.demand",reason="labels"} 1`,
		},
		"two series for one place": {
			config: oneSignal,
			answers: canned{"demand": `
				{namespace="ns", model_name="m", job="x"} 25
				{namespace="ns", model_name="m", job="y"} 25`},
			absent: []string{"variant_desired_replicas"},
			want:   `variant_exporter_query_bad_samples{input="load.demand",reason="duplicate"} 1`,
		},
	})
}

// TestMatchVariant is about which variant a usage belongs to. It shows in the demand: a replica of a carries 10 tokens, one of b 100.
func TestMatchVariant(t *testing.T) {
	long := strings.Repeat("long-", 11) + "x" // 56 characters
	targets := func(a, b string) string {
		return strings.NewReplacer("{name: a,", "{name: a, "+a+",", "{name: b,", "{name: b, "+b+",").Replace(usageSignal)
	}
	demand := func(tokens string) string { return `variant_model_demand{signal="load",unit="tokens"} ` + tokens }
	runCases(t, map[string]decisionCase{
		"pods of two namespaces, not told apart: spoils both": {
			config: usageSignal + "  - {name: m, namespace: other, variants: [{name: a, cost: 1, capacity: {load: 10}}]}\n",
			answers: canned{"usage": `
				{pod="a-6d4cf56db6-bcdfg"} 1.2
				{namespace="ns", pod="b-6d4cf56db6-bcdfg"} 0.25`},
			absent: []string{"variant_model_demand", "variant_desired_replicas"},
			want:   `variant_exporter_query_bad_samples{input="load.usage",reason="labels"} 1`,
		},
		"variant label, with and without pods": {
			config: usageSignal,
			answers: canned{"usage": `
				{namespace="ns", llm_d_ai_variant="a", pod="p1"} 0.5
				{namespace="ns", llm_d_ai_variant="a", pod="p2"} 0.7
				{namespace="ns", llm_d_ai_variant="b"} 0.25`},
			want: demand("37"),
		},
		"pods of Deployments": {
			config: usageSignal,
			answers: canned{"usage": `
				{namespace="ns", pod="a-6d4cf56db6-bcdfg"} 0.5
				{namespace="ns", pod="a-5b-xxxxx"} 0.7
				{namespace="ns", pod="b-6d4cf56db6-bcdfg"} 0.25
				{namespace="ns", pod="a-b-6d4cf56db6-bcdfg"} 50
				{namespace="ns", pod="a-6d4cf56db6-aeiou"} 50
				{namespace="ns", pod="a-0"} 50
				{namespace="ns", pod="a"} 50`},
			want: demand("37"),
		},
		"pods in no namespace at all": {
			config: usageSignal,
			answers: canned{"usage": `
				{pod="a-6d4cf56db6-bcdfg"} 1.2
				{pod="b-6d4cf56db6-bcdfg"} 0.25`},
			absent: []string{"variant_desired_replicas"},
			want:   `variant_exporter_query_bad_samples{input="load.usage",reason="labels"} 2`,
		},
		"pods of StatefulSets and LeaderWorkerSets": {
			config: targets("scale_target: {kind: StatefulSet}", "scale_target: {kind: LeaderWorkerSet}"),
			answers: canned{"usage": `
				{namespace="ns", pod="a-0"} 0.5
				{namespace="ns", pod="a-11"} 0.7
				{namespace="ns", pod="b-0"} 0.2
				{namespace="ns", pod="b-3-1"} 0.05
				{namespace="ns", pod="a-3-1"} 50
				{namespace="ns", pod="b-6d4cf56db6-bcdfg"} 50`},
			want: demand("37"),
		},
		"pods of a Deployment whose name is so long that Kubernetes cuts theirs": {
			config: targets("scale_target: {name: "+long+"}", "scale_target: {name: b}"),
			answers: canned{"usage": `
				{namespace="ns", pod="` + long + `-6` + `bcdfg"} 0.5
				{namespace="ns", pod="` + long + `-6` + `xxxxx"} 0.7
				{namespace="ns", pod="b-6d4cf56db6-bcdfg"} 0.25`},
			want: demand("37"),
		},
		"pods by regular expression": {
			config: targets("pods: 'h100-[0-9]'", "pods: 'l4-[0-9]'"),
			answers: canned{"usage": `
				{namespace="ns", pod="h100-1"} 0.5
				{namespace="ns", pod="h100-2"} 0.7
				{namespace="ns", pod="l4-1"} 0.25
				{namespace="ns", pod="l4-11"} 50
				{namespace="ns", pod="a-6d4cf56db6-bcdfg"} 50`},
			want: demand("37"),
		},
		"a pod that may be of either spoils both": {
			config: targets("pods: 'x-.*'", "pods: '.*-1'"),
			answers: canned{"usage": `
				{namespace="ns", pod="x-1"} 0.5
				{namespace="ns", pod="x-2"} 0.5
				{namespace="ns", pod="y-1"} 0.5`},
			absent: []string{"variant_model_demand", "variant_desired_replicas"},
			want:   `variant_exporter_query_bad_samples{input="load.usage",reason="labels"} 1`,
		},
		"a variant without a result runs no replicas": {
			config: usageSignal,
			answers: canned{
				"usage":   `{namespace="ns", llm_d_ai_variant="a"} 1.2`,
				"current": runs("a", "2", "b", "0"),
			},
			want: demand("12"),
		},
		"a variant without a result runs replicas": {
			config: usageSignal,
			answers: canned{
				"usage":   `{namespace="ns", llm_d_ai_variant="a"} 1.2`,
				"current": runs("a", "2", "b", "1"),
			},
			absent: []string{"variant_model_demand", "variant_desired_replicas"},
			want: `
				variant_up{variant="a"} 0
				variant_up{variant="b"} 0`,
		},
		"a variant without a result, and nobody knows what runs": {
			config:  usageSignal,
			answers: canned{"usage": `{namespace="ns", llm_d_ai_variant="a"} 1.2`},
			absent:  []string{"variant_model_demand", "variant_desired_replicas"},
		},
		"no variant runs replicas": {
			config:  usageSignal,
			answers: canned{"current": runs("a", "0", "b", "0")},
			want: `
				variant_desired_replicas{variant="a"} 1
				variant_desired_replicas{variant="b"} 0
				variant_model_demand{signal="load",unit="tokens"} 0`,
		},
	})
}

// TestReplicas is about the series of the scale targets.
func TestReplicas(t *testing.T) {
	answers := func(current string) canned {
		return canned{"demand": `{namespace="ns", model_name="m"} 25`, "current": current, "ready": ""}
	}
	unknown := []string{"variant_current_replicas", "variant_ready_replicas"}
	runCases(t, map[string]decisionCase{
		"a Deployment": {
			config:  oneSignal,
			answers: answers(runs("a", "4", "b", "7")),
			want: `
				variant_current_replicas{variant="a"} 4
				variant_desired_replicas{variant="a"} 3`,
			absent: unknown,
		},
		"a LeaderWorkerSet is known by its leaders' StatefulSet": {
			config:  strings.Replace(oneSignal, "cost: 1", "cost: 1, scale_target: {kind: LeaderWorkerSet, name: lws}", 1),
			answers: answers(`{namespace="ns", scale_target_kind="StatefulSet", scale_target_name="lws"} 4`),
			want:    `variant_current_replicas{variant="a"} 4`,
		},
		"of another kind, namespace or name": {
			config: oneSignal,
			answers: answers(`
				{namespace="ns", scale_target_kind="StatefulSet", scale_target_name="a"} 4
				{namespace="other", scale_target_kind="Deployment", scale_target_name="a"} 4
				{namespace="ns", scale_target_kind="Deployment", scale_target_name="aa"} 4`),
			absent: unknown,
		},
		"twice": {
			config:  oneSignal,
			answers: answers(runs("a", "4") + `{namespace="ns", scale_target_kind="Deployment", scale_target_name="a", job="x"} 4`),
			absent:  []string{"variant_exporter_query_bad_samples"},
			want:    `variant_current_replicas{variant="a"} 4`,
		},
		"in two clusters, with the same number": {
			config: oneSignal,
			answers: answers(`{namespace="ns", scale_target_kind="Deployment", scale_target_name="a", cluster="eu"} 4
				{namespace="ns", scale_target_kind="Deployment", scale_target_name="a", cluster="us"} 4`),
			absent: unknown,
			want:   `variant_exporter_query_bad_samples{input="scale_targets.current",reason="duplicate"} 1`,
		},
		"twice, with different numbers": {
			config:  oneSignal,
			answers: answers(runs("a", "4") + `{namespace="ns", scale_target_kind="Deployment", scale_target_name="a", job="x"} 5`),
			absent:  unknown,
			want:    `variant_exporter_query_bad_samples{input="scale_targets.current",reason="duplicate"} 1`,
		},
		"not whole": {
			config:  oneSignal,
			answers: answers(runs("a", "0.5")),
			absent:  unknown,
			want:    `variant_exporter_query_bad_samples{input="scale_targets.current",reason="range"} 1`,
		},
		"more than there can be": {
			config:  oneSignal,
			answers: answers(runs("a", "1e30")),
			absent:  unknown,
			want:    `variant_exporter_query_bad_samples{input="scale_targets.current",reason="range"} 1`,
		},
		"not asked for": {
			config:  strings.Replace(oneSignal, "signals:", "scale_targets: {disabled: true}\nsignals:", 1),
			answers: canned{"demand": `{namespace="ns", model_name="m"} 25`},
			want:    `variant_desired_replicas{variant="a"} 3`,
			absent:  unknown,
		},
	})
}
