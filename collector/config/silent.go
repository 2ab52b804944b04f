package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// mostSilent bounds the selectors of an own signal that silent sources are looked for by: each is read over an hour.
const mostSilent = 4

// SilentSources is the expression for the sources of a signal that told it before and are silent now: the signal's own, or for an own
// signal the targets behind its selectors that told it within the last hour, are still to be scraped, and do not answer. A pod that is
// known not to be ready gets no requests: it may be silent. For servers of a preset it is both where no replicas are told, which they could be
// counted against.
func (c *Config) SilentSources(s *Signal) Expr {
	uncounted := s.OfPreset() && s.Alive.IsZero() && c.ScaleTargets.Current.IsZero()
	if !uncounted && (s.OfPreset() || !s.Silent.IsZero()) {
		return s.Silent
	}
	down, err := c.Selector.Narrow(`up == 0`)
	if err != nil {
		return Expr{}
	}
	unready, err := c.Selector.Narrow(`kube_pod_status_ready{condition="false"} == 1`)
	if err != nil {
		return Expr{}
	}
	var parts []string
	if !s.Silent.IsZero() {
		parts = append(parts, s.Silent.String())
	}
	for _, selector := range c.toldBy(s) {
		parts = append(parts, fmt.Sprintf(`group by (%s) (%s unless on (%s, pod) (%s))`,
			strings.Join(s.sourceLabels(), ", "), silentSeries(selector, "", down), s.Labels.Namespace, unready))
	}
	return anyOf(parts)
}

// silentSeries is the expression for the series of a selector that were there within the last hour, and are not now although their targets are
// still to be scraped: these do not answer, which down tells. Matching says which other series are as good; without it none are.
func silentSeries(selector, matching, down string) string {
	return fmt.Sprintf("(last_over_time(%s[1h]) unless%s %[1]s) and on (job, instance) (%[3]s)", selector, matching, down)
}

// anyOf is the expression for what any of some expressions has; none for none.
func anyOf(parts []string) Expr {
	if len(parts) == 0 {
		return Expr{}
	}
	e, err := ParseExpr(strings.Join(parts, " or "))
	if err != nil {
		return Expr{} // What is wrong with a label's name has been reported.
	}
	return e
}

// toldBy lists the selectors of scraped series that the demand of a signal adds up: of which a part could be missing unseen.
func (c *Config) toldBy(s *Signal) []string {
	var found []string
	s.eachScraped(func(v *parser.VectorSelector, path []parser.Node) bool {
		added := addedUp(path)
		if added {
			found = append(found, v.String())
		}
		return added
	})
	return found
}

// eachScraped calls take for the selectors of scraped series in the demand of a signal, with what is around them, until it took mostSilent
// different ones: take reports whether it took one.
func (s *Signal) eachScraped(take func(v *parser.VectorSelector, path []parser.Node) bool) {
	taken := map[string]bool{}
	for _, e := range []Expr{s.Demand, s.Latency, s.Usage, s.Queued} {
		if e.IsZero() || isRecorded(e) {
			continue
		}
		parser.Inspect(e.ast, func(n parser.Node, path []parser.Node) error {
			v, ok := n.(*parser.VectorSelector)
			if !ok || moved(v) || !named(v) || movedAbove(path) || len(taken) == mostSilent {
				return nil
			}
			if text := v.String(); !taken[text] && take(v, path) {
				taken[text] = true
			}
			return nil
		})
	}
}

// metricOf is the metric that a selector is for, where that is one which is scraped; empty otherwise.
func metricOf(v *parser.VectorSelector) string {
	for _, m := range v.LabelMatchers {
		if m.Name == model.MetricNameLabel && m.Type == labels.MatchEqual && v.Name != "up" && !OfRule(m.Value) {
			return m.Value
		}
	}
	return ""
}

// named reports whether a selector is for the series of one metric that a source exposes.
func named(v *parser.VectorSelector) bool {
	metric := metricOf(v)
	return metric != "" && !strings.HasPrefix(metric, "kube_")
}

// addedUp reports whether a selector is inside an aggregation, one of these where some are given.
func addedUp(path []parser.Node, by ...parser.ItemType) bool {
	return slices.ContainsFunc(path, func(n parser.Node) bool {
		a, ok := n.(*parser.AggregateExpr)
		return ok && (len(by) == 0 || slices.Contains(by, a.Op))
	})
}

// aggregates reports whether an expression of the demand makes one series of several, so that one which is missing does not show.
func (s *Signal) aggregates() bool {
	found := false
	for _, e := range []Expr{s.Demand, s.Latency, s.Usage, s.Queued} {
		if e.IsZero() {
			continue
		}
		parser.Inspect(e.ast, func(n parser.Node, _ []parser.Node) error {
			_, aggregate := n.(*parser.AggregateExpr)
			found = found || aggregate
			return nil
		})
	}
	return found
}

// byPod reports whether the demand has a number for each pod: one that is missing shows, since fewer pods tell it than are ready.
func (s *Signal) byPod() bool {
	for _, e := range []Expr{s.Demand, s.Latency, s.Usage} {
		if !e.IsZero() && !keepsPod(e.ast) {
			return false
		}
	}
	return true
}

// keepsPod reports whether an expression has a result for each pod, as its outermost aggregation is by pod.
func keepsPod(e parser.Expr) bool {
	switch e := unwrap(e).(type) {
	case *parser.AggregateExpr:
		return !e.Without && slices.Contains(e.Grouping, "pod")
	case *parser.BinaryExpr:
		return isNumber(e.RHS) && keepsPod(e.LHS) || isNumber(e.LHS) && keepsPod(e.RHS)
	}
	return false
}

// movedAbove reports whether a subquery around a selector looks elsewhere than at the present.
func movedAbove(path []parser.Node) bool {
	return slices.ContainsFunc(path, func(n parser.Node) bool {
		q, ok := n.(*parser.SubqueryExpr)
		return ok && (q.OriginalOffset != 0 || q.Timestamp != nil || q.StartOrEnd != 0)
	})
}

// sourceLabels are the labels that say whose source a series is of: not those that the signal's expressions write themselves.
func (s *Signal) sourceLabels() []string {
	names := []string{"pod", "instance", "job"}
	for _, label := range []string{s.Labels.Namespace, s.Labels.Model} {
		if label != "" && !s.Writes(label) {
			names = append(names, label)
		}
	}
	return names
}

// Writes reports whether an expression of the demand sets a label: its series may name another thing by it than its result.
func (s *Signal) Writes(label string) bool {
	found := false
	for _, e := range []Expr{s.Demand, s.Latency, s.Usage, s.Queued} {
		if e.IsZero() {
			continue
		}
		parser.Inspect(e.ast, func(n parser.Node, _ []parser.Node) error {
			if call, ok := n.(*parser.Call); ok && (call.Func.Name == "label_replace" || call.Func.Name == "label_join") {
				to, ok := call.Args[1].(*parser.StringLiteral)
				found = found || ok && to.Val == label
			}
			return nil
		})
	}
	return found
}
