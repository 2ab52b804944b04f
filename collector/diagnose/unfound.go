package diagnose

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/decide"
)

// Unfound names the metrics that a signal of a model cannot do without and of which nothing is there: a relabelling dropped them, or they are
// misspelt; or the label that none of them has. All reports that none of the signal's metrics is there: then its servers may be away. It is one
// question for all models. Empty where all are there, and where it cannot be known.
func (d *Diagnosis) Unfound(m, signal int, decided *decide.Model) (text string, all bool) {
	if s := &decided.Signals[signal]; s.Ignored || s.Missing == "" && (!short(s) || *s.Sources > 0) {
		return "", false // Who tells a signal shows every part of it; and one that may be missing lacks nothing.
	}
	there, known := d.told(m, signal)
	if !known {
		return "", false
	}
	of, mine := d.program.Models[m], there.ofModel
	if all = len(mine) == 0; all && len(there.inNamespace) > 0 {
		return "", false // They are another model's, or that of another name.
	}
	lacking := d.lacks(m, signal, mine)
	if len(lacking) == 0 {
		return d.unlabelled(m, signal, &there), false
	}
	text = "no series of " + List(lacking)
	if s := of.Signals[signal]; !s.Writes(s.Labels.Namespace) {
		text += " in namespace " + of.Namespace
	}
	if !all {
		return text + dropped, false
	}
	if s := of.Signals[signal]; s.OfPreset() && !s.Alive.Given() && noneReady(decided) {
		return text + ": servers tell it, and no replica is ready", true
	}
	return text + dropped + d.misspelt(m, signal), true
}

// dropped is what may be behind series that are not there.
const dropped = ": they are not scraped, or a relabelling (a keep-list) drops them"

// lacks are the metrics that a signal cannot do without and that are not among those that there are.
func (d *Diagnosis) lacks(m, signal int, there map[string]bool) (lacking []string) {
	for _, expr := range d.demands(m, signal) {
		e, err := config.ParseExpr(expr)
		if err != nil {
			continue
		}
		for _, names := range needs(e.AST(), there) {
			if either := eitherOf(names); !slices.Contains(lacking, either) {
				lacking = append(lacking, either)
			}
		}
	}
	return lacking
}

// noneReady reports whether it is known that no replica of a model is ready.
func noneReady(m *decide.Model) bool {
	return !slices.ContainsFunc(m.Variants, func(v decide.Variant) bool { return v.Ready == nil || *v.Ready > 0 })
}

// leastHalf is how long half of a name is at least by which others are looked for that are like it.
const leastHalf = 6

// misspelt says which metric there is with a name almost like that of one that a signal of one's own looks for; empty for none. Names are looked
// for that begin or end alike: not all those of a server.
func (d *Diagnosis) misspelt(m, signal int) string {
	if d.program.Models[m].Signals[signal].OfPreset() {
		return ""
	}
	looked := d.metrics(m, signal)
	var alike []string
	for _, name := range looked {
		half := len(name) / 2
		if half < leastHalf {
			continue // Too many names begin so.
		}
		alike = append(alike, regexp.QuoteMeta(name[:half])+".*", regexp.QuoteMeta(metricPrefix(name))+".*"+regexp.QuoteMeta(name[half:]))
	}
	if len(alike) == 0 {
		return ""
	}
	found, _ := d.ask(fmt.Sprintf("count by (__name__) ({__name__=~%s})", strconv.Quote(strings.Join(alike, "|"))))
	var names []string
	for _, x := range found {
		if name := nameOf(x.Metric); !slices.Contains(looked, name) {
			names = append(names, name)
		}
	}
	for _, name := range looked {
		if near := nearest(name, names); near != "" {
			return "; there is " + near + ": is the name misspelt?"
		}
	}
	return ""
}

// present are the names of the metrics of a signal that there are, and the labels that some of their series have.
type present struct{ ofModel, inNamespace, labels map[string]bool }

// unlabelled says which label none of the series of a signal has that its result needs; empty where there are no series, they have it, or an
// expression groups by no such label or writes it.
func (d *Diagnosis) unlabelled(m, signal int, there *present) string {
	s, exprs := d.program.Models[m].Signals[signal], strings.Join(d.demands(m, signal), "\n")
	for _, label := range []string{s.Labels.Namespace, s.Labels.Model} {
		needed := label != "" && mentions(exprs, label) && !strings.Contains(exprs, strconv.Quote(label))
		if needed && len(there.inNamespace) > 0 && !there.labels[label] {
			return fmt.Sprintf("no series of it has the label %s: a relabelling drops it, or another label has it, which labels: names", label)
		}
	}
	return ""
}

// mentions reports whether an expression has a label by its whole name: model is not model_name, nor gateway:model.
func mentions(expr, label string) bool {
	apart := func(r rune) bool { return r != '_' && r != ':' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }
	return slices.Contains(strings.FieldsFunc(expr, apart), label)
}

