package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// targetLabels are those by which Prometheus and its operator tell targets apart. Two targets with all of these in common are one, which two
// Prometheus scrape.
const targetLabels = "job, instance, namespace, pod, container, service, endpoint"

// CopiedSources is the expression for the sources of an own signal whose series are added up twice: there are two of their target, as of a
// pair of Prometheus without deduplication, or one address of a pod is scraped by two jobs. Presets fold such copies.
func (c *Config) CopiedSources(s *Signal) Expr {
	if s.OfPreset() {
		return Expr{}
	}
	var parts []string
	for _, sum := range s.sums() {
		targets, err := c.Selector.Narrow(sum.targets())
		if err != nil {
			return Expr{}
		}
		told := s.sourceLabels()
		parts = append(parts, fmt.Sprintf(`group by (%[1]s) (%[2]s and on (job, instance, pod) (count by (%[3]s) (%[4]s) > 1))`,
			told, sum.selector, sum.keeping(targetLabels), targets))
		each := strings.Join(slices.DeleteFunc(strings.Split(told, ", "), func(label string) bool { return label == "job" }), ", ")
		parts = append(parts, fmt.Sprintf(`count by (%[1]s) (group by (%[1]s, job) (%[2]s)) > 1`, sum.keeping(each), sum.ofPods()))
	}
	if len(parts) == 0 {
		return Expr{}
	}
	e, err := ParseExpr(strings.Join(parts, " or "))
	if err != nil {
		return Expr{} // What is wrong with a label's name has been reported.
	}
	return e
}

// sum is a selector of scraped series, and the labels by which they are added up.
type sum struct {
	selector *parser.VectorSelector
	by       []string
}

// sums lists the selectors whose series the demand of a signal adds up as they are.
func (s *Signal) sums() []sum {
	var found []sum
	for _, e := range []Expr{s.Demand, s.Latency, s.Usage, s.Queued} {
		if e.IsZero() || isRecorded(e) {
			continue
		}
		parser.Inspect(e.ast, func(n parser.Node, path []parser.Node) error {
			v, ok := n.(*parser.VectorSelector)
			if !ok || moved(v) || !named(v) || movedAbove(path) || len(found) == mostSilent {
				return nil
			}
			text := v.String()
			known := slices.ContainsFunc(found, func(other sum) bool { return other.selector.String() == text })
			if by, adds := addedBy(path); adds && !known {
				found = append(found, sum{v, by})
			}
			return nil
		})
	}
	return found
}

// addedBy is by which labels the innermost aggregation around a selector adds its series up; false where it does not, or where it keeps
// labels that are not known.
func addedBy(path []parser.Node) (by []string, ok bool) {
	for _, n := range slices.Backward(path) {
		if aggregate, is := n.(*parser.AggregateExpr); is {
			return aggregate.Grouping, !aggregate.Without && (aggregate.Op == parser.SUM || aggregate.Op == parser.COUNT)
		}
	}
	return nil, false
}

// keeping is a list of labels with those by which the series are added up.
func (s *sum) keeping(list string) string {
	names := strings.Split(list, ", ")
	for _, label := range s.by {
		if !slices.Contains(names, label) {
			names = append(names, label)
		}
	}
	return strings.Join(names, ", ")
}

// targets selects the targets that the series may be of: a label that the targets do not have is one of the series' own.
func (s *sum) targets() string {
	up := &parser.VectorSelector{Name: "up", LabelMatchers: []*labels.Matcher{labels.MustNewMatcher(labels.MatchEqual, model.MetricNameLabel, "up")}}
	for _, m := range s.selector.LabelMatchers {
		switch {
		case m.Name == model.MetricNameLabel:
		case m.Type == labels.MatchEqual:
			up.LabelMatchers = append(up.LabelMatchers, labels.MustNewMatcher(labels.MatchRegexp, m.Name, "|"+regexp.QuoteMeta(m.Value)))
		case m.Type == labels.MatchRegexp:
			up.LabelMatchers = append(up.LabelMatchers, labels.MustNewMatcher(labels.MatchRegexp, m.Name, "|"+m.Value))
		default:
			up.LabelMatchers = append(up.LabelMatchers, m)
		}
	}
	return up.String()
}

// ofPods is the selector narrowed to series that say of which pod and address they are.
func (s *sum) ofPods() string {
	v := &parser.VectorSelector{Name: s.selector.Name, LabelMatchers: slices.Clone(s.selector.LabelMatchers)}
	for _, label := range []string{"pod", "instance"} {
		v.LabelMatchers = append(v.LabelMatchers, labels.MustNewMatcher(labels.MatchNotEqual, label, ""))
	}
	return v.String()
}
