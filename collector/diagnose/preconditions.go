package diagnose

import (
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/common/model"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/match"
)

// desired is the gauge that autoscalers follow.
const desired = "variant_desired_replicas"

// NoReplicas says that nothing tells the replicas of workloads, and what to do; empty where something does.
func (d *Diagnosis) NoReplicas(inputs []match.Input) string {
	current := d.program.Targets.Current.Now
	if current == nil || inputs[current.Place].Err != nil || *inputs[current.Place].Series > 0 {
		return ""
	}
	looked := metricsOf(current.Expr)
	kube := slices.ContainsFunc(looked, func(name string) bool { return strings.HasPrefix(name, "kube_") })
	if !kube || !d.names.known || len(d.names.present(looked)) > 0 {
		return "" // They are there, with other labels, which is said elsewhere.
	}
	return "kube-state-metrics is not in this Prometheus, and without it the running replicas are unknown: install it (it is part of kube-prometheus-stack), " +
		"or do without the guards that need to know: scale_targets: {disabled: true}"
}

// NothingWakes says that a model may have no replica and that the gateway keeps no requests for it; empty where it is not so.
func (d *Diagnosis) NothingWakes(m int) string {
	of := d.program.Models[m]
	gateway := slices.ContainsFunc(of.ActiveSignals(), func(s config.ActiveSignal) bool { return strings.HasPrefix(s.Key(), "epp.") })
	if of.Fewest() != 0 || !gateway {
		return ""
	}
	namespace := d.program.Config.Labels.Namespace
	expr, err := d.program.Config.Selector.Narrow(fmt.Sprintf(
		`count by (%s) (last_over_time({__name__=~"(llm_d_epp|inference_extension)_flow_control_.+"}[1h]))`, namespace))
	if err != nil {
		return ""
	}
	found, ok := d.ask(expr)
	if !ok || slices.ContainsFunc(found, func(s *model.Sample) bool { return string(s.Metric[model.LabelName(namespace)]) == of.Namespace }) {
		return ""
	}
	return "it may have no replica, and no gateway here shows series of flow control (llm_d_epp_flow_control_*): a request that comes then is refused and not queued, " +
		"and nothing wakes the model. Enable flow control (featureGates: [flowControl]), or set replicas: {min: 1}"
}

// NotFollowed says that the gauge which autoscalers follow is not in this Prometheus, and what to do; empty where it is.
func (d *Diagnosis) NotFollowed() string {
	if found, ok := d.ask("count(" + desired + ")"); !ok || len(found) > 0 {
		return ""
	}
	return desired + " is not in this Prometheus yet: before an autoscaler follows it, let Prometheus scrape the exporter " +
		"(variant_exporter generate servicemonitor), or let KEDA ask the exporter itself (generate keda --trigger=metrics-api)"
}
