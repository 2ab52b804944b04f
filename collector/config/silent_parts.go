package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
)

// SilentParts is the expression for how many targets are missing from a number that adds series up, such as a limit: they told it within the
// last hour, are still to be scraped, and do not answer, and nobody else tells their part. It is none where nothing is added up.
func (c *Config) SilentParts(e Expr) Expr {
	if e.IsZero() {
		return Expr{}
	}
	down, err := c.Selector.Narrow(`up == 0`)
	if err != nil {
		return Expr{}
	}
	var parts []string
	parser.Inspect(e.ast, func(n parser.Node, path []parser.Node) error {
		v, ok := n.(*parser.VectorSelector)
		if !ok || moved(v) || metricOf(v) == "" || movedAbove(path) || !addedUp(path, parser.SUM, parser.COUNT) || len(parts) == mostSilent {
			return nil
		}
		if part := silentSeries(v.String(), toldByOthers(path), down); !slices.Contains(parts, part) {
			parts = append(parts, part)
		}
		return nil
	})
	if len(parts) == 0 {
		return Expr{}
	}
	silent, err := ParseExpr(fmt.Sprintf("count(group by (job, instance) (%s))", strings.Join(parts, " or ")))
	if err != nil {
		return Expr{}
	}
	return silent
}

// toldByOthers is how series match those that tell the same: where the innermost aggregation around a selector folds copies, such as those of two
// kube-state-metrics, one of them is enough.
func toldByOthers(path []parser.Node) string {
	var inner *parser.AggregateExpr
	for _, n := range path {
		if a, ok := n.(*parser.AggregateExpr); ok {
			inner = a
		}
	}
	matched := "on"
	switch {
	case inner.Op == parser.SUM, inner.Op == parser.COUNT:
		return ""
	case inner.Without:
		matched = "ignoring"
	}
	return fmt.Sprintf(" %s (%s)", matched, strings.Join(inner.Grouping, ", "))
}
