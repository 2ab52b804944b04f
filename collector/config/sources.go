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

// nameOfWorkload is the workload of a pod that workloadOfPod matches: its name, and Numbered after it where the pod has an ordinal.
const nameOfWorkload = "$1$2"

// Numbered ends the name of a workload whose pods have ordinals: a StatefulSet may have the name of a Deployment, whose pods are others.
const Numbered = "-"

// workloadOfAddress is the same of an address, which may be missing.
const workloadOfAddress = "(.*?)" + endOfPod

const endOfPod = "(?:(-)[0-9]+|-[bcdfghjklmnpqrstvwxz2456789]{1,10}-[bcdfghjklmnpqrstvwxz2456789]{5})?"

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
		`count by (%[1]s, %[2]s) (label_replace(group by (%[1]s, pod) (label_replace(label_join(%[3]s, "pod", "/", "pod", "instance"), "pod", "$1", "pod", "([^/]+)/.*")), %[2]q, %[5]q, "pod", %[4]q))`,
		strings.Join(by, ", "), LabelWorkload, wider, workloadOfPod, nameOfWorkload)
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
	told := fmt.Sprintf("count by (%s) (%s)", groups, workload(each(pods, "pod"), nameOfWorkload, "pod", workloadOfPod))
	if engines {
		told = fmt.Sprintf("count_values by (%s) (%q, %s)", groups, LabelEngines, workload(
			fmt.Sprintf("count by (%s, pod) (%s)", strings.Join(kept, ", "), each(pods, "pod", engineLabels)), nameOfWorkload, "pod", workloadOfPod))
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

// keeping is an expression for sources that keeps more labels, where it groups by some. Only whose series there are matters, not their
// values.
func keeping(sources Expr, more ...string) Expr {
	if compared, ok := unwrap(sources.ast).(*parser.BinaryExpr); ok && compared.Op == parser.GTE && isZero(compared.RHS) {
		narrowed := *compared
		narrowed.LHS = keeping(Expr{text: compared.LHS.String(), ast: compared.LHS}, more...).ast
		return Expr{text: narrowed.String(), ast: &narrowed}
	}
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
