package diagnose

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/decide"
	"github.com/variant-exporter/variant-exporter/collector/match"
	"github.com/variant-exporter/variant-exporter/collector/query"
)

const (
	// mostSelectors bounds of how many selectors of a signal it is asked who told them within an hour, and mostNow who tells them.
	mostSelectors, mostNow = 4, 16
	// named is how many silent sources are named that are silent alike.
	named = 3
)

// silence is how a source that should tell a signal is silent: the values of the question's answer. The first that is known counts.
type silence int

const (
	scrapeFails silence = iota // it told the signal within an hour, and its scrapes fail
	seriesLost                 // it told the signal within an hour, and is scraped
	readyOnly                  // it is a ready pod of a variant, and tells nothing
	gone                       // it told the signal within an hour, and is no target any more: that may be right
	belowZero                  // it tells a number below zero
)

func (s silence) say(sources string) string {
	switch s {
	case scrapeFails:
		return "scrapes fail (up is 0): " + sources
	case seriesLost:
		return "scraped, and without this series since less than an hour: " + sources
	case readyOnly:
		return "ready, and without this series: " + sources
	case belowZero:
		return "a number below zero: " + sources
	case gone:
	}
	return "no longer scraped, for less than an hour: " + sources
}

// Lacks reports whether sources are missing from a signal, which Silent can name.
func Lacks(decided *decide.Signal) bool {
	return short(decided) || decided.Why == match.NoResult && !decided.Ignored
}

// Silent names the sources that should tell a signal of a model and do not, by how that is known: those that told it within an hour, and the
// ready pods of variants. It is one question. Empty where enough tell it, and where it cannot be known.
func (d *Diagnosis) Silent(m, signal int, decided *decide.Signal) string {
	if !Lacks(decided) {
		return ""
	}
	of, s := d.program.Models[m], d.program.Models[m].Signals[signal]
	expr, ok := d.whoIsSilent(m, signal)
	if !ok {
		return ""
	}
	found, _ := d.ask(expr)
	how := map[string]silence{}
	for _, x := range found {
		why := silence(x.Value)
		if why == readyOnly && !d.carries(of, s, x.Metric) || why != readyOnly && !d.belongs(x.Metric, of, s) {
			continue
		}
		source := match.Describe(x.Metric)
		if known, again := how[source]; !again || why < known {
			how[source] = why
		}
	}
	return sayHow(how)
}

// sayHow groups sources by how they are silent. Sources that are gone count where there is no other: a pod may have been deleted.
func sayHow(how map[string]silence) string {
	by := map[silence][]string{}
	for _, source := range slices.Sorted(maps.Keys(how)) {
		by[how[source]] = append(by[how[source]], source)
	}
	var said []string
	for _, why := range slices.Sorted(maps.Keys(by)) {
		if why != gone || len(said) == 0 {
			said = append(said, why.say(listed(by[why], named)))
		}
	}
	return strings.Join(said, "; ")
}

// whoIsSilent is the question who should tell a signal and does not. A value says how that is known.
func (d *Diagnosis) whoIsSilent(m, signal int) (expr string, ok bool) {
	s, namespace := d.program.Models[m].Signals[signal], d.program.Models[m].Namespace
	var now, below, before []string
	for _, selector := range d.selectors(m, signal) {
		text := narrowed(selector, labels.MustNewMatcher(labels.MatchEqual, s.Labels.Namespace, namespace))
		now, below = append(now, text), append(below, text+" < 0") // each alone: or takes the first of the same labels
		if len(before) < mostSelectors {
			before = append(before, fmt.Sprintf("(last_over_time(%[1]s[1h]) unless %[1]s)", text))
		}
	}
	up, err := d.program.Config.Selector.Narrow("up")
	if len(now) == 0 || err != nil {
		return "", false
	}
	by := []string{s.Labels.Namespace, "pod", "instance", "job"}
	if s.Labels.Model != "" {
		by = append(by, s.Labels.Model)
	}
	told := fmt.Sprintf("0 * group by (%s) (%s)", strings.Join(by, ", "), strings.Join(before, " or "))
	parts := []string{
		fmt.Sprintf("(%s + on (job, instance) group_left () max by (job, instance) (%s))", told, up), // 0 or 1
		fmt.Sprintf("(%s + %d)", told, gone),
		fmt.Sprintf("(0 * group by (%s) (%s) + %d)", strings.Join(by, ", "), strings.Join(below, " or "), belowZero),
	}
	if ready := d.readyPods(s.Labels.Namespace, namespace); ready != "" {
		parts[1] = fmt.Sprintf("(%s unless on () group(%s))", parts[1], ready) // Where ready pods are known, those that are gone were replaced.
		parts = append(parts, fmt.Sprintf("(0 * group by (%[1]s, pod) (%[2]s unless on (%[1]s, pod) (%[3]s)) + %[4]d)",
			s.Labels.Namespace, ready, strings.Join(now, " or "), readyOnly))
	}
	return strings.Join(parts, " or "), true
}

// readyPods are the ready pods of a namespace, with the labels that a signal has for it and for the pod.
func (d *Diagnosis) readyPods(label, namespace string) string {
	kube := d.program.Config.ScaleTargets.Labels.Namespace
	if d.program.Targets.Ready.Now == nil {
		return ""
	}
	expr, err := d.program.Config.Selector.Narrow(fmt.Sprintf(`kube_pod_status_ready{condition="true", %s=%q} == 1`, kube, namespace))
	if err != nil {
		return ""
	}
	if kube != label {
		expr = fmt.Sprintf(`label_replace(%s, %q, "$1", %q, "(.+)")`, expr, label, kube)
	}
	if strings.HasPrefix(kube, exportedPrefix) {
		expr = fmt.Sprintf(`label_replace(%s, "pod", "$1", %q, "(.+)")`, expr, exportedPrefix+"pod")
	}
	return "(" + expr + ")"
}

// selectors are a few selectors of a signal's demand: those whose metrics are there, where that is known, or else all.
func (d *Diagnosis) selectors(m, signal int) []*parser.VectorSelector {
	var present, all []*parser.VectorSelector
	seen := map[string]bool{}
	for _, expr := range d.demands(m, signal) {
		for _, selector := range selectorsOf(expr) {
			text := selector.String()
			if seen[text] || strings.HasPrefix(selector.Name, "kube_") || config.OfRule(selector.Name) {
				continue
			}
			seen[text] = true
			all = append(all, selector)
			if d.names.series[selector.Name] > 0 {
				present = append(present, selector)
			}
		}
	}
	if len(present) > 0 {
		all = present
	}
	return all[:min(len(all), mostNow)]
}

// carries reports whether a pod is of one of a model's variants that should tell a signal.
func (d *Diagnosis) carries(of *query.Model, s *query.Signal, metric model.Metric) bool {
	if d.matcher == nil {
		d.matcher = match.New(d.program)
	}
	owners := d.matcher.VariantsOf(metric, s.Labels)
	return len(owners) == 1 && slices.ContainsFunc(of.Variants, func(v *query.Variant) bool { return v.Place == owners[0] && v.Carries(s) })
}
