package collector_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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

// TestAlertOfLatencyPage holds the alert in docs/latency.md to what promtool and the table of metrics say.
func TestAlertOfLatencyPage(t *testing.T) {
	page, err := os.ReadFile("../docs/latency.md")
	require.NoError(t, err)
	_, section, found := strings.Cut(string(page), "## Watch it\n")
	require.True(t, found)
	_, rest, found := strings.Cut(section, "```yaml\n")
	require.True(t, found)
	rules, _, found := strings.Cut(rest, "```")
	require.True(t, found)
	known := false
	for _, m := range collector.Metrics() {
		known = known || strings.Contains(rules, m.Name)
	}
	require.True(t, known, "the alert asks for a metric that there is")

	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not on PATH")
	}
	file := filepath.Join(t.TempDir(), "rules.yml")
	require.NoError(t, os.WriteFile(file, []byte("groups:\n- name: variant_exporter\n  rules:\n  "+strings.ReplaceAll(rules, "\n", "\n  ")), 0o600))
	out, err := exec.CommandContext(t.Context(), promtool, "check", "rules", file).CombinedOutput()
	require.NoError(t, err, "%s", out)
}
