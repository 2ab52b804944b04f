package diagnose

import (
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/decide"
)

// Others says which servers tell for a model and belong to none of its scale targets, and what to do; empty where there are none.
func (d *Diagnosis) Others(decided *decide.Signal) string {
	var named, nameless []string
	for _, workload := range decided.OtherWorkloads {
		if address, ok := strings.CutPrefix(workload, config.Nameless); ok {
			nameless = append(nameless, address)
			continue
		}
		named = append(named, workload)
	}
	var said []string
	if len(named) > 0 {
		said = append(said, "servers of "+List(named)+" tell it, which are of no scale target of the model: name it under scale_target of a variant, or list their names under pods")
	}
	if len(nameless) > 0 {
		said = append(said, "servers have no label pod ("+List(nameless)+"): they count by their addresses, and for no variant; relabel __meta_kubernetes_pod_name to pod")
	}
	return strings.Join(said, "; ")
}

// Gateways says that what tells an own signal is compared only with itself, and what to do where that is wrong; empty where it is not.
func (d *Diagnosis) Gateways(decided *decide.Signal) string {
	if len(decided.Gateways) == 0 {
		return ""
	}
	named := make([]string, len(decided.Gateways))
	for i, workload := range decided.Gateways {
		named[i] = strings.TrimPrefix(workload, config.Nameless)
	}
	return "what tells it counts as a gateway (" + List(named) + "), as it belongs to no variant by its name: one that is missing is noticed " +
		"for as long as the scale-down window. If these are model servers, list their names under pods of each variant; if it is a gateway, say by alive that it is up"
}

// Lacking lists the series that a signal needs and nothing shows, although their metric is there: of a queue, say, one label's value was
// dropped. Empty where enough sources tell it.
func (d *Diagnosis) Lacking(m, signal int, decided *decide.Signal) string {
	if !short(decided) && decided.Missing == "" {
		return ""
	}
	var lacking []string
	for _, expr := range d.demands(m, signal) {
		for _, selector := range selectorsOf(expr) {
			if d.names.series[selector.Name] == 0 || len(selector.LabelMatchers) == 1 {
				continue
			}
			text := selector.String()
			if found, ok := d.ask("count(" + text + ")"); ok && len(found) == 0 && !slices.Contains(lacking, text) {
				lacking = append(lacking, text)
			}
		}
	}
	return List(lacking)
}

// selectorsOf lists the selectors of one metric in an expression, without ranges and offsets.
func selectorsOf(expr string) []*parser.VectorSelector {
	e, err := config.ParseExpr(expr)
	if err != nil {
		return nil
	}
	var all []*parser.VectorSelector
	parser.Inspect(e.AST(), func(n parser.Node, _ []parser.Node) error {
		if v, ok := n.(*parser.VectorSelector); ok && v.Name != "" {
			all = append(all, &parser.VectorSelector{Name: v.Name, LabelMatchers: v.LabelMatchers})
		}
		return nil
	})
	return all
}

// clusterLabels are labels by which series of several clusters in one store are told apart.
func clusterLabels() []string {
	return []string{"cluster", "k8s_cluster", "cluster_name", "cluster_id", "k8s_cluster_name", "kubernetes_cluster", "region", "datacenter", "environment", "tenant"}
}

// Clusters says that the series of a model's signal differ in a label that tells clusters apart, and what to do; empty where they do not.
func (d *Diagnosis) Clusters(m, signal int) string {
	of, s := d.program.Models[m], d.program.Models[m].Signals[signal]
	var selectors []string
	for _, expr := range d.demands(m, signal) {
		for _, selector := range selectorsOf(expr) {
			if text := selector.String(); !slices.Contains(selectors, text) {
				selectors = append(selectors, text)
			}
		}
	}
	if len(selectors) == 0 {
		return ""
	}
	by := slices.DeleteFunc(append([]string{s.Labels.Namespace, s.Labels.Model}, clusterLabels()...), func(label string) bool { return label == "" })
	found, _ := d.ask(fmt.Sprintf("group by (%s) (%s)", strings.Join(by, ", "), strings.Join(selectors, " or ")))
	return apartIn(found, of.Namespace, append([]string{of.Name}, of.Match[s.Labels.Model]...), s.Labels)
}

// Unwitnessed says that nothing can tell whether a source of a signal is missing, and what to do; empty where something does.
func (d *Diagnosis) Unwitnessed(m, signal int) string {
	switch s := d.program.Models[m].Signals[signal]; {
	case s.Sources.Now != nil || s.OfPreset() && s.Silent != nil:
		return ""
	case s.Silent != nil:
		return "nothing counts who tells it: that a source is missing from it would be noticed only where its scrapes fail; say who tells it with sources: of the signal"
	}
	return "nothing witnesses it: that a source is missing from it would not be noticed; say who tells it with sources: of the signal"
}

// apartIn finds a label in which the series of one model differ.
func apartIn(found model.Vector, namespace string, names []string, labels config.LabelNames) string {
	for _, label := range clusterLabels() {
		first := ""
		for _, x := range found {
			value, name := string(x.Metric[model.LabelName(label)]), string(x.Metric[model.LabelName(labels.Model)])
			if value == "" || string(x.Metric[model.LabelName(labels.Namespace)]) != namespace || name != "" && !slices.Contains(names, name) {
				continue
			}
			if first == "" {
				first = value
			}
			if value != first {
				return fmt.Sprintf("its series come from %[1]s=%[2]q and %[1]s=%[3]q, and are added up: if those are two fleets, choose one with selector: '{%[1]s=%[2]q}'", label, first, value)
			}
		}
	}
	return ""
}
