package collector

import (
	"cmp"
	"slices"
	"time"
)

// pointer takes what is known, and nothing where it is not: absent is not zero.
func (e *emitter) pointer(id metricID, value *float64, l *labels) {
	if value != nil {
		e.add(id, *value, l)
	}
}

func (e *emitter) count(id metricID, n *int, l *labels) {
	if n != nil {
		e.add(id, float64(*n), l)
	}
}

// snapshot makes every series of a snapshot, mostly in the order of their labels.
func (e *emitter) snapshot(s *Snapshot) {
	for _, m := range ordered(s.Models, func(m *Model) (string, string) { return m.Name, m.Namespace }) {
		e.model(m)
	}
	for _, b := range s.Budgets {
		l := labeled(label{"budget", b.Name}, label{"unit", b.Unit})
		e.pointer(budgetLimit, b.Limit, l)
		e.pointer(budgetUsed, b.Used, l)
	}
	for i := range s.Inputs {
		e.input(&s.Inputs[i])
	}
	e.add(evaluationDuration, s.Duration.Seconds(), nil)
	e.add(evaluationTime, float64(s.At.UnixMilli())/float64(time.Second/time.Millisecond), nil)
	e.pointer(optimalityGap, s.Plan.Gap, nil)
	e.pointer(shortfallGap, s.Plan.ShortfallGap, nil)
	e.pointer(planCost, s.Plan.Cost, nil)
}

func (e *emitter) model(m *Model) {
	model, namespace := label{"model", m.Name}, label{"target_namespace", m.Namespace}
	for _, s := range m.Signals {
		l := labeled(model, label{"signal", s.Name}, namespace, label{"unit", s.Unit})
		e.pointer(modelDemand, s.Measured, l)
		e.pointer(modelStabilized, s.Stabilized, l)
		e.pointer(modelForecast, s.Forecast, l)
		e.pointer(modelPlanned, s.Planned, l)
		e.pointer(modelReady, s.Ready, l)
		e.count(modelSources, s.Sources, l)
		e.count(modelExpectedSources, s.Expected, l)
		e.count(modelOtherSources, s.Others, l)
	}
	e.pointer(modelShortfall, m.Shortfall, labeled(model, namespace))
	for _, v := range ordered(m.Variants, func(v *Variant) (string, string) { return v.Name, "" }) {
		e.variant(v, model, namespace)
	}
}

func (e *emitter) variant(v *Variant, model, namespace label) {
	variant := label{"variant", v.Name}
	l := labeled(model, namespace, variant)
	e.count(desiredReplicas, v.Desired, l)
	e.count(plannedReplicas, v.Planned, l)
	e.count(currentReplicas, v.Current, l)
	e.count(readyReplicas, v.Ready, l)
	e.pointer(variantCost, v.Cost, l)
	e.pointer(variantCorrection, v.Correction, l)
	if v.Current != nil {
		e.add(variantStuck, indicator(v.Stuck != nil), l)
	}
	e.add(variantUp, indicator(v.Up), l)
	e.add(variantInfo, 1, labeled(
		label{"accelerator", v.Accelerator}, model, label{"role", v.Role},
		label{"scale_target_kind", v.TargetKind}, label{"scale_target_name", v.TargetName}, namespace, variant,
	))
	for _, c := range v.Capacities {
		e.add(variantCapacity, c.Value, labeled(model, label{"signal", c.Signal}, namespace, label{"unit", c.Unit}, variant))
	}
	e.add(variantDecision, 1, labeled(model, label{"reason", string(v.Reason)}, namespace, variant))
}

func (e *emitter) input(i *Input) {
	name := label{"input", i.Name}
	l := labeled(name)
	e.add(queryUp, indicator(i.Err == nil), l)
	e.add(queryDuration, i.Duration, l)
	e.pointer(queryAge, i.Age, l)
	if i.Err != nil {
		e.add(queryFailure, 1, labeled(name, label{"reason", string(i.Failure)}))
		return
	}
	e.count(querySeries, i.Series, l)
	e.count(queryMatched, i.Matched, l)
	for reason, n := range i.Bad {
		e.add(queryBadSamples, float64(n), labeled(name, label{"reason", reason}))
	}
}

// ordered points to elements in the order of two texts.
func ordered[T any](all []T, by func(*T) (string, string)) []*T {
	out := make([]*T, len(all))
	for i := range all {
		out[i] = &all[i]
	}
	slices.SortFunc(out, func(a, b *T) int {
		first, second := by(a)
		otherFirst, otherSecond := by(b)
		return cmp.Or(cmp.Compare(first, otherFirst), cmp.Compare(second, otherSecond))
	})
	return out
}

func indicator(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
