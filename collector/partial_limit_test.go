package collector_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
)

// TestPartialLimit: a limit that adds up what two targets tell is no smaller while one of them does not answer scrapes. Three replicas are needed
// and asked for; each node has one accelerator.
func TestPartialLimit(t *testing.T) {
	const sum, folded = "sum(kube_node_status_allocatable)", "sum(max by (node) (kube_node_status_allocatable))"
	silent := strings.Repeat(" stale", 14)
	nodes := func(target, value string, names ...string) string {
		var all strings.Builder
		for _, n := range names {
			fmt.Fprintf(&all, "kube_node_status_allocatable{node=%q,job=\"ksm\",instance=%q} %s\n", n, target, value)
		}
		return all.String()
	}
	up := func(target, value string) string {
		return fmt.Sprintf("up{job=\"ksm\",instance=%q} %s\n", target, value)
	}
	for name, test := range map[string]struct {
		limit, series string
		wanted        float64 // how many replicas demand needs
		want          string
		whole         bool
	}{
		"both answer": {sum, nodes("a", "1", "n0", "n1") + nodes("b", "1", "n2", "n3") + up("a", "1") + up("b", "1"), 3, "3", true},
		"one does not": {
			sum, nodes("a", "1", "n0", "n1") + nodes("b", "1x105 stale", "n2", "n3") + up("a", "1") + up("b", "1x105 0"), 3, "3", false,
		},
		"one does not, and more are needed": {
			sum, nodes("a", "1", "n0", "n1") + nodes("b", "1x105 stale", "n2", "n3") + up("a", "1") + up("b", "1x105 0"), 5, "3", false,
		},
		"it answers again": {
			sum, nodes("a", "1", "n0", "n1") + nodes("b", "1x103"+silent+" 1 1", "n2", "n3") + up("a", "1") + up("b", "1x103"+strings.Repeat(" 0", 14)+" 1 1"), 3, "3", true,
		},
		"nodes are gone, and both answer": {
			sum, nodes("a", "1", "n0", "n1") + nodes("b", "1x105 stale", "n2", "n3") + up("a", "1") + up("b", "1"), 3, "2", true,
		},
		"the other tells the same, and nodes are gone": {
			folded, nodes("a", "1", "n0", "n1") + nodes("b", "1x105 stale", "n0", "n1") + up("a", "1") + up("b", "1x105 0"), 3, "2", true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := `
prometheus: {url: http://prometheus:9090}
budgets: [{name: gpus, unit: accelerators, limit: '` + test.limit + `'}]
signals: {load: {unit: requests, demand: 'max by (namespace, model_name) (load)'}}
models: [{name: llama, namespace: llm, headroom: 0, variants: [{name: llama, cost: 1, capacity: {load: 80}, uses: {gpus: 1}}]}]`
			series := replicasOf("llama", "3") + fmt.Sprintf(`load{namespace="llm",model_name="llama"} %g`+"\n", 80*test.wanted) + test.series
			e, at := evaluatorOf(t, parsed(t, text), series)
			require.Equal(t, "up 1, desired "+test.want, witnessIn(exposition(t, e.Evaluate(t.Context(), at))))
			problems := collector.CheckOnline(t.Context(), e, at, time.Minute).Problems
			require.Equal(t, test.whole, len(problems) == 0, "%s", problems)
		})
	}
}
