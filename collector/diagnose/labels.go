package diagnose

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/decide"
	"github.com/variant-exporter/variant-exporter/collector/match"
	"github.com/variant-exporter/variant-exporter/collector/query"
)

const (
	// exportedPrefix is what Prometheus puts before a label of a target which has the name of one that the scrape adds.
	exportedPrefix = "exported_"
	// metricsLooked is of how many metrics of one input a few series are looked at, and seriesLooked how many series.
	metricsLooked, seriesLooked = 2, 3
)

// Labels says which labels were expected and which were found, for an input with nothing that fits.
func (d *Diagnosis) Labels(i *match.Input) []string {
	s, ok := d.subjects[i.Name]
	if !ok {
		return nil
	}
	if i.Bad[match.BadLabels] > 0 && !strings.Contains(i.Example, s.labels.Namespace+"=") {
		return []string{fmt.Sprintf("expected the label %s, found none on %s: a series that names no namespace belongs to none: %s", s.labels.Namespace, i.Example, nameIt(s.labels.Namespace))}
	}
	if !unfit(i) {
		return nil
	}
	var said []string
	for _, sample := range d.raw(i.Query, s.labels.Namespace) {
		var found []string
		found = append(found, d.namespaceOf(s, sample)...)
		if s.owner == query.OfModel {
			found = append(found, d.modelOf(s, sample)...)
		}
		for _, f := range found {
			if !slices.Contains(said, f) {
				said = append(said, f)
			}
		}
	}
	return said[:min(len(said), seriesLooked)]
}

// raw are a few series as they are stored, of the metrics that an expression selects: what is expected may be lost on the way. Those in
// which a label of the target has been renamed come first.
func (d *Diagnosis) raw(expr, namespace string) []model.Metric {
	var all []model.Metric
	looked := 0
	for _, name := range metricsOf(expr) {
		if d.names.series[name] == 0 || looked == metricsLooked || !model.LegacyValidation.IsValidMetricName(name) {
			continue
		}
		looked++
		renamed := fmt.Sprintf("%s{%s%s=~%s}", name, exportedPrefix, namespace, strconv.Quote(strings.Join(d.namespaces(), "|")))
		found, _ := d.ask(fmt.Sprintf("topk(%d, %s) or topk(%d, %s)", seriesLooked, renamed, seriesLooked, name))
		for _, s := range found {
			all = append(all, s.Metric)
		}
	}
	return all
}

// namespaceOf compares the namespace of a series with those of the models.
func (d *Diagnosis) namespaceOf(s subject, metric model.Metric) []string {
	label := s.labels.Namespace
	value, known := string(metric[model.LabelName(label)]), d.namespaces()
	if slices.Contains(known, value) {
		return nil
	}
	exported := exportedPrefix + label
	if own := string(metric[model.LabelName(exported)]); slices.Contains(known, own) {
		cure := "labels: {namespace: " + exported + "}"
		if s.owner == query.OfTarget {
			cure = "scale_targets: {labels: {namespace: " + exported + "}}"
		}
		return []string{fmt.Sprintf("expected %s=%q, found %s=%q and %s=%q on %s: scrape it with honor_labels (honorLabels: true), or set %s",
			label, own, label, value, exported, own, nameOf(metric), cure)}
	}
	if value == "" {
		return []string{fmt.Sprintf("expected the label %s, found none on %s: %s", label, metric, nameIt(label))}
	}
	return []string{fmt.Sprintf("expected %s=%q, found %s=%q on %s", label, closest(value, known), label, value, nameOf(metric))}
}

// nameIt says how series get a label for the namespace.
func nameIt(label string) string {
	return "scrape the servers through a PodMonitor (variant_exporter generate podmonitor), or relabel __meta_kubernetes_namespace to " + label +
		"; where another label names it, set labels: {namespace: ...}"
}

