package faults_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/backtest/faults"
	"github.com/variant-exporter/variant-exporter/internal/long"
)

// swapConfig has two variants for one model. Which is the cheaper one per request, its price decides. Replicas take two minutes
// to start, and both kinds share a budget that leaves no room for all of both.
const swapConfig = head + `
defaults: {headroom: 0.4, scale_down_window: 5m}
budgets: [{name: gpus, unit: accelerators, limit: 7, borrow: 1}]
signals:
  requests:
    unit: requests
    demand: sum by (namespace, model_name, pod) (vllm:num_requests_running + vllm:num_requests_waiting)
models:
  - name: chat
    namespace: llm
    variants:
      - {name: chat-a, cost: max(price), uses: {gpus: 1}, capacity: {requests: 16}, replicas: {max: 6}, startup: 2m}
      - {name: chat-b, cost: 2, uses: {gpus: 1}, capacity: {requests: 16}, replicas: {max: 6}, startup: 2m}
`

// swapFleet has as many of the one kind as carry its load.
func swapFleet(uint64) fleetOf {
	variant := func(name string, replicas int) variantOf { return variantOf{name, 20, replicas, 6, 2 * time.Minute} }
	return fleetOf{{"chat", map[time.Duration]float64{0: 2}, []variantOf{variant("chat-a", 4), variant("chat-b", 0)}}}
}

// TestSwap lets the price of what runs rise, and later fall again. The autoscaler follows every gauge at once, up and down, and
// yet what is ready carries the demand at every moment.
func TestSwap(t *testing.T) {
	sc := &scenario{name: "swap", config: load(t, swapConfig), fleet: swapFleet, series: func(now time.Duration) map[string]float64 {
		if now > 10*time.Minute && now <= 30*time.Minute {
			return map[string]float64{"price": 10}
		}
		return map[string]float64{"price": 1}
	}}
	for seed := range long.Of[uint64](1, 5) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { swap(t, newWorld(t, sc, faults.Schedule{Seed: seed})) })
		})
	}
}

func swap(t *testing.T, w *world) {
	t.Helper()
	exporter := w.connect()
	ran := map[time.Duration]map[string]int{}
	for now := time.Duration(0); now <= 50*time.Minute; now += 15 * time.Second {
		w.step(now)
		w.gauges = scrape(t, exporter, time.Now()).desired
		status := w.fleet.Status()
		supply, wanted := 0, 0
		ran[now] = map[string]int{}
		for _, v := range status.Variants {
			supply += 16 * v.Ready
			wanted += v.Asked
			ran[now][v.Name] = v.Asked
		}
		require.GreaterOrEqual(t, float64(supply), status.Models[0].InSystem, "at %s: %v", now, ran[now])
		require.LessOrEqual(t, wanted, 8, "at %s there is more than the budget and what it lends: %v", now, ran[now])
	}
	require.Zero(t, ran[10*time.Minute]["chat-b"], "%v", ran[10*time.Minute])
	require.Zero(t, ran[30*time.Minute]["chat-a"], "%v", ran[30*time.Minute])
	require.Zero(t, ran[50*time.Minute]["chat-b"], "%v", ran[50*time.Minute])
}
