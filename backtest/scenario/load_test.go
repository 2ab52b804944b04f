package scenario_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/backtest/scenario"
)

const good = `
duration: 1h
models: [{model: llm/m, slo: {ttft: 2s}}]
load: [{model: llm/m, shape: constant, rate: 2, input_tokens: 500, output_tokens: {mean: 100, cv: 1}}]
pools: {h100: 8}
variants:
  - {name: v, namespace: llm, model: m, pool: h100, cost: 4, startup: 1m, replicas: 1, profile: {alpha: 10ms, beta: 0.03ms, gamma: 0ms, max_batch: 64}}
`

func TestDefaults(t *testing.T) {
	s, found := scenario.Load("dir/good.yml", good)
	require.Empty(t, found)
	require.Equal(t, "good", s.Name)
	require.Equal(t, "llm/m", s.Variants[0].Model)
	require.Equal(t, 1, s.Models[0].Gateway.Replicas)
	require.Equal(t, 2048, s.Variants[0].Profile.MaxBatchTokens)
	require.Equal(t, 1, s.Seed)
}

// TestContradictions has a scenario that cannot be run for each mistake, and where and how it is reported.
func TestContradictions(t *testing.T) {
	for name, tc := range map[string]struct{ more, want string }{
		"event after the end":   {"events: [{at: 2h, unready: v}]", `s.yml:8:15: error: events[0].at: the event is after the end`},
		"unknown variant":       {"events: [{at: 2m, unready: w}]", `unknown variant "w"`},
		"nothing happens":       {"events: [{at: 2m}]", "nothing happens"},
		"two at once":           {"events: [{at: 2m, unready: v, crash: v}]", "unready and crash happen at once"},
		"foreign key":           {"events: [{at: 2m, unready: v, broken: true}]", "broken does nothing for unready"},
		"unknown field":         {"event: []", `unknown field "event"`},
		"expects of no one":     {"expect: {desired: [{at: 1m, variant: x, min: 1}]}", `unknown variant "x"`},
		"expects nothing":       {"expect: {cost: {}}", "neither min nor max"},
		"expects after":         {"expect: {desired: [{at: 3h, variant: v, min: 1}]}", "the expectation is after the end"},
		"impossible":            {"expect: {cost: {min: 3, max: 2}}", "min 3 is above max 2"},
		"not a selector":        {"events: [{at: 2m, series: 'rate(x[5m])', set: 1}]", "not a selector"},
		"unknown pool of event": {"events: [{at: 2m, pool: h200, accelerators: 4}]", `did you mean "h100"`},
	} {
		t.Run(name, func(t *testing.T) {
			s, found := scenario.Load("s.yml", good[1:]+"\n"+tc.more)
			require.Nil(t, s)
			require.ErrorContains(t, found.Err(), tc.want)
		})
	}
}

func TestEveryMistakeAtOnce(t *testing.T) {
	_, found := scenario.Load("s.yml", `
duration: 0s
models: [{model: m}]
load:
  - {model: llm/n, trace: nothing.csv}
  - {model: m, shape: steps, rate: 3, input_tokens: 5, output_tokens: 5}
pools: {a: 1}
variants:
  - {name: v, namespace: llm, model: m, pool: b, cost: 4, replicas: 3, profile: {alpha: 0ms, beta: 1ms, gamma: 0ms, max_batch: 1}}
`)
	text := found.Err().Error()
	for _, want := range []string{
		"no time is scored", `"m" has no namespace`, `unknown model "llm/n"`, "nothing.csv", "points is missing",
		"rate does nothing for steps", `unknown pool "b"`, "an iteration cannot take 0 s",
	} {
		require.Contains(t, text, want)
	}
}
