package collector

import (
	"time"

	dto "github.com/prometheus/client_model/go"
)

// emitter takes one sample. Its labels are sorted by name, and may be shared with other samples.
type emitter func(id metricID, value float64, labels []*dto.LabelPair)

// pointer takes what is known, and nothing where it is not: absent is not zero.
func (emit emitter) pointer(id metricID, value *float64, labels []*dto.LabelPair) {
	if value != nil {
		emit(id, *value, labels)
	}
}

func (emit emitter) count(id metricID, n *int, labels []*dto.LabelPair) {
	if n != nil {
		emit(id, float64(*n), labels)
	}
}

func label(name, value string) *dto.LabelPair { return &dto.LabelPair{Name: &name, Value: &value} }

// emit yields every sample of a snapshot.
func (s *Snapshot) emit(emit emitter) {
	for i := range s.Models {
		emit.model(&s.Models[i])
	}
	for _, b := range s.Budgets {
		labels := []*dto.LabelPair{label("budget", b.Name), label("unit", b.Unit)}
		emit.pointer(budgetLimit, b.Limit, labels)
		emit.pointer(budgetUsed, b.Used, labels)
	}
	for i := range s.Inputs {
		emit.input(&s.Inputs[i])
	}
	emit(evaluationDuration, s.Duration.Seconds(), nil)
	emit(evaluationTime, float64(s.At.UnixMilli())/float64(time.Second/time.Millisecond), nil)
	emit.pointer(optimalityGap, s.Plan.Gap, nil)
	emit.pointer(shortfallGap, s.Plan.ShortfallGap, nil)
	emit.pointer(planCost, s.Plan.Cost, nil)
}

func (emit emitter) model(m *Model) {
	model, namespace := label("model", m.Name), label("target_namespace", m.Namespace)
	for _, s := range m.Signals {
		labels := []*dto.LabelPair{model, label("signal", s.Name), namespace, label("unit", s.Unit)}
		emit.pointer(modelDemand, s.Measured, labels)
		emit.pointer(modelStabilized, s.Stabilized, labels)
		emit.pointer(modelForecast, s.Forecast, labels)
		emit.pointer(modelPlanned, s.Planned, labels)
		emit.pointer(modelReady, s.Ready, labels)
		emit.count(modelSources, s.Sources, labels)
		emit.count(modelExpectedSources, s.Expected, labels)
	}
	emit.pointer(modelShortfall, m.Shortfall, []*dto.LabelPair{model, namespace})
	for i := range m.Variants {
		emit.variant(&m.Variants[i], model, namespace)
	}
}

func (emit emitter) variant(v *Variant, model, namespace *dto.LabelPair) {
	variant := label("variant", v.Name)
	labels := []*dto.LabelPair{model, namespace, variant}
	emit.count(desiredReplicas, v.Desired, labels)
	emit.count(plannedReplicas, v.Planned, labels)
	emit.count(currentReplicas, v.Current, labels)
	emit.count(readyReplicas, v.Ready, labels)
	emit.pointer(variantCost, v.Cost, labels)
	if v.Current != nil {
		emit(variantStuck, indicator(v.Stuck != nil), labels)
	}
	emit(variantUp, indicator(v.Up), labels)
	emit(variantInfo, 1, []*dto.LabelPair{
		label("accelerator", v.Accelerator), model, label("role", v.Role),
		label("scale_target_kind", v.TargetKind), label("scale_target_name", v.TargetName), namespace, variant,
	})
	for _, c := range v.Capacities {
		emit(variantCapacity, c.Value, []*dto.LabelPair{model, label("signal", c.Signal), namespace, label("unit", c.Unit), variant})
	}
	emit.pointer(variantCorrection, v.Correction, []*dto.LabelPair{model, namespace, variant})
	emit(variantDecision, 1, []*dto.LabelPair{model, label("reason", string(v.Reason)), namespace, variant})
}

func (emit emitter) input(i *Input) {
	name := label("input", i.Name)
	labels := []*dto.LabelPair{name}
	emit(queryUp, indicator(i.Err == nil), labels)
	emit(queryDuration, i.Duration, labels)
	emit.pointer(queryAge, i.Age, labels)
	if i.Err != nil {
		emit(queryFailure, 1, []*dto.LabelPair{name, label("reason", string(i.Failure))})
		return
	}
	emit.count(querySeries, i.Series, labels)
	emit.count(queryMatched, i.Matched, labels)
	for reason, n := range i.Bad {
		emit(queryBadSamples, float64(n), []*dto.LabelPair{name, label("reason", reason)})
	}
}

func indicator(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
