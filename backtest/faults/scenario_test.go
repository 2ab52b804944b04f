package faults_test

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// scenario is a configuration and the fleet that it is for.
type scenario struct {
	name   string
	text   string
	config *config.Config
	// forgetful is the same configuration, which uses nothing that is remembered for a day: no start takes time, so it costs nothing, and
	// headroom is a number.
	forgetful *config.Config
	learns    bool // headroom is learnt from a day
	fleet     func(seed uint64) fleetOf
	series    func(now time.Duration) map[string]float64 // what else Prometheus scrapes
	bounds    map[string][2]float64                      // of the replicas of each variant

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

var startups = regexp.MustCompile(`startup: \w+`)

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
		s.learns = strings.Contains(s.text, "headroom: auto")
		s.forgetful = load(t, startups.ReplaceAllString(strings.ReplaceAll(s.text, "headroom: auto", "headroom: 0.2"), "startup: 0s"))
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
func ofCode(seed uint64) fleetOf { return twoModels(seed)[1:] }

// soldOut is a fleet whose smaller accelerators cannot be had: what is started of them does not become ready.
func soldOut(seed uint64) fleetOf {
	f := twoModels(seed)
	f[0].variants[1].startup = 24 * time.Hour
	return f
}

// prices change which variant is the cheaper one per request, and how many accelerators there are.
func prices(now time.Duration) map[string]float64 {
	phase := int(now / (5 * time.Minute))
	return map[string]float64{"price": []float64{1, 3, 1.5, 0.5, 4}[phase%5], "quota": []float64{14, 14, 10, 14, 12}[phase%5]}
}

// twoModels are models whose load goes up and down from minute to minute; that of one ends now and then.
func twoModels(seed uint64) fleetOf {
	rng := rand.New(rand.NewPCG(seed, 2))
	load := func(levels []float64) map[time.Duration]float64 {
		every := 2*time.Minute + time.Duration(rng.IntN(120))*time.Second
		rates := map[time.Duration]float64{}
		for at := time.Duration(0); at < length; at += every {
			rates[at] = levels[rng.IntN(len(levels))]
		}
		return rates
	}
	return fleetOf{
		{"chat", load([]float64{0.3, 0.8, 1.5, 2.5}), []variantOf{{"chat-large", 20, 2, 8, time.Minute}, {"chat-small", 8, 2, 12, 30 * time.Second}}},
		{"code", load([]float64{0, 0, 0.5, 1.5}), []variantOf{{"code-large", 20, 2, 6, time.Minute}}},
	}
}
