package rules

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// demandRules record the expressions that tell demand, as the configuration has them, so that windows over them are cheap, and how many
// sources tell it. Each series carries the fingerprint of its expression: it shows what the series was recorded from. What is read
// from a recording rule already is recorded no second time; where that is the rule of a preset's signal, it is kept.
func demandRules(c *config.Config) ([]rule, error) {
	recorded := map[string]recording{}
	for i := range c.Models {
		for _, s := range c.Models[i].ActiveSignals() {
			for _, r := range c.Recordings(&s) {
				if other, taken := recorded[r.Name]; taken && other.expr.String() != r.Expr.String() {
					return nil, recording{s, r.Expr}.twice(c, r.Name, other)
				}
				recorded[r.Name] = recording{s, r.Expr}
			}
		}
	}
	rules := make([]rule, 0, len(recorded))
	for name, r := range recorded {
		expr, err := pretty(r.expr.String())
		if err != nil {
			return nil, err
		}
		rules = append(rules, rule{Record: name, Expr: expr, Labels: map[string]string{config.LabelRecorded: r.expr.Fingerprint()}})
	}
	slices.SortFunc(rules, func(a, b rule) int { return cmp.Compare(a.Record, b.Record) })
	return rules, nil
}

// recording is what a recording rule records, and for which signal.
type recording struct {
	signal config.ActiveSignal
	expr   config.Expr
}

// twice refuses a signal that would be recorded under the name of another's rule: that name would stand for both.
// Signals of presets differ in their names: one of the two is the file's own.
func (r recording) twice(c *config.Config, name string, other recording) error {
	own, preset := r.signal, other.signal
	if own.Key() != own.Name {
		own, preset = preset, own
	}
	return config.Diagnostics{c.ErrorAt("signals."+own.Name, fmt.Sprintf("%s would record two expressions: that of this signal, and that of %s", name, preset.Key()),
		"give the signal another name")}.Err()
}
