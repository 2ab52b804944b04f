package config

import (
	"fmt"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"

	"github.com/variant-exporter/variant-exporter/collector/config/strict"
)

// Selector is a list of label matchers that other selectors are narrowed by, written like {cluster="eu"}.
type Selector struct {
	matchers []*labels.Matcher
}

// String returns the matchers as PromQL writes them. It is empty for none.
func (s Selector) String() string {
	if s.IsZero() {
		return ""
	}
	parts := make([]string, len(s.matchers))
	for i, m := range s.matchers {
		parts[i] = m.String()
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// IsZero reports whether there are no matchers.
func (s Selector) IsZero() bool { return len(s.matchers) == 0 }

// DecodeYAML implements strict.Unmarshaler.
func (s *Selector) DecodeYAML(d *strict.Decoder, path string, n *yaml.Node) {
	const form = `write it like '{cluster="eu"}'`
	var text string
	if !d.Scalar(path, n, &text, "a selector") {
		return
	}
	if strings.TrimSpace(text) == "" {
		d.Errorf(path, n, "no value").Hint(form + ", or remove the key")
		return
	}
	matchers, err := newParser().ParseMetricSelector(text)
	if err != nil {
		d.Errorf(path, n, "not a selector: %v", strict.Shorten(err.Error())).Hint(form)
		return
	}
	if len(matchers) == 0 {
		d.Errorf(path, n, "no matcher").Hint(form + ", or remove the key")
	}
	for _, m := range matchers {
		switch {
		case m.Name == model.MetricNameLabel:
			d.Errorf(path, n, "metric name %s in a selector of all metrics", m.Value).Hint(form)
		case m.Type != labels.MatchEqual && m.Type != labels.MatchRegexp:
			d.Errorf(path, n, "%s excludes values", m).Hint("say which values are meant, with = or =~: a new value must not join unnoticed")
		case m.Matches(""):
			d.Errorf(path, n, "%s matches series without the label", m).Hint("say which values are meant: a series without the label may be any")
		}
	}
	s.matchers = matchers
}

// ParseSelector reads a selector that does not come from a file, by the rules of one that does.
func ParseSelector(text string) (Selector, error) {
	var s Selector
	d := strict.NewDecoder("selector", text, strict.Options{})
	s.DecodeYAML(d, "", &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text, Line: 1, Column: 1})
	for _, found := range d.Remarks() {
		return Selector{}, fmt.Errorf("%s: %s", found.Message, found.Hint)
	}
	return s, nil
}

// Narrow adds the matchers to every selector of an expression.
func (s Selector) Narrow(expr string) (string, error) {
	e, err := ParseExpr(expr)
	if err == nil {
		err = s.narrow(&e)
	}
	return e.String(), err
}

// JSONSchema implements strict.Schemer.
func (Selector) JSONSchema(b *strict.SchemaBuilder) map[string]any {
	s := b.Text()
	s["minLength"] = 1
	return s
}

// narrow adds the matchers to every selector of an expression.
func (s Selector) narrow(e *Expr) error {
	if s.IsZero() || e.IsZero() {
		return nil
	}
	ast, err := newParser().ParseExpr(e.text) // e's own is shared
	if err != nil {
		return fmt.Errorf("add %s to an expression: %w", s, err)
	}
	parser.Inspect(ast, func(n parser.Node, _ []parser.Node) error {
		if v, ok := n.(*parser.VectorSelector); ok {
			v.LabelMatchers = append(v.LabelMatchers, s.matchers...)
		}
		return nil
	})
	narrowed, err := ParseExpr(ast.String())
	if err != nil {
		return fmt.Errorf("add %s to an expression: %w", s, err)
	}
	*e = narrowed
	return nil
}

// narrowAll adds the matchers to every selector of several expressions.
func (s Selector) narrowAll(all ...*Expr) error {
	for _, e := range all {
		if err := s.narrow(e); err != nil {
			return err
		}
	}
	return nil
}

// narrow adds a selector's matchers to all expressions of a preset.
func (p *Preset) narrow(s Selector) error {
	for name, x := range p.Signals {
		if err := s.narrowAll(x.expressions()...); err != nil {
			return err
		}
		p.Signals[name] = x
	}
	for name, q := range p.Uses {
		if err := s.narrow(&q.Query); err != nil {
			return err
		}
		p.Uses[name] = q
	}
	return s.narrowAll(append(p.ScaleTargets.expressions(), &p.Cost.Query)...)
}

// expressions lists the places of all expressions of a signal.
func (s *Signal) expressions() []*Expr {
	return []*Expr{
		&s.Demand, &s.Usage, &s.Queued, &s.Latency, &s.InputTokens, &s.OutputTokens, &s.InputCV, &s.OutputCV, &s.ObservedITL, &s.ObservedRunning,
		&s.Capacity.Query, &s.Alive, &s.Sources, &s.Silent, &s.Frozen,
	}
}

// expressions lists the places of all expressions of the scale targets.
func (t *ScaleTargets) expressions() []*Expr {
	return []*Expr{&t.Current, &t.Ready, &t.Rolling, &t.Unplaced, &t.Draining}
}
