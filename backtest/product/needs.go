package product

import (
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/embedded"
	"github.com/variant-exporter/variant-exporter/collector/query"
)

// spare is how much longer than needed samples are kept.
const spare = time.Hour

// needs lists the names that a configuration asks for, and how far back it looks at all.
func needs(c *config.Config) (names map[string]bool, every bool, retention time.Duration) {
	names = map[string]bool{}
	program := query.Compile(c)
	look := func(expr string, back time.Duration) {
		e, err := config.ParseExpr(expr)
		if err != nil {
			return // asking it fails as well
		}
		parser.Inspect(e.AST(), func(n parser.Node, _ []parser.Node) error {
			switch n := n.(type) {
			case *parser.VectorSelector:
				retention = max(retention, back+n.OriginalOffset)
				name := nameOf(n.LabelMatchers)
				every = every || name == ""
				names[name] = true
			case *parser.MatrixSelector:
				retention = max(retention, back+n.Range)
			case *parser.SubqueryExpr:
				back += n.Range + n.OriginalOffset // for all that follows, which is more than enough
			}
			return nil
		})
	}
	for _, q := range program.AllQueries() {
		look(q.Expr, 0)
	}
	for _, h := range program.Histories {
		look(h.Expr, h.From)
	}
	return names, every, retention + embedded.DefaultLookback + spare
}

func nameOf(matchers []*labels.Matcher) string {
	for _, m := range matchers {
		if m.Name == model.MetricNameLabel && m.Type == labels.MatchEqual {
			return m.Value
		}
	}
	return ""
}