// modelOf compares the model that a series names with those of the configuration.
func (d *Diagnosis) modelOf(s subject, metric model.Metric) []string {
	label := model.LabelName(s.labels.Model)
	for _, m := range d.program.Models {
		for l, values := range m.Match {
			if slices.Contains(values, string(metric[model.LabelName(l)])) {
				return nil
			}
		}
	}
	known := d.models("", s.labels)
	value := string(metric[label])
	if slices.Contains(known, value) {
		return nil
	}
	if value != "" {
		return []string{fmt.Sprintf("expected %s=%q, found %s=%q on %s", label, closest(value, known), label, value, nameOf(metric))}
	}
	for _, l := range slices.Sorted(maps.Keys(metric)) {
		if other := string(metric[l]); strings.Contains(strings.ToLower(string(l)), "model") || slices.Contains(known, other) {
			return []string{fmt.Sprintf("expected %s=%q, found %s=%q on %s", label, closest(other, known), l, other, nameOf(metric))}
		}
	}
	return []string{fmt.Sprintf("expected %s=%q, found no such label on %s", label, known[0], metric)}
}

// models lists the names by which models go in a label; with a namespace, those of that namespace.
func (d *Diagnosis) models(namespace string, labels config.LabelNames) []string {
	var all []string
	for _, m := range d.program.Models {
		if namespace == "" || namespace == m.Namespace {
			all = append(append(all, m.Name), m.Match[labels.Model]...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// closest is the word most like another, or else the first.
func closest(word string, words []string) string {
	return slices.MinFunc(words, func(a, b string) int { return apart(word, a) - apart(word, b) })
}

func nameOf(metric model.Metric) string { return string(metric[model.MetricNameLabel]) }

// NearestModel says that a series that no model owns has a name spelt almost like a model's, or its name in another namespace; empty for none.
func (d *Diagnosis) NearestModel(m, signal int, decided *decide.Signal) string {
	if decided.Missing == "" && !decided.Assumed {
		return ""
	}
	s, of := d.program.Models[m].Signals[signal], d.program.Models[m]
	asked := s.Absolute.Now
	if asked == nil {
		asked = s.Queued.Now
	}
	if asked == nil {
		return ""
	}
	found, _ := d.ask(asked.Expr)
	known, label := d.models(of.Namespace, s.Labels), model.LabelName(s.Labels.Model)
	var strays, elsewhere []string
	for _, x := range found {
		value, namespace := string(x.Metric[label]), string(x.Metric[model.LabelName(s.Labels.Namespace)])
		switch {
		case value == "" || namespace == "":
		case namespace == of.Namespace && !slices.Contains(known, value):
			strays = append(strays, value)
		case namespace != of.Namespace && value == of.Name && !slices.Contains(d.models(namespace, s.Labels), value):
			elsewhere = append(elsewhere, namespace)
		}
	}
	if near := nearest(of.Name, strays); near != "" {
		return fmt.Sprintf("there is %s=%q, which is no model's: is it this one's? Then name it so, or list it under match", label, near)
	}
	if len(elsewhere) > 0 {
		return fmt.Sprintf("there is %s=%q in %s=%q, which is no model's: is it this one's? Then set its namespace", label, of.Name, s.Labels.Namespace, closest(of.Namespace, elsewhere))
	}
	return ""
}

// NearestTarget is the workload that is spelt almost like the scale target of a variant, or has its name and is of another kind; empty
// for none.
func (d *Diagnosis) NearestTarget(m, variant int) string {
	v, asked := d.program.Models[m].Variants[variant], d.program.Targets.Current.Now
	if asked == nil {
		return ""
	}
	namespace := model.LabelName(d.program.Config.ScaleTargets.Labels.Namespace)
	found, _ := d.ask(asked.Expr)
	kinds, workloads := map[string]string{}, []string{}
	for _, s := range found {
		if name := string(s.Metric[config.LabelTargetName]); string(s.Metric[namespace]) == v.Model.Namespace && !d.scales(v.Model.Namespace, name, v) {
			kinds[name] = string(s.Metric[config.LabelTargetKind])
			workloads = append(workloads, name)
			if name == v.ScaleTarget.Name && kinds[name] == string(v.ScaleTarget.Kind) {
				return "" // It is there, and its number cannot be used.
			}
		}
	}
	if near := nearest(v.ScaleTarget.Name, workloads); near != "" {
		return kinds[near] + " " + near
	}
	return ""
}

// scales reports whether a workload is that of another variant.
func (d *Diagnosis) scales(namespace, name string, but *query.Variant) bool {
	return slices.ContainsFunc(d.program.Variants, func(v *query.Variant) bool {
		return v != but && v.Model.Namespace == namespace && v.ScaleTarget.Name == name
	})
}
