package backtest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/backtest"
	"github.com/variant-exporter/variant-exporter/backtest/product"
	"github.com/variant-exporter/variant-exporter/backtest/report"
	"github.com/variant-exporter/variant-exporter/backtest/scenario"
	"github.com/variant-exporter/variant-exporter/backtest/sim"
	"github.com/variant-exporter/variant-exporter/internal/long"
)

// fleet is a model on one variant that needs four of its replicas, and a second variant that is dearer.
const fleet = `
duration: 32m
warmup: 10m
models: [{model: llm/m, slo: {ttft: 2s}, gateway: {replicas: 2}}]
load: [{model: llm/m, shape: constant, rate: 24, input_tokens: 914, output_tokens: 155, patience: 60s}]
pools: {h100: 40, b200: 40}
variants:
  - {name: a, namespace: llm, model: m, pool: h100, accelerators: 4, cost: 10, startup: 1m, replicas: 4, kv_tokens: 400000, profile: {alpha: 16.28ms, beta: 0.1046ms, gamma: 0.0000001ms, max_batch: 116}}
  - {name: b, namespace: llm, model: m, kind: StatefulSet, pool: b200, accelerators: 4, cost: 13, startup: 1m, replicas: 0, kv_tokens: 400000, profile: {alpha: 16.28ms, beta: 0.1046ms, gamma: 0.0000001ms, max_batch: 116}}
`

// rates plans by the rate of the gateway, at prices that come from a series.
const rates = `
defaults: {headroom: 0.15}
signals:
  rate:
    unit: requests per second
    demand: sum by (namespace, model_name) (rate(llm_d_epp_request_total[$rate_window]))
models:
  - name: m
    namespace: llm
    variants:
      - {name: a, cost: 10, capacity: {rate: 7.53}, startup: 1m, replicas: {max: 10}}
      - {name: b, scale_target: {kind: StatefulSet}, cost: 13, capacity: {rate: 7.53}, startup: 1m, replicas: {max: 10}}
`

// servers plans by what the servers show.
const servers = `
models:
  - name: m
    namespace: llm
    presets: [vllm]
    signals: [concurrency]
    variants:
      - {name: a, cost: 10, capacity: {concurrency: 40}, startup: 1m, replicas: {max: 10}}
      - {name: b, scale_target: {kind: StatefulSet}, cost: 13, capacity: {concurrency: 40}, startup: 1m, replicas: {max: 10}}
`

func run(t *testing.T, text, conf string) *report.Result {
	t.Helper()
	s, found := scenario.Load("test.yml", text)
	require.NotNil(t, s, "%v", found)
	c, remarks := product.ParseConfig("test.conf.yml", conf)
	require.NotNil(t, c, "%v", remarks)
	r, err := backtest.Run(t.Context(), backtest.Options{
		Scenario: s, Config: c, Policies: []string{"variant_exporter"}, Seed: uint64(s.Seed), Mode: sim.Auto, Now: time.Now,
	})
	require.NoError(t, err)
	return r
}

// at is what a course says at a time.
func at(values []float64, when time.Duration) float64 { return values[int(when/time.Minute)] }

// TestNothingHappens is the fleet that the events happen to.
func TestNothingHappens(t *testing.T) {
	r := run(t, fleet, rates)
	p := r.Policies[0]
	require.Greater(t, p.SLOAttainment, 0.999)
	v := p.Timeline.Variants
	require.InDelta(t, 4, at(v[0].Ready, 28*time.Minute), 0)
	require.InDelta(t, 0, at(v[1].Desired, 28*time.Minute), 0)
	require.InDelta(t, 1, *p.CostRatio, 1e-9)
	require.Contains(t, strings.Join(r.Notes, " "), "one by one")
}

