package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// shareParts lets the rules of a group read what they have in common from a rule before them: a whole rule, or an aggregation that stands in
// them more than once, which gets a rule of its own. The buckets of all pods are then added up once, not for each quantile. Rules keep
// the fingerprint of what they stand for. Expressions are canonical texts, in which that of a part stands as it is.
func shareParts(all []rule) ([]rule, error) {
	whole := slices.Clone(all)
	slices.SortStableFunc(whole, func(a, b rule) int { return cmp.Compare(len(b.Expr), len(a.Expr)) })
	var first, last []rule
	for _, r := range all {
		text := r.Expr
		for _, other := range whole {
			if ast, err := parsePromQL(other.Expr); err == nil && other.Record != r.Record && enclosed(ast) {
				text = strings.ReplaceAll(text, other.Expr, read(other))
			}
		}
		if text == r.Expr {
			first = append(first, r)
			continue
		}
		r.Expr = text
		last = append(last, r)
	}
	ordered := slices.Concat(first, last)
	parts, err := repeated(ordered)
	return slices.Concat(parts, ordered), err
}

// repeated makes rules of the aggregations over pods that stand in rules more than once, and lets the rules read them.
func repeated(all []rule) ([]rule, error) {
	found := map[string]bool{}
	for _, r := range all {
		ast, err := parsePromQL(r.Expr)
		if err != nil {
			return nil, err
		}
		parser.Inspect(ast, func(n parser.Node, _ []parser.Node) error {
			if a, ok := n.(*parser.AggregateExpr); ok && overPods(a) {
				found[a.String()] = true
			}
			return nil
		})
	}
	texts := make([]string, 0, len(found))
	for text := range found {
		texts = append(texts, text)
	}
	slices.SortFunc(texts, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
	var parts []rule
	for _, text := range texts {
		n := 0
		for _, r := range all {
			n += strings.Count(r.Expr, text)
		}
		e, err := config.ParseExpr(text)
		if n < 2 || err != nil {
			continue
		}
		part := rule{Record: "model:part_" + e.Fingerprint() + ":sum", Expr: text, Labels: map[string]string{config.LabelRecorded: e.Fingerprint()}}
		for i := range all {
			all[i].Expr = strings.ReplaceAll(all[i].Expr, text, read(part))
		}
		parts = append(parts, part)
	}
	return parts, nil
}

// overPods reports whether an aggregation adds up pods: it yields few series of many.
func overPods(a *parser.AggregateExpr) bool {
	return a.Op == parser.SUM && !a.Without && !slices.Contains(a.Grouping, "pod") && !slices.Contains(a.Grouping, "instance")
}

// enclosed reports whether the text of an expression means the same wherever it stands in another.
func enclosed(e parser.Expr) bool {
	switch e.(type) {
	case *parser.ParenExpr, *parser.AggregateExpr, *parser.Call:
		return true
	}
	return false
}

// read is what a rule recorded, as its expression would have it.
func read(r rule) string {
	return fmt.Sprintf("max without (%[1]s) (%[2]s{%[1]s=%[3]q})", config.LabelRecorded, r.Record, r.Labels[config.LabelRecorded])
}
