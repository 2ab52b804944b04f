package rules

import (
	"fmt"
	"maps"
	"slices"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// demandRules record the expressions that tell demand, as the configuration has them, so that windows over them are cheap, and how many
// sources tell it. Each series carries the fingerprint of its expression: it shows what the series was recorded from. What is read
// from a recording rule already is recorded no second time; where that is the rule of a preset's signal, it is kept. What changes slowly
// comes apart: once a minute is enough for it.
func demandRules(c *config.Config) (demand, means []rule, err error) {
	recorded, read := map[string]recording{}, c.ReadFromRules()
	for i := range c.Models {
		for _, s := range c.Models[i].ActiveSignals() {
			for _, r := range c.Recordings(&s) {
				if other, asked := read[r.Of.String()]; asked && other.Name != r.Name {
					continue
				}
				if other, taken := recorded[r.Name]; taken && other.Expr.String() != r.Expr.String() {
					return nil, nil, recording{s, r}.twice(c, other)
				}
				recorded[r.Name] = recording{s, r}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(recorded)) {
		r, group := recorded[name], &demand
		if r.Minute {
			group = &means
		}
		expr, err := pretty(r.Expr.String())
		if err != nil {
			return nil, nil, err
		}
		*group = append(*group, rule{Record: name, Expr: expr, Labels: map[string]string{config.LabelRecorded: r.Expr.Fingerprint()}})
	}
	return demand, means, nil
}

// recording is a recording rule, and for which signal it is.
type recording struct {
	signal config.ActiveSignal
	config.Recording
}

// twice refuses a signal that would be recorded under the name of another's rule: that name would stand for both.
// Signals of presets differ in their names: one of the two is the file's own.
func (r recording) twice(c *config.Config, other recording) error {
	own, preset := r.signal, other.signal
	if own.Key() != own.Name {
		own, preset = preset, own
	}
	return config.Diagnostics{c.ErrorAt("signals."+own.Name, fmt.Sprintf("%s would record two expressions: that of this signal, and that of %s", r.Name, preset.Key()),
		"give the signal another name")}.Err()
}
