package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
)

// LabelWorkload is the label in which the answer about sources names the workload of their pods.
const LabelWorkload = "scale_target_name"

// podOfWorkload is how Kubernetes names pods: a Deployment's with a hash and a suffix, a StatefulSet's and a LeaderWorkerSet's with an
// ordinal. Where either would fit, the shorter name of a workload counts. One pattern, since each is tried on every pod.
const podOfWorkload = "(.+?)(?:-[bcdfghjklmnpqrstvwxz2456789]{1,10}-[bcdfghjklmnpqrstvwxz2456789]{5}|-[0-9]+)"

// CountedSources is the expression that counts the sources of a signal by workload, so that the answer does not grow with the number
// of pods; none where it is not known who they are.
func (c *Config) CountedSources(s *Signal) Expr {
	sources := s.Sources
	if sources.IsZero() {
		sources = c.recordedSources(s)
	}
	if sources.IsZero() {
		sources = s.derivedSources()
	}
	if selector, ok := selected(sources); sources.IsZero() || ok && strings.HasPrefix(selector.Name, "workload:") {
		return sources // It is counted already.
	}
	by := s.Labels.Namespace
	if s.Labels.Model != "" {
		by += ", " + s.Labels.Model
	}
	counted, err := ParseExpr(fmt.Sprintf(
		`count by (%s, %s) (label_replace(group by (%s, pod) (%s), %q, "$1", "pod", %q))`,
		by, LabelWorkload, by, sources, LabelWorkload, podOfWorkload))
	if err != nil {
		return Expr{} // What is wrong with a label's name has been reported.
	}
	return counted
}

// derivedSources is the expression for who tells a signal, where its other expressions show it. Where the configuration says by what its
// source is known to be up, those tell it: the series of a model vanish from a gateway while it is idle.
func (s *Signal) derivedSources() Expr {
	if sources, ok := aliveOf(s.Alive); ok {
		return sources
	}
	for _, e := range []Expr{s.Demand, s.Latency, s.Usage} {
		if sources, ok := selectorOf(e); ok {
			return sources
		}
	}
	return Expr{}
}

// aliveOf are the series above zero behind an expression that shows whether sources are up: Prometheus' own up, or an aggregation over one
// metric. Any other single series may stand for many sources.
func aliveOf(e Expr) (Expr, bool) {
	if e.IsZero() {
		return Expr{}, false
	}
	inner := unwrap(e.ast)
	aggregate, aggregated := inner.(*parser.AggregateExpr)
	if aggregated && aggregate.Param == nil {
		inner = unwrap(aggregate.Expr)
	}
	selector, ok := inner.(*parser.VectorSelector)
	if !ok || moved(selector) || !aggregated && selector.Name != "up" {
		return Expr{}, false
	}
	found, err := ParseExpr(selector.String() + " > 0")
	return found, err == nil
}

// selectorOf is the selector of an expression that adds up one metric over its sources: sum by (...) (metric), or of its rate or a value
// over time. Labels that are rewritten on the way change nothing in who tells it.
func selectorOf(e Expr) (Expr, bool) {
	if e.IsZero() {
		return Expr{}, false
	}
	sum, ok := inside(e.ast, "label_replace", "label_join", "clamp_min").(*parser.AggregateExpr)
	if !ok || sum.Op != parser.SUM {
		return Expr{}, false
	}
	inner := inside(sum.Expr, "label_replace", "label_join", "clamp_min", "rate", "irate", "increase", "max_over_time", "avg_over_time", "last_over_time")
	if m, ok := inner.(*parser.MatrixSelector); ok {
		inner = m.VectorSelector
	}
	selector, ok := inner.(*parser.VectorSelector)
	if !ok || moved(selector) {
		return Expr{}, false
	}
	found, err := ParseExpr(selector.String())
	return found, err == nil
}

// inside is what some functions are called with, however deep. Their first argument is the vector.
func inside(e parser.Expr, functions ...string) parser.Expr {
	for {
		e = unwrap(e)
		call, ok := e.(*parser.Call)
		if !ok || !slices.Contains(functions, call.Func.Name) {
			return e
		}
		e = call.Args[0]
	}
}

// moved reports whether a selector looks elsewhere than at the present.
func moved(s *parser.VectorSelector) bool {
	return s.OriginalOffset != 0 || s.Timestamp != nil || s.StartOrEnd != 0
}

func unwrap(e parser.Expr) parser.Expr {
	for {
		inner, ok := e.(*parser.ParenExpr)
		if !ok {
			return e
		}
		e = inner.Expr
	}
}
