package collector

import (
	"cmp"
	"slices"
	"time"

	dto "github.com/prometheus/client_model/go"
)

// pointer takes what is known, and nothing where it is not: absent is not zero.
func (e *emitter) pointer(id metricID, value *float64, labels []*dto.LabelPair) {
	if value != nil {
		e.add(id, *value, labels)
	}
}

func (e *emitter) count(id metricID, n *int, labels []*dto.LabelPair) {
	if n != nil {
		e.add(id, float64(*n), labels)
	}
}

// snapshot makes every series of a snapshot, mostly in the order of their labels.
func (e *emitter) snapshot(s *Snapshot) {
	for _, m := range ordered(s.Models, func(m *Model) (string, string) { return m.Name, m.Namespace }) {
		e.model(m)
	}
	for _, b := range s.Budgets {
		labels := []*dto.LabelPair{e.label("budget", b.Name), e.label("unit", b.Unit)}
		e.pointer(budgetLimit, b.Limit, labels)
		e.pointer(budgetUsed, b.Used, labels)
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
	model, namespace := e.label("model", m.Name), e.label("target_namespace", m.Namespace)
	for _, s := range m.Signals {
		labels := []*dto.LabelPair{model, e.label("signal", s.Name), namespace, e.label("unit", s.Unit)}
		e.pointer(modelDemand, s.Measured, labels)
		e.pointer(modelStabilized, s.Stabilized, labels)
		e.pointer(modelForecast, s.Forecast, labels)
		e.pointer(modelPlanned, s.Planned, labels)
		e.pointer(modelReady, s.Ready, labels)
		e.count(modelSources, s.Sources, labels)
		e.count(modelExpectedSources, s.Expected, labels)
		e.count(modelOtherSources, s.Others, labels)
	}
	e.pointer(modelShortfall, m.Shortfall, []*dto.LabelPair{model, namespace})
	for _, v := range ordered(m.Variants, func(v *Variant) (string, string) { return v.Name, "" }) {
		e.variant(v, model, namespace)
	}
}

func (e *emitter) variant(v *Variant, model, namespace *dto.LabelPair) {
	variant := e.label("variant", v.Name)
	labels := []*dto.LabelPair{model, namespace, variant}
	e.count(desiredReplicas, v.Desired, labels)
	e.count(plannedReplicas, v.Planned, labels)
	e.count(currentReplicas, v.Current, labels)
	e.count(readyReplicas, v.Ready, labels)
	e.pointer(variantCost, v.Cost, labels)
	if v.Current != nil {
		e.add(variantStuck, indicator(v.Stuck != nil), labels)
	}
	e.add(variantUp, indicator(v.Up), labels)
	e.add(variantInfo, 1, []*dto.LabelPair{
		e.label("accelerator", v.Accelerator), model, e.label("role", v.Role),
		e.label("scale_target_kind", v.TargetKind), e.label("scale_target_name", v.TargetName), namespace, variant,
	})
	for _, c := range v.Capacities {
		e.add(variantCapacity, c.Value, []*dto.LabelPair{model, e.label("signal", c.Signal), namespace, e.label("unit", c.Unit), variant})
	}
	e.pointer(variantCorrection, v.Correction, []*dto.LabelPair{model, namespace, variant})
	e.add(variantDecision, 1, []*dto.LabelPair{model, e.label("reason", string(v.Reason)), namespace, variant})
}

func (e *emitter) input(i *Input) {
	name := e.label("input", i.Name)
	labels := []*dto.LabelPair{name}
	e.add(queryUp, indicator(i.Err == nil), labels)
	e.add(queryDuration, i.Duration, labels)
	e.pointer(queryAge, i.Age, labels)
	if i.Err != nil {
		e.add(queryFailure, 1, []*dto.LabelPair{name, e.label("reason", string(i.Failure))})
		return
	}
	e.count(querySeries, i.Series, labels)
	e.count(queryMatched, i.Matched, labels)
	for reason, n := range i.Bad {
		e.add(queryBadSamples, float64(n), []*dto.LabelPair{name, e.label("reason", reason)})
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
