package config

import (
	"crypto/sha256"
	"encoding/hex"
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
	if c.FromRules {
		all = append(all, c.restRecorded(s)...)
	}
	return all
}

// restRecorded are the rules for what is asked of a signal beside its demand and sources.
func (c *Config) restRecorded(s *ActiveSignal) []Recording {
	var all []Recording
	add := func(form string, e Expr) {
		if !e.IsZero() && !isRecorded(e) {
			all = append(all, Recording{Name: recordName(s.Key(), form, e), Expr: e, Of: e, Minute: true})
		}
	}
	add("input_tokens", s.InputTokens)
	add("output_tokens", s.OutputTokens)
	add("input_cv", s.InputCV)
	add("output_cv", s.OutputCV)
	if c.anyVariant(func(v *Variant) bool { return v.Profile != nil && v.Profile.Corrected() }) {
		add("observed_itl", s.ObservedITL)
		add("observed_running", s.ObservedRunning)
	}
	if c.anyVariant(func(v *Variant) bool { return !v.Capacity[s.configured()].Set }) {
		add(formCapacity, s.Capacity.Query)
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

func (c *Config) anyVariant(has func(*Variant) bool) bool {
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
