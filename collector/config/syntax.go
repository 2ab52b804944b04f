package config

import (
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
)

func isNumber(e parser.Expr) bool {
	_, ok := unwrap(e).(*parser.NumberLiteral)
	return ok
}

func isZero(e parser.Expr) bool {
	number, ok := unwrap(e).(*parser.NumberLiteral)
	return ok && number.Val == 0
}

// selects reports whether an expression rests on any series.
func selects(e parser.Expr) bool {
	found := false
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		_, selector := n.(*parser.VectorSelector)
		found = found || selector
		return nil
	})
	return found
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

// OfRule reports whether a name is one that recording rules have, such as namespace:requests:sum: such series are no source's.
func OfRule(name string) bool { return strings.Count(name, ":") >= 2 }

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
