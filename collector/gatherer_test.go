package collector_test

import (
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
)

// gather gathers a snapshot as a registry that checks everything would: no series stands twice, every label is valid, and each
// series has the labels that the table of metrics says, in their order.
func gather(tb helper, s *collector.Snapshot) []*dto.MetricFamily {
	tb.Helper()
	families, err := prometheus.Gatherers{collector.NewGatherer(s)}.Gather()
	require.NoError(tb, err)
	table := map[string]collector.Metric{}
	for _, m := range collector.Metrics() {
		table[m.Name] = m
	}
	for _, f := range families {
		metric, known := table[f.GetName()]
		require.True(tb, known, f.GetName())
		require.Equal(tb, metric.Help, f.GetHelp())
		require.Equal(tb, dto.MetricType_GAUGE, f.GetType())
		want := strings.Join(slices.Sorted(slices.Values(metric.Labels)), " ")
		for _, m := range f.GetMetric() {
			require.NotNil(tb, m.GetGauge(), f.GetName())
			var names []string
			for _, l := range m.GetLabel() {
				names = append(names, l.GetName())
			}
			require.Equal(tb, want, strings.Join(names, " "), f.GetName())
		}
	}
	return families
}
