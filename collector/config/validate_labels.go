package config

import (
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
)

// matched says what most labels of results are needed for.
const matched = "which matches it to a variant or model"

// mayCarry reports an expression whose result cannot have a label that serves a purpose.
func (v *validator) mayCarry(path string, e Expr, label, purpose string) {
	if label != "" && !labelsOf(e.AST()).has(label) {
		v.dropped(path, []string{label}, purpose)
	}
}

// carriesIdentity reports an expression whose result can have none of the labels by which it would be matched.
func (v *validator) carriesIdentity(path string, e Expr, names []string) {
	if e.IsZero() || e.AST().Type() != parser.ValueTypeVector || !v.Has(path) {
		return
	}
	if !slices.ContainsFunc(names, labelsOf(e.AST()).has) {
		v.dropped(path, names, matched)
	}
}

// dropped reports an expression whose result has none of some labels, at the part that drops the first of them.
func (v *validator) dropped(path string, names []string, purpose string) {
	n := v.Node(path)
	if inner := v.Node(path + ".query"); inner != nil {
		path, n = path+".query", inner
	}
	message := "the result cannot carry the label " + strings.Join(names, ", or ") + ", " + purpose
	// The canonical text may differ from the text in the file, so positions come from parsing the file's own.
	own, err := newParser().ParseExpr(n.Value)
	if err != nil {
		v.Errorf(path, n, "%s", message)
		return
	}
	culprit := dropper(own, names[0])
	at := int(culprit.PositionRange().Start)
	v.Within(path, n, at, firstWord(n.Value[at:]), message).Hint("%s", keepHint(culprit, names[0]))
}

// keepHint says how a part of an expression would keep a label.
func keepHint(culprit parser.Expr, label string) string {
	switch e := culprit.(type) {
	case *parser.AggregateExpr:
		if e.Without {
			return "remove " + label + " from without (...)"
		}
		return "write " + e.Op.String() + " by (" + strings.Join(append(slices.Clone(e.Grouping), label), ", ") + ") (...)"
	case *parser.BinaryExpr:
		switch matching := e.VectorMatching; {
		case matching == nil || matching.Card != parser.CardOneToOne:
		case matching.On:
			return "add " + label + " to on (...), or match with group_left ()"
		default:
			return "remove " + label + " from ignoring (...), or match with group_left ()"
		}
	}
	return "keep the label in the result"
}

// firstWord is the length of the word that a text begins with, and at least one.
func firstWord(text string) int {
	return max(1, strings.IndexFunc(text+" ", func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') && (r < '0' || r > '9') }))
}
