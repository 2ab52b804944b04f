package config_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

const twoWorkloads = `prometheus: {url: http://p}
labels: {namespace: ns}
models:
  - name: m
    namespace: llm
    presets: [epp]
    variants:
      - {name: a, cost: 1, capacity: {concurrency: 1}, scale_target: {kind: LeaderWorkerSet, name: w}}
      - {name: b, cost: 1, capacity: {concurrency: 1}, scale_target: {kind: StatefulSet, name: %s}}
`

// TestErrorAt is about remarks on a configuration that is valid, which only some uses of it need: they stand where those of a check do.
func TestErrorAt(t *testing.T) {
	c := load(t, "models:\n  - name: m\n    namespace: llm\n    presets: [vllm]\n    variants:\n      - {name: a, cost: 1, capacity: {concurrency: 1}}\nprometheus: {url: http://p}\n")
	for path, want := range map[string]string{
		"models[0].variants[0].cost":         "test.yml:6:25: error: models[0].variants[0].cost: message",
		"models[0].variants[0].replicas.max": "test.yml:6:9: error: models[0].variants[0].replicas.max: message",
		"budgets":                            "test.yml:1:1: error: budgets: message",
	} {
		d := c.ErrorAt(path, "message", "hint of 15 %")
		require.Contains(t, d.String(), want)
		require.Contains(t, d.String(), "= hint of 15 %")
		require.NotEmpty(t, d.Snippet)
		require.True(t, config.Diagnostics{d}.HasErrors())
	}
	require.Equal(t, "x", (&config.Config{}).ErrorAt("x", "message", "").Path)
}

func TestPresetSignal(t *testing.T) {
	c := load(t, fmt.Sprintf(twoWorkloads, "other"))
	s, err := c.PresetSignal("epp", "concurrency")
	require.NoError(t, err)
	require.Contains(t, s.Demand.String(), "sum by (ns, model_name)", "the configuration's label names")
	require.Equal(t, c.Models[0].ActiveSignals()[0].Demand.String(), s.Demand.String())
	_, err = c.PresetSignal("epp", "none")
	require.ErrorContains(t, err, `preset epp has no signal "none"`)
	_, err = c.PresetSignal("none", "concurrency")
	require.ErrorContains(t, err, `no preset "none"`)
}

// TestParts is about what is in a gateway's queue or sent on, of which either may be missing.
func TestParts(t *testing.T) {
	s, err := load(t, fmt.Sprintf(twoWorkloads, "other")).PresetSignal("epp", "concurrency")
	require.NoError(t, err)
	const queued = "llm_d_epp_flow_control_queue_size{ns=\"llm\",instance=\"a\",model_name=\"llama\"} 3x2\n"
	const running = "llm_d_epp_request_running{ns=\"llm\",instance=\"a\",model_name=\"llama\"} 10x2\n"
	for series, want := range map[string]string{queued + running: "13", queued: "3", running: "10"} {
		require.Equal(t, []string{`{model_name="llama", ns="llm"} ` + want}, evaluate(t, series, "sum by (ns, model_name) ("+s.Parts()+")"))
	}
	s.Queued = config.Expr{}
	require.Equal(t, s.Demand.String(), s.Parts())
}

// TestLeaderWorkerSetsStatefulSet is about the StatefulSet of leaders, which nothing else may scale.
func TestLeaderWorkerSetsStatefulSet(t *testing.T) {
	_, found := config.Load("test.yml", fmt.Sprintf(twoWorkloads, "w"))
	require.ErrorContains(t, found.Err(), "test.yml:9:70: error: models[0].variants[1].scale_target: StatefulSet w is already the scale target of models[0].variants[0]")
}
