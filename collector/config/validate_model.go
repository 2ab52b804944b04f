package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/variant-exporter/variant-exporter/collector/config/strict"
)

// ActiveSignal is a signal that a model is planned by.
type ActiveSignal struct {
	Name string
	Role Role // whose part of the requests it is; empty for all of it
	Signal

	whole string // name of the signal that it is a part of
}

// Key names the signal with its preset, such as vllm.concurrency, so that signals of one name from two presets stay apart.
func (s ActiveSignal) Key() string {
	if s.preset == "" {
		return s.configured()
	}
	return s.preset + "." + s.configured()
}

func (v *validator) model(path string, m *Model) {
	v.namespace(strict.Join(path, "namespace"), m.Namespace)
	v.windows(path, m.Tuning)
	v.guards(path, m.Guards)
	v.quantity(strict.Join(path, "replicas.min"), m.Replicas.Min.Quantity)
	v.claims(path, m)
	available := v.available(path, m)
	v.measuredUses(path, m)
	v.measuredCosts(path, m)
	v.calibrations(m)
	for i := range m.Variants {
		v.variant(strict.Index(path+".variants", i), m, &m.Variants[i])
	}
	v.modelMinimum(path, m)
	if !v.config.Labels.valid() || !v.Sound(strict.Join(path, "presets")) {
		return // The signals are unknown.
	}
	v.activate(path, m, available)
	v.wakes(path, m)
	v.stepDown(path, m, available)
	v.slo(path, m)
	for i := range m.Variants {
		v.capacities(strict.Index(path+".variants", i), m, &m.Variants[i], available)
	}
	v.carried(path, m)
}

// claims checks that no label value belongs to two models.
func (v *validator) claims(path string, m *Model) {
	v.claim(strict.Join(path, "name"), m, v.config.Labels.Model, m.Name)
	for _, label := range sortedKeys(m.Match) {
		if at := strict.Join(path, "match."+label); !isLabelName(label) {
			v.Errorf(at, v.Key(at), "%q is not a label name", label).Hint("letters, digits and underscores, not a digit first")
		}
		for i, value := range m.Match[label] {
			at := strict.Join(path, "match."+label)
			if v.Has(strict.Index(at, i)) {
				at = strict.Index(at, i)
			}
			v.claim(at, m, label, value)
		}
	}
}

func (v *validator) claim(path string, m *Model, label, value string) {
	if value == "" {
		return
	}
	key := strings.Join([]string{m.Namespace, label, value}, "\x00")
	if other, taken := v.labels[key]; taken {
		v.Errorf(path, nil, "%s=%q in namespace %s already belongs to model %s (%s)", label, value, m.Namespace, other.model, other.path).
			Hint("give each model its own value: a result belongs to one model only")
		return
	}
	v.labels[key] = labelClaim{path, m.Name}
}

// available returns the signals that a model may use: those of its presets, later ones over earlier ones, and the file's own
// over all.
func (v *validator) available(path string, m *Model) map[string]ActiveSignal {
	signals := map[string]ActiveSignal{}
	for i, name := range m.Presets {
		if name == "" || !v.config.Labels.valid() {
			continue // It has been reported.
		}
		p := v.preset(name)
		if p == nil {
			v.Unknown(strict.Index(path+".presets", i), v.Node(strict.Index(path+".presets", i)), "preset", name, modelPresets())
			continue
		}
		for key, s := range p.Signals {
			if s.OnMissing == "" {
				s.OnMissing = OnMissingHold
			}
			signals[key] = ActiveSignal{Name: key, Signal: s}
		}
	}
	for key, s := range v.config.Signals {
		signals[key] = ActiveSignal{Name: key, Signal: s}
	}
	return signals
}

// preset returns a preset that brings something to a model, or nil.
func (v *validator) preset(name string) *Preset {
	if p, ok := v.presets[name]; ok {
		return p
	}
	if !slices.Contains(modelPresets(), name) {
		return nil
	}
	p, err := loadPreset(name, v.config.presetOptions())
	if err != nil {
		v.Errorf("", nil, "%v", err)
	}
	v.presets[name] = p
	return p
}

// modelPresets are the presets that bring something to a model.
func modelPresets() []string {
	return slices.DeleteFunc(PresetNames(), func(name string) bool { return name == presetScaleTargets })
}

