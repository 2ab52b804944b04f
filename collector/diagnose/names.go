package diagnose

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/config/strict"
	"github.com/variant-exporter/variant-exporter/collector/decide"
	"github.com/variant-exporter/variant-exporter/collector/match"
)

// names are the metrics that a Prometheus has, of all with a prefix that one has which is looked for.
type names struct {
	series map[string]int // metric -> how many series it has
	told   map[string]bool
	known  bool // the Prometheus has been asked for names
}

// newNames asks once for the names of all metrics like those in some expressions.
func (d *Diagnosis) newNames(expressions []string) *names {
	n := &names{series: map[string]int{}, told: map[string]bool{}}
	prefixes := map[string]bool{}
	for _, expr := range expressions {
		for _, name := range metricsOf(expr) {
			prefix := metricPrefix(name)
			prefixes[regexp.QuoteMeta(prefix)] = true
			if spelt := strings.ReplaceAll(prefix, ":", "_"); spelt != prefix {
				prefixes[regexp.QuoteMeta(spelt)] = true
			}
		}
	}
	if len(prefixes) == 0 {
		return n
	}
	anyOf := strings.Join(slices.Sorted(maps.Keys(prefixes)), "|")
	found, ok := d.ask(fmt.Sprintf("count by (__name__) ({__name__=~%s})", strconv.Quote("(?:"+anyOf+").*")))
	if !ok {
		return n // What is looked for can be told all the same.
	}
	n.known = true
	for _, s := range found {
		n.series[string(s.Metric[model.MetricNameLabel])] = int(s.Value)
	}
	return n
}

// Absent says what an input without series looks for, and what there is of it, once for inputs that look for the same.
func (d *Diagnosis) Absent(i *match.Input) string {
	n, looked := d.names, metricsOf(i.Query)
	key := strings.Join(looked, ", ")
	if len(looked) == 0 || n.told[key] {
		return ""
	}
	n.told[key] = true
	text := "; it looks for " + key
	if !n.known {
		return text
	}
	if present := n.present(looked); len(present) > 0 {
		if why := d.rateless(i); why != "" {
			return text + "; there is " + strings.Join(present, ", ") + ": " + why
		}
		return text + "; there is " + strings.Join(present, ", ") + ", of which its labels, or the other metrics, leave nothing"
	}
	if spelt := n.respelt(looked); len(spelt) > 0 {
		return text + "; with _ instead of : there is " + List(spelt) + ": write that name"
	}
	if like := n.like(looked); len(like) > 0 {
		return text + "; of such names there is " + List(like)
	}
	if slices.ContainsFunc(looked, config.OfRule) {
		return text + "; no metric has a name like that: is its rule loaded? variant_exporter generate rules makes it"
	}
	return text + "; no metric has a name like that: is the source scraped?"
}

// ToldBy says which metrics tell a signal that too few sources tell, under the names that there are.
func (d *Diagnosis) ToldBy(m, signal int, decided *decide.Signal) string {
	if !short(decided) {
		return ""
	}
	return List(d.names.present(d.metrics(m, signal)))
}

// metrics lists the names of the metrics that the demand of a model's signal is told by.
func (d *Diagnosis) metrics(m, signal int) []string {
	var looked []string
	for _, expr := range d.demands(m, signal) {
		names, known := d.read[expr]
		if !known {
			names = metricsOf(expr)
			d.read[expr] = names
		}
		looked = append(looked, names...)
	}
	slices.Sort(looked)
	return slices.Compact(looked)
}

// counted shows a metric and how many series it has.
func (n *names) counted(name string) string {
	return fmt.Sprintf("%s (%d series)", name, n.series[name])
}

// present lists the metrics there are of those looked for.
func (n *names) present(looked []string) []string {
	var present []string
	for _, name := range looked {
		if n.series[name] > 0 {
			present = append(present, n.counted(name))
		}
	}
	return present
}

// respelt lists the metrics there are under the name that collectors give to one with a colon.
func (n *names) respelt(looked []string) []string {
	var spelt []string
	for _, name := range looked {
		if other := strings.ReplaceAll(name, ":", "_"); other != name && n.series[other] > 0 {
			spelt = append(spelt, n.counted(other))
		}
	}
	return spelt
}

// like lists the metrics there are whose names resemble those looked for, the most alike first.
func (n *names) like(looked []string) []string {
	apart := map[string]int{}
	for found := range n.series {
		for _, name := range looked {
			prefix := metricPrefix(name)
			if !strings.HasPrefix(found, prefix) && !strings.HasPrefix(found, strings.ReplaceAll(prefix, ":", "_")) {
				continue
			}
			distance := strict.Distance(found, name)
			if least, ok := apart[found]; !ok || distance < least {
				apart[found] = distance
			}
		}
	}
	like := slices.SortedFunc(maps.Keys(apart), func(x, y string) int { return cmp.Or(apart[x]-apart[y], cmp.Compare(x, y)) })
	for i, name := range like {
		like[i] = n.counted(name)
	}
	return like
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
// whole cluster: of them, only those about the same kind of object are alike.
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
