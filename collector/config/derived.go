package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/promql/parser"
)

// derivedSources is the expression for who tells a signal, where its other expressions show it. Where the configuration says by what its
// source is known to be up, those tell it: the series of a model vanish from a gateway while it is idle.
func (s *Signal) derivedSources() Expr {
	if sources, ok := aliveOf(s.Alive); ok {
		return sources
	}
	for _, e := range []Expr{s.Demand, s.Latency, s.Usage} {
		if sources, ok := addedUpBy(e); ok {
			return sources
		}
	}
	return Expr{}
}

// aliveOf are the series above zero behind an expression that shows whether sources are up: Prometheus' own up, or an aggregation over one
// metric, or over one of several names that it goes by. Any other single series may stand for many sources. Where a comparison says that zero
// will do, all series count.
func aliveOf(e Expr) (Expr, bool) {
	if e.IsZero() {
		return Expr{}, false
	}
	inner, above := unwrap(e.ast), ">"
	if compared, ok := inner.(*parser.BinaryExpr); ok && (compared.Op == parser.GTE || compared.Op == parser.GTR) && isZero(compared.RHS) {
		inner, above = unwrap(compared.LHS), compared.Op.String()
	}
	aggregate, aggregated := inner.(*parser.AggregateExpr)
	if aggregated && aggregate.Param == nil {
		inner = unwrap(aggregate.Expr)
	}
	selector, single := inner.(*parser.VectorSelector)
	if !aggregated && (!single || selector.Name != "up") || !ofNames(inner) {
		return Expr{}, false
	}
	text := inner.String()
	if !single {
		text = "(" + text + ")"
	}
	found, err := ParseExpr(fmt.Sprintf("%s %s 0", text, above))
	return found, err == nil
}

// ofNames reports whether an expression selects series of one metric at present, or of one of several: a or b.
func ofNames(e parser.Expr) bool {
	switch e := unwrap(e).(type) {
	case *parser.VectorSelector:
		return !moved(e)
	case *parser.BinaryExpr:
		return e.Op == parser.LOR && len(e.VectorMatching.MatchingLabels) == 0 && ofNames(e.LHS) && ofNames(e.RHS)
	}
	return false
}

// addedUpBy are the series that an expression adds up over its sources: sum by (...) (metric), or of its rate or a value over time. A source
// that has no rate, as it is scraped too seldom, adds nothing: it does not tell the signal. Labels that are rewritten on the way are
// rewritten for the sources too. A number in the place of no result says nothing of them.
func addedUpBy(e Expr) (Expr, bool) {
	if e.IsZero() {
		return Expr{}, false
	}
	text, ok := addedUpIn(e.ast, parser.SUM, parser.COUNT)
	if !ok {
		return Expr{}, false
	}
	found, err := ParseExpr(text)
	return found, err == nil
}

// addedUpIn is addedUpBy, for what adds up by some of the aggregations.
func addedUpIn(e parser.Expr, by ...parser.ItemType) (text string, ok bool) {
	var rewrites []*parser.Call
	var zeros []parser.Expr
	switch inner := withoutDefault(e, &rewrites, &zeros).(type) {
	case *parser.AggregateExpr:
		told := inside(inner.Expr, "label_replace", "label_join", "clamp_min")
		text, ok = told.String(), slices.Contains(by, inner.Op) && (scraped(told) || ofPods(told))
		if clamped := inside(inner.Expr, "label_replace", "label_join") != told; ok && inner.Op != parser.COUNT && !clamped {
			text = notBelowZero(told)
		}
		text = shownNow(text, told)
	case *parser.BinaryExpr:
		text, ok = addedUpInBoth(inner, by)
	}
	for _, zero := range zeros {
		if idle, known := addedUpIn(zero, by...); known {
			text = fmt.Sprintf("(%s) or ((%s) == 0)", text, idle) // Who shows a zero of the one need not show the other.
		}
	}
	for _, call := range slices.Backward(rewrites) {
		args := make([]string, 0, len(call.Args))
		for _, arg := range call.Args[1:] {
			args = append(args, arg.String())
		}
		text = fmt.Sprintf("%s(%s, %s)", call.Func.Name, text, strings.Join(args, ", "))
	}
	return text, ok
}

