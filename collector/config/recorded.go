package config

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
)

// LabelRecorded is the label in which recorded series carry the fingerprint of the expression that they were recorded from.
const LabelRecorded = "expression"

// Fingerprint tells expressions apart: it is a short hash of the canonical form, behind a letter that keeps YAML from reading a number.
func (e Expr) Fingerprint() string {
	sum := sha256.Sum256([]byte(e.text))
	return "h" + hex.EncodeToString(sum[:4])
}

// Recording is a recording rule: what is recorded, and under which name.
type Recording struct {
	Name   string
	Expr   Expr
	Of     Expr // the expression of the signal that it stands for
	Minute bool // what it is about changes slowly: once a minute is enough
}

// Forms of recordings that others ask for.
const (
	formCapacity = "capacity"
	formEngines  = "engines"
	formSilent   = "silent"
	formSources  = "sources"
)

// Recordings are the rules that record a signal: each expression that tells demand, and the number of its sources by workload, where it is
// known who they are. Where the configuration reads signals from their rules, all else that an evaluation asks of a signal is recorded too.
// What reads recorded series already is not recorded again; where those are of a preset's rule, it is kept.
func (c *Config) Recordings(s *ActiveSignal) []Recording {
	var all []Recording
	add := func(form string, e Expr) {
		if e.IsZero() {
			return
		}
		r, known := Recording{Name: recordName(s.Key(), form, e), Expr: e, Of: e}, true
		if isRecorded(e) {
			r, known = c.RecordingOf(e)
		}
		if known {
			all = append(all, r)
		}
	}
	add("demand", s.Demand)
	add("queued", s.Queued)
	add("rate", s.Latency)
	add("usage", s.Usage)
	if len(all) == 0 {
		return nil
	}
	add(formSources, c.CountedSources(&s.Signal))
	if c.readsRules(s) {
		all = append(all, c.restRecorded(s)...)
	}
	return all
}

// readsRules reports whether a signal is read from its rules. Where no result means no demand, a rule that is not there would mean it, too:
// such signals are those of a few gateways, and are asked for themselves.
func (c *Config) readsRules(s *ActiveSignal) bool { return c.FromRules && s.OnMissing != OnMissingZero }

// restRecorded are the rules for what else is asked of a signal, but for what its replicas show of themselves: that is of use where it is
// told, so a rule that is not there would not be missed.
func (c *Config) restRecorded(s *ActiveSignal) []Recording {
	var all []Recording
	add := func(form string, of, e Expr) {
		if !e.IsZero() && !isRecorded(of) {
			all = append(all, Recording{Name: recordName(s.Key(), form, of), Expr: e, Of: of, Minute: true})
		}
	}
	add("input_tokens", s.InputTokens, s.InputTokens)
	add("output_tokens", s.OutputTokens, s.OutputTokens)
	add("input_cv", s.InputCV, s.alike(s.InputCV, s.InputTokens))
	add("output_cv", s.OutputCV, s.alike(s.OutputCV, s.OutputTokens))
	if c.AnyVariant(func(v *Variant) bool { return !v.Capacity[s.configured()].Set }) {
		add(formCapacity, s.Capacity.Query, s.Capacity.Query)
	}
	if engines := c.CountedEngines(&s.Signal); engines.String() != c.CountedSources(&s.Signal).String() {
		all = append(all, Recording{Name: recordName(s.Key(), formEngines, engines), Expr: engines, Of: engines})
	}
	if silent := c.SilentSources(&s.Signal); !silent.IsZero() {
		// Mostly nobody is silent. A series that is always there shows that the rule is.
		if told, err := ParseExpr("(" + silent.String() + ") or vector(0)"); err == nil {
			all = append(all, Recording{Name: recordName(s.Key(), formSilent, silent), Expr: told, Of: silent})
		}
	}
	return all
}

// alike is the variation of lengths, and 0 where lengths are known and nothing is of their variation: what is recorded is there wherever
// lengths are.
func (s *Signal) alike(variation, lengths Expr) Expr {
	if variation.IsZero() || lengths.IsZero() {
		return variation
	}
	by := s.Labels.Namespace
	if s.Labels.Model != "" {
		by += ", " + s.Labels.Model
	}
	whole, err := ParseExpr(fmt.Sprintf("(%s) or on (%s) (0 * (%s))", variation, by, lengths))
	if err != nil {
		return variation // What is wrong with a label's name has been reported.
	}
	return whole
}

