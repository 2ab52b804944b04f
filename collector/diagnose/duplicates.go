package diagnose

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/common/model"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/match"
	"github.com/variant-exporter/variant-exporter/collector/query"
)

// ofScrape reports whether a label says who scraped a series, and where: two series that differ in such labels alone are one thing, seen
// twice.
func ofScrape(name model.LabelName) bool {
	switch name {
	case "instance", "pod", "container", "job", "endpoint", "service", "node", "uid", "prometheus", "prometheus_replica", "receive", "replica", "__replica__":
		return true
	}
	return false
}

// Duplicates says in which labels two series of an input differ that stand for one thing, and what to do; empty where it has none.
func (d *Diagnosis) Duplicates(i *match.Input) string {
	s, ok := d.subjects[i.Name]
	if !ok || i.Bad[match.BadDuplicate] == 0 {
		return ""
	}
	found, _ := d.ask(i.Query)
	seen := map[string]*model.Sample{}
	for _, sample := range found {
		key := d.place(s, sample.Metric)
		switch first := seen[key]; {
		case first == nil:
			seen[key] = sample
		case s.owner == query.OfTarget && (first.Value == sample.Value && !match.OtherCluster(first.Metric, sample.Metric) || d.unowned(s, sample.Metric)):
			// The same number told twice is told once, and other workloads do not matter.
		default:
			return differ(first.Metric, sample.Metric)
		}
	}
	return ""
}

// place tells apart what the series of an input stand for.
func (d *Diagnosis) place(s subject, metric model.Metric) string {
	names := []string{s.labels.Namespace, s.labels.Model, s.labels.Variant, "pod"}
	if s.owner == query.OfTarget {
		names = []string{s.labels.Namespace, config.LabelTargetKind, config.LabelTargetName}
	} else {
		for _, m := range d.program.Models {
			names = append(names, slices.Sorted(maps.Keys(m.Match))...)
		}
	}
	parts := make([]string, len(names))
	for i, name := range names {
		parts[i] = string(metric[model.LabelName(name)])
	}
	return strings.Join(parts, "\x00")
}

// unowned reports whether no variant has the workload of a series.
func (d *Diagnosis) unowned(s subject, metric model.Metric) bool {
	return !d.scales(string(metric[model.LabelName(s.labels.Namespace)]), string(metric[config.LabelTargetName]), nil)
}

// differ says in which labels two series differ.
func differ(a, b model.Metric) string {
	names := map[model.LabelName]bool{}
	for _, metric := range []model.Metric{a, b} {
		for name := range metric {
			names[name] = a[name] != b[name]
		}
	}
	maps.DeleteFunc(names, func(_ model.LabelName, differs bool) bool { return !differs })
	var parts, choose []string
	for _, name := range slices.Sorted(maps.Keys(names)) {
		parts = append(parts, fmt.Sprintf("%s (%q and %q)", name, a[name], b[name]))
		if value := max(a[name], b[name]); !ofScrape(name) && value != "" {
			choose = append(choose, fmt.Sprintf("%s=%q", name, value))
		}
	}
	text := "two series for one place differ in " + strings.Join(parts, ", ")
	if len(choose) > 0 {
		return text + fmt.Sprintf(": choose one, such as with selector: '{%s}'", strings.Join(choose, ", "))
	}
	return text + ": one thing is scraped twice; leave the label out with max without (...), or scrape it once"
}
