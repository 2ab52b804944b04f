package query_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/query"
)

func TestStepOf(t *testing.T) {
	for window, want := range map[time.Duration]time.Duration{
		1:                            time.Second,
		time.Second:                  time.Second,
		25*time.Second - 1:           time.Second,
		25 * time.Second:             5 * time.Second,
		time.Minute - 1:              5 * time.Second,
		time.Minute:                  15 * time.Second,
		5 * time.Minute:              15 * time.Second,
		30 * time.Minute:             15 * time.Second,
		30*time.Minute + 1:           time.Minute,
		24 * time.Hour:               time.Minute,
		7*24*time.Hour + time.Minute: time.Minute,
	} {
		require.Equal(t, want, query.StepOf(window), window)
	}
}

func compile(t *testing.T, text string) *query.Program {
	t.Helper()
	c, found := config.Load("test.yml", "prometheus: {url: http://prometheus.example}\n"+text)
	require.NotNil(t, c, "%v", found)
	return query.Compile(c)
}

// named are the queries of a program, and its histories with how far back they reach and their steps.
func named(p *query.Program) (queries, histories []string) {
	for _, q := range p.AllQueries() {
		queries = append(queries, q.Name)
	}
	for _, h := range p.Histories {
		histories = append(histories, fmt.Sprintf("%s = %s, %s..%s each %s",
			h.Name, h.Expr, model.Duration(h.From), model.Duration(h.Until), model.Duration(h.Step)))
	}
	return queries, histories
}

