package collector_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/config"
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

<!-- Made from the table in collector/metrics.go by make generate. Do not edit. -->

All of these are gauges, computed at every scrape. Those of the program itself follow the customs of Prometheus' exporters:
` + "`variant_exporter_build_info`, `variant_exporter_config_last_reload_successful`,\n`variant_exporter_config_last_reload_success_timestamp_seconds`" + `, and, unless ` + "`--web.disable-exporter-metrics`" + ` is given, ` +
		"`go_*`, `process_*` and `promhttp_*`. An exporter that scrapes its targets itself adds\n`variant_exporter_refused_scrapes_total`, " +
		"by the `limit` that a scrape hit (`body_size`, `samples` or `series`), and `variant_exporter_scraped_series`, which are in memory.\n\n| Metric | Labels | Meaning |\n|---|---|---|\n")
	for _, m := range collector.Metrics() {
		labels := ""
		if len(m.Labels) > 0 {
			labels = "`" + strings.Join(m.Labels, "`, `") + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", m.Name, labels, m.Help)
	}
	return b.String()
}

// blocks are the blocks of YAML on a page of docs that begin with a text.
func blocks(t *testing.T, page, begin string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "docs", page))
	require.NoError(t, err)
	var all []string
	for part := range strings.SplitSeq(string(text), "```yaml\n") {
		if block, _, found := strings.Cut(part, "```"); found && strings.HasPrefix(block, begin) {
			all = append(all, block)
		}
	}
	require.NotEmpty(t, all, "%s has no block that begins with %s", page, begin)
	return all
}

// TestAlertsOfPages holds the alerts on pages of docs to what promtool and the table of metrics say.
func TestAlertsOfPages(t *testing.T) {
	for _, page := range []string{"latency.md", "guards.md"} {
		t.Run(page, func(t *testing.T) {
			rules := strings.Join(blocks(t, page, "- alert:"), "")
			known := slices.ContainsFunc(collector.Metrics(), func(m collector.Metric) bool { return strings.Contains(rules, m.Name) })
			require.True(t, known, "the alert asks for a metric that there is")
			promtool, err := exec.LookPath("promtool")
			if err != nil {
				t.Skip("promtool is not on PATH")
			}
			file := filepath.Join(t.TempDir(), "rules.yml")
			require.NoError(t, os.WriteFile(file, []byte("groups:\n- name: variant_exporter\n  rules:\n  "+strings.ReplaceAll(rules, "\n", "\n  ")), 0o600))
			out, err := exec.CommandContext(t.Context(), promtool, "check", "rules", file).CombinedOutput()
			require.NoError(t, err, "%s", out)
		})
	}
}

// TestGuardsPage loads what docs/guards.md shows of configurations.
func TestGuardsPage(t *testing.T) {
	const head = "prometheus: {url: http://prometheus.example}\n"
	const variants = "    variants: [{name: llama-h100, cost: 4.10, capacity: {concurrency: 96, generation_tokens: 2600}, uses: {h100: 1}}]\n"
	const model = "models:\n  - name: llama\n    namespace: llm\n    presets: [vllm]\n"
	var texts []string
	for _, block := range blocks(t, "guards.md", "budgets:") {
		texts = append(texts, head+block+model+variants)
	}
	for _, block := range blocks(t, "guards.md", "defaults:") {
		texts = append(texts, head+block+model+strings.Replace(variants, ", uses: {h100: 1}", "", 1))
	}
	for _, block := range blocks(t, "guards.md", "variants:") {
		texts = append(texts, head+model+"    "+strings.ReplaceAll(strings.TrimSpace(block), "\n", "\n    "))
	}
	for _, text := range texts {
		_, found := config.Load("guards.md", text)
		require.Empty(t, found, "%s", text)
	}
}
