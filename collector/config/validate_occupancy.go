package config

import (
	"slices"
	"strings"
	"time"

	"github.com/variant-exporter/variant-exporter/collector/config/strict"
)

// Requests in service and the cache that they use measure how full the replicas are. Fewer replicas serve each request more slowly, so
// more are in service at once: an occupancy rises in answer to scaling down, and falls in answer to scaling up. A plan by occupancies
// alone swings between the two, unless it goes down in small steps after it was overloaded.
const (
	occupancyPercent = 10.0
	occupancyPeriod  = Duration(5 * time.Minute)
	occupancyAfter   = Duration(2 * time.Hour)
)

// isOccupancy reports whether a signal measures how full the replicas are.
func (s ActiveSignal) isOccupancy() bool {
	return !s.Usage.IsZero() || s.preset != "" && (s.Name == "concurrency" || s.Name == "kv_tokens")
}

// stepDown limits the scale-down of a model that is planned by occupancies alone, unless the file says how it is to scale down.
func (v *validator) stepDown(path string, m *Model, available map[string]ActiveSignal) {
	if len(m.active) == 0 || m.ScaleDownLimit != nil || slices.ContainsFunc(m.active, func(s ActiveSignal) bool { return !s.isOccupancy() }) {
		return
	}
	var names []string
	for _, s := range m.active {
		names = append(names, s.Name)
	}
	effect := "scale_down_limit defaults to {percent: 10, per: 5m, after_overload: 2h}"
	window := v.Has(strict.Join(path, "scale_down_window")) || v.Has("defaults.scale_down_window")
	if v.config.ScaleTargets.Disabled || window && *m.ScaleDownWindow < defaultScaleDown {
		effect = "no scale_down_limit is set"
	} else {
		percent, period, after := occupancyPercent, occupancyPeriod, occupancyAfter
		m.ScaleDownLimit = &ChangeLimit{Percent: &percent, Per: &period, AfterOverload: &after}
	}
	v.remarks = append(v.remarks, func() {
		v.Warnf(path, nil, "no signal is a rate (%s), and occupancy rises as replicas are removed: %s", strings.Join(names, ", "), effect).
			Hint("%s; or set scale_down_limit", rateHint(available))
	})
}

// rateHint names the rates that a model could be planned by in addition.
func rateHint(available map[string]ActiveSignal) string {
	var rates []string
	for _, name := range sortedKeys(available) {
		if s := available[name]; strings.HasSuffix(s.Unit, "per second") {
			rates = append(rates, name)
		}
	}
	if len(rates) == 0 {
		return "add a signal that is a rate, such as requests or tokens per second, and give each variant a capacity for it"
	}
	return "give each variant a capacity for a rate: " + strings.Join(rates, ", ")
}

// wakes checks that a model which may go to zero can come back: with no replica left, its servers say nothing.
func (v *validator) wakes(path string, m *Model) {
	at := strict.Join(path, "replicas.min")
	if !m.Replicas.Min.IsNumber() || m.Replicas.Min.Least() != 0 || len(m.active) == 0 || m.Wakes() {
		return
	}
	v.Errorf(at, nil, "no signal of the model is known while no replica runs: nothing could wake it").
		Hint("plan also by a signal of the gateway, such as the preset epp, or by one with on_missing: zero and alive; or use at least 1")
}

// overridden remarks on label names that do not reach the presets which are used.
func (v *validator) overridden() {
	l := v.config.Labels
	for _, label := range []struct {
		key, name string
		of        func(LabelNames) string
	}{
		{"namespace", l.Namespace, func(l LabelNames) string { return l.Namespace }},
		{"model", l.Model, func(l LabelNames) string { return l.Model }},
		{"variant", l.Variant, func(l LabelNames) string { return l.Variant }},
	} {
		at := strict.Join("labels", label.key)
		if !v.Has(at) {
			continue
		}
		for _, preset := range v.usedPresets() {
			if own := label.of(v.presets[preset].Labels); own != "" && own != label.name {
				v.Warnf(at, nil, "the preset %s goes by %s: labels.%s: %s has no effect on it", preset, own, label.key, label.name).
					Hint("if its series have no label %s, relabel them when they are scraped, or define the signal under signals", own)
			}
		}
	}
}

// usedPresets lists the presets of which a model uses a signal.
func (v *validator) usedPresets() []string {
	var used []string
	for i := range v.config.Models {
		for _, s := range v.config.Models[i].active {
			if s.preset != "" && !slices.Contains(used, s.preset) {
				used = append(used, s.preset)
			}
		}
	}
	slices.Sort(used)
	return used
}
