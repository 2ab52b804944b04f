package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// pairLabels are those by which the series of two Prometheus that scrape the same are told apart in a store: they are written to all of their
// series.
func pairLabels() []string {
	return []string{"prometheus", "prometheus_replica", "replica", "receive_replica"}
}

// CopiedSources is the expression for the sources of an own signal whose series are added up twice: two of them differ only in which Prometheus
// scraped them, or one address of a pod is scraped by two jobs. Presets fold such copies.
func (c *Config) CopiedSources(s *Signal) Expr {
	if s.OfPreset() {
		return Expr{}
	}
	up, err := c.Selector.Narrow("up")
	if err != nil {
		return Expr{}
	}
	var parts []string
	told := s.sourceLabels()
	for _, sum := range s.sums() {
		if pair := slices.DeleteFunc(pairLabels(), sum.keeps); len(pair) > 0 {
			// A source's own label of such a name, as Ray's replica, is not on any up.
			parts = append(parts, fmt.Sprintf(`group by (%s) (count without (%s) (%s and on (%[2]s) %[4]s) > 1)`, strings.Join(told, ", "), strings.Join(pair, ", "), sum.selector, up))
		}
		if !sum.without {
			each := strings.Join(sum.keeping(told), ", ")
			parts = append(parts, fmt.Sprintf(`count by (%[1]s) (group by (%[1]s, job) (%[2]s)) > 1`, each, sum.ofPods()))
		}
	}
	return anyOf(parts)
}

// sum is a selector of scraped series, and the labels by which they are added up, or without which.
type sum struct {
	selector *parser.VectorSelector
	labels   []string
	without  bool
}

// keeps reports whether series that differ in a label are added up apart.
func (s *sum) keeps(label string) bool { return slices.Contains(s.labels, label) != s.without }

// sums lists the selectors whose series the demand of a signal adds up as they are.
func (s *Signal) sums() []sum {
	var found []sum
	s.eachScraped(func(v *parser.VectorSelector, path []parser.Node) bool {
		by := addedBy(path)
		if by != nil {
			found = append(found, sum{v, by.Grouping, by.Without})
		}
		return by != nil
	})
	return found
}

// addedBy is the innermost aggregation around a selector, where it adds its series up; nil where it does not, and where a number divides or
// multiplies the sum: it may be that of the copies.
func addedBy(path []parser.Node) *parser.AggregateExpr {
	var inner *parser.AggregateExpr
	for _, n := range path {
		switch n := n.(type) {
		case *parser.AggregateExpr:
			inner = n
		case *parser.BinaryExpr:
			if (n.Op == parser.DIV || n.Op == parser.MUL) && (isNumber(n.LHS) || isNumber(n.RHS)) {
				return nil
			}
		}
	}
	if inner != nil && inner.Op != parser.SUM && inner.Op != parser.COUNT {
		return nil
	}
	return inner
}

// keeping are labels, without the job, and with those by which the series are added up.
func (s *sum) keeping(told []string) []string {
	names := slices.DeleteFunc(slices.Clone(told), func(label string) bool { return label == "job" })
	for _, label := range s.labels {
		if !slices.Contains(names, label) {
			names = append(names, label)
		}
	}
	return names
}

// ofPods is the selector narrowed to series that say of which pod and address they are.
func (s *sum) ofPods() string {
	v := &parser.VectorSelector{Name: s.selector.Name, LabelMatchers: slices.Clone(s.selector.LabelMatchers)}
	for _, label := range []string{"pod", "instance"} {
		v.LabelMatchers = append(v.LabelMatchers, labels.MustNewMatcher(labels.MatchNotEqual, label, ""))
	}
	return v.String()
}
