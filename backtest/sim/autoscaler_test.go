package sim_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/backtest/policy"
	"github.com/variant-exporter/variant-exporter/backtest/sim"
)

// script is the policy that wants what is written for each time.
type script map[time.Duration]int

func (script) Name() string { return "script" }

func (s script) Desired(o *policy.Observation) map[string]int {
	latest, wanted := time.Duration(-1), 0
	for at, n := range s {
		if at <= o.At && at > latest {
			latest, wanted = at, n
		}
	}
	return map[string]int{"llm/a": wanted}
}

// asked are the replicas that were asked for, minute by minute.
func asked(t *testing.T, autoscaler string, start int, s script) []float64 {
	t.Helper()
	text := `
duration: 20m
models: [{model: llm/m}]
load: [{model: llm/m, shape: constant, rate: 1, input_tokens: 100, output_tokens: 10}]
pools: {any: 1000}
variants: [{name: a, namespace: llm, model: m, pool: any, cost: 1, replicas: ` + []string{"0", "1", "2", "3", "4", "5", "6", "7", "8"}[start] + `, profile: {alpha: 10ms, beta: 0.01ms, gamma: 0ms, max_batch: 64}}]
autoscaler: ` + autoscaler
	c := load(t, text)
	o := sim.Options{Scenario: c, Arrivals: c.Arrive(1), Seed: 1, Mode: sim.Requests, Policy: s}
	o.Setup = sim.SetupOf(o)
	r, err := sim.Run(t.Context(), o)
	require.NoError(t, err)
	return r.Timeline.Variants[0].Desired
}

// TestScalingPolicies holds an HPA to its scaling policies, in either direction.
func TestScalingPolicies(t *testing.T) {
	const minute = time.Minute
	up := script{0: 2, 2 * minute: 40}
	for name, tc := range map[string]struct {
		rules string
		want  []float64 // after 2, 3, 4, 5 and 6 minutes
	}{
		"none":             {"{}", []float64{2, 40, 40, 40, 40}},
		"replicas":         {"{scale_up: {policies: [{replicas: 4, per: 1m}]}}", []float64{2, 6, 10, 14, 18}},
		"percent":          {"{scale_up: {policies: [{percent: 100, per: 1m}]}}", []float64{2, 4, 8, 16, 32}},
		"the most counts":  {"{scale_up: {policies: [{percent: 100, per: 1m}, {replicas: 4, per: 1m}]}}", []float64{2, 6, 12, 24, 40}},
		"the least counts": {"{scale_up: {policies: [{percent: 100, per: 1m}, {replicas: 4, per: 1m}], select: min}}", []float64{2, 4, 8, 12, 16}},
		"disabled":         {"{scale_up: {select: disabled}}", []float64{2, 2, 2, 2, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tc.want, asked(t, tc.rules, 2, up)[1:6])
		})
	}
	down := script{0: 8, 2 * minute: 1}
	require.Equal(t, []float64{8, 4, 2, 1, 1}, asked(t, "{scale_down: {policies: [{percent: 50, per: 1m}]}}", 8, down)[1:6])
	require.Equal(t, []float64{8, 7, 6, 5, 4}, asked(t, "{scale_down: {policies: [{percent: 50, per: 1m}, {replicas: 1, per: 1m}], select: min}}", 8, down)[1:6])
}

// TestKEDA holds a target to sleep after the cooldown, to wake at the next look, and to be active only above the activation.
func TestKEDA(t *testing.T) {
	const minute = time.Minute
	got := asked(t, "{kind: keda, polling: 30s, cooldown: 3m, lag: 0s}", 2, script{0: 2, 2 * minute: 0, 10 * minute: 3})
	require.InDelta(t, 1, got[3], 0, "the HPA keeps one until the cooldown is over")
	require.InDelta(t, 0, got[6], 0)
	require.InDelta(t, 3, got[11], 0)
	got = asked(t, "{kind: keda, polling: 30s, cooldown: 3m, activation: 2}", 0, script{0: 2, 10 * minute: 3})
	require.InDelta(t, 0, got[9], 0, "two are not more than two")
	require.InDelta(t, 3, got[11], 0)
}
