package embedded

import (
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
		ok := e.RangeExpr == nil && inside(&c.VectorSelector)
		return &c, ok
	case *parser.SubqueryExpr:
		c := *e
		ok := e.RangeExpr == nil && e.OriginalOffsetExpr == nil && e.StepExpr == nil && inside(&c.Expr)
		return &c, ok
	case *parser.ParenExpr:
		c := *e
		ok := inside(&c.Expr)
		return &c, ok
	case *parser.UnaryExpr:
		c := *e
		ok := inside(&c.Expr)
		return &c, ok
	case *parser.AggregateExpr:
		c := *e
		ok := inside(&c.Expr) && inside(&c.Param)
		return &c, ok
	case *parser.BinaryExpr:
		c := *e
		ok := inside(&c.LHS) && inside(&c.RHS)
		return &c, ok
	case *parser.Call:
		c := *e
		c.Args = make(parser.Expressions, len(e.Args))
		copy(c.Args, e.Args)
		for i := range c.Args {
			if !inside(&c.Args[i]) {
				return nil, false
			}
		}
		return &c, true
	}
	return nil, false
}

// inside replaces an expression by its copy.
func inside(at *parser.Expr) bool {
	if *at == nil {
		return true
	}
	c, ok := copied(*at)
	if ok {
		*at = c
	}
	return ok
}
