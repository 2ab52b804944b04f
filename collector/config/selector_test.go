package config_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// TestSelector is about one store with the series of several clusters: presets and scale targets look at one, and what a user has
// written stays as it is.
func TestSelector(t *testing.T) {
	c := load(t, `
prometheus: {url: http://prometheus:9090}
selector: '{cluster="eu", env=~"prod|canary"}'
signals: {own: {unit: requests, demand: mine}}
models:
  - name: m
    namespace: llm
    presets: [vllm, dcgm]
    variants: [{name: a, cost: price, capacity: {own: 1, generation_tokens: 2, kv_tokens: 3}}]
`)
	narrowed := func(expressions ...config.Expr) {
		for _, e := range expressions {
			text := e.String()
			require.NotEmpty(t, text)
			require.NotContains(t, strings.ReplaceAll(text, `cluster="eu",env=~"prod|canary"`, ""), "cluster")
			require.Equal(t, countSelectors(t, e), strings.Count(text, `cluster="eu",env=~"prod|canary"`), text)
		}
	}
	for _, s := range c.Models[0].ActiveSignals() {
		switch s.Name {
		case "own":
			require.Equal(t, "mine", s.Demand.String())
		case "kv_tokens":
			narrowed(s.Usage, s.Queued, s.Sources)
		default:
			narrowed(s.Demand, s.Sources)
		}
	}
	require.Equal(t, "price", c.Models[0].Variants[0].Cost.Query.String())
	narrowed(c.Models[0].Variants[0].Uses["power"].Query, c.ScaleTargets.Current, c.ScaleTargets.Ready, c.ScaleTargets.Rolling)
	s, err := c.PresetSignal("vllm", "concurrency")
	require.NoError(t, err)
	narrowed(s.Demand)
}

// TestSelectorOfOwnScaleTargets is about own expressions for scale targets, which are narrowed as the preset's are.
func TestSelectorOfOwnScaleTargets(t *testing.T) {
	c := load(t, `
prometheus: {url: http://prometheus:9090}
selector: '{cluster="eu"}'
scale_targets: {current: asked_for, ready: 'sum by (namespace, scale_target_kind, scale_target_name) (max_over_time(ready[1m]))'}
models: [{name: m, namespace: llm, presets: [vllm], variants: [{name: a, cost: 1, capacity: {prompt_tokens: 1}}]}]
`)
	require.Equal(t, `asked_for{cluster="eu"}`, c.ScaleTargets.Current.String())
	require.Contains(t, c.ScaleTargets.Ready.String(), `max_over_time(ready{cluster="eu"}[1m])`)
	require.True(t, c.ScaleTargets.Rolling.IsZero())
}

func TestSelectorRefused(t *testing.T) {
	for written, want := range map[string]string{
		`'{cluster="eu"'`:        "not a selector",
		`'{}'`:                   "no matcher",
		`''`:                     "no value",
		`'up{cluster="eu"}'`:     "metric name up in a selector of all metrics",
		`'{cluster!="eu"}'`:      `cluster!="eu" excludes values`,
		`'{cluster!~"eu|us"}'`:   `cluster!~"eu|us" excludes values`,
		`'{cluster=""}'`:         `cluster="" matches series without the label`,
		`'{cluster=~".*"}'`:      `cluster=~".*" matches series without the label`,
		`'sum(x{cluster="eu"})'`: "not a selector",
	} {
		_, found := config.Load("test.yml", "prometheus: {url: http://p}\nselector: "+written+"\nmodels:\n"+
			"  - {name: m, namespace: llm, presets: [vllm], variants: [{name: a, cost: 1, capacity: {prompt_tokens: 1}}]}\n")
		require.ErrorContains(t, found.Err(), "test.yml:2:11: error: selector: "+want, written)
	}
}

// TestScaleTargetsLabels is about kube-state-metrics that is scraped otherwise than the servers.
func TestScaleTargetsLabels(t *testing.T) {
	c := load(t, `
prometheus: {url: http://prometheus:9090}
scale_targets: {labels: {namespace: exported_namespace}}
models: [{name: m, namespace: llm, presets: [vllm], variants: [{name: a, cost: 1, capacity: {prompt_tokens: 1}}]}]
`)
	require.Contains(t, c.ScaleTargets.Current.String(), `{exported_namespace=~"llm"}`)
	require.NotContains(t, c.ScaleTargets.Rolling.String(), `(namespace`)
	require.Equal(t, "namespace", c.Labels.Namespace)
	require.Contains(t, c.Models[0].ActiveSignals()[0].Demand.String(), "by (namespace, model_name)")
	_, found := config.Load("test.yml", `
prometheus: {url: http://prometheus:9090}
scale_targets:
  labels: {namespace: exported_namespace}
  current: sum by (namespace, scale_target_kind, scale_target_name) (x)
models: [{name: m, namespace: llm, presets: [vllm], variants: [{name: a, cost: 1, capacity: {prompt_tokens: 1}}]}]
`)
	require.ErrorContains(t, found.Err(), "scale_targets.current: the result cannot carry the label exported_namespace")
	_, found = config.Load("test.yml", `
prometheus: {url: http://prometheus:9090}
scale_targets: {labels: {namespace: 1st}}
models: [{name: m, namespace: llm, presets: [vllm], variants: [{name: a, cost: 1, capacity: {prompt_tokens: 1}}]}]
`)
	require.ErrorContains(t, found.Err(), `scale_targets.labels.namespace: "1st" is not a label name`)
}
