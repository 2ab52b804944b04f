package replay_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/backtest/replay"
	"github.com/variant-exporter/variant-exporter/backtest/scenario"
	"github.com/variant-exporter/variant-exporter/collector/config"
)

const scenarioConfig = `
prometheus: {url: http://localhost:9090}
signals:
  rate: {unit: requests per second, demand: load}
models:
  - name: m
    namespace: llm
    slo: {ttft: 2s, itl: 0.06s}
    variants:
      - {name: a, cost: 4.1, capacity: {rate: 7}, startup: 2m, replicas: {max: 12}, profile: {alpha: 16.28ms, beta: 0.1046ms, gamma: 0.0000001ms, max_batch: 116}}
      - {name: b, cost: 1, capacity: {rate: 2}}
`

func recorded(t *testing.T, text string) (*config.Config, *replay.Result) {
	t.Helper()
	c, found := config.Load("c.yml", text)
	require.NotNil(t, c, "%v", found)
	const steps = 20
	r := &replay.Result{From: time.Date(2026, 11, 16, 0, 0, 0, 0, time.UTC), StepSeconds: 60, Steps: steps}
	r.To = r.From.Add(steps * time.Minute)
	m := replay.Model{Namespace: "llm", Name: "m", Signals: []replay.Signal{{Name: "rate", Unit: "requests per second", Demand: make([]*float64, steps)}}}
	for i := range steps {
		if i >= 5 && i < 10 || i == 12 {
			continue
		}
		v := float64(10 + i)
		m.Signals[0].Demand[i] = &v
	}
	four, cost := 4, 4.1
	m.Variants = []replay.Variant{
		{Name: "a", Current: []*int{nil, &four}, Cost: []*float64{nil, &cost}}, {Name: "b"},
	}
	r.Models = []replay.Model{m}
	return c, r
}

func TestWriteScenario(t *testing.T) {
	c, r := recorded(t, scenarioConfig)
	var b bytes.Buffer
	require.NoError(t, replay.WriteScenario(&b, r, c, nil))
	require.Equal(t, `# Made by replay from the history of 2026-11-16T00:00:00Z to 2026-11-16T00:20:00Z.
# To fill in, or to look at, before it says anything:
#   - pools: each variant has one of its own, as large as its maximum, or four times what ran
#   - the load of llm/m is not known of 6 of 20 steps; the rate before goes on in them
#   - input_tokens of llm/m: a mean length, or {mean: 800, cv: 1}
#   - output_tokens of llm/m: a mean length, or {mean: 800, cv: 1}
#   - burstiness of llm/m, if its arrivals are no Poisson process: a history of rates does not say it
#   - cost of llm/b: it was known at no step
#   - startup of llm/b: how long a replica takes to be ready
#   - profile of llm/b: how fast a replica is, from variant_exporter calibrate
duration: 1200s
models:
  - {model: "llm/m", slo: {itl: 60ms, ttft: 2000ms}}
load:
  - {model: "llm/m", shape: steps, points: {0s: 12, 600s: 22, 900s: 27}}
pools:
  "a": 12
  "b": 4
variants:
  - {name: "a", namespace: "llm", model: "m", kind: Deployment, role: both, pool: "a", cost: 4.1, startup: 2m, replicas: 4, profile: {alpha: 16.28ms, beta: 0.1046ms, gamma: 0.0000001ms, max_batch: 116}}
  - {name: "b", namespace: "llm", model: "m", kind: Deployment, role: both, pool: "b", replicas: 0}
`, b.String())

	_, found := scenario.Load("s.yml", b.String())
	var asked []string
	for _, f := range found {
		asked = append(asked, f.Message)
	}
	require.Len(t, asked, 4, "backtest asks for what is missing, and has nothing against the rest: %v", asked)
}

func TestWriteScenarioWithoutRates(t *testing.T) {
	c, r := recorded(t, scenarioConfig)
	r.Models[0].Signals[0].Unit = "requests"
	require.ErrorContains(t, replay.WriteScenario(&bytes.Buffer{}, r, c, nil), "llm/m is planned by no signal in requests per second")

	c, r = recorded(t, scenarioConfig)
	clear(r.Models[0].Signals[0].Demand)
	require.ErrorContains(t, replay.WriteScenario(&bytes.Buffer{}, r, c, nil), "llm/m: nothing is known of its load")
}

// TestWriteScenarioFromArrivals is about a model that is planned by what is in service.
func TestWriteScenarioFromArrivals(t *testing.T) {
	c, r := recorded(t, scenarioConfig)
	r.Models[0].Signals[0].Unit = "requests"
	rate := 3.0
	came := replay.Arrivals{Preset: "vllm", Rate: make([]*float64, 20), Input: replay.Length{Mean: 600, CV: 0.5}, Output: replay.Length{Mean: 200, CV: -1}}
	came.Rate[0], came.Rate[1] = &rate, &rate
	var b bytes.Buffer
	require.NoError(t, replay.WriteScenario(&b, r, c, []replay.Arrivals{came}))
	require.Contains(t, b.String(), "points: {0s: 3}, input_tokens: {mean: 600, cv: 0.5}, output_tokens: 200}")
	require.Contains(t, b.String(), "#   - cv of output_tokens of llm/m")
	require.Contains(t, b.String(), "the load of llm/m is not known of 18 of 20 steps")
}