func TestCompile(t *testing.T) {
	const (
		head = `
defaults: {headroom: 0, scale_down_window: 0s, provision_timeout: 0s}
scale_targets: {current: current, ready: ready, rolling: rolling}
signals: {load: {unit: requests, demand: demand%s}}
`
		wakes = ", on_missing: zero, alive: alive"
		one   = `models: [{name: m, namespace: ns%s, variants: [{name: a, cost: 1, capacity: {load: 10}%s}]}]`
	)
	base := []string{"scale_targets.current", "scale_targets.ready", "load.demand", "input_ages"}
	woken := []string{"scale_targets.current", "scale_targets.ready", "load.demand", "load.alive", "input_ages"}
	for name, c := range map[string]struct {
		signal, model, variant string
		text                   string // the whole, where it is another
		queries, histories     []string
	}{
		"nothing looks back": {queries: base},
		"a scale-down window": {model: ", scale_down_window: 5m", queries: base, histories: []string{
			"load.demand.history = demand, 5m..0s each 15s",
		}},
		"both windows, on the finer grid": {model: ", scale_down_window: 10m, scale_up_window: 30s", queries: base, histories: []string{
			"load.demand.history_5s = demand, 10m30s..0s each 5s",
		}},
		"a long window, on the coarser": {model: ", scale_down_window: 1h", queries: base, histories: []string{
			"load.demand.history_1m = demand, 1h..0s each 1m",
		}},
		"idleness": {signal: wakes, model: ", replicas: {min: 0}, idle_after: 20m", queries: woken, histories: []string{
			"load.alive.history = alive, 20m..0s each 15s",
			"load.demand.history = demand, 20m..0s each 15s",
		}},
		"idle for no less than a start takes": {
			signal: wakes, model: ", replicas: {min: 0}, idle_after: 20m", variant: ", startup: 25m", queries: woken, histories: []string{
				"load.alive.history = alive, 26m..0s each 15s",
				"load.demand.history = demand, 26m..0s each 15s",
				"load.demand.history_1m = demand, 1d..0s each 1m",
			},
		},
		"for how long it was awake, and not all day": {
			signal: wakes, model: ", replicas: {min: 0}, idle_after: 1d", variant: ", provision_timeout: 10m", queries: woken, histories: []string{
				"load.alive.history_1m = alive, 1d..0s each 1m",
				"load.demand.history = demand, 25m..0s each 15s",
				"load.demand.history_1m = demand, 1d..0s each 1m",
				"scale_targets.current.history = current, 1h10m..0s each 15s",
				"scale_targets.ready.history = ready, 1h10m..0s each 15s",
				"scale_targets.rolling.history = rolling, 1h10m..0s each 15s",
			},
		},
		"one history for what has one grid": {
			signal: wakes, model: ", replicas: {min: 0}, idle_after: 20m, scale_down_window: 5m, forecast: {method: linear, lookback: 25m, lead: 1m}", queries: woken,
			histories: []string{"load.alive.history = alive, 20m..0s each 15s", "load.demand.history = demand, 25m..0s each 15s"},
		},
		"several for several grids": {
			signal: wakes, model: ", replicas: {min: 0}, idle_after: 2h, scale_down_window: 5m, headroom: auto", queries: woken,
			histories: []string{
				"load.alive.history = alive, 5m..0s each 15s",
				"load.alive.history_1m = alive, 2h..0s each 1m",
				"load.demand.history = demand, 1h6m..0s each 15s",
				"load.demand.history_1m = demand, 2d39m..0s each 1m",
				"load.demand.history_1w_ago = demand, 8d39m..6d23h57m each 1m",
			},
		},
		"a trend needs a lead": {model: ", forecast: {method: linear, lookback: 10m, lead: 0s}", queries: base},
		"seasons": {
			model: ", forecast: {method: seasonal, lookback: 10m, lead: 1m}", variant: ", startup: 3m", queries: base,
			histories: []string{
				"load.demand.history = demand, 10m..0s each 15s",
				"load.demand.history_1d_ago = demand, 1d10m..23h57m each 15s",
				"load.demand.history_1m = demand, 1d..0s each 1m",
				"load.demand.history_1w_ago = demand, 7d10m..6d23h57m each 15s",
			},
		},
		"whether a source is up": {
			signal: ", on_missing: zero, alive: alive", model: ", replicas: {min: 0}, idle_after: 10m, scale_down_window: 5m",
			queries: woken,
			histories: []string{
				"load.alive.history = alive, 10m..0s each 15s",
				"load.demand.history = demand, 10m..0s each 15s",
			},
		},
		"a limit that holds after an overload": {model: ", scale_down_limit: {replicas: 1, per: 10m, after_overload: 30m}", queries: base, histories: []string{
			"load.demand.history = demand, 30m..0s each 15s",
			"scale_targets.current.history = current, 10m..0s each 15s",
			"scale_targets.current.least.history_5m = min_over_time((current)[5m:15s]), 36m..0s each 5m",
			"scale_targets.ready.history = ready, 31m..0s each 15s",
		}},
		"limits on change": {model: ", scale_up_limit: {replicas: 1, per: 20s}, scale_down_limit: {replicas: 1, per: 10m}", queries: base, histories: []string{
			"scale_targets.current.history_1s = current, 10m..0s each 1s",
		}},
		"a failsafe": {variant: ", failsafe: {after: 40m, replicas: 1}", queries: base, histories: []string{
			"load.demand.history_1m = demand, 40m..0s each 1m",
			"scale_targets.current.history_1m = current, 40m..0s each 1m",
		}},
		"a start that must end": {variant: ", provision_timeout: 20m", model: ", provision_cooldown: 1h", queries: base, histories: []string{
			"load.demand.history = demand, 1h20m..0s each 15s",
			"scale_targets.current.history = current, 1h20m..0s each 15s",
			"scale_targets.ready.history = ready, 1h20m..0s each 15s",
			"scale_targets.rolling.history = rolling, 1h20m..0s each 15s",
		}},
		"usage and what is queued": {
			text: `
defaults: {headroom: 0, scale_down_window: 5m, provision_timeout: 0s}
scale_targets: {disabled: true}
signals: {kv: {unit: tokens, usage: usage, queued: queued}}
models: [{name: m, namespace: ns, variants: [{name: a, cost: 1, capacity: {kv: 10}}]}]`,
			queries: []string{"kv.usage", "kv.queued", "input_ages"},
			histories: []string{
				"kv.queued.history = queued, 5m..0s each 15s",
				"kv.usage.history = usage, 5m..0s each 15s",
			},
		},
		"one expression read by model and by variant": {
			text: `
defaults: {headroom: 0, scale_down_window: 5m, provision_timeout: 0s}
scale_targets: {disabled: true}
signals: {kv: {unit: tokens, usage: demand}, load: {unit: requests, demand: demand}}
models: [{name: m, namespace: ns, variants: [{name: a, cost: 1, capacity: {kv: 10, load: 10}}]}]`,
			queries: []string{"kv.usage", "input_ages"},
			histories: []string{
				"kv.usage.history = demand, 5m..0s each 15s",
				"load.demand.history = demand, 5m..0s each 15s",
			},
		},
		"models share what they can": {
			text: fmt.Sprintf(head, "") + `models:
  - {name: m, namespace: ns, scale_down_window: 5m, variants: [{name: a, cost: 1, capacity: {load: 10}}]}
  - {name: n, namespace: ns, scale_down_window: 9m, variants: [{name: b, cost: 1, capacity: {load: 10}}]}
  - {name: o, namespace: ns, scale_down_window: 1h, variants: [{name: c, cost: 1, capacity: {load: 10}}]}`,
			queries: base,
			histories: []string{
				"load.demand.history = demand, 9m..0s each 15s",
				"load.demand.history_1m = demand, 1h..0s each 1m",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			text := c.text
			if text == "" {
				text = fmt.Sprintf(head, c.signal) + fmt.Sprintf(one, c.model, c.variant)
			}
			p := compile(t, text)
			queries, histories := named(p)
			slices.Sort(histories)
			require.Equal(t, c.queries, queries)
			require.Equal(t, c.histories, histories)
			for i, q := range p.AllQueries() {
				require.Equal(t, i, q.Place)
			}
			for i, h := range p.Histories {
				require.Equal(t, i, h.Place)
			}
		})
	}
}

