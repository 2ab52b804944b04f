package collector

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// shownNames is how many names of metrics are shown of those that a Prometheus has instead of the ones looked for.
const shownNames = 5

// absence says which metrics inputs without series look for, and what there is instead.
type absence struct {
	series map[string]int // metric -> how many series it has, of all with a prefix that an absent one has
	told   map[string]bool
	known  bool // the Prometheus has been asked for names
}

// newAbsence asks once for the names of all metrics like those that inputs without series look for.
func newAbsence(ctx context.Context, e *Evaluator, inputs []Input, at time.Time) *absence {
	a := &absence{series: map[string]int{}, told: map[string]bool{}}
	prefixes := map[string]bool{}
	for i := range inputs {
		if inputs[i].Err == nil && *inputs[i].Series == 0 {
			for _, name := range metricsOf(inputs[i].Query) {
				prefixes[regexp.QuoteMeta(metricPrefix(name))] = true
			}
		}
	}
	if len(prefixes) == 0 {
		return a
	}
	anyOf := strings.Join(slices.Sorted(maps.Keys(prefixes)), "|")
	found, err := e.querier.Query(ctx, fmt.Sprintf("count by (__name__) ({__name__=~%s})", strconv.Quote("(?:"+anyOf+").*")), at)
	if err != nil {
		return a // What is looked for can be told all the same.
	}
	a.known = true
	for _, s := range found {
		a.series[string(s.Metric[model.MetricNameLabel])] = int(s.Value)
	}
	return a
}

// explain says what an input without series looks for, once for inputs that look for the same.
func (a *absence) explain(i *Input) string {
	names := metricsOf(i.Query)
	key := strings.Join(names, ", ")
	if len(names) == 0 || a.told[key] {
		return ""
	}
	a.told[key] = true
	text := "; it looks for " + key
	if !a.known {
		return text
	}
	var present []string
	for _, name := range names {
		if n := a.series[name]; n > 0 {
			present = append(present, fmt.Sprintf("%s (%d series)", name, n))
		}
	}
	if len(present) > 0 {
		return text + "; there is " + strings.Join(present, ", ") + ", of which its labels, or the other metrics, leave nothing"
	}
	if like := a.like(names); len(like) > 0 {
		return text + "; of such names there is " + strings.Join(like, ", ")
	}
	return text + "; no metric has a name like that: is the source scraped?"
}

// like lists the metrics there are whose names resemble those looked for, the closest first.
func (a *absence) like(names []string) []string {
	alike := map[string]int{}
	for found := range a.series {
		for _, name := range names {
			if strings.HasPrefix(found, metricPrefix(name)) {
				alike[found] = max(alike[found], commonPrefix(found, name))
			}
		}
	}
	closest := slices.SortedFunc(maps.Keys(alike), func(x, y string) int {
		return cmp.Or(cmp.Compare(alike[y], alike[x]), cmp.Compare(x, y))
	})
	shown := closest[:min(len(closest), shownNames)]
	for i, name := range shown {
		shown[i] = fmt.Sprintf("%s (%d series)", name, a.series[name])
	}
	if more := len(closest) - len(shown); more > 0 {
		shown = append(shown, fmt.Sprintf("and %d more", more))
	}
	return shown
}

// metricsOf lists the names of the metrics that an expression selects.
func metricsOf(expr string) []string {
	e, err := config.ParseExpr(expr)
	if err != nil {
		return nil
	}
	names := map[string]bool{}
	parser.Inspect(e.AST(), func(n parser.Node, _ []parser.Node) error {
		if v, ok := n.(*parser.VectorSelector); ok {
			for _, m := range v.LabelMatchers {
				if m.Name == model.MetricNameLabel && m.Type == labels.MatchEqual && m.Value != "" {
					names[m.Value] = true
				}
			}
		}
		return nil
	})
	return slices.Sorted(maps.Keys(names))
}

// metricPrefix is what the metrics of one source have in common: vllm: or tgi_. The metrics of kube-state-metrics are those of a
// whole cluster, so that of them only the ones about the same kind of object are alike.
func metricPrefix(name string) string {
	if i := strings.IndexByte(name, ':'); i >= 0 {
		return name[:i+1]
	}
	parts := strings.SplitAfterN(name, "_", 3)
	if parts[0] == "kube_" && len(parts) == 3 {
		return parts[0] + parts[1]
	}
	return parts[0]
}

// commonPrefix is the length of what two names begin with alike.
func commonPrefix(a, b string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}
