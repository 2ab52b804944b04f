package embedded

import (
	"slices"
	"sync"

	"github.com/prometheus/prometheus/promql/parser"
)

// keptExprs bounds the expressions that a remembering parser keeps. A configuration has tens.
const keptExprs = 1024

// remembering is a parser that reads an expression once. The same ones are asked at every evaluation, and reading long ones takes as
// long as answering them.
type remembering struct {
	parser.Parser
	mu   sync.Mutex
	kept map[string]parser.Expr
}

func newParser() parser.Parser {
	return &remembering{Parser: parser.NewParser(parser.Options{}), kept: map[string]parser.Expr{}}
}

// ParseExpr implements parser.Parser. The engine writes into what it gets, so every caller gets a copy.
func (r *remembering) ParseExpr(text string) (parser.Expr, error) {
	r.mu.Lock()
	known := r.kept[text]
	r.mu.Unlock()
	if known != nil {
		if e, ok := copied(known); ok {
			return e, nil
		}
	}
	e, err := r.Parser.ParseExpr(text)
	if err != nil {
		return nil, err
	}
	if kept, ok := copied(e); ok {
		r.mu.Lock()
		if len(r.kept) >= keptExprs {
			clear(r.kept)
		}
		r.kept[text] = kept
		r.mu.Unlock()
	}
	return e, nil
}

// copied copies an expression, as far as the engine writes into it. It does not know every kind.
func copied(e parser.Expr) (parser.Expr, bool) {
	switch e := e.(type) {
	case nil:
		return nil, true
	case *parser.NumberLiteral, *parser.StringLiteral:
		return e, true
	case *parser.VectorSelector:
		c := *e
		return &c, e.OriginalOffsetExpr == nil
	case *parser.MatrixSelector:
		c := *e
		return &c, replaced(&c.VectorSelector) && e.RangeExpr == nil
	case *parser.SubqueryExpr:
		c := *e
		return &c, replaced(&c.Expr) && e.RangeExpr == nil && e.OriginalOffsetExpr == nil && e.StepExpr == nil
	case *parser.ParenExpr:
		c := *e
		return &c, replaced(&c.Expr)
	case *parser.UnaryExpr:
		c := *e
		return &c, replaced(&c.Expr)
	case *parser.AggregateExpr:
		c := *e
		return &c, replaced(&c.Expr, &c.Param)
	case *parser.BinaryExpr:
		c := *e
		return &c, replaced(&c.LHS, &c.RHS)
	case *parser.Call:
		return copiedCall(e)
	}
	return nil, false
}

func copiedCall(e *parser.Call) (parser.Expr, bool) {
	c := *e
	c.Args = slices.Clone(e.Args)
	for i := range c.Args {
		if !replaced(&c.Args[i]) {
			return nil, false
		}
	}
	return &c, true
}

// replaced replaces expressions by their copies, as far as it can.
func replaced(all ...*parser.Expr) bool {
	for _, at := range all {
		c, ok := copied(*at)
		if !ok {
			return false
		}
		*at = c
	}
	return true
}
