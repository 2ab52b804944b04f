package rules_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/rules"
)

// gatewayHPA is the HPA on the gateway's metrics for the only variant of a model.
func gatewayHPA(t *testing.T, model, variant string, o rules.HPAOptions) hpa {
	t.Helper()
	o.Gateway = true
	m, err := rules.HPA(parse(t, one(model, variant)), o)
	all := strict[hpa](t, text(t, m, err))
	require.Len(t, all, 1)
	return all[0]
}

const whole = "{name: LLaMA-8B, scale_target: {name: x}, cost: 1, capacity: {concurrency: 1}, replicas: {max: 4}}"

// TestGatewayMetricName is about what an HPA asks for: its client puts the metric's name in lower case.
func TestGatewayMetricName(t *testing.T) {
	require.Equal(t, "gateway-requests.llm.llama-8b", gatewayHPA(t, "", whole, rules.HPAOptions{}).Spec.Metrics[0].External.Metric.Name)
	m, err := rules.Adapter(parse(t, one("", whole)), rules.AdapterOptions{Gateway: true})
	require.Equal(t, "gateway-requests.llm.llama-8b", requireAdapter(t, text(t, m, err))[1].Name.As)
}

// TestGatewayLimits is about limits on change: the larger bound holds, and one replica may always be added, from none, too.
func TestGatewayLimits(t *testing.T) {
	type policy struct {
		kind          string
		value, period int
	}
	steps := []policy{{"Percent", 10, 300}} // the default where requests in the system decide alone
	for name, tc := range map[string]struct {
		model    string
		up, down []policy
	}{
		"none":         {"", []policy{{"Pods", 4, 15}}, steps},
		"percent only": {"scale_up_limit: {percent: 50, per: 1m}, scale_down_limit: {percent: 50, per: 2m},", []policy{{"Percent", 50, 60}, {"Pods", 1, 60}}, []policy{{"Percent", 50, 120}}},
		"replicas":     {"scale_up_limit: {replicas: 3, per: 1m},", []policy{{"Pods", 3, 60}}, steps},
		"both":         {"scale_up_limit: {replicas: 3, percent: 50, per: 1m},", []policy{{"Pods", 3, 60}, {"Percent", 50, 60}}, steps},
	} {
		t.Run(name, func(t *testing.T) {
			b := gatewayHPA(t, "replicas: {min: 0}, "+tc.model, whole, rules.HPAOptions{}).Spec.Behavior
			for i, r := range []hpaRules{b.ScaleUp, b.ScaleDown} {
				var got []policy
				for _, p := range r.Policies {
					got = append(got, policy{p.Type, p.Value, p.PeriodSeconds})
				}
				require.Equal(t, [][]policy{tc.up, tc.down}[i], got)
			}
		})
	}
}

// TestGatewayStabilization is the longest of what the configuration and the command line say.
func TestGatewayStabilization(t *testing.T) {
	for flag, want := range map[time.Duration]int{0: 300, 2 * time.Minute: 300, 10 * time.Minute: 600} {
		h := gatewayHPA(t, "scale_down_window: 5m,", whole, rules.HPAOptions{Stabilization: flag})
		require.Equal(t, want, *h.Spec.Behavior.ScaleDown.StabilizationWindowSeconds, "--scale-down.stabilization=%s", flag)
	}
}

// TestGatewaySwitchedOff: a maximum of 0 is one that no HPA can have, so that what is switched off follows the gauge, which says 0.
func TestGatewaySwitchedOff(t *testing.T) {
	off := gatewayHPA(t, "replicas: {min: 0},", "{name: a, cost: 1, capacity: {concurrency: 1}, replicas: {max: 0}}", rules.HPAOptions{})
	require.Equal(t, "variant_desired_replicas", off.Spec.Metrics[0].External.Metric.Name)
	require.Equal(t, []int{0, 1}, []int{*off.Spec.MinReplicas, off.Spec.MaxReplicas})
}
