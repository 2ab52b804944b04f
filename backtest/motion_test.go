package backtest_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/variant-exporter/variant-exporter/backtest"
	"github.com/variant-exporter/variant-exporter/backtest/product"
	"github.com/variant-exporter/variant-exporter/backtest/report"
	"github.com/variant-exporter/variant-exporter/backtest/scenario"
	"github.com/variant-exporter/variant-exporter/backtest/sim"
	"github.com/variant-exporter/variant-exporter/internal/long"
)

// needed is how many replicas serve the constant load of each model of a moving fleet, with its headroom.
const needed = 4

// movingFleet is a fleet in which prices move, probes fail and pods are replaced, while the load stays as it is.
type movingFleet struct {
	scenario, config string
	disturbed        []time.Duration // when replicas are not ready for a reason of their own, to the minute
}

// drawFleet draws one or two models that share accelerators, each on two or three variants of different kinds, startups and sizes.
func drawFleet(t *rapid.T) movingFleet {
	var f movingFleet
	var models, loads, variants, events, config strings.Builder
	used, most := 0, 0
	for m := range rapid.IntRange(1, 2).Draw(t, "models") {
		fmt.Fprintf(&models, "  - {model: llm/m%d, slo: {ttft: 2s}, gateway: {replicas: 1}}\n", m)
		fmt.Fprintf(&loads, "  - {model: llm/m%d, shape: constant, rate: 22, input_tokens: 914, output_tokens: 155, patience: 60s}\n", m)
		fmt.Fprintf(&config, "  - name: m%d\n    namespace: llm\n    priority: %d\n    variants:\n", m, rapid.IntRange(1, 2).Draw(t, "priority"))
		for v := range rapid.IntRange(2, 3).Draw(t, "variants") {
			name := fmt.Sprintf("m%dv%d", m, v)
			kind := rapid.SampledFrom([]string{"Deployment", "StatefulSet"}).Draw(t, "kind")
			startup := rapid.IntRange(90, 300).Draw(t, "startup")
			size := rapid.IntRange(1, 4).Draw(t, "accelerators")
			replicas := 0
			if v == 0 {
				replicas = needed
				used += replicas * size
			}
			most = max(most, size)
			fmt.Fprintf(&variants, "  - {name: %s, namespace: llm, model: m%d, kind: %s, pool: gpu, accelerators: %d, cost: 10, startup: %ds, startup_cv: %g, replicas: %d, "+
				"profile: {alpha: 16.28ms, beta: 0.1046ms, gamma: 0.0000001ms, max_batch: 116}}\n",
				name, m, kind, size, startup, rapid.SampledFrom([]float64{0, 0.3}).Draw(t, "cv"), replicas)
			fmt.Fprintf(&config, "      - {name: %s, cost: 'max(price{v=%q})', scale_target: {kind: %s}, startup: %ds, capacity: {rate: 7.53}, uses: {gpu: %d}}\n",
				name, name, kind, startup, size)
			from := 0
			for from < 40 {
				lasts := rapid.IntRange(3, 25).Draw(t, "lasts")
				fmt.Fprintf(&events, "  - {at: %dm, for: %dm, series: 'price{v=%q}', set: %d}\n", from, lasts, name, rapid.IntRange(5, 30).Draw(t, "price"))
				from += lasts
			}
			f.disturb(t, &events, name)
		}
	}
	// Every model has room to swap. Where it has not, the swap of a more important model may take from a less important one.
	pool := used + rapid.IntRange(8*most, 10*most).Draw(t, "spare")
	f.scenario = fmt.Sprintf("duration: 40m\nwarmup: 8m\nmodels:\n%sload:\n%spools: {gpu: %d}\nvariants:\n%sautoscaler: %s\nksm_lag: %ds\nevents:\n%s",
		models.String(), loads.String(), pool, variants.String(), drawAutoscaler(t), rapid.SampledFrom([]int{0, 15}).Draw(t, "lag"), events.String())
	f.config = fmt.Sprintf("defaults: {headroom: 0.15}\nbudgets: [{name: gpu, unit: accelerators, limit: %d}]\nsignals:\n  rate:\n    unit: requests per second\n"+
		"    demand: sum by (namespace, model_name) (rate(llm_d_epp_request_total[1m]))\nmodels:\n%s", pool, config.String())
	return f
}

