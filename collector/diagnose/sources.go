package diagnose

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/variant-exporter/variant-exporter/collector/decide"
	"github.com/variant-exporter/variant-exporter/collector/match"
	"github.com/variant-exporter/variant-exporter/collector/query"
)

// twice reports whether a signal cannot be used as more sources tell it than there should be.
func twice(s *decide.Signal) bool { return strings.Contains(s.Missing, match.BadDuplicate) }

// mostFleets is in how many values a label that tells fleets apart may differ. One that tells pods apart has more.
const mostFleets = 4

// Fleets says in which labels the series of a signal differ that too many sources tell; empty where they are not too many.
func (d *Diagnosis) Fleets(m, signal int, decided *decide.Signal) string {
	if !twice(decided) {
		return ""
	}
	s := d.program.Models[m].Signals[signal]
	selector, ok := d.shown(m, signal)
	if !ok {
		return ""
	}
	found, _ := d.ask(narrowed(selector, labels.MustNewMatcher(labels.MatchEqual, s.Labels.Namespace, d.program.Models[m].Namespace)))
	values := map[string]map[string]bool{}
	for _, sample := range found {
		for label, value := range sample.Metric {
			if values[string(label)] == nil {
				values[string(label)] = map[string]bool{}
			}
			values[string(label)][string(value)] = true
		}
	}
	var said []string
	for _, label := range slices.Sorted(maps.Keys(values)) {
		if n := len(values[label]); n > 1 && n <= mostFleets && label != "pod" && label != "instance" && label != s.Labels.Model {
			said = append(said, fmt.Sprintf("%s (%s)", label, List(slices.Sorted(maps.Keys(values[label])))))
		}
	}
	if len(said) == 0 {
		return ""
	}
	return "its series differ in " + strings.Join(said, ", ")
}

// Mislabelled says which labels series of a signal lack, or have under other names, where fewer sources tell it than should.
func (d *Diagnosis) Mislabelled(m, signal int, decided *decide.Signal) []string {
	if !short(decided) {
		return nil
	}
	s, namespace := d.program.Models[m].Signals[signal], d.program.Models[m].Namespace
	selector, ok := d.shown(m, signal)
	if !ok {
		return nil
	}
	about := subject{owner: query.OfModel, labels: s.Labels}
	equal := func(label, value string) *labels.Matcher {
		return labels.MustNewMatcher(labels.MatchEqual, label, value)
	}
	var said []string
	one := func(say func(subject, model.Metric) []string, matchers ...*labels.Matcher) {
		found, _ := d.ask("topk(1, " + narrowed(selector, matchers...) + ")")
		for _, x := range found {
			said = append(said, say(about, x.Metric)...)
		}
	}
	one(d.namespaceOf, equal(exportedPrefix+s.Labels.Namespace, namespace))
	one(d.namespaceOf, equal(s.Labels.Namespace, ""), equal(exportedPrefix+s.Labels.Namespace, ""))
	if s.Labels.Model != "" {
		one(d.modelOf, equal(s.Labels.Namespace, namespace), equal(s.Labels.Model, ""))
	}
	return said
}

// shown is a selector of a signal's demand whose metric there is.
func (d *Diagnosis) shown(m, signal int) (*parser.VectorSelector, bool) {
	for _, expr := range d.demands(m, signal) {
		for _, selector := range selectorsOf(expr) {
			if d.names.series[selector.Name] > 0 {
				return selector, true
			}
		}
	}
	return nil, false
}

// narrowed is a selector with more matchers.
func narrowed(s *parser.VectorSelector, more ...*labels.Matcher) string {
	return (&parser.VectorSelector{Name: s.Name, LabelMatchers: append(slices.Clone(s.LabelMatchers), more...)}).String()
}
