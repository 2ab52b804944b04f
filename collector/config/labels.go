package config

import (
	"maps"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// labelSet is the set of labels that the series of a result may carry: those listed, or all but those listed.
type labelSet struct {
	allBut bool
	names  map[string]bool
}

func only(names ...string) labelSet {
	s := labelSet{names: map[string]bool{}}
	for _, n := range names {
		s.names[n] = true
	}
	return s
}

func allBut(names ...string) labelSet {
	s := only(names...)
	s.allBut = true
	return s
}

func (s labelSet) has(name string) bool { return s.names[name] != s.allBut }

func (s labelSet) with(name string) labelSet {
	c := labelSet{allBut: s.allBut, names: maps.Clone(s.names)}
	if s.allBut {
		delete(c.names, name)
	} else {
		c.names[name] = true
	}
	return c
}

func (s labelSet) without(names ...string) labelSet {
	c := labelSet{allBut: s.allBut, names: maps.Clone(s.names)}
	for _, n := range names {
		if s.allBut {
			c.names[n] = true
		} else {
			delete(c.names, n)
		}
	}
	return c
}

func (s labelSet) keep(names []string) labelSet {
	return only(slices.DeleteFunc(slices.Clone(names), func(n string) bool { return !s.has(n) })...)
}

func (s labelSet) union(o labelSet) labelSet {
	switch {
	case s.allBut && o.allBut:
		return allBut(slices.DeleteFunc(slices.Collect(maps.Keys(s.names)), o.has)...)
	case s.allBut:
		return o.union(s)
	}
	for n := range s.names {
		o = o.with(n)
	}
	return o
}

// labelsOf returns the labels that the series of an expression's result may carry, as far as the expression itself tells.
func labelsOf(e parser.Expr) labelSet {
	switch e := e.(type) {
	case *parser.VectorSelector:
		return selectorLabels(e)
	case *parser.MatrixSelector:
		return labelsOf(e.VectorSelector)
	case *parser.SubqueryExpr:
		return labelsOf(e.Expr)
	case *parser.ParenExpr:
		return labelsOf(e.Expr)
	case *parser.UnaryExpr:
		return labelsOf(e.Expr)
	case *parser.StepInvariantExpr:
		return labelsOf(e.Expr)
	case *parser.AggregateExpr:
		return aggregateLabels(e)
	case *parser.BinaryExpr:
		return binaryLabels(e)
	case *parser.Call:
		return callLabels(e)
	}
	return only()
}

func selectorLabels(e *parser.VectorSelector) labelSet {
	s := allBut()
	for _, m := range e.LabelMatchers {
		if m.Type == labels.MatchEqual && m.Value == "" {
			s = s.without(m.Name)
		}
	}
	return s
}

func aggregateLabels(e *parser.AggregateExpr) labelSet {
	inner := labelsOf(e.Expr)
	switch e.Op {
	case parser.TOPK, parser.BOTTOMK, parser.LIMITK, parser.LIMIT_RATIO:
		return inner
	}
	if e.Without {
		inner = inner.without(e.Grouping...)
	} else {
		inner = inner.keep(e.Grouping)
	}
	if e.Op == parser.COUNT_VALUES {
		return withLiteral(inner, e.Param)
	}
	return inner
}

// withLiteral adds the label that a text in an expression names.
func withLiteral(s labelSet, e parser.Expr) labelSet {
	for {
		switch literal := e.(type) {
		case *parser.ParenExpr:
			e = literal.Expr
		case *parser.StepInvariantExpr:
			e = literal.Expr
		case *parser.StringLiteral:
			return s.with(literal.Val)
		default:
			return s
		}
	}
}

func binaryLabels(e *parser.BinaryExpr) labelSet {
	left, right := labelsOf(e.LHS), labelsOf(e.RHS)
	switch {
	case e.LHS.Type() == parser.ValueTypeScalar:
		return right
	case e.RHS.Type() == parser.ValueTypeScalar, e.VectorMatching == nil:
		return left
	case e.Op == parser.LOR:
		return left.union(right)
	case e.Op == parser.LAND, e.Op == parser.LUNLESS:
		return left
	}
	matching := e.VectorMatching
	switch {
	case matching.Card == parser.CardManyToOne:
		return included(left, right, matching.Include)
	case matching.Card == parser.CardOneToMany:
		return included(right, left, matching.Include)
	case matching.On:
		return left.keep(matching.MatchingLabels)
	default:
		return left.without(matching.MatchingLabels...)
	}
}

// included is the many side of a match with the labels that it takes from the one side, present there or not.
func included(many, one labelSet, names []string) labelSet {
	for _, n := range names {
		if one.has(n) {
			many = many.with(n)
		} else {
			many = many.without(n)
		}
	}
	return many
}

func callLabels(e *parser.Call) labelSet {
	switch e.Func.Name {
	case "label_replace", "label_join":
		return withLiteral(labelsOf(e.Args[0]), e.Args[1])
	case "absent", "absent_over_time":
		return absentLabels(e.Args[0])
	}
	for _, arg := range e.Args {
		if yieldsSeries(arg) {
			return labelsOf(arg)
		}
	}
	return only()
}

// yieldsSeries says whether an expression yields series, as opposed to a number or a text.
func yieldsSeries(e parser.Expr) bool {
	return e.Type() == parser.ValueTypeVector || e.Type() == parser.ValueTypeMatrix
}

// absentLabels are those that absent() takes from the equality matchers of its selector.
func absentLabels(e parser.Expr) labelSet {
	s := only()
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		if v, ok := n.(*parser.VectorSelector); ok {
			for _, m := range v.LabelMatchers {
				if m.Type == labels.MatchEqual && m.Name != model.MetricNameLabel {
					s = s.with(m.Name)
				}
			}
		}
		return nil
	})
	return s
}

// dropper returns the innermost part of an expression that drops a label which what it is made of may still carry, or nil.
func dropper(e parser.Expr, label string) parser.Expr {
	if labelsOf(e).has(label) {
		return nil
	}
	for _, part := range labelledBy(e, label) {
		if d := dropper(part, label); d != nil {
			return d
		}
	}
	return e
}

// labelledBy returns the parts of an expression from which its result would take a label.
func labelledBy(e parser.Expr, label string) []parser.Expr {
	var parts []parser.Expr
	for _, child := range parser.Children(e) {
		if part, ok := child.(parser.Expr); ok && yieldsSeries(part) {
			parts = append(parts, part)
		}
	}
	binary, ok := e.(*parser.BinaryExpr)
	if !ok || len(parts) < 2 || binary.Op == parser.LOR {
		return parts
	}
	matching := binary.VectorMatching
	fromRight := matching.Card == parser.CardOneToMany
	if slices.Contains(matching.Include, label) {
		fromRight = !fromRight
	}
	if fromRight {
		return parts[1:]
	}
	return parts[:1]
}