// addedUpInBoth is addedUpIn for two sides: who tells both, or either where nobody tells both, such as gateways the one and servers the other.
// Where the right one stands in for groups that the left one lacks, it is who tells what counts. A mean times a count is a sum.
func addedUpInBoth(e *parser.BinaryExpr, by []parser.ItemType) (text string, ok bool) {
	switch {
	case isNumber(e.LHS):
		return addedUpIn(e.RHS, by...)
	case isNumber(e.RHS):
		return addedUpIn(e.LHS, by...)
	case e.Op == parser.MUL && counts(e.LHS) != counts(e.RHS):
		by = []parser.ItemType{parser.AVG, parser.SUM, parser.COUNT}
	}
	left, ok := addedUpIn(e.LHS, by...)
	right, too := addedUpIn(e.RHS, by...)
	if !ok || !too || e.Op == parser.LAND || e.Op == parser.LUNLESS || e.Op.IsComparisonOperator() {
		return "", false
	}
	narrower, same := alike(left, right)
	sum, grouped := unwrap(e.LHS).(*parser.AggregateExpr)
	switch {
	case same:
		return narrower, true
	case e.Op != parser.LOR:
		both := fmt.Sprintf("(%s) and on (pod, instance) (%s)", left, right)
		return fmt.Sprintf("(%s) or (((%s) or (%s)) unless on () (%[1]s))", both, left, right), true
	case !grouped || sum.Without:
		return "", false
	}
	return fmt.Sprintf("(%s) or ((%s) unless on (%s) (%s))", left, right, strings.Join(sum.Grouping, ", "), left), true
}

// aboveZero narrows series to those that are not below zero.
const aboveZero = " >= 0"

// alike reports whether two sides are the same series, and is the narrower of them.
func alike(left, right string) (narrower string, ok bool) {
	if left == right+aboveZero {
		return left, true
	}
	return right, left == right || left+aboveZero == right
}

// notBelowZero is who tells what is added up, without those who tell a number below zero: it would take from what the others tell. Rates are
// never below zero. Of a difference it is the two sides.
func notBelowZero(told parser.Expr) string {
	told = unwrap(told)
	switch e := told.(type) {
	case *parser.BinaryExpr:
		if e.VectorMatching.Card == parser.CardOneToOne {
			return fmt.Sprintf("(%s) %s (%s)", notBelowZero(e.LHS), e.Op, notBelowZero(e.RHS))
		}
	case *parser.Call:
		if slices.Contains([]string{"rate", "irate", "increase"}, e.Func.Name) {
			return told.String()
		}
	}
	return told.String() + aboveZero
}

// longRange is from which range on a source must also show itself now: until the range is over, what it told before it fell silent counts as
// less and less.
const longRange = 5 * time.Minute

// shownNow is who tells a number over time, narrowed to those who show their series now where the range is long.
func shownNow(text string, told parser.Expr) string {
	parser.Inspect(told, func(n parser.Node, _ []parser.Node) error {
		call, ok := n.(*parser.Call)
		if !ok || len(call.Args) != 1 {
			return nil
		}
		if m, ok := call.Args[0].(*parser.MatrixSelector); ok && m.Range >= longRange {
			text = strings.ReplaceAll(text, call.String(), fmt.Sprintf("(%s and %s)", call, m.VectorSelector))
		}
		return nil
	})
	return text
}

func counts(e parser.Expr) bool {
	aggregate, ok := unwrap(e).(*parser.AggregateExpr)
	return ok && aggregate.Op == parser.COUNT
}

