package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// LabelWorkload is the label in which the answer about sources names the workload of their pods.
const LabelWorkload = "scale_target_name"

// LabelCluster is the label in which the answer about sources names their cluster, where their series do.
const LabelCluster = "cluster"

// LabelEngines is the label in which the answer about sources says of how many servers and engines the pods are that it counts.
const LabelEngines = "engines"

// engineLabels tell the servers of a pod apart, and their engines: at one address are the data-parallel ones of vLLM and SGLang.
const engineLabels = "instance, engine, dp_rank"

// workloadOfPod is how Kubernetes names pods: those of a StatefulSet and a LeaderWorkerSet end with an ordinal, those of a Deployment with a
// hash and a suffix. A pod with any other name is a workload of its own.
const workloadOfPod = "(.+?)" + endOfPod

// workloadOfAddress is the same of an address, which may be missing.
const workloadOfAddress = "(.*?)" + endOfPod

const endOfPod = "(-[0-9]+|-[bcdfghjklmnpqrstvwxz2456789]{1,10}-[bcdfghjklmnpqrstvwxz2456789]{5})?"

// Nameless begins the workload of a source without a pod. The address of its target follows.
const Nameless = "/"

// CountedSources is the expression that counts the sources of a signal by workload, so that the answer does not grow with the number
// of pods; none where it is not known who they are. A pod counts once, at however many addresses it is scraped. A source without a pod is
// known by its address.
func (c *Config) CountedSources(s *Signal) Expr { return c.countedSources(s, false) }

// CountedEngines is CountedSources, with the pods of a workload counted apart by how many servers and engines each of them shows: those that
// show fewer than others do not tell all.
func (c *Config) CountedEngines(s *Signal) Expr { return c.countedSources(s, true) }

func (c *Config) countedSources(s *Signal, engines bool) Expr {
	sources := s.Sources
	if sources.IsZero() {
		sources = c.recordedSources(s)
	}
	if sources.IsZero() {
		sources = s.derivedSources()
	}
	if selector, ok := selected(sources); sources.IsZero() || ok && strings.HasPrefix(selector.Name, "workload:") {
		return sources // It is counted already.
	}
	by := []string{s.Labels.Namespace}
	if s.Labels.Model != "" {
		by = append(by, s.Labels.Model)
	}
	by = append(by, LabelCluster)
	one := c.namer(s.Labels.Model)
	text, ok := countApart(sources, by, engines, one)
	if !ok {
		text = countTogether(sources, by, one)
	}
	counted, err := ParseExpr(text)
	if err != nil {
		return Expr{} // What is wrong with a label's name has been reported.
	}
	return counted
}

// countTogether counts sources with and without a pod in one go, whatever their expression does with labels.
func countTogether(sources Expr, by []string, one namer) string {
	wider := keeping(sources, "instance", LabelCluster).String()
	if one.renames() {
		wider = one.group(wider, append(slices.Clone(by), "pod", "instance"))
	}
	return fmt.Sprintf(
		`count by (%[1]s, %[2]s) (label_replace(group by (%[1]s, pod) (label_replace(label_join(%[3]s, "pod", "/", "pod", "instance"), "pod", "$1", "pod", "([^/]+)/.*")), %[2]q, "$1", "pod", %[4]q))`,
		strings.Join(by, ", "), LabelWorkload, wider, workloadOfPod)
}

// countApart counts sources with a pod, and apart from them those without: where selectors tell the two apart, each pod's labels are written
// once and not three times, which is most of what counting costs. Those without a pod are in the first count too, without a workload.
func countApart(sources Expr, by []string, engines bool, one namer) (string, bool) {
	copied, err := ParseExpr(sources.text) // to be written to
	if err != nil {
		return "", false
	}
	pods, podless := unwrap(sources.ast), unwrap(copied.ast)
	kept := slices.Clone(by)
	if group, ok := pods.(*parser.AggregateExpr); ok && group.Op == parser.GROUP && !group.Without {
		if !slices.Contains(group.Grouping, "pod") {
			return "", false
		}
		kept = slices.DeleteFunc(kept, func(label string) bool { return label != LabelCluster && !slices.Contains(group.Grouping, label) })
		pods, podless = group.Expr, podless.(*parser.AggregateExpr).Expr
	}
	if !withoutPods(podless) {
		return "", false
	}
	groups := strings.Join(by, ", ") + ", " + LabelWorkload
	each := func(sources parser.Expr, labels ...string) string {
		return one.group(sources.String(), append(slices.Clone(kept), labels...))
	}
	workload := func(sources, name, label, pattern string) string {
		return fmt.Sprintf("label_replace(%s, %q, %q, %q, %q)", sources, LabelWorkload, name, label, pattern)
	}
	told := fmt.Sprintf("count by (%s) (%s)", groups, workload(each(pods, "pod"), "$1", "pod", workloadOfPod))
	if engines {
		told = fmt.Sprintf("count_values by (%s) (%q, %s)", groups, LabelEngines, workload(
			fmt.Sprintf("count by (%s, pod) (%s)", strings.Join(kept, ", "), each(pods, "pod", engineLabels)), "$1", "pod", workloadOfPod))
	}
	return fmt.Sprintf("%s or count by (%s) (%s)", told, groups, workload(each(podless, "instance"), Nameless+"$1", "instance", workloadOfAddress)), true
}

