package config

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"

	"github.com/variant-exporter/variant-exporter/collector/config/strict"
)

// Expr is a PromQL expression, parsed when the file was loaded.
type Expr struct {
	text string
	ast  parser.Expr
}

// String returns the expression in canonical form, so that equal expressions are equal strings. It is empty for no expression.
func (e Expr) String() string { return e.text }

// MarshalText implements encoding.TextMarshaler.
func (e Expr) MarshalText() ([]byte, error) { return []byte(e.text), nil }

// IsZero reports whether there is no expression.
func (e Expr) IsZero() bool { return e.ast == nil }

// AST returns the parsed expression. It must not be changed.
func (e Expr) AST() parser.Expr { return e.ast }

// ParseExpr parses a PromQL expression that does not come from a file.
func ParseExpr(text string) (Expr, error) {
	ast, err := newParser().ParseExpr(text)
	if err != nil {
		return Expr{}, err
	}
	return Expr{text: ast.String(), ast: ast}, nil
}

// maxExpr is the maximum length of an expression in characters. Longer ones would take long to check.
const maxExpr = 16384

func newParser() parser.Parser { return parser.NewParser(parser.Options{}) }

// DecodeYAML implements strict.Unmarshaler.
func (e *Expr) DecodeYAML(d *strict.Decoder, path string, n *yaml.Node) {
	var text string
	if !d.Scalar(path, n, &text, "a PromQL expression") {
		return
	}
	if strings.TrimSpace(text) == "" {
		d.Errorf(path, n, "empty expression").Hint("set a PromQL expression, or remove the key")
		return
	}
	if n.Tag != "!!str" {
		r := d.Errorf(path, n, "%s where a PromQL expression is expected", text)
		if _, ok := strict.Number(n); ok {
			r.Hint("a constant is written vector(%s)", text)
		} else {
			r.Hint("put it in quotes if it is a metric name")
		}
		return
	}
	if length := utf8.RuneCountInString(text); length > maxExpr {
		d.Errorf(path, n, "expression has %d characters, more than %d", length, maxExpr).Hint("record parts of it with rules")
		return
	}
	ast, err := newParser().ParseExpr(d.Expand(text))
	if err != nil {
		promqlErrors(d, path, n, err)
		return
	}
	e.text, e.ast = ast.String(), ast
}

// JSONSchema implements strict.Schemer.
func (Expr) JSONSchema(*strict.SchemaBuilder) map[string]any {
	return map[string]any{"type": "string", "minLength": 1, "maxLength": maxExpr}
}

// Quantity is a number, or a PromQL expression that yields one. The zero Quantity is neither.
type Quantity struct {
	Number     float64  // when Query is empty and Set
	Query      Expr     // asked at every evaluation
	FromLabels []string // numeric labels of the result whose product is multiplied with the sample's value
	Set        bool
}

// IsNumber reports whether the quantity is a fixed number.
func (q Quantity) IsNumber() bool { return q.Set && q.Query.IsZero() }

// orElse combines a measured quantity with a variant's own. An own expression replaces it. An own number is the fallback, as a series
// without labels.
func (q Quantity) orElse(own Quantity) (Quantity, error) {
	if !own.IsNumber() {
		if own.Set {
			return own, nil
		}
		return q, nil
	}
	e, err := ParseExpr(fmt.Sprintf("(%s) or vector(%v)", q.Query, own.Number))
	if err != nil {
		return Quantity{}, fmt.Errorf("add %v to an expression: %w", own.Number, err)
	}
	q.Query = e
	return q, nil
}

type queryQuantity struct {
	Query      Expr     `yaml:"query" required:"true" doc:"Expression that yields the quantity."`
	FromLabels []string `yaml:"from_labels" doc:"Numeric labels of the result. The quantity is their product times the sample's value."`
}

// MaxQuantity is far above any demand, capacity, cost or limit, and the most that the planner takes.
const MaxQuantity = 1e18

