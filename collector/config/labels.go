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
		return s.union2(o)
	case o.allBut:
		return o.union2(s)
	}
	return only(append(slices.Collect(maps.Keys(s.names)), slices.Collect(maps.Keys(o.names))...)...)
}

// union2 adds a finite set to one that is all but some.
func (s labelSet) union2(finite labelSet) labelSet {
	c := s
	for n := range finite.names {
		c = c.with(n)
	}
	return c
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
		return inner.without(e.Grouping...)
	}
	s := inner.keep(e.Grouping)
	if name, ok := e.Param.(*parser.StringLiteral); ok && e.Op == parser.COUNT_VALUES {
		s = s.with(name.Val)
	}
	return s
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
	switch matching.Card {
	case parser.CardManyToOne:
		return addIncluded(left, matching.Include)
	case parser.CardOneToMany:
		return addIncluded(right, matching.Include)
	default:
		if matching.On {
			return left.keep(matching.MatchingLabels)
		}
		return left.without(matching.MatchingLabels...)
	}
}

func addIncluded(s labelSet, names []string) labelSet {
	for _, n := range names {
		s = s.with(n)
	}
	return s
}

func callLabels(e *parser.Call) labelSet {
	switch e.Func.Name {
	case "label_replace", "label_join":
		s := labelsOf(e.Args[0])
		if dst, ok := e.Args[1].(*parser.StringLiteral); ok {
			s = s.with(dst.Val)
		}
		return s
	case "absent", "absent_over_time":
		return absentLabels(e.Args[0])
	case "histogram_quantile", "histogram_fraction":
		return labelsOf(e.Args[len(e.Args)-1]).without("le")
	}
	for _, arg := range e.Args {
		if t := arg.Type(); t == parser.ValueTypeVector || t == parser.ValueTypeMatrix {
			return labelsOf(arg)
		}
	}
	return only()
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

// dropper returns the innermost part of an expression that drops a label which what it is made of may still carry.
func dropper(e parser.Expr, label string) parser.Expr {
	if labelsOf(e).has(label) {
		return nil
	}
	for _, child := range parser.Children(e) {
		if c, ok := child.(parser.Expr); ok {
			if d := dropper(c, label); d != nil {
				return d
			}
		}
	}
	return e
}
