package rules_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/rules"
)

func page(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "docs", name))
	require.NoError(t, err)
	return string(text)
}

// blocks are the blocks of YAML on a page that begin with a text.
func blocks(t *testing.T, name, begin string) []string {
	t.Helper()
	var all []string
	for part := range strings.SplitSeq(page(t, name), "```yaml\n") {
		if block, _, found := strings.Cut(part, "```"); found && strings.HasPrefix(block, begin) {
			all = append(all, block)
		}
	}
	require.NotEmpty(t, all, "%s has no block that begins with %s", name, begin)
	return all
}

// TestRunbooks holds alerts and their page to one another.
func TestRunbooks(t *testing.T) {
	headings := regexp.MustCompile(`(?m)^## (.+)$`).FindAllStringSubmatch(page(t, "alerts.md"), -1)
	var documented, generated []string
	for _, h := range headings {
		documented = append(documented, h[1])
	}
	for _, a := range alerts(t) {
		generated = append(generated, a.Alert)
		require.Equal(t, rules.DefaultRunbookURL+"#"+strings.ToLower(a.Alert), a.Annotations["runbook_url"])
		require.NotEmpty(t, a.Annotations["summary"])
		require.NotContains(t, a.Annotations["summary"], "{{", "a summary is the same for all")
		require.NotEmpty(t, a.Annotations["description"])
		require.Contains(t, []string{"critical", "warning", "info"}, a.Labels["severity"])
		require.NotEmpty(t, a.For)
	}
	require.Equal(t, documented, generated)
}

// TestAlertsOnOtherPages holds the alerts that other pages show to those that are generated, which have a runbook besides.
func TestAlertsOnOtherPages(t *testing.T) {
	generated := map[string]rule{}
	for _, a := range alerts(t) {
		delete(a.Annotations, "runbook_url")
		generated[a.Alert] = a
	}
	for _, name := range []string{"latency.md", "guards.md"} {
		for _, block := range blocks(t, name, "- alert:") {
			var shown []rule
			require.NoError(t, yaml.Unmarshal([]byte(block), &shown))
			for _, a := range shown {
				require.Equal(t, generated[a.Alert], a, name)
			}
		}
	}
}

// TestMigrationPage loads the configurations that it shows.
func TestMigrationPage(t *testing.T) {
	for _, block := range blocks(t, "migration.md", "prometheus:") {
		_, found := config.Load("migration.md", block)
		require.Empty(t, found, "%s", block)
	}
}

// TestRecordedDemand is what the page on generated manifests says of windows over recorded demand: a configuration that reads the rule of
// a preset's signal makes that rule, as the configuration before did; the rule of an expression of its own it cannot make.
func TestRecordedDemand(t *testing.T) {
	record := func(source string) map[string]string {
		m, err := rules.Rules(parse(t, source), ruleOptions())
		recorded := map[string]string{}
		for _, r := range strict[ruleFile](t, text(t, m, err))[0].Groups[0].Rules {
			recorded[r.Record] = r.Expr
		}
		return recorded
	}
	before := one("", "{name: a, cost: 1, capacity: {concurrency: 1}}")
	want := record(before)
	require.Contains(t, want, "model:vllm_concurrency_demand:sum")
	snippet := blocks(t, "generate.md", "signals:")[0]
	require.Equal(t, want, record(snippet+before))

	own := strings.Replace(snippet, "model:vllm_concurrency_demand:sum", "sum by (namespace, model_name) (x)", 1)
	const queued = "model:vllm_concurrency_queued:sum" // which the snippet reads as well
	const sources = "workload:concurrency_sources:count"
	made := record(own + before)
	require.Contains(t, made[sources], "group by (namespace, model_name, cluster, pod) (x >= 0),")
	require.Equal(t, map[string]string{
		"model:concurrency_demand:sum": "sum by (namespace, model_name) (x)", queued: want[queued], sources: made[sources],
	}, made)
	own = strings.Replace(snippet, "model:vllm_concurrency_demand:sum", "model:concurrency_demand:sum", 1)
	require.NotContains(t, record(own+before), "model:concurrency_demand:sum")
	own = strings.Replace(snippet, "model:vllm_concurrency_demand:sum", "model:vllm_unknown_demand:sum", 1)
	require.NotContains(t, record(own+before), "model:vllm_unknown_demand:sum")
}
