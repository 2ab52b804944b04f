package collector

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// NewGatherer renders a snapshot as Prometheus series, without a registry in between. What is gathered is not checked for series that stand
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
