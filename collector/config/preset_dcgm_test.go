package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// powered loads a model whose variant says nothing of its use of power, and another whose variant gives its own.
func powered(t *testing.T, uses, labels string) (without, with config.Quantity) {
	t.Helper()
	c, found := config.Load("test.yml", `
prometheus: {url: http://prometheus:9090}
`+labels+`
budgets: [{name: power, unit: watts, limit: 1000}]
models:
  - name: qwen
    namespace: chat
    presets: [vllm, dcgm]
    variants: [{name: b, cost: 1, capacity: {concurrency: 1, prompt_tokens: 1}, uses: {power: `+uses+`}}]
  - name: llama
    namespace: llm
    presets: [vllm, dcgm]
    variants: [{name: a, cost: 1, capacity: {concurrency: 1, prompt_tokens: 1}}]
`)
	require.NotNil(t, c, "%s", found)
	require.Empty(t, found)
	return c.Models[1].Variants[0].Uses["power"], c.Models[0].Variants[0].Uses["power"]
}

func TestPresetDCGM(t *testing.T) {
	measured, _ := powered(t, "1400", "")
	const gpu = `DCGM_FI_DEV_POWER_USAGE{gpu="0",device="nvidia0",modelName="NVIDIA H100",Hostname="node",`
	const exporter = `instance="10.0.0.1:9400",container="exporter",namespace="monitoring",pod="dcgm-exporter-x"`
	for name, test := range map[string]struct {
		series string
		want   []string
	}{
		"the GPUs of a pod are summed": {`
			` + gpu + `UUID="1",namespace="llm",pod="a-0",container="vllm"} 600x20
			` + gpu + `UUID="2",namespace="llm",pod="a-0",container="vllm"} 500x20
			` + gpu + `UUID="3",namespace="llm",pod="b-0",container="vllm"} 300x20
			` + gpu + `UUID="4",namespace="",pod="",container=""} 70x20
		`, []string{`{namespace="llm", pod="a-0"} 1100`, `{namespace="llm", pod="b-0"} 300`}},
		"Prometheus keeps the label pod for the exporter's": {`
			` + gpu + `UUID="1",exported_namespace="llm",exported_pod="a-0",exported_container="vllm",` + exporter + `} 600x20
			` + gpu + `UUID="4",` + exporter + `} 70x20
		`, []string{`{namespace="llm", pod="a-0"} 600`, `{namespace="monitoring", pod="dcgm-exporter-x"} 70`}},
		"old names of the labels": {`
			` + gpu + `UUID="1",pod_namespace="llm",pod_name="a-0",container_name="vllm",` + exporter + `} 600x20
		`, []string{`{namespace="llm", pod="a-0"} 600`}},
		"instances of a partitioned GPU show the whole of it": {`
			` + gpu + `UUID="1",GPU_I_ID="1",GPU_I_PROFILE="3g.40gb",namespace="llm",pod="a-0",container="vllm"} 600x20
			` + gpu + `UUID="1",GPU_I_ID="2",GPU_I_PROFILE="3g.40gb",namespace="llm",pod="a-0",container="vllm"} 600x20
		`, []string{`{namespace="llm", pod="a-0"} 600`}},
		"what a GPU cannot tell": {`
			` + gpu + `UUID="1",namespace="llm",pod="a-0",container="vllm"} 9223372036854775794x20
			` + gpu + `UUID="2",namespace="llm",pod="a-0",container="vllm"} 500x20
		`, []string{`{namespace="llm", pod="a-0"} 500`}},
		"the most of the day counts": {`
			` + gpu + `UUID="1",namespace="llm",pod="a-0",container="vllm"} 700x40 90x200
		`, []string{`{namespace="llm", pod="a-0"} 700`}},
		"a pod that is gone still shows its kind": {`
			` + gpu + `UUID="1",namespace="llm",pod="a-0",container="vllm"} 700x40 stale
		`, []string{`{namespace="llm", pod="a-0"} 700`}},
	} {
		t.Run(name, func(t *testing.T) {
			require.ElementsMatch(t, test.want, evaluateAt(t, 2*time.Hour, strings.ReplaceAll(test.series, "x20\n", "x240\n"), measured.Query.String()))
		})
	}
	t.Run("another label for the namespace", func(t *testing.T) {
		measured, _ := powered(t, "1400", "labels: {namespace: kubernetes_namespace}")
		require.Equal(t, []string{`{kubernetes_namespace="llm", pod="a-0"} 600`}, evaluateAt(t, 10*time.Minute, `
			`+gpu+`UUID="1",namespace="llm",pod="a-0",container="vllm",kubernetes_namespace="monitoring"} 600x20
		`, measured.Query.String()))
	})
}

// TestPresetDCGMMean is about the power that energy is paid for: it follows the load, and the budget's does not.
func TestPresetDCGMMean(t *testing.T) {
	c, found := config.Load("test.yml", `
prometheus: {url: http://prometheus:9090}
energy_price: 0.2
models: [{name: m, namespace: llm, presets: [vllm, dcgm], variants: [{name: a, cost: 1, capacity: {concurrency: 1, prompt_tokens: 1}}]}]
`)
	require.Empty(t, found)
	uses := c.Models[0].Variants[0].Uses
	const series = `DCGM_FI_DEV_POWER_USAGE{UUID="1",namespace="llm",pod="a-0"} 690x119 485x120`
	require.Equal(t, []string{`{namespace="llm", pod="a-0"} 690`}, evaluateAt(t, 2*time.Hour, series, uses[config.PowerUse].Query.String()))
	require.Equal(t, []string{`{namespace="llm", pod="a-0"} 485`}, evaluateAt(t, 2*time.Hour, series, uses[config.MeanPowerUse].Query.String()))
}

// TestPresetDCGMBesideOwnUses is about a variant that says itself what it uses.
func TestPresetDCGMBesideOwnUses(t *testing.T) {
	measured, own := powered(t, "1400", "")
	require.True(t, measured.Set)
	require.Equal(t, "("+measured.Query.String()+") or vector(1400)", own.Query.String(), "a number where nothing is measured")
	_, own = powered(t, "avg(watts)", "")
	require.Equal(t, "avg(watts)", own.Query.String(), "an expression in its place")
}

// TestPresetDCGMUsesTheBudget is about a budget that nothing but measured power uses.
func TestPresetDCGMUsesTheBudget(t *testing.T) {
	_, found := config.Load("test.yml", `
prometheus: {url: http://prometheus:9090}
budgets: [{name: power, unit: watts, limit: 1000}]
models: [{name: m, namespace: llm, presets: [vllm, dcgm], variants: [{name: a, cost: 1, capacity: {concurrency: 1, prompt_tokens: 1}}]}]
`)
	require.Empty(t, found)
}
