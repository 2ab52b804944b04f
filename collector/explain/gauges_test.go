package explain_test

import (
	"fmt"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/explain"
)

// gauges are samples by family and labels.
type gauges map[string]float64

func (g gauges) put(family string, value *float64, labels ...string) {
	if value != nil {
		g[fmt.Sprint(family, labels)] = *value
	}
}

func (g gauges) count(family string, n *int, labels ...string) {
	if n != nil {
		g.put(family, new(float64(*n)), labels...)
	}
}

func (g gauges) flag(family string, b bool, labels ...string) {
	n := 0
	if b {
		n = 1
	}
	g.count(family, &n, labels...)
}

// gathered are the gauges of a snapshot. Labels stand by name, as a gatherer has them.
func gathered(t *testing.T, s *collector.Snapshot) gauges {
	t.Helper()
	families, err := collector.NewGatherer(s).Gather()
	require.NoError(t, err)
	g := gauges{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			g.put(f.GetName(), m.Gauge.Value, values(m.GetLabel())...)
		}
	}
	return g
}

func values(labels []*dto.LabelPair) (all []string) {
	for _, l := range labels {
		all = append(all, l.GetValue())
	}
	return all
}

// told are the gauges as an explanation tells them.
func told(e *explain.Explanation) gauges {
	g := gauges{}
	g.put("variant_exporter_evaluation_duration_seconds", &e.Duration)
	g.put("variant_exporter_evaluation_timestamp_seconds", new(float64(e.Time.UnixMilli())/1000))
	g.put("variant_exporter_optimality_gap_ratio", e.Plan.Gap)
	g.put("variant_exporter_shortfall_gap_ratio", e.Plan.ShortfallGap)
	g.put("variant_exporter_plan_cost_per_hour", e.Plan.Cost)
	for _, b := range e.Budgets {
		g.put("variant_budget_limit", b.Limit, b.Name, b.Unit)
		g.put("variant_budget_used", b.Used, b.Name, b.Unit)
	}
	for _, m := range e.Models {
		g.model(&m)
	}
	for _, in := range e.Inputs {
		g.flag("variant_exporter_query_up", in.Failure == "", in.Name)
		g.put("variant_exporter_query_duration_seconds", &in.Duration, in.Name)
		g.put("variant_exporter_query_age_seconds", in.Age, in.Name)
		g.count("variant_exporter_query_series", in.Series, in.Name)
		g.count("variant_exporter_query_matched_series", in.Matched, in.Name)
		if in.Failure != "" {
			g.flag("variant_exporter_query_failure", true, in.Name, string(in.Failure))
		}
		for reason, n := range in.Bad {
			g.count("variant_exporter_query_bad_samples", &n, in.Name, reason)
		}
	}
	return g
}

func (g gauges) model(m *explain.Model) {
	for _, s := range m.Signals {
		labels := []string{m.Name, s.Name, m.Namespace, s.Unit}
		g.put("variant_model_demand", s.Measured, labels...)
		g.put("variant_model_stabilized_demand", s.Stabilized, labels...)
		g.put("variant_model_forecast_demand", s.Forecast, labels...)
		g.put("variant_model_planned_demand", s.Planned, labels...)
		g.put("variant_model_ready_supply", s.Ready, labels...)
		g.count("variant_model_sources", s.Sources, labels...)
		g.count("variant_model_expected_sources", s.Expected, labels...)
		g.count("variant_model_other_sources", s.Others, labels...)
	}
	g.put("variant_model_shortfall_ratio", m.Shortfall, m.Name, m.Namespace)
	for _, v := range m.Variants {
		labels := []string{m.Name, m.Namespace, v.Name}
		g.count("variant_desired_replicas", v.Desired, labels...)
		g.count("variant_planned_replicas", v.Planned, labels...)
		g.count("variant_current_replicas", v.Current, labels...)
		g.count("variant_ready_replicas", v.Ready, labels...)
		g.put("variant_replica_cost_per_hour", v.Cost, labels...)
		g.put("variant_profile_correction_ratio", v.Correction, labels...)
		if v.Current != nil {
			g.flag("variant_provisioning_stuck", v.Stuck != nil, labels...)
		}
		g.flag("variant_up", v.Up, labels...)
		g.flag("variant_info", true, v.Accelerator, m.Name, v.Role, v.TargetKind, v.TargetName, m.Namespace, v.Name)
		g.flag("variant_decision", true, m.Name, string(v.Reason), m.Namespace, v.Name)
		for _, c := range v.Capacities {
			g.put("variant_replica_capacity", &c.Value, m.Name, c.Signal, m.Namespace, c.Unit, v.Name)
		}
	}
}

// TestGaugesAgree holds that an explanation and the series of the same snapshot tell the same, and that neither leaves out what
// the other tells.
func TestGaugesAgree(t *testing.T) {
	for name, s := range snapshots(t) {
		t.Run(name, func(t *testing.T) {
			want := gathered(t, s)
			require.NotEmpty(t, want)
			assert.Equal(t, want, told(explain.New(s)))
		})
	}
}