// withoutPods narrows an expression to the series without a pod, in place. It is false where the labels of its results are not known to be
// those of the series that it selects.
func withoutPods(e parser.Expr) bool {
	switch e := unwrap(e).(type) {
	case *parser.NumberLiteral:
		return true
	case *parser.VectorSelector:
		e.LabelMatchers = append(e.LabelMatchers, labels.MustNewMatcher(labels.MatchEqual, "pod", ""))
		return true
	case *parser.Call:
		return slices.Contains(overTime(), e.Func.Name) && len(e.Args) == 1 && withoutPods(e.Args[0])
	case *parser.MatrixSelector:
		return withoutPods(e.VectorSelector)
	case *parser.AggregateExpr:
		return !e.Without && e.Param == nil && slices.Contains(e.Grouping, "pod") && slices.Contains(e.Grouping, "instance") && withoutPods(e.Expr)
	case *parser.BinaryExpr:
		return withoutPodsIn(e)
	}
	return false
}

// withoutPodsIn is withoutPods for an operation on two sides: a number and series, series with equal labels, or sets. Which series match which may depend on more than
// their pods, unless it is by pod that they are matched.
func withoutPodsIn(e *parser.BinaryExpr) bool {
	switch {
	case !e.Op.IsSetOperator():
		alike := e.VectorMatching == nil || e.VectorMatching.Card == parser.CardOneToOne && len(e.VectorMatching.MatchingLabels) == 0
		return alike && withoutPods(e.LHS) && withoutPods(e.RHS)
	case e.VectorMatching.On != slices.Contains(e.VectorMatching.MatchingLabels, "pod"):
		return e.Op != parser.LOR && withoutPods(e.LHS)
	}
	return withoutPods(e.LHS) && withoutPods(e.RHS)
}

func isNumber(e parser.Expr) bool {
	_, ok := unwrap(e).(*parser.NumberLiteral)
	return ok
}

// keeping is an expression for sources that keeps more labels, where it groups by some. Only whose series there are matters, not their
// values.
func keeping(sources Expr, more ...string) Expr {
	group, ok := unwrap(sources.ast).(*parser.AggregateExpr)
	if !ok || group.Param != nil || group.Without {
		return sources
	}
	wider := *group
	wider.Grouping = slices.Clone(group.Grouping)
	for _, label := range more {
		if !slices.Contains(wider.Grouping, label) {
			wider.Grouping = append(wider.Grouping, label)
		}
	}
	return Expr{text: wider.String(), ast: &wider}
}

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

func isZero(e parser.Expr) bool {
	number, ok := unwrap(e).(*parser.NumberLiteral)
	return ok && number.Val == 0
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
	sum, grouped := unwrap(e.LHS).(*parser.AggregateExpr)
	switch {
	case !ok || !too || e.Op == parser.LAND || e.Op == parser.LUNLESS || e.Op.IsComparisonOperator():
		return "", false
	case left == right:
		return left, true
	case e.Op != parser.LOR:
		both := fmt.Sprintf("(%s) and on (pod, instance) (%s)", left, right)
		return fmt.Sprintf("(%s) or (((%s) or (%s)) unless on () (%[1]s))", both, left, right), true
	case !grouped || sum.Without:
		return "", false
	}
	return fmt.Sprintf("(%s) or ((%s) unless on (%s) (%s))", left, right, strings.Join(sum.Grouping, ", "), left), true
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
		arithmetic := !inner.Op.IsSetOperator() && !inner.Op.IsComparisonOperator()
		return arithmetic && inner == unwrap(e) && !isNumber(inner.LHS) && !isNumber(inner.RHS) && inner.VectorMatching.Card == parser.CardOneToOne &&
			len(inner.VectorMatching.MatchingLabels) == 0 && scraped(inner.LHS) && scraped(inner.RHS)
	}
	return false
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

// withoutDefault is an expression without what rewrites its labels, which it lists, and without a number that stands in for no result: x of
// "x or vector(0)". It lists what that is zero times of: y of "x or 0 * y".
func withoutDefault(e parser.Expr, rewrites *[]*parser.Call, zeros *[]parser.Expr) parser.Expr {
	for {
		switch inner := unwrap(e).(type) {
		case *parser.Call:
			if inner.Func.Name != "clamp_min" && !rewritesLabels(inner) {
				return inner
			}
			if rewritesLabels(inner) {
				*rewrites = append(*rewrites, inner)
			}
			e = inner.Args[0]
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
