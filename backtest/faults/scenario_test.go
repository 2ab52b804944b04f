package faults_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/backtest/fleet"
	"github.com/variant-exporter/variant-exporter/collector/config"
)

// scenario is a configuration and the fleet that it is for.
type scenario struct {
	name   string
	text   string
	config *config.Config
	fleet  func(seed uint64) fleet.Config
	series func(now time.Duration) map[string]float64 // what else Prometheus scrapes
	bounds map[string][2]float64                      // of the replicas of each variant

	delayed bool // a rise counts only once it has lasted, so that the demand there is now is no measure
}

const (
	window = 2 * time.Minute // for which demand must have been lower before replicas go
	head   = "prometheus: {url: 'http://prometheus.example'}\n"
	// A demand by pod: one that is summed over the pods does not show that one of them is missing.
	byPod = `
signals:
  requests:
    unit: requests
    demand: sum by (namespace, model_name, pod) (vllm:num_requests_running + vllm:num_requests_waiting)
`
)

func load(t *testing.T, text string) *config.Config {
	t.Helper()
	c, found := config.Load("faults.yml", text)
	require.NotNil(t, c, "%v", found)
	return c
}

// scenarios are the configurations that schedules are tried on.
func scenarios(t *testing.T) []*scenario {
	t.Helper()
	all := []*scenario{
		{name: "swap", text: head + byPod + `
defaults: {headroom: 0.2, scale_down_window: 2m}
models:
  - name: chat
    namespace: llm
    variants:
      - {name: chat-large, cost: max(price), capacity: {requests: 16}, replicas: {max: 8}, startup: 1m}
      - {name: chat-small, cost: 1, capacity: {requests: 6}, replicas: {max: 12}, startup: 30s}
`},
		{name: "usage and forecast", text: head + byPod + `
defaults: {headroom: 0.2, scale_down_window: 2m, forecast: {method: linear, lookback: 4m, lead: 1m}}
models:
  - name: chat
    namespace: llm
    variants:
      - {name: chat-large, cost: 3, capacity: {requests: 16}, replicas: {min: 1, max: 8}, startup: 1m}
      - {name: chat-small, cost: max(price), capacity: {requests: 6}, replicas: {max: 12}, startup: 30s}
  - name: code
    namespace: llm
    presets: [vllm]
    signals: [kv_tokens]
    variants: [{name: code-large, cost: 3, replicas: {min: 1, max: 6}, startup: 1m}]
`},
		{name: "budgets", delayed: true, text: head + `
defaults: {headroom: 0.1, scale_down_window: 2m, scale_up_window: 15s}
budgets: [{name: gpus, unit: accelerators, limit: [14, max(quota)]}]
models:
  - name: chat
    namespace: llm
    presets: [vllm]
    priority: 1
    variants:
      - {name: chat-large, cost: 3, uses: {gpus: 2}, capacity: {concurrency: 16}, replicas: {max: 8}, startup: 1m}
      - {name: chat-small, cost: max(price), uses: {gpus: 1}, capacity: {concurrency: 6}, replicas: {max: 12}, startup: 30s}
  - name: code
    namespace: llm
    presets: [vllm]
    priority: 2
    variants: [{name: code-large, cost: 3, uses: {gpus: 2}, capacity: {concurrency: 16}, replicas: {max: 6}, startup: 1m}]
`},
		{name: "scale to zero", text: head + `
defaults: {headroom: auto, scale_down_window: 2m, idle_after: 3m}
models:
  - name: code
    namespace: llm
    presets: [epp]
    replicas: {min: 0}
    match: {inference_pool: code}
    variants: [{name: code-large, cost: 3, capacity: {concurrency: 16}, replicas: {max: 6}, startup: 1m}]
`, fleet: ofCode},
		{name: "guards", text: head + "max_age: 1m\n" + byPod + `
defaults:
  headroom: 0.2
  scale_down_window: 2m
  provision_timeout: 2m
  provision_cooldown: 3m
  scale_up_limit: {replicas: 3, percent: 100, per: 1m}
  scale_down_limit: {percent: 25, per: 1m}
budgets: [{name: gpus, unit: accelerators, limit: 16, borrow: 2}]
models:
  - name: chat
    namespace: llm
    variants:
      - {name: chat-large, cost: max(price), uses: {gpus: 1}, capacity: {requests: 16}, replicas: {max: 8}, startup: 1m, failsafe: {after: 3m, replicas: 8}}
      - {name: chat-small, cost: 1, uses: {gpus: 1}, capacity: {requests: 6}, replicas: {max: 12}, startup: 30s}
`, fleet: soldOut},
	}
	for _, s := range all {
		s.config = load(t, s.text)
		if s.fleet == nil {
			s.fleet = twoModels
		}
		s.series = prices
		s.bounds = map[string][2]float64{"chat-large": {0, 8}, "chat-small": {0, 12}, "code-large": {0, 6}}
	}
	all[1].bounds["chat-large"], all[1].bounds["code-large"] = [2]float64{1, 8}, [2]float64{1, 6}
	return all
}