// told asks once which metrics of all signals there are, and says which of one signal there are in its namespace, and for its model. A series
// that names no model may be any one's, and so may one whose label the signal writes: it is not known what it makes of it.
func (d *Diagnosis) told(m, signal int) (there present, known bool) {
	of, s, looked := d.program.Models[m], d.program.Models[m].Signals[signal], d.metrics(m, signal)
	if len(looked) == 0 {
		return there, false // It names none.
	}
	if d.whatIsTold == "" {
		d.whatIsTold = d.asksWhatIsTold()
	}
	found, known := d.ask(d.whatIsTold)
	there = present{map[string]bool{}, map[string]bool{}, map[string]bool{}}
	anywhere, anyones := s.Writes(s.Labels.Namespace), s.Labels.Model == "" || s.Writes(s.Labels.Model)
	for _, x := range found {
		name, namespace := nameOf(x.Metric), string(x.Metric[model.LabelName(s.Labels.Namespace)])
		if !slices.Contains(looked, name) || !anywhere && namespace != "" && namespace != of.Namespace {
			continue
		}
		there.inNamespace[name] = true
		for label, value := range x.Metric {
			there.labels[string(label)] = there.labels[string(label)] || value != ""
		}
		if called := string(x.Metric[model.LabelName(s.Labels.Model)]); anyones || called == "" || of.Name == called || slices.Contains(of.Match[s.Labels.Model], called) {
			there.ofModel[name] = true
		}
	}
	return there, known
}

// asksWhatIsTold is the question which metrics of all signals there are, for whom: of the namespaces of models or of none, but for signals that
// write whose they are.
func (d *Diagnosis) asksWhatIsTold() string {
	ours := strconv.Quote("|" + strings.Join(d.namespaces(), "|"))
	within, by := map[string]map[string]bool{}, map[string]bool{model.MetricNameLabel: true} // names by what narrows them
	for m, of := range d.program.Models {
		for i, s := range of.Signals {
			narrow := ""
			if label := s.Labels.Namespace; !s.Writes(label) {
				narrow = fmt.Sprintf(",%s=~%s", label, ours)
			}
			for _, name := range d.metrics(m, i) {
				if within[narrow] == nil {
					within[narrow] = map[string]bool{}
				}
				within[narrow][regexp.QuoteMeta(name)] = true
			}
			by[s.Labels.Namespace], by[s.Labels.Model] = true, true
		}
	}
	delete(by, "")
	var selectors []string
	for _, narrow := range slices.Sorted(maps.Keys(within)) {
		anyOf := strings.Join(slices.Sorted(maps.Keys(within[narrow])), "|")
		selectors = append(selectors, fmt.Sprintf("{__name__=~%s%s}", strconv.Quote(anyOf), narrow))
	}
	text := fmt.Sprintf("count by (%s) (%s)", strings.Join(slices.Sorted(maps.Keys(by)), ", "), strings.Join(selectors, " or "))
	if narrowed, err := d.program.Config.Selector.Narrow(text); err == nil {
		return narrowed
	}
	return text
}

// needs lists what keeps an expression from having a result: groups of metrics of which it needs one each and has none.
func needs(n parser.Node, there map[string]bool) [][]string {
	switch n := n.(type) {
	case *parser.VectorSelector:
		return needsSelector(n, there)
	case *parser.Call:
		if n.Func.Name == "absent" || n.Func.Name == "absent_over_time" {
			return nil // It has a result without them.
		}
	case *parser.BinaryExpr:
		switch left := needs(n.LHS, there); {
		case n.Op == parser.LUNLESS:
			return left
		case n.Op == parser.LOR && len(left) == 0:
			return nil
		case n.Op == parser.LOR:
			right := needs(n.RHS, there)
			if len(right) == 1 && len(left) == 1 {
				return [][]string{append(slices.Clip(left[0]), right[0]...)} // either will do
			}
			if len(right) == 0 {
				return nil
			}
			return left
		}
	}
	var lacking [][]string
	for child := range parser.ChildrenIter(n) {
		lacking = append(lacking, needs(child, there)...)
	}
	return lacking
}

// needsSelector is needs of one selector. Of one that has no name but a pattern nothing is said: it is not asked for what may fit.
func needsSelector(v *parser.VectorSelector, there map[string]bool) [][]string {
	for _, m := range v.LabelMatchers {
		if m.Name == model.MetricNameLabel && m.Type == labels.MatchEqual && !there[m.Value] {
			return [][]string{{m.Value}}
		}
	}
	return nil
}

// eitherOf lists metrics of which one will do. The spelling with _ in place of a colon goes without saying.
func eitherOf(names []string) string {
	var said []string
	for _, name := range names {
		spelt := func(other string) bool { return other != name && strings.ReplaceAll(other, ":", "_") == name }
		if !slices.Contains(said, name) && !slices.ContainsFunc(names, spelt) {
			said = append(said, name)
		}
	}
	return strings.Join(said, " or ")
}