// AnyVariant reports whether any variant of any model has something.
func (c *Config) AnyVariant(has func(*Variant) bool) bool {
	return slices.ContainsFunc(c.Models, func(m Model) bool {
		return slices.ContainsFunc(m.Variants, func(v Variant) bool { return has(&v) })
	})
}

// ReadFromRules are the rules whose series are read in the place of expressions, by these.
func (c *Config) ReadFromRules() map[string]Recording {
	all := map[string]Recording{}
	if !c.FromRules {
		return all
	}
	for i := range c.Models {
		for _, s := range c.Models[i].ActiveSignals() {
			if !c.readsRules(&s) {
				continue
			}
			for _, r := range c.Recordings(&s) {
				if expr := r.Of.String(); all[expr].Name == "" {
					all[expr] = r
				}
			}
		}
	}
	return all
}

// recordName follows the convention level:metric:operations.
func recordName(key, form string, e Expr) string {
	level := "model"
	switch form {
	case formSources, formEngines:
		level = "workload"
	case "usage", "observed_itl", "observed_running", formCapacity, formSilent:
		level = "pod"
	}
	return level + ":" + strings.ReplaceAll(key, ".", "_") + "_" + form + ":" + operation(e.ast)
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

// selected is the name that an expression selects, where it is nothing but a selector.
func selected(e Expr) (*parser.VectorSelector, bool) {
	if e.IsZero() {
		return nil, false
	}
	selector, ok := unwrap(e.ast).(*parser.VectorSelector)
	return selector, ok
}

func isRecorded(e Expr) bool {
	selector, ok := selected(e)
	return ok && strings.Contains(selector.Name, ":")
}

var presetRecord = regexp.MustCompile(`^(?:model|pod|workload):([a-z0-9]+)_([a-z0-9_]+)_(?:demand|usage|queued|rate|sources):[a-z]+$`)

// recordedPreset is the preset's signal whose rules record what an expression selects.
func (c *Config) recordedPreset(e Expr) (*ActiveSignal, bool) {
	selector, ok := selected(e)
	if !ok {
		return nil, false
	}
	m := presetRecord.FindStringSubmatch(selector.Name)
	if m == nil || !slices.Contains(PresetNames(), m[1]) {
		return nil, false
	}
	s, err := c.PresetSignal(m[1], m[2])
	if err != nil {
		return nil, false // It is somebody else's rule, which only looks like one of these.
	}
	return &ActiveSignal{Name: m[2], Signal: s}, true
}

// RecordingOf is the rule that records what an expression selects, if it is one of a preset's signal.
func (c *Config) RecordingOf(e Expr) (Recording, bool) {
	s, ok := c.recordedPreset(e)
	if !ok {
		return Recording{}, false
	}
	selector, _ := selected(e)
	all := c.Recordings(s)
	i := slices.IndexFunc(all, func(r Recording) bool { return r.Name == selector.Name })
	if i < 0 {
		return Recording{}, false
	}
	return all[i], true
}

// recordedSources selects the recorded number of sources of a signal whose demand is read from a preset's rule.
func (c *Config) recordedSources(s *Signal) Expr {
	for _, e := range []Expr{s.Demand, s.Latency, s.Usage} {
		preset, ok := c.recordedPreset(e)
		if !ok {
			continue
		}
		all := c.Recordings(preset)
		i := slices.IndexFunc(all, func(r Recording) bool { return strings.HasPrefix(r.Name, "workload:") })
		if i < 0 {
			return Expr{}
		}
		from, _ := selected(e)
		to := &parser.VectorSelector{Name: all[i].Name}
		for _, m := range from.LabelMatchers {
			if m.Name != model.MetricNameLabel {
				to.LabelMatchers = append(to.LabelMatchers, m)
			}
		}
		found, err := ParseExpr(to.String())
		if err != nil {
			return Expr{}
		}
		return found
	}
	return Expr{}
}
