package collector_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
)

// looksOf are what replicas of variant a showed: each line is a number and from when to when it was seen.
func looksOf(lines ...string) string {
	var b strings.Builder
	for _, line := range lines {
		b.WriteString(`{namespace="ns", llm_d_ai_variant="a"} ` + line + "\n")
	}
	return b.String()
}

const (
	looksOfTTFT = `past histogram_quantile(0.95, ttft) >= 0`
	looksOfITL  = `past histogram_quantile(0.95, itl) >= 0`
)

// TestMissedTargets is about capacities that replicas do not keep the targets at.
func TestMissedTargets(t *testing.T) {
	const config = `
signals: {rate: {unit: requests per second, demand: demand, observed_load: load, observed_ttft_buckets: ttft, observed_itl_buckets: itl}}
models: [{name: m, namespace: ns, slo: {ttft: 500ms, itl: 40ms, quantile: 0.95}, variants: [{name: a, cost: 1, capacity: {rate: 40}}]}]
`
	evaluate := func(t *testing.T, config, load, ttft, itl string) *collector.Variant {
		t.Helper()
		answers := canned{"demand": `{model_name="m", namespace="ns"} 100`, "past load": load, looksOfTTFT: ttft, looksOfITL: itl}
		v := evaluateWith(t, complete(unseen+config), newCanned(t, answers)).Models[0].Variants[0]
		require.NotNil(t, v.Desired)
		require.True(t, v.Up, v.Missing)
		return &v
	}
	fast := looksOf("0.1")
	for name, c := range map[string]struct {
		load, ttft, itl string
		capacity        float64
	}{
		"within the targets":                    {looksOf("36"), fast, looksOf("0.039"), 40},
		"one look is not evidence":              {looksOf("36"), fast, looksOf("0.02 @1d..11m", "0.08 @9m..0s"), 40},
		"tokens come late":                      {looksOf("36"), fast, looksOf("0.0576"), 30},
		"never below two thirds":                {looksOf("20"), fast, looksOf("0.1"), 40 / 1.5},
		"more than the capacity says":           {looksOf("60"), fast, looksOf("0.05"), 40},
		"first tokens come late":                {looksOf("32"), looksOf("9"), looksOf("0.02"), 32},
		"a slow hour at little load":            {looksOf("10 @1d..61m", "12 @60m..0s"), fast, looksOf("0.02 @1d..61m", "0.05 @60m..0s"), 40 / 1.5},
		"slow once, and fast at such load else": {looksOf("36"), fast, looksOf("0.02 @1d..61m", "0.05 @60m..0s"), 40},
		"what was missed hours ago still counts": {
			looksOf("36 @12h..11h30m", "25 @11h29m..0s"), fast, looksOf("0.0576 @12h..11h30m", "0.025 @11h29m..0s"), 30,
		},
		"nothing was seen": {"", "", "", 40},
	} {
		t.Run(name, func(t *testing.T) {
			v := evaluate(t, config, c.load, c.ttft, c.itl)
			require.InEpsilon(t, c.capacity, v.Capacities[0].Value, 0.001)
			require.InEpsilon(t, 40/c.capacity, *v.Correction, 0.001)
			require.Equal(t, c.capacity < 40, v.Missed != nil)
		})
	}
	t.Run("not where it is turned off", func(t *testing.T) {
		off := strings.Replace(config, "quantile: 0.95", "quantile: 0.95, correct: false", 1)
		v := evaluateWith(t, complete(unseen+off), newCanned(t, canned{"demand": `{model_name="m", namespace="ns"} 100`})).Models[0].Variants[0]
		require.InDelta(t, 40, v.Capacities[0].Value, 1e-9)
		require.Nil(t, v.Correction)
	})
	t.Run("what cannot be read may raise, and lowers nothing", func(t *testing.T) {
		three := 3
		for current, desired := range map[string]*int{"1": &three, "7": nil} {
			v := evaluateWith(t, complete(config), newCanned(t, canned{
				"demand": load("100"), "past load": "error: timeout", "current": runs("a", current), "ready": runs("a", current),
			})).Models[0].Variants[0]
			require.Equal(t, desired, v.Desired, v.Missing)
			require.False(t, v.Up)
		}
	})
}

// TestMissedTargetOfProfile holds that a profile is slowed down until it shows what was seen.
func TestMissedTargetOfProfile(t *testing.T) {
	const config = `
signals: {latency: {unit: requests per second, latency: demand, input_tokens: input, output_tokens: output, observed_load: load, observed_itl_buckets: itl, observed_itl: mean, observed_running: running}}
models: [{name: m, namespace: ns, slo: {itl: 40ms, quantile: 0.95}, variants: [
  {name: a, cost: 1, profile: {alpha: 12ms, beta: 0.03ms, gamma: 0.0005ms, max_batch: 256}}]}]
`
	show := func(rate, itl float64) collector.Variant {
		return evaluateWith(t, complete(unseen+config), newCanned(t, canned{
			"demand": load("100"), "input": load("800"), "output": load("200"),
			"past load": looksOf(fmt.Sprint(rate)), looksOfITL: looksOf(fmt.Sprint(itl)),
		})).Models[0].Variants[0]
	}
	believed := show(1, 0.02)
	require.InDelta(t, 1, *believed.Correction, 1e-9)
	at := believed.Capacities[0].Value
	for _, late := range []float64{0.045, 0.05, 0.06} {
		v := show(at, late)
		require.NotNil(t, v.Missed)
		require.Equal(t, "itl", v.Missed.Target)
		require.Less(t, v.Capacities[0].Value, at)
		require.Greater(t, v.Capacities[0].Value, at*0.04/late, "half of all that is late is no more load than that")
	}
	require.Less(t, show(at, 0.06).Capacities[0].Value, show(at, 0.05).Capacities[0].Value)
	require.InDelta(t, 1.5, *show(at/4, 0.2).Correction, 1e-9, "within bounds")
}
