package collector_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

// TestMetricsPage holds the page on metrics to the table in code.
func TestMetricsPage(t *testing.T) {
	const file = "../docs/metrics.md"
	got := metricsPage()
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
		return
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), got, "run make generate")
}

func metricsPage() string {
	var b strings.Builder
	b.WriteString(`# Metrics

<!-- Made from the table in collector/table.go by make generate. Do not edit. -->

All of these are gauges, computed anew for every scrape. Those of the program itself follow the customs of Prometheus' exporters:
` + "`variant_exporter_build_info`, `variant_exporter_config_last_reload_successful`,\n`variant_exporter_config_last_reload_success_timestamp_seconds`" + `, and, unless ` + "`--web.disable-exporter-metrics`" + ` is given, ` +
		"`go_*`, `process_*` and `promhttp_*`.\n\n| Metric | Labels | Meaning |\n|---|---|---|\n")
	for _, m := range collector.Metrics() {
		labels := ""
		if len(m.Labels) > 0 {
			labels = "`" + strings.Join(m.Labels, "`, `") + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", m.Name, labels, m.Help)
	}
	b.WriteString("\nThe `reason` of `variant_exporter_query_failure` is one of")
	for i, r := range promapi.Reasons() {
		if i > 0 {
			b.WriteString(",")
		}
		fmt.Fprintf(&b, " `%s`", r)
	}
	b.WriteString(".\n")
	return b.String()
}