// scraped reports whether an expression is of series as they are scraped, of one metric or of several that each source has, at present or over
// time.
func scraped(e parser.Expr) bool {
	inner := inside(e, overTime()...)
	if m, ok := inner.(*parser.MatrixSelector); ok {
		inner = m.VectorSelector
	}
	switch inner := inner.(type) {
	case *parser.VectorSelector:
		return !moved(inner) && !OfRule(inner.Name)
	case *parser.BinaryExpr:
		if joined := joinedByPod(inner); joined != nil {
			return scraped(joined)
		}
		if inner.VectorMatching == nil {
			return false // One of them is a number.
		}
		arithmetic := !inner.Op.IsSetOperator() && !inner.Op.IsComparisonOperator()
		return arithmetic && inner == unwrap(e) && inner.VectorMatching.Card == parser.CardOneToOne &&
			len(inner.VectorMatching.MatchingLabels) == 0 && scraped(inner.LHS) && scraped(inner.RHS)
	}
	return false
}

// joinedByPod are the series that others are multiplied to by pod, such as those that tell a pod's labels; nil where none are. A pod that has
// none of the others adds nothing, and does not tell the signal.
func joinedByPod(e *parser.BinaryExpr) parser.Expr {
	if e.Op != parser.MUL || e.VectorMatching == nil || !e.VectorMatching.On || !slices.Contains(e.VectorMatching.MatchingLabels, "pod") {
		return nil
	}
	if e.VectorMatching.Card == parser.CardManyToOne {
		return e.LHS
	}
	if e.VectorMatching.Card == parser.CardOneToMany {
		return e.RHS
	}
	return nil
}

// ofPods reports whether an expression has a number for each pod, made of its series: such as their largest, where they are told twice.
func ofPods(e parser.Expr) bool {
	aggregate, ok := unwrap(e).(*parser.AggregateExpr)
	return ok && aggregate.Param == nil && keepsPod(aggregate) && scraped(inside(aggregate.Expr, "label_replace", "label_join", "clamp_min"))
}

// overTime are the functions that make one number of a series' samples over time.
func overTime() []string {
	return []string{"rate", "irate", "increase", "max_over_time", "avg_over_time", "last_over_time"}
}

// withoutDefault is an expression without what bounds or rounds it, without what rewrites its labels, which it lists, and without a number that
// stands in for no result: x of "x or vector(0)". It lists what that is zero times of: y of "x or 0 * y".
func withoutDefault(e parser.Expr, rewrites *[]*parser.Call, zeros *[]parser.Expr) parser.Expr {
	for {
		switch inner := unwrap(e).(type) {
		case *parser.Call:
			of := shapedBy(inner)
			if of == nil {
				return inner
			}
			if rewritesLabels(inner) {
				*rewrites = append(*rewrites, inner)
			}
			e = of
		case *parser.BinaryExpr:
			zero := zeroTimes(inner.RHS)
			if inner.Op != parser.LOR || selects(inner.RHS) && zero == nil {
				return inner
			}
			if zero != nil {
				*zeros = append(*zeros, zero)
			}
			e = inner.LHS
		default:
			return inner
		}
	}
}

// shapedBy is what a function bounds, rounds, gives other labels, or looks at over time by a subquery; nil for other functions. Who tells it
// now tells the result.
func shapedBy(call *parser.Call) parser.Expr {
	if slices.Contains([]string{"clamp_min", "clamp_max", "clamp", "ceil", "floor", "round"}, call.Func.Name) || rewritesLabels(call) {
		return call.Args[0]
	}
	if !slices.Contains([]string{"max_over_time", "avg_over_time", "last_over_time"}, call.Func.Name) {
		return nil
	}
	if of, ok := unwrap(call.Args[0]).(*parser.SubqueryExpr); ok && of.OriginalOffset == 0 && of.Timestamp == nil && of.StartOrEnd == 0 {
		return of.Expr
	}
	return nil
}

func rewritesLabels(call *parser.Call) bool {
	return call.Func.Name == "label_replace" || call.Func.Name == "label_join"
}

// zeroTimes is what an expression is zero times of; nil where it is no such product.
func zeroTimes(e parser.Expr) parser.Expr {
	product, ok := unwrap(e).(*parser.BinaryExpr)
	if !ok || product.Op != parser.MUL {
		return nil
	}
	for _, sides := range [][2]parser.Expr{{product.LHS, product.RHS}, {product.RHS, product.LHS}} {
		if isZero(sides[0]) {
			return sides[1]
		}
	}
	return nil
}
