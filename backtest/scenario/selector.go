package scenario

import (
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// Matchers are what a selector asks of a series.
func Matchers(e config.Expr) ([]*labels.Matcher, error) {
	s, ok := e.AST().(*parser.VectorSelector)
	if !ok || s.OriginalOffset != 0 || s.Timestamp != nil || s.StartOrEnd != 0 {
		return nil, errNotSelector
	}
	return s.LabelMatchers, nil
}