// DecodeYAML implements strict.Unmarshaler.
func (q *Quantity) DecodeYAML(d *strict.Decoder, path string, n *yaml.Node) {
	switch {
	case n.Kind == yaml.MappingNode:
		var m queryQuantity
		d.Decode(path, n, &m)
		q.Query, q.FromLabels = m.Query, m.FromLabels
		for i, l := range q.FromLabels {
			if l != "" && !model.UTF8Validation.IsValidLabelName(l) {
				d.Errorf(strict.Index(path+".from_labels", i), nil, "%q is not a label name", l).Hint("name a label of the result")
			}
		}
	case n.Kind == yaml.ScalarNode && (n.Tag == "!!float" || n.Tag == "!!int"):
		v, ok := strict.Number(n)
		switch {
		case !ok || v < 0:
			d.Errorf(path, n, "%s is not a quantity", n.Value).Hint("use a finite number of 0 or more, or a PromQL expression")
			return
		case v > MaxQuantity:
			d.Errorf(path, n, "%s is too large", n.Value).Hint("the largest quantity is %g", MaxQuantity)
			return
		}
		q.Number = v
	case refuseWord(d, path, n):
		return
	case n.Kind == yaml.ScalarNode:
		q.Query.DecodeYAML(d, path, n)
	default:
		d.Errorf(path, n, "%s where a number or a PromQL expression is expected", strict.Describe(n)).Hint("write it like 4.1, or 'avg(price)'")
	}
	q.Set = true
}

// JSONSchema implements strict.Schemer.
func (Quantity) JSONSchema(b *strict.SchemaBuilder) map[string]any {
	return map[string]any{"anyOf": []any{
		map[string]any{"type": "number", "minimum": 0},
		Expr{}.JSONSchema(b),
		b.Object(queryQuantity{}),
	}}
}

// Duration is a span of time, written as Prometheus writes it: 5m, 1h30m, 500ms.
type Duration time.Duration

// DecodeYAML implements strict.Unmarshaler.
func (v *Duration) DecodeYAML(d *strict.Decoder, path string, n *yaml.Node) {
	var text string
	if !d.Scalar(path, n, &text, "a duration") {
		return
	}
	parsed, err := model.ParseDuration(text)
	if err != nil {
		d.Errorf(path, n, "%q is not a duration", text).Hint("write it like 90s, 5m or 1h30m")
		return
	}
	*v = Duration(parsed)
}

// JSONSchema implements strict.Schemer.
func (Duration) JSONSchema(*strict.SchemaBuilder) map[string]any {
	return map[string]any{"anyOf": []any{
		map[string]any{"type": "string", "minLength": 1, "pattern": durationPattern},
		map[string]any{"const": 0},
	}}
}

const durationPattern = `^([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$|^0$`

// String returns the duration as Prometheus writes it.
func (v Duration) String() string { return model.Duration(v).String() }

// Regexp is a regular expression that must match a whole text, as everywhere in Prometheus.
type Regexp struct {
	*regexp.Regexp
}

// DecodeYAML implements strict.Unmarshaler.
func (r *Regexp) DecodeYAML(d *strict.Decoder, path string, n *yaml.Node) {
	var text string
	if !d.Scalar(path, n, &text, "a regular expression") {
		return
	}
	if text == "" {
		d.Errorf(path, n, "empty expression").Hint("set a regular expression, or remove the key")
		return
	}
	// Compile it alone first: the added brackets must not close its own.
	_, err := regexp.Compile(text)
	if err == nil {
		r.Regexp, err = regexp.Compile("^(?:" + text + ")$")
	}
	if err != nil {
		d.Errorf(path, n, "not a regular expression: %v", err).Hint("use RE2 syntax; the expression must match the whole name")
	}
}

// MarshalText implements encoding.TextMarshaler. It is empty for no expression, as for one that is not in the file.
func (r Regexp) MarshalText() ([]byte, error) {
	if r.Regexp == nil {
		return nil, nil
	}
	return []byte(r.String()), nil
}

// JSONSchema implements strict.Schemer.
func (Regexp) JSONSchema(b *strict.SchemaBuilder) map[string]any {
	s := b.Text()
	s["minLength"] = 1
	return s
}

// Strings is one text or a list of them.
type Strings []string

// DecodeYAML implements strict.Unmarshaler.
func (s *Strings) DecodeYAML(d *strict.Decoder, path string, n *yaml.Node) {
	if n.Kind == yaml.SequenceNode {
		d.Decode(path, n, (*[]string)(s))
		return
	}
	var one string
	if d.Scalar(path, n, &one, "a text or a list of texts") {
		*s = Strings{one}
		if one == "" {
			d.Errorf(path, n, "no value").Hint("set a value, or remove the entry")
		}
	}
}

// JSONSchema implements strict.Schemer.
func (Strings) JSONSchema(b *strict.SchemaBuilder) map[string]any {
	text := b.Text()
	text["minLength"] = 1
	return map[string]any{"anyOf": []any{text, map[string]any{"type": "array", "items": text}}}
}
