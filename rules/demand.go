package rules

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// demandRules record the expressions that tell demand, as the configuration has them, so that windows over them are cheap. One that is
// read from a recording rule already is recorded no second time; where that is the rule of a preset's signal, it is kept.
func demandRules(c *config.Config) ([]rule, error) {
	recorded := map[string]recording{}
	for i := range c.Models {
		for _, s := range c.Models[i].ActiveSignals() {
			forms := demandForms(s.Signal)
			for _, form := range slices.Sorted(maps.Keys(forms)) {
				name, expr, err := record(c, s, form, forms[form])
				if err != nil {
					return nil, err
				}
				if name == "" {
					continue
				}
				r := recording{s, expr}
				if other, taken := recorded[name]; taken && other.expr != r.expr {
					return nil, r.twice(c, name, other)
				}
				recorded[name] = r
			}
		}
	}
	rules := make([]rule, 0, len(recorded))
	for name, r := range recorded {
		rules = append(rules, rule{Record: name, Expr: r.expr})
	}
	slices.SortFunc(rules, func(a, b rule) int { return cmp.Compare(a.Record, b.Record) })
	return rules, nil
}

// recording is what a rule records, and for which signal.
type recording struct {
	signal config.ActiveSignal
	expr   string
}

// twice refuses a signal that would be recorded under the name of another's rule: whoever reads that name would be told of either.
// Signals of presets differ in their names, so that one of the two is the file's own.
func (r recording) twice(c *config.Config, name string, other recording) error {
	own, preset := r.signal, other.signal
	if own.Key() != own.Name {
		own, preset = preset, own
	}
	return config.Diagnostics{c.ErrorAt("signals."+own.Name, fmt.Sprintf("%s would record two expressions: that of this signal, and that of %s", name, preset.Key()),
		"give the signal another name")}.Err()
}

// demandForms are the expressions of a signal that tell demand, by what they are called.
func demandForms(s config.Signal) map[string]config.Expr {
	return map[string]config.Expr{"demand": s.Demand, "usage": s.Usage, "queued": s.Queued, "rate": s.Latency}
}

// record is the recording rule for an expression, or none.
func record(c *config.Config, s config.ActiveSignal, form string, e config.Expr) (name, expr string, err error) {
	if e.IsZero() {
		return "", "", nil
	}
	if selector, ok := e.AST().(*parser.VectorSelector); ok && strings.Contains(selector.Name, ":") {
		return presetRule(c, selector.Name)
	}
	name = recordName(s.Key(), form, e)
	expr, err = pretty(e.String())
	return name, expr, err
}

// recordName follows the convention level:metric:operations.
func recordName(key, form string, e config.Expr) string {
	level := "model"
	if form == "usage" {
		level = "pod"
	}
	return level + ":" + strings.ReplaceAll(key, ".", "_") + "_" + form + ":" + operation(e.AST())
}

// operation is the outermost aggregation of an expression.
func operation(ast parser.Expr) string {
	found := "value"
	parser.Inspect(ast, func(node parser.Node, _ []parser.Node) error {
		if a, ok := node.(*parser.AggregateExpr); ok && found == "value" {
			found = a.Op.String()
		}
		return nil
	})
	return found
}

var presetRecord = regexp.MustCompile(`^(?:model|pod):([a-z0-9]+)_([a-z0-9_]+)_(demand|usage|queued|rate):[a-z]+$`)

// presetRule is the rule of a preset's signal that a configuration reads by its name.
func presetRule(c *config.Config, name string) (string, string, error) {
	m := presetRecord.FindStringSubmatch(name)
	if m == nil || !slices.Contains(config.PresetNames(), m[1]) {
		return "", "", nil
	}
	s, err := c.PresetSignal(m[1], m[2])
	if err != nil {
		return "", "", nil //nolint:nilerr // It is somebody else's rule, which only looks like one of these.
	}
	e := demandForms(s)[m[3]]
	if e.IsZero() || recordName(m[1]+"."+m[2], m[3], e) != name {
		return "", "", nil
	}
	expr, err := pretty(e.String())
	return name, expr, err
}
