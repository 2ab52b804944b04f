package config_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

func countSelectors(t *testing.T, e config.Expr) int {
	t.Helper()
	n := 0
	parser.Inspect(e.AST(), func(node parser.Node, _ []parser.Node) error {
		if _, ok := node.(*parser.VectorSelector); ok {
			n++
		}
		return nil
	})
	return n
}

// TestOccupancyAlone is about models whose signals all measure how full the replicas are: they swing unless they go down in steps.
func TestOccupancyAlone(t *testing.T) {
	const (
		limited   = "scale_down_limit defaults to {percent: 10, per: 5m, after_overload: 2h}"
		unlimited = "no scale_down_limit is set"
	)
	for name, test := range map[string]struct {
		top, model, capacity string
		remark               string // none where it is empty
		limit                bool   // the default
	}{
		"requests in the system": {"", "", "concurrency: 1", limited, true},
		"KV cache":               {"", "", "kv_tokens: 1", limited, true},
		"both":                   {"", "", "concurrency: 1, kv_tokens: 1", limited, true},
		"own usage":              {"", "", "own_usage: 1", limited, true},
		"a rate beside":          {"", "", "concurrency: 1, prompt_tokens: 1", "", false},
		"own demand beside":      {"", "", "concurrency: 1, own: 1", "", false},
		"own limit":              {"", "scale_down_limit: {replicas: 5},", "concurrency: 1", "", false},
		"common limit":           {"defaults: {scale_down_limit: {replicas: 5}}", "", "concurrency: 1", "", false},
		"a longer window":        {"", "scale_down_window: 10m,", "concurrency: 1", limited, true},
		"fast on purpose":        {"", "scale_down_window: 1m,", "concurrency: 1", unlimited, false},
		"all fast on purpose":    {"defaults: {scale_down_window: 1m}", "", "concurrency: 1", unlimited, false},
		"replicas unknown":       {"scale_targets: {disabled: true}", "", "concurrency: 1", unlimited, false},
	} {
		t.Run(name, func(t *testing.T) {
			c, found := config.Load("test.yml", fmt.Sprintf(`prometheus: {url: http://p}
signals: {own: {unit: requests per second, demand: x}, own_usage: {unit: tokens, usage: y}}
%s
models:
  - {name: other, namespace: llm, variants: [{name: b, cost: 1, capacity: {own: 1, own_usage: 1}}]}
  - {name: m, namespace: llm, presets: [vllm], %s variants: [{name: a, cost: 1, capacity: {%s}}]}
`, test.top, test.model, test.capacity))
			require.NotNil(t, c, "%s", found)
			if limit := c.Models[1].ScaleDownLimit; test.limit {
				require.InDelta(t, 10, *limit.Percent, 0)
				require.Equal(t, config.Duration(5*time.Minute), *limit.Per)
				require.Equal(t, config.Duration(2*time.Hour), *limit.AfterOverload)
				require.Nil(t, limit.Replicas)
			} else if limit != nil {
				require.Nil(t, limit.Percent, "only what the file says")
			}
			if test.remark == "" {
				require.Empty(t, found)
				return
			}
			require.Len(t, found, 1)
			require.Equal(t, config.SeverityWarning, found[0].Severity)
			require.Equal(t, "models[1]", found[0].Path)
			require.Contains(t, found[0].Message, test.remark)
			require.Contains(t, found[0].Hint, "generation_tokens, latency, own, prompt_tokens", "the cure")
			require.Nil(t, c.Models[0].ScaleDownLimit, "a model with a rate")
		})
	}
}

// TestWakes is about models that may go to zero, whose servers then say nothing.
func TestWakes(t *testing.T) {
	for signals, wakes := range map[string]bool{
		"presets: [vllm], variants: [{name: a, cost: 1, capacity: {prompt_tokens: 1}}]":                  false,
		"presets: [epp], variants: [{name: a, cost: 1, capacity: {concurrency: 1}}]":                     true,
		"presets: [vllm], variants: [{name: a, cost: 1, capacity: {prompt_tokens: 1, own: 1}}]":          true,
		"presets: [epp, vllm], variants: [{name: a, cost: 1, capacity: {concurrency: 1, kv_tokens: 1}}]": false,
	} {
		text := "prometheus: {url: http://p}\nsignals: {own: {unit: requests, demand: x, on_missing: zero, alive: up}}\n" +
			"models:\n  - {name: m, namespace: llm, replicas: {min: %d}, " + signals + "}\n"
		_, found := config.Load("test.yml", fmt.Sprintf(text, 0))
		if wakes {
			require.NoError(t, found.Err())
		} else {
			require.ErrorContains(t, found.Err(), "test.yml:4:47: error: models[0].replicas.min: no signal of the model is known while no replica runs")
		}
		_, found = config.Load("test.yml", fmt.Sprintf(text, 1))
		require.NoError(t, found.Err())
	}
}

// TestOverriddenLabel is about a label name that does not reach the preset that is used.
func TestOverriddenLabel(t *testing.T) {
	text := `prometheus: {url: http://p}
labels: {model: %s}
signals: {own: {unit: requests per second, demand: x}}
models:
  - {name: m, namespace: llm, presets: [%s], variants: [{name: a, cost: 1, capacity: {own: 1, %s: 1}}]}
`
	_, found := config.Load("test.yml", fmt.Sprintf(text, "model", "vllm", "prompt_tokens"))
	require.Len(t, found, 1)
	require.Equal(t, config.SeverityWarning, found[0].Severity)
	require.Contains(t, found[0].String(), "test.yml:2:17: warning: labels.model: the preset vllm goes by model_name: labels.model: model has no effect on it")
	_, found = config.Load("test.yml", fmt.Sprintf(text, "model_name", "vllm", "prompt_tokens"))
	require.Empty(t, found, "the same name")
	_, found = config.Load("test.yml", fmt.Sprintf(text, "model", "tgi", "latency"))
	require.Empty(t, found, "a preset without a name of its own")
	_, found = config.Load("test.yml", `prometheus: {url: http://p}
labels: {model: model}
signals: {own: {unit: requests per second, demand: x}}
models: [{name: m, namespace: llm, presets: [vllm], variants: [{name: a, cost: 1, capacity: {own: 1}}]}]
`)
	require.Empty(t, found, "a preset of which no signal is used")
}

// TestNamespaceIsCarried is about results that could be those of any namespace.
func TestNamespaceIsCarried(t *testing.T) {
	for written, ok := range map[string]bool{
		`demand: "sum by (model_name) (x)"`:                                false,
		`demand: "sum by (namespace, model_name) (x)"`:                     true,
		`demand: x, on_missing: zero, alive: "max(up)"`:                    true,
		`usage: "avg by (pod) (x)"`:                                        false,
		`usage: "x", queued: "sum by (model_name) (q)"`:                    false,
		`usage: "x", capacity: "max by (pod) (c)"`:                         false,
		`usage: "x", capacity: "max by (namespace, llm_d_ai_variant) (c)"`: true,
	} {
		_, found := config.Load("test.yml", "prometheus: {url: http://p}\nsignals: {own: {unit: requests, "+written+"}}\n"+
			"models: [{name: m, namespace: llm, variants: [{name: a, cost: 1, capacity: {own: 1}}]}]\n")
		if ok {
			require.NoError(t, found.Err(), written)
		} else {
			require.ErrorContains(t, found.Err(), "the result cannot carry the label namespace, which matches it to a variant or model", written)
		}
	}
}
