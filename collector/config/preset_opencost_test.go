package config_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

func TestPresetOpenCost(t *testing.T) {
	c := load(t, `
prometheus: {url: http://prometheus:9090}
models:
  - name: llama
    namespace: llm
    presets: [vllm, opencost]
    variants:
      - {name: a, cost: 4.10, capacity: {concurrency: 1, prompt_tokens: 1}}
      - {name: b, cost: {query: price_of_b}, capacity: {concurrency: 1, prompt_tokens: 1}}
`)
	measured, own := c.Models[0].Variants[0].Cost, c.Models[0].Variants[1].Cost
	require.Equal(t, "price_of_b", own.Query.String(), "an expression of one's own counts")
	const prices = `
		node_gpu_hourly_cost{node="n",instance="i"} 2x20
		node_gpu_hourly_cost{node="n",instance="j"} 2x20
		node_cpu_hourly_cost{node="n"} 0.03x20
		node_ram_hourly_cost{node="n"} 0.005x20
	`
	const pod = `node="n",container="vllm",`
	for name, test := range map[string]struct {
		series string
		want   []string
	}{
		"accelerators, processors and memory": {prices + `
			container_gpu_allocation{` + pod + `namespace="llm",pod="a-0"} 2x20
			container_cpu_allocation{` + pod + `namespace="llm",pod="a-0"} 10x20
			container_memory_allocation_bytes{` + pod + `namespace="llm",pod="a-0"} 107374182400x20
		`, []string{`{namespace="llm", pod="a-0"} 4.8`, `{} 4.1`}},
		"a scrape has kept namespace and pod for OpenCost's own": {prices + `
			container_gpu_allocation{` + pod + `namespace="opencost",pod="opencost-x",exported_namespace="llm",exported_pod="a-0"} 2x20
		`, []string{`{namespace="llm", pod="a-0"} 4`, `{} 4.1`}},
		"no price for the accelerators": {`
			node_cpu_hourly_cost{node="n"} 0.03x20
			container_gpu_allocation{` + pod + `namespace="llm",pod="a-0"} 2x20
			container_cpu_allocation{` + pod + `namespace="llm",pod="a-0"} 10x20
		`, []string{`{} 4.1`}},
		"no replica": {prices, []string{`{} 4.1`}},
	} {
		t.Run(name, func(t *testing.T) {
			require.ElementsMatch(t, test.want, evaluate(t, test.series, measured.Query.String()))
		})
	}
	_, found := config.Load("test.yml", "prometheus: {url: http://p}\nmodels: [{name: m, namespace: n, presets: [vllm, opencost], variants: [{name: a, capacity: {concurrency: 1}}]}]")
	require.ErrorContains(t, found.Err(), "cost", "a number must be there for a variant without replicas")
}
