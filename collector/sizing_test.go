package collector_test

import (
	"math"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/optimizer/latency"
)

// TestLatencySignal is about capacities that follow from profiles and targets.
func TestLatencySignal(t *testing.T) {
	const config = `
signals: {latency: {unit: requests per second, latency: demand, input_tokens: input, output_tokens: output}}
models: [{name: m, namespace: ns, slo: {ttft: 500ms, itl: 40ms, quantile: 0.95}, variants: [
  {name: a, cost: 1, profile: {alpha: 12ms, beta: 0.03ms, gamma: 0.0005ms, max_batch: 256}}]}]
`
	// What the queueing model says of exactly these lengths; the exporter rounds them up by less than one percent.
	server, err := latency.NewServer(
		latency.Profile{Alpha: 0.012, Beta: 3e-5, Gamma: 5e-7, MaxBatch: 256, MaxQueue: 2560},
		latency.Lengths{Input: 800, Output: 200})
	require.NoError(t, err)
	exact, err := server.Capacity(latency.SLO{TTFT: 0.5, ITL: 0.04, Quantile: 0.95})
	require.NoError(t, err)

	snapshot := evaluateWith(t, complete(unseen+config), newCanned(t, canned{"demand": load("100"), "input": load("800"), "output": load("200")}))
	v := snapshot.Models[0].Variants[0]
	require.Len(t, v.Capacities, 1)
	capacity := v.Capacities[0].Value
	require.LessOrEqual(t, capacity, exact.Rate)
	require.InEpsilon(t, exact.Rate, capacity, 0.02)
	require.NotNil(t, v.Desired)
	require.Equal(t, int(math.Ceil(100/capacity)), *v.Desired)

	runCases(t, map[string]decisionCase{
		"without demand the lengths do not matter": {
			config:  config,
			answers: canned{"demand": load("0"), "input": "", "output": ""},
			want:    `variant_desired_replicas{variant="a"} 1`,
		},
		"with demand they do": {
			config:  config,
			answers: canned{"demand": load("100"), "input": load("800"), "output": ""},
			absent:  []string{"variant_desired_replicas"},
		},
		"a target that no load keeps says nothing": {
			config:  config,
			answers: canned{"demand": load("100"), "input": load("200000"), "output": load("200")},
			absent:  []string{"variant_desired_replicas", "variant_replica_capacity"},
		},
	})
}

// TestCorrection is about profiles that are held to what replicas show.
func TestCorrection(t *testing.T) {
	const config = `
signals: {latency: {unit: requests per second, latency: demand, input_tokens: input, output_tokens: output, observed_itl: itl, observed_running: running}}
models: [{name: m, namespace: ns, slo: {itl: 40ms}, variants: [
  {name: a, cost: 1, profile: {alpha: 12ms, beta: 0.03ms, gamma: 0.0005ms, max_batch: 256, correct: true}}]}]
`
	server, err := latency.NewServer(
		latency.Profile{Alpha: 0.012, Beta: 3e-5, Gamma: 5e-7, MaxBatch: 256, MaxQueue: 2560},
		latency.Lengths{Input: 800, Output: 200})
	require.NoError(t, err)
	predicted := server.Decode(20)
	of := func(itl float64) canned {
		series := func(value float64) string {
			return `{namespace="ns", llm_d_ai_variant="a"} ` + strconv.FormatFloat(value, 'g', -1, 64)
		}
		return canned{"demand": load("100"), "input": load("800"), "output": load("200"), "itl": series(itl), "running": series(20)}
	}
	asProfiled := evaluateWith(t, complete(unseen+config), newCanned(t, of(predicted))).Models[0].Variants[0]
	require.InDelta(t, 1, *asProfiled.Correction, 1e-9)
	for name, c := range map[string]struct{ shown, want float64 }{
		"slower":                         {1.2, 1.2},
		"much slower, within bounds":     {3, 1.5},
		"a little faster":                {0.95, 0.95},
		"much faster, not to be trusted": {0.5, 0.9},
	} {
		v := evaluateWith(t, complete(unseen+config), newCanned(t, of(c.shown*predicted))).Models[0].Variants[0]
		require.InDelta(t, c.want, *v.Correction, 1e-9, name)
		if c.want > 1 {
			require.Less(t, v.Capacities[0].Value, asProfiled.Capacities[0].Value, name)
			require.Greater(t, *v.Desired, *asProfiled.Desired, name)
		} else {
			require.GreaterOrEqual(t, v.Capacities[0].Value, asProfiled.Capacities[0].Value, name)
		}
	}
	runCases(t, map[string]decisionCase{
		"nothing served, nothing to correct by": {
			config:  config,
			answers: canned{"demand": load("100"), "input": load("800"), "output": load("200"), "itl": "", "running": ""},
			want:    `variant_profile_correction_ratio{variant="a"} 1`,
		},
		"what replicas show cannot be had": {
			config:  config,
			answers: canned{"demand": load("100"), "input": load("800"), "output": load("200"), "itl": "error: timeout", "running": ""},
			absent:  []string{"variant_desired_replicas", "variant_profile_correction_ratio"},
		},
	})
}