// drawAutoscaler draws an HPA. One that removes replicas one by one, or KEDA's cooldown, still removes some that are wanted again since a
// moment ago, which nothing in Prometheus tells. See docs/guards.md.
func drawAutoscaler(t *rapid.T) string {
	return fmt.Sprintf("{kind: hpa, sync: 15s, lag: 15s, scale_down_window: %ds}", rapid.SampledFrom([]int{0, 0, 60, 300}).Draw(t, "window"))
}

// disturb draws probes that fail for a while, or a roll-out that keeps as many replicas ready. A roll-out replaces those whose probes fail
// first, all at once: no decision could help.
func (f *movingFleet) disturb(t *rapid.T, events *strings.Builder, variant string) {
	if rapid.Bool().Draw(t, "blips") {
		at, lasts := rapid.IntRange(5, 35).Draw(t, "blip"), rapid.IntRange(15, 75).Draw(t, "seconds")
		which := variant
		if rapid.Bool().Draw(t, "some") {
			which = fmt.Sprintf("{variant: %s, replicas: %d}", variant, rapid.IntRange(1, 3).Draw(t, "unready"))
		}
		fmt.Fprintf(events, "  - {at: %dm, for: %ds, unready: %s}\n", at, lasts, which)
		for minute := range 3 {
			f.disturbed = append(f.disturbed, time.Duration(at+minute)*time.Minute)
		}
		return
	}
	if rapid.IntRange(0, 3).Draw(t, "rolls") == 0 {
		fmt.Fprintf(events, "  - {at: %dm, rollout: %s, surge: 1, unavailable: 0}\n", rapid.IntRange(5, 30).Draw(t, "roll-out"), variant)
	}
}

// TestNoLaterMomentIsWorse: as many replicas are ready as the load needs, at every moment, whatever prices, probes and roll-outs do. It is
// held on the pods of the simulated fleet, and not on what the guards expect.
func TestNoLaterMomentIsWorse(t *testing.T) {
	long.Test(t)
	t.Cleanup(long.Checks(12, 12))
	swaps := 0
	rapid.Check(t, func(t *rapid.T) {
		f := drawFleet(t)
		r := f.run(t)
		swaps += r.Policies[0].Starts
		f.hold(t, r)
	})
	require.Positive(t, swaps, "nothing ever moved")
}

func (f *movingFleet) run(t *rapid.T) *report.Result {
	s, found := scenario.Load("test.yml", f.scenario)
	if s == nil {
		t.Fatalf("%v\n%s", found, f.scenario)
	}
	c, remarks := product.ParseConfig("test.conf.yml", f.config)
	if c == nil {
		t.Fatalf("%v\n%s", remarks, f.config)
	}
	r, err := backtest.Run(context.Background(), backtest.Options{
		Scenario: s, Config: c, Policies: []string{"variant_exporter"}, Seed: uint64(rapid.IntRange(1, 1000).Draw(t, "seed")), Mode: sim.Fluid, Now: scenario.Start,
	})
	require.NoError(t, err)
	return r
}

// hold holds the ready pods of every model to what its load needs.
func (f *movingFleet) hold(t *rapid.T, r *report.Result) {
	timeline := r.Policies[0].Timeline
	for i := range timeline.Models {
		id := timeline.Models[i].ID
		for step := range timeline.Models[i].Rate {
			ready := 0.0
			for _, v := range timeline.Variants {
				if strings.HasPrefix(v.ID, id+"v") {
					ready += v.Ready[step]
				}
			}
			when := time.Duration(step) * timeline.Step
			quiet := true
			for _, d := range f.disturbed {
				quiet = quiet && (when+timeline.Step < d || when >= d+time.Minute) // a step tells how it ended
			}
			if quiet && ready < needed {
				t.Fatalf("%s at %s: %g ready\n%s\n%s", id, when, ready, f.scenario, f.config)
			}
		}
	}
}