// TestInputs: a signal names what its demand rests on, and a variant what it rests on itself.
func TestInputs(t *testing.T) {
	p := compile(t, `
defaults: {headroom: 0, scale_down_window: 5m, provision_timeout: 10m}
scale_targets: {current: current, ready: ready}
signals: {load: {unit: requests, demand: demand, on_missing: zero, alive: alive}}
models: [{name: m, namespace: ns, variants: [{name: a, cost: price, uses: {power: watts}, capacity: {load: learned}}]}]
budgets: [{name: power, unit: watts, limit: 1000}]`)
	require.Equal(t, []string{"load.demand", "load.alive", "load.demand.history", "load.alive.history"}, p.Models[0].Signals[0].Inputs)
	require.Equal(t, []string{
		"ns/a.cost", "ns/a.uses.power", "ns/a.capacity.load", "scale_targets.current", "scale_targets.ready",
		"ns/a.cost.history_1m", "ns/a.uses.power.history_1m", "ns/a.capacity.load.history_1m", "scale_targets.current.history", "scale_targets.ready.history",
	}, p.Variants[0].Inputs)
}

// TestMaxAge: of signals that share a query the smallest age counts, and prices may be as old as Prometheus finds them.
func TestMaxAge(t *testing.T) {
	p := compile(t, `
max_age: 2m
scale_targets: {current: current, ready: ready}
signals:
  load: {unit: requests, demand: demand}
  fast: {unit: requests, demand: demand, max_age: 30s}
  slow: {unit: requests, demand: other, max_age: 1h}
models: [{name: m, namespace: ns, variants: [{name: a, cost: price, capacity: {load: learned, fast: 1, slow: 1}}]}]`)
	ages := map[string]time.Duration{}
	for _, q := range p.Queries {
		ages[q.Expr] = q.MaxAge
	}
	require.Equal(t, map[string]time.Duration{
		"current": 2 * time.Minute, "ready": 2 * time.Minute, "demand": 30 * time.Second, "other": time.Hour, "price": 0, "learned": 0,
	}, ages)
}