// TestVariation is about how much lengths vary, of which the last full minute counts.
func TestVariation(t *testing.T) {
	const config = `
signals: {latency: {unit: requests per second, latency: demand, input_tokens: input, output_tokens: output, input_cv: varies}}
models: [{name: m, namespace: ns, slo: {ttft: 500ms, itl: 40ms}, variants: [
  {name: a, cost: 1, profile: {alpha: 12ms, beta: 0.03ms, gamma: 0.0005ms, max_batch: 256}}]}]
`
	missing := func(varies string) string {
		return evaluateWith(t, complete(unseen+config), newCanned(t, canned{
			"demand": load("100"), "input": load("800"), "output": load("200"), "past varies": varies,
		})).Models[0].Variants[0].Missing
	}
	capacity := func(varies string) float64 {
		q := newCanned(t, canned{"demand": load("100"), "input": load("800"), "output": load("200"), "past varies": varies})
		v := evaluateWith(t, complete(unseen+config), q).Models[0].Variants[0]
		require.Len(t, v.Capacities, 1, v.Missing)
		require.NotContains(t, q.asked, "varies", "the present is not asked for")
		return v.Capacities[0].Value
	}
	alike, vary := capacity(""), capacity(load("1.5"))
	require.NotEqual(t, alike, vary)
	require.InDelta(t, alike, capacity(load("0")), 0)
	require.InDelta(t, vary, capacity(load("1.5 @1m..0s")), 0)
	require.InDelta(t, alike, capacity(load("1.5 @10m..2m")), 0, "what was told before is no more")
	require.Contains(t, missing(load("NaN")), "latency.input_cv.history_1m: unusable")
	require.Contains(t, missing("error: timeout"), "latency.input_cv.history_1m: timeout")
}

// TestQueueWithMeasuredCapacities: where capacities follow from measured lengths too, what waits asks for no more than what serves and what starts
// do not work off.
func TestQueueWithMeasuredCapacities(t *testing.T) {
	const config = `
defaults: {headroom: 0, scale_down_window: 5m}
signals: {latency: {unit: requests per second, latency: demand, input_tokens: input, output_tokens: output, queued: queued}}
models: [{name: m, namespace: ns, slo: {ttft: 500ms, itl: 40ms}, backlog: {drain: 5m}, variants: [
  {name: a, cost: 1, startup: 2m, profile: {alpha: 12ms, beta: 0.03ms, gamma: 0.0005ms, max_batch: 256}}]}]
`
	decide := func(demand, queue float64) (capacity float64, desired int) {
		number := func(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
		v := evaluateWith(t, complete(config), newCanned(t, canned{
			"demand": load(number(demand)), "past demand": load(number(demand)), "queued": load(number(queue)),
			"input": load("800"), "output": load("200"), "past input": load("800"), "past output": load("200"),
			"current": runs("a", "3"), "ready": runs("a", "2"), "past ready": runs("a", "2"),
			"past current": joined(runsOf("a", "2", "2h..1m15s"), runsOf("a", "3", "1m..0s")),
		})).Models[0].Variants[0]
		require.NotNil(t, v.Desired, v.Missing)
		return v.Capacities[0].Value, *v.Desired
	}
	one, _ := decide(1, 0)
	_, desired := decide(0.8*one, 0)
	require.Equal(t, 1, desired)
	// Of three times what one does in the drain time, two and a third, which is ready after a minute, work off 2, and 1 is left.
	_, desired = decide(0.8*one, 3*300*one)
	require.Equal(t, 3, desired)
	_, desired = decide(0.8*one, 5*300*one)
	require.Equal(t, 4, desired, "3 are left")
}

// TestOrderOutlivesTheMinute: lengths are read again at each full minute, and a little shorter requests make capacities a little larger. What was ordered
// by the smaller ones, and is not seen yet, stays ordered.
func TestOrderOutlivesTheMinute(t *testing.T) {
	const config = `
defaults: {headroom: 0, scale_down_window: 5m}
signals: {latency: {unit: requests per second, latency: demand, input_tokens: input, output_tokens: output}}
models: [{name: m, namespace: ns, slo: {ttft: 500ms, itl: 40ms}, variants: [
  {name: a, cost: 1, startup: 2m, profile: {alpha: 12ms, beta: 0.03ms, gamma: 0.0005ms, max_batch: 256}}]}]
`
	decide := func(demand float64, before, after string) (capacity float64, desired int) {
		number := strconv.FormatFloat(demand, 'g', -1, 64)
		v := evaluateWith(t, complete(config), newCanned(t, canned{
			"demand": load("1"), "past demand": joined(load("1 @10m..1m"), load(number+" @45s..15s"), load("1 @0s..0s")),
			"input": load("800"), "output": load("200"), "past output": load("200"),
			"past input": joined(load(before+" @10m..1m"), load(after+" @0s..0s")),
			"current":    runs("a", "3"), "ready": runs("a", "3"), "past current": runs("a", "3"), "past ready": runs("a", "3"),
		})).Models[0].Variants[0]
		require.NotNil(t, v.Desired, v.Missing)
		return v.Capacities[0].Value, *v.Desired
	}
	small, _ := decide(1, "800", "800")
	large, _ := decide(1, "800", "790")
	require.Greater(t, large, small)
	require.Less(t, large, 1.01*small, "by less than capacities differ anyway")
	beyond := 3 * 1.0101 * small // what three carry, and the noise of capacities
	require.Less(t, beyond, 3*1.01*large)
	for _, tc := range []struct {
		why           string
		demand        float64
		before, after string
		want          int
	}{
		{"capacities are the same", beyond, "800", "800", 4},
		{"they have grown since", beyond, "800", "790", 4},
		{"they were as large when it was looked", beyond, "790", "790", 3},
		{"it was carried then", 3 * 1.0099 * small, "800", "790", 3},
	} {
		_, desired := decide(tc.demand, tc.before, tc.after)
		require.Equal(t, tc.want, desired, tc.why)
	}
}
