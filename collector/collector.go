package collector

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// NewCollector renders a snapshot as Prometheus series. It may be collected any number of times.
func NewCollector(s *Snapshot) prometheus.Collector {
	c := &snapshotCollector{snapshot: s}
	for i, m := range Metrics() {
		c.descs[i] = m.desc()
	}
	return c
}

type snapshotCollector struct {
	snapshot *Snapshot
	descs    [metricCount]*prometheus.Desc
}

// Describe implements prometheus.Collector.
func (c *snapshotCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *snapshotCollector) Collect(ch chan<- prometheus.Metric) {
	emit := func(id metricID, value float64, labels ...string) {
		m, err := prometheus.NewConstMetric(c.descs[id], prometheus.GaugeValue, value, labels...)
		if err != nil {
			m = prometheus.NewInvalidMetric(c.descs[id], err)
		}
		ch <- m
	}
	for i := range c.snapshot.Models {
		m := &c.snapshot.Models[i]
		collectModel(emit, m)
		for j := range m.Variants {
			collectVariant(emit, m, &m.Variants[j])
		}
	}
	for _, b := range c.snapshot.Budgets {
		emitPointer(emit, budgetLimit, b.Limit, b.Name, b.Unit)
		emitPointer(emit, budgetUsed, b.Used, b.Name, b.Unit)
	}
	for i := range c.snapshot.Inputs {
		collectInput(emit, &c.snapshot.Inputs[i])
	}
	c.collectEvaluation(emit)
}

// emitter sends one sample.
type emitter func(id metricID, value float64, labels ...string)

func collectModel(emit emitter, m *Model) {
	for _, s := range m.Signals {
		emitPointer(emit, modelDemand, s.Measured, m.Name, m.Namespace, s.Name, s.Unit)
		emitPointer(emit, modelStabilized, s.Stabilized, m.Name, m.Namespace, s.Name, s.Unit)
		emitPointer(emit, modelPlanned, s.Planned, m.Name, m.Namespace, s.Name, s.Unit)
	}
	emitPointer(emit, modelShortfall, m.Shortfall, m.Name, m.Namespace)
}

func collectVariant(emit emitter, m *Model, v *Variant) {
	emitPointer(emit, desiredReplicas, v.Desired, v.Name, m.Name, m.Namespace)
	emitPointer(emit, plannedReplicas, v.Planned, v.Name, m.Name, m.Namespace)
	emitPointer(emit, currentReplicas, v.Current, v.Name, m.Name, m.Namespace)
	emitPointer(emit, readyReplicas, v.Ready, v.Name, m.Name, m.Namespace)
	emitPointer(emit, variantCost, v.Cost, v.Name, m.Name, m.Namespace)
	emit(variantInfo, 1, v.Name, m.Name, m.Namespace, v.Accelerator, v.Role, v.TargetKind, v.TargetName)
	for _, c := range v.Capacities {
		emit(variantCapacity, c.Value, v.Name, m.Name, m.Namespace, c.Signal, c.Unit)
	}
	emit(variantUp, indicator(v.Up), v.Name, m.Name, m.Namespace)
	emit(variantDecision, 1, v.Name, m.Name, m.Namespace, string(v.Reason))
}

func collectInput(emit emitter, i *Input) {
	emit(queryUp, indicator(i.Err == nil), i.Name)
	emit(queryDuration, i.Duration.Seconds(), i.Name)
	if i.Age >= 0 {
		emit(queryAge, i.Age.Seconds(), i.Name)
	}
	if i.Err != nil {
		emit(queryFailure, 1, i.Name, string(i.Reason()))
		return
	}
	emit(querySeries, float64(i.Series), i.Name)
	emit(queryMatched, float64(i.Matched), i.Name)
	bad := map[string]int{}
	for _, b := range i.Bad {
		bad[b.Reason]++
	}
	for reason, n := range bad {
		emit(queryBadSamples, float64(n), i.Name, reason)
	}
}

func (c *snapshotCollector) collectEvaluation(emit emitter) {
	s := c.snapshot
	emit(evaluationDuration, s.Duration.Seconds())
	emit(evaluationTime, float64(s.At.UnixMilli())/float64(time.Second/time.Millisecond))
	if s.Plan.Status != "" {
		emit(optimalityGap, s.Plan.Gap)
		emit(shortfallGap, s.Plan.ShortfallGap)
		emit(planCost, s.Plan.Cost)
	}
}

// emitPointer sends what is known, and nothing where it is not: absent is not zero.
func emitPointer[T int | float64](emit emitter, id metricID, value *T, labels ...string) {
	if value != nil {
		emit(id, float64(*value), labels...)
	}
}

func indicator(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