// TestEvents holds that every event of the contract does what it says to the fleet, or to what is seen of it.
func TestEvents(t *testing.T) {
	const minute = time.Minute
	for name, tc := range map[string]struct {
		event, conf string
		check       func(t *testing.T, p *report.Policy, expect []report.Expectation)
	}{
		"prometheus down": {
			"{at: 10m, for: 10m, prometheus: down}", rates,
			func(t *testing.T, p *report.Policy, _ []report.Expectation) {
				require.InDelta(t, 4, at(p.Timeline.Variants[0].Desired, 15*minute), 0, "autoscalers hold")
				require.Greater(t, p.SLOAttainment, 0.999)
			},
		},
		"prometheus restarted": {
			"{at: 10m, prometheus: restarted}", rates,
			func(t *testing.T, p *report.Policy, _ []report.Expectation) {
				require.GreaterOrEqual(t, at(p.Timeline.Variants[0].Desired, 12*minute), 4.0)
			},
		},
		"half of a store": {
			"{at: 10m, for: 5m, store: {lose: 0.5}}", servers,
			func(t *testing.T, p *report.Policy, _ []report.Expectation) {
				require.GreaterOrEqual(t, at(p.Timeline.Variants[0].Ready, 14*minute), 4.0)
			},
		},
		"unready": {
			"{at: 10m, for: 2m, unready: {variant: a, replicas: 3}}", rates,
			func(t *testing.T, p *report.Policy, _ []report.Expectation) {
				require.LessOrEqual(t, at(p.Timeline.Variants[0].Ready, 10*minute), 2.0)
				require.GreaterOrEqual(t, at(p.Timeline.Variants[0].Ready, 13*minute), 4.0)
				require.Less(t, p.SLOAttainment, 0.999)
			},
		},
		"crash": {
			"{at: 10m, crash: a}", rates,
			func(t *testing.T, p *report.Policy, _ []report.Expectation) {
				require.Greater(t, p.Unserved, 0.001)
				require.InDelta(t, 24*60, 24*60*(1-at(p.Timeline.Models[0].Attained, 10*minute)), 24*30, "half of a minute at least")
			},
		},
		"a pool shrinks": {
			"{at: 10m, pool: h100, accelerators: 8, evict: true, notice: 30s}", rates,
			func(t *testing.T, p *report.Policy, _ []report.Expectation) {
				require.InDelta(t, 2, at(p.Timeline.Variants[0].Ready, 12*minute), 0)
				require.Positive(t, at(p.Timeline.Variants[0].Pending, 12*minute))
			},
		},
		"a pool shrinks, and nothing is taken": {
			"{at: 10m, pool: h100, accelerators: 8}", rates,
			func(t *testing.T, p *report.Policy, _ []report.Expectation) {
				require.InDelta(t, 4, at(p.Timeline.Variants[0].Ready, 12*minute), 0)
			},
		},
		"a series is set": {
			"{at: 10m, for: 10m, series: 'price_a', set: 20}", strings.Replace(rates, "cost: 10,", "cost: 'price_a or vector(10)',", 1),
			func(t *testing.T, p *report.Policy, _ []report.Expectation) {
				require.Positive(t, at(p.Timeline.Variants[1].Desired, 19*minute), "the other is cheaper for ten minutes")
			},
		},
		"a series is scaled": {
			"{at: 10m, for: 10m, series: 'kube_deployment_status_replicas_ready', scale: 0.5}", rates,
			func(t *testing.T, p *report.Policy, _ []report.Expectation) {
				require.InDelta(t, 4, at(p.Timeline.Variants[0].Ready, 15*minute), 3)
			},
		},
		"a series is absent": {
			"{at: 10m, for: 20m, series: '{__name__=\"llm_d_epp_request_total\"}', absent: true}", rates,
			func(t *testing.T, p *report.Policy, expect []report.Expectation) {
				require.True(t, expect[0].Holds, "%s: an autoscaler that is told nothing holds", expect[0].Found)
				require.GreaterOrEqual(t, at(p.Timeline.Variants[0].Ready, 28*minute), 2.0)
			},
		},
		"a roll-out": {
			"{at: 10m, rollout: a, surge: 1, unavailable: 0}", rates,
			func(t *testing.T, p *report.Policy, _ []report.Expectation) {
				require.GreaterOrEqual(t, at(p.Timeline.Variants[0].Ready, 12*minute), 4.0)
				require.InDelta(t, 1, at(p.Timeline.Variants[0].Starting, 12*minute), 1)
				require.Greater(t, p.SLOAttainment, 0.999)
			},
		},
		"a broken roll-out": {
			"{at: 10m, rollout: a, surge: 0, unavailable: 2, broken: true}", rates,
			func(t *testing.T, p *report.Policy, _ []report.Expectation) {
				require.LessOrEqual(t, at(p.Timeline.Variants[0].Ready, 28*minute), 3.0)
				require.GreaterOrEqual(t, at(p.Timeline.Variants[0].Starting, 28*minute), 2.0)
			},
		},
		"an autoscaler stops": {
			"{at: 10m, autoscaler_stops: a, at_most: 2}", rates,
			func(t *testing.T, p *report.Policy, _ []report.Expectation) {
				require.InDelta(t, 2, at(p.Timeline.Variants[0].Desired, 15*minute), 0)
			},
		},
		"a scrape fails": {
			"{at: 10m, for: 10m, scrape_fails: {variant: a, pods: 2}}", servers,
			func(t *testing.T, p *report.Policy, _ []report.Expectation) {
				require.GreaterOrEqual(t, at(p.Timeline.Variants[0].Ready, 19*minute), 3.0, "half of the load is not less load")
			},
		},
		"scraped twice": {
			"{at: 10m, scraped: {variant: a, times: 2}}", servers,
			func(t *testing.T, p *report.Policy, _ []report.Expectation) {
				require.Less(t, at(p.Timeline.Variants[0].Desired, 14*minute), 20.0)
			},
		},
		"slow": {
			"{at: 10m, for: 10m, slow: {variant: a, by: 3}}", rates,
			func(t *testing.T, p *report.Policy, _ []report.Expectation) {
				require.Less(t, p.SLOAttainment, 0.9)
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if !slices.Contains([]string{"prometheus down", "unready", "a roll-out", "a pool shrinks"}, name) {
				long.Test(t)
			}
			t.Parallel()
			text := fleet + "events: [" + tc.event + "]\nexpect: {desired: [{at: 25m, variant: a, min: 1}]}\n"
			r := run(t, text, tc.conf)
			tc.check(t, &r.Policies[0], r.Expect)
		})
	}
}

