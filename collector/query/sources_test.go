package query_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/query"
)

// TestSources: who tells an own signal is derived from its expressions, where they show it.
func TestSources(t *testing.T) {
	for name, c := range map[string]struct{ signal, want string }{
		"a sum":                       {"demand: 'sum by (namespace, model_name) (a)'", "group by (namespace, model_name, cluster, pod, instance, engine, dp_rank) (a >= 0)"},
		"a rate":                      {"demand: 'sum by (namespace, model_name) (rate(a_total[1m]))'", "cluster, pod, instance, engine, dp_rank) (rate(a_total[1m]))"},
		"more than one metric":        {"demand: 'sum by (namespace, model_name) (a + b)'", "dp_rank) ((a >= 0) + (b >= 0))"},
		"the source that is up":       {"demand: 'sum by (namespace, model_name) (a)', on_missing: zero, alive: 'up{job=\"epp\"}'", `(up{job="epp"} > 0)`},
		"by namespace":                {"demand: 'sum by (namespace, model_name) (a)', on_missing: zero, alive: 'max by (namespace) (up{job=\"epp\"})'", `(up{job="epp"} > 0)`},
		"up by an expression":         {"demand: 'sum by (namespace, model_name) (a)', on_missing: zero, alive: 'a * b'", "(a >= 0)"},
		"as the configuration has it": {"demand: 'sum by (namespace, model_name) (a)', sources: told", "cluster, pod, instance, engine, dp_rank) (told)"},
		"of a pod, which cluster is kept": {
			"demand: a, sources: 'group by (namespace, model_name, pod) (told)'", "group by (namespace, model_name, cluster, pod, instance, engine, dp_rank) (told)",
		},
		"without a pod, at which address is kept": {
			"demand: a, sources: 'group by (namespace, model_name, pod) (told)'", `group by (namespace, model_name, cluster, instance) (told{pod=""})`,
		},
		"both sides of a match by pod": {
			"demand: a, sources: 'told and on (pod, instance) b'", `(told{pod=""} and on (pod, instance) b{pod=""})`,
		},
		"one side of a match by another label": {
			"demand: a, sources: 'told unless on (namespace) b'", `(told{pod=""} unless on (namespace) b)`,
		},
		"a label that is not grouped by does not come back": {
			"demand: a, sources: 'group by (namespace, pod) (told)'", "label_replace(count by (namespace, cluster, pod) (group by (namespace, cluster, pod, instance, engine, dp_rank) (told)),",
		},
		"rewritten labels are counted together": {
			`demand: a, sources: "label_replace(told, 'pod', '$1', 'host', '(.*)')"`, `label_join(label_replace(told, "pod", "$1", "host", "(.*)"),`,
		},
		"which cluster, and at which address, is kept of what is counted together": {
			`demand: a, sources: "group by (namespace, model_name, pod) (label_replace(told, 'pod', '$1', 'host', '(.*)'))"`,
			`label_join(group by (namespace, model_name, pod, instance, cluster) (label_replace(`,
		},
		"what is found by another label than the pod is counted together": {
			"demand: a, sources: 'told or on (namespace) b'", "label_join(told or on (namespace) b,",
		},
		"so it is of another aggregation": {
			"demand: a, sources: 'max by (namespace, model_name, pod) (told)'", "max by (namespace, model_name, pod, instance, cluster) (told)",
		},
		"one with a parameter is left as it is": {
			"demand: a, sources: 'topk by (namespace, model_name, pod) (1, told)'", "topk by (namespace, model_name, pod) (1, told)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			conf, found := config.Load("test.yml", fmt.Sprintf(`
prometheus: {url: http://prometheus.example}
signals: {load: {unit: requests, %s}}
models: [{name: m, namespace: ns, variants: [{name: a, cost: 1, capacity: {load: 10}}]}]`, c.signal))
			require.NotNil(t, conf, "%v", found)
			queries := query.Compile(conf).Queries
			i := slices.IndexFunc(queries, func(q *query.Query) bool { return q.Name == "load.sources" })
			if c.want == "" {
				require.Negative(t, i)
				return
			}
			require.GreaterOrEqual(t, i, 0)
			require.Contains(t, strings.Join(strings.Fields(queries[i].Expr), " "), c.want)
		})
	}
}