// activate decides which signals a model is planned by.
func (v *validator) activate(path string, m *Model, available map[string]ActiveSignal) {
	names := map[string]bool{}
	for i, name := range m.Signals {
		if _, ok := available[name]; !ok {
			v.Unknown(strict.Index(path+".signals", i), v.Node(strict.Index(path+".signals", i)), "signal", name, sortedKeys(available))
			continue
		}
		names[name] = true
	}
	if len(m.Signals) == 0 {
		for i := range m.Variants {
			given(names, m, &m.Variants[i], available)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		m.active = append(m.active, available[name])
		v.used["signals."+name] = true
	}
	if len(m.active) == 0 && len(m.Variants) > 0 && v.Sound(path+".variants") && v.Sound(path+".signals") {
		v.Errorf(path, nil, "model has no usable signal").Hint("%s", noSignalHint(available))
	}
}

// given adds the signals for which a variant has a capacity: one of its own, or one that follows from its profile.
func given(names map[string]bool, m *Model, x *Variant, available map[string]ActiveSignal) {
	for name, s := range available {
		if x.Capacity[name].Set || !s.Latency.IsZero() && m.SLO != nil && x.Profile != nil {
			names[name] = true
		}
	}
}

func noSignalHint(available map[string]ActiveSignal) string {
	if len(available) == 0 {
		return "list a preset such as vllm under presets, and give each variant a capacity"
	}
	return "give each variant a capacity for one of: " + strings.Join(sortedKeys(available), ", ")
}

// variant checks everything that does not depend on the model's signals.
func (v *validator) variant(path string, m *Model, x *Variant) {
	v.variantName(strict.Join(path, "name"), x.Name)
	v.targetName(path, x)
	v.unique(path, m, x)
	v.quantity(strict.Join(path, "cost"), x.Cost)
	for _, name := range sortedKeys(x.Uses) {
		v.use(strict.Join(path, "uses."+name), name, x.Uses[name])
	}
	v.quantity(path+".replicas.min", x.Replicas.Min.Quantity)
	if most := x.Replicas.Max; most != nil && *most < x.Replicas.Min.Least() {
		v.Errorf(path+".replicas.max", nil, "maximum %d is below minimum %d", *most, x.Replicas.Min.Least()).
			Hint("raise the maximum, or remove it")
	}
	v.variantGuards(path, x)
}

// capacities checks the capacities of a variant.
func (v *validator) capacities(path string, m *Model, x *Variant, available map[string]ActiveSignal) {
	v.profile(path, m, x)
	for _, name := range sortedKeys(x.Capacity) {
		at := strict.Join(path, "capacity."+name)
		if _, ok := available[name]; !ok {
			v.Unknown(at, v.Key(at), "signal", name, sortedKeys(available))
		}
		v.quantity(at, x.Capacity[name])
	}
	v.missingCapacity(path, m, x)
}

// carried reports a signal without capacity: no plan could serve its demand.
func (v *validator) carried(path string, m *Model) {
	for _, s := range m.active {
		none := !slices.ContainsFunc(m.Variants, func(x Variant) bool {
			own, signal := x.Capacity[s.Name], s.Capacity
			switch {
			case own.Set:
				return !own.IsNumber() || own.Number > 0
			case signal.Set:
				return !signal.IsNumber() || signal.Number > 0
			}
			return !s.Latency.IsZero() && x.Profile != nil && m.SLO != nil
		})
		if none && v.Sound(path+".variants") {
			v.Errorf(path, nil, "no variant has capacity for signal %s", s.Name).
				Hint("give a variant a capacity above 0, or remove the signal")
		}
	}
}

func (v *validator) use(path, name string, q Quantity) {
	if !v.budgets[name] && name != PowerUse && name != MeanPowerUse {
		v.Unknown(path, v.Key(path), "budget", name, append(sortedKeys(v.budgets), PowerUse, MeanPowerUse))
	}
	v.used["budget/"+name] = true
	v.quantity(path, q)
}

// missingCapacity reports a variant that serves whole requests and has no capacity for an active signal.
func (v *validator) missingCapacity(path string, m *Model, x *Variant) {
	if x.Role != RoleBoth {
		return
	}
	for _, s := range m.active {
		if !s.Latency.IsZero() && x.Profile != nil && m.SLO != nil {
			continue
		}
		if !x.Capacity[s.Name].Set && !s.Capacity.Set {
			v.Errorf(path, v.Key(strict.Join(path, "capacity")), "no capacity for signal %s", s.Name).
				Hint("set capacity.%s, in %s per replica, or 0 if this variant serves none of it", s.Name, s.Unit)
		}
	}
}

// unique checks that no other variant of the namespace has the same name, which selects its gauges, or the same scale target.
func (v *validator) unique(path string, m *Model, x *Variant) {
	if name := m.Namespace + "/" + x.Name; x.Name != "" {
		if other, taken := v.names[name]; taken {
			v.Errorf(strict.Join(path, "name"), nil, "duplicate variant %s in namespace %s, also %s", x.Name, m.Namespace, other).
				Hint("give each variant of a namespace its own name: autoscalers select by it")
		}
		v.names[name] = path
	}
	kind := x.ScaleTarget.Kind
	if kind == KindLeaderWorkerSet {
		kind = KindStatefulSet // Its leaders are a StatefulSet of the same name.
	}
	target := fmt.Sprintf("%s/%s/%s", m.Namespace, kind, x.ScaleTarget.Name)
	if other, taken := v.targets[target]; taken && x.Name != "" {
		v.Errorf(strict.Join(path, "scale_target"), nil, "%s %s is already the scale target of %s", x.ScaleTarget.Kind, x.ScaleTarget.Name, other).
			Hint("give each variant its own workload")
	}
	v.targets[target] = path
}

func (v *validator) modelMinimum(path string, m *Model) {
	if len(m.Variants) == 0 {
		return
	}
	most := 0
	for _, x := range m.Variants {
		if x.Replicas.Max == nil {
			return
		}
		most += *x.Replicas.Max
	}
	if least := m.Replicas.Min.Least(); least > most {
		v.Errorf(path+".replicas.min", nil, "minimum %d is above the sum of the variants' maximums, %d", least, most).
			Hint("lower the minimum or raise a maximum")
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