// ofCode is a fleet with the one model only whose load ends now and then: whatever is said of it, is said of that.
func ofCode(seed uint64) fleet.Config {
	c := twoModels(seed)
	c.Models = c.Models[1:]
	return c
}

// soldOut is a fleet whose smaller accelerators cannot be had: what is started of them does not become ready.
func soldOut(seed uint64) fleet.Config {
	c := twoModels(seed)
	c.Models[0].Variants[1].Startup = 24 * time.Hour
	return c
}

// prices change which variant is the cheaper one per request, and how many accelerators there are.
func prices(now time.Duration) map[string]float64 {
	phase := int(now / (5 * time.Minute))
	return map[string]float64{"price": []float64{1, 3, 1.5, 0.5, 4}[phase%5], "quota": []float64{14, 14, 10, 14, 12}[phase%5]}
}

// twoModels are models whose load goes up and down from minute to minute; that of one ends now and then.
func twoModels(seed uint64) fleet.Config {
	rng := rand.New(rand.NewPCG(seed, 2))
	load := func(levels []float64) fleet.Load {
		rates := make([]float64, 60)
		for i := range rates {
			rates[i] = levels[rng.IntN(len(levels))]
		}
		return fleet.Noisy(fleet.Steps(2*time.Minute+time.Duration(rng.IntN(120))*time.Second, rates...), 0.2, 20*time.Second, seed)
	}
	tokens := fleet.Tokens{Mean: fleet.Lengths{Input: 200, Output: 600}, Variation: 0.3}
	variant := func(name string, batch, replicas, most int, startup time.Duration) fleet.Variant {
		return fleet.Variant{
			Name: name, Startup: startup, Replicas: replicas, Max: most, Blocks: 200 * batch, BlockSize: 16, Cost: 1,
			Profile: fleet.Profile{Alpha: 25e-3, Beta: 40e-6, Gamma: 0.7e-6, MaxBatch: batch},
		}
	}
	return fleet.Config{Models: []fleet.Model{
		{
			Name: "chat", Namespace: "llm", Pool: "chat", Tokens: tokens, ReplicaQueue: 5,
			Load: load([]float64{0.3, 0.8, 1.5, 2.5}),
			Variants: []fleet.Variant{
				variant("chat-large", 20, 2, 8, time.Minute), variant("chat-small", 8, 2, 12, 30*time.Second),
			},
		},
		{
			Name: "code", Namespace: "llm", Pool: "code", Tokens: tokens, ReplicaQueue: 5,
			Load:     load([]float64{0, 0, 0.5, 1.5}),
			Variants: []fleet.Variant{variant("code-large", 20, 2, 6, time.Minute)},
		},
	}}
}