// TestSeedsDecide holds that a run can be repeated, with the program in it.
func TestSeedsDecide(t *testing.T) {
	text := func(seed int) string { return fleet + fmt.Sprintf("seed: %d\n", seed) }
	first, again, other := run(t, text(1), rates), run(t, text(1), rates), run(t, text(2), rates)
	require.Equal(t, first.Policies[0].Score, again.Policies[0].Score)
	require.NotEqual(t, first.Policies[0].Requests, other.Policies[0].Requests)
}

// TestRecordedIsAskedForItself: a simulated fleet has no recording rules.
func TestRecordedIsAskedForItself(t *testing.T) {
	plain, recorded := run(t, fleet, rates), run(t, fleet, "recorded: true\n"+rates)
	require.Equal(t, plain.Policies[0].Score, recorded.Policies[0].Score)
}

func TestTheConfigurationIsOfAnotherFleet(t *testing.T) {
	s, _ := scenario.Load("test.yml", fleet)
	c, _ := product.ParseConfig("test.conf.yml", strings.ReplaceAll(rates, "name: b", "name: c"))
	_, err := backtest.Run(t.Context(), backtest.Options{Scenario: s, Config: c, Policies: []string{"variant_exporter"}, Now: time.Now})
	require.ErrorContains(t, err, "the configuration has the variant llm/c, the scenario has llm/a, llm/b")
	_, err = backtest.Run(t.Context(), backtest.Options{Scenario: s, Policies: []string{"variant_exporter"}, Now: time.Now})
	require.ErrorContains(t, err, "needs a configuration")
}
