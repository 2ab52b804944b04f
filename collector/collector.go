package collector

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
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
	c.snapshot.emit(func(id metricID, value float64, labels []*dto.LabelPair) {
		ch <- &sample{c.descs[id], labels, value}
	})
}

// sample is one sample of a gauge. A const metric of client_golang would make and sort its labels anew for each of the series of
// a variant, which took half the time of a scrape.
type sample struct {
	desc   *prometheus.Desc
	labels []*dto.LabelPair // sorted by name
	value  float64
}

// Desc implements prometheus.Metric.
func (s *sample) Desc() *prometheus.Desc { return s.desc }

// Write implements prometheus.Metric.
func (s *sample) Write(m *dto.Metric) error {
	m.Label = s.labels
	m.Gauge = &dto.Gauge{Value: &s.value}
	return nil
}

// NewGatherer renders a snapshot without the detour through a registry. What is gathered is not checked for series that stand
// twice: let prometheus.Gatherers do that, as is needed anyway where other series are to stand beside these.
func NewGatherer(s *Snapshot) prometheus.Gatherer {
	return prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
		table := Metrics()
		families := make([]*dto.MetricFamily, metricCount)
		s.emit(func(id metricID, value float64, labels []*dto.LabelPair) {
			f := families[id]
			if f == nil {
				f = &dto.MetricFamily{Name: &table[id].Name, Help: &table[id].Help, Type: dto.MetricType_GAUGE.Enum()}
				families[id] = f
			}
			f.Metric = append(f.Metric, &dto.Metric{Label: labels, Gauge: &dto.Gauge{Value: &value}})
		})
		return slices.DeleteFunc(families, func(f *dto.MetricFamily) bool { return f == nil }), nil
	})
}
