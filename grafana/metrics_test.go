package grafana_test

import (
	"fmt"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/optimizer"
)

// TestMetrics holds the names in the dashboards to what the exporter exposes, and to what Prometheus adds to it. What is exposed is
// shown somewhere.
func TestMetrics(t *testing.T) {
	known := map[string]bool{
		"up": true, "scrape_duration_seconds": true, "scrape_samples_scraped": true,
		"variant_exporter_build_info":                                   true,
		"variant_exporter_config_last_reload_successful":                true,
		"variant_exporter_config_last_reload_success_timestamp_seconds": true,
		"promhttp_metric_handler_requests_total":                        true,
		"process_cpu_seconds_total":                                     true, "process_max_fds": true, "process_open_fds": true,
		"process_resident_memory_bytes": true, "process_start_time_seconds": true,
		"go_gc_duration_seconds_sum": true, "go_goroutines": true, "go_memstats_heap_inuse_bytes": true,
	}
	for _, m := range collector.Metrics() {
		known[m.Name] = true
	}
	shown := map[string]bool{}
	for _, name := range []string{operators, exporter} {
		d := load(t, name)
		exprs := []string{}
		for _, target := range d.targets() {
			exprs = append(exprs, target.Expr)
		}
		for _, v := range d.Templating.List {
			if selector, _, ok := v.query(); ok {
				exprs = append(exprs, selector)
			}
		}
		for _, text := range exprs {
			expr, err := parse(d, text)
			require.NoError(t, err)
			for _, s := range selectors(expr) {
				shown[s.Name] = true
				require.True(t, known[s.Name], "%s: nothing exposes %s", name, s.Name)
			}
		}
	}
	for name := range known {
		require.True(t, shown[name], "no dashboard shows %s", name)
	}
}

// TestReasons holds the states of the panel that says why to the list of reasons.
func TestReasons(t *testing.T) {
	d := load(t, operators)
	why := d.panel(t, "Why")
	expr, err := parse(d, why.Targets[0].Expr)
	require.NoError(t, err)
	numbers := map[string]float64{} // by reason
	parser.Inspect(expr, func(n parser.Node, path []parser.Node) error {
		s, ok := n.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		product, ok := path[len(path)-2].(*parser.BinaryExpr)
		require.True(t, ok, "%s is not multiplied", s)
		for _, m := range s.LabelMatchers {
			if m.Name == "reason" {
				numbers[m.Value] = product.LHS.(*parser.NumberLiteral).Val
			}
		}
		return nil
	})
	require.Len(t, numbers, len(optimizer.Reasons()))
	options := why.FieldConfig.Defaults.Mappings[0].Options
	require.Len(t, options, len(numbers))
	for _, reason := range optimizer.Reasons() {
		require.Contains(t, numbers, string(reason))
		require.Equal(t, string(reason), options[fmt.Sprint(numbers[string(reason)])].Text)
	}
}
