package fleet

import (
	"maps"

	"github.com/prometheus/client_golang/prometheus"
)

// exposition is what one target serves: const metrics, made for one scrape.
type exposition struct {
	labels  prometheus.Labels // on every series, unless they are replaced
	metrics []prometheus.Metric
}

// Describe sends nothing, which makes this an unchecked collector: which series there are depends on the fleet's state.
func (*exposition) Describe(chan<- *prometheus.Desc) {}

// Collect sends the metrics.
func (e *exposition) Collect(ch chan<- prometheus.Metric) {
	for _, m := range e.metrics {
		ch <- m
	}
}

func (e *exposition) gauge(name, help string, value float64) {
	e.add(name, help, prometheus.GaugeValue, value, nil)
}

func (e *exposition) counter(name, help string, value float64) {
	e.add(name, help, prometheus.CounterValue, value, nil)
}

// with returns the labels and one more.
func (e *exposition) with(name, value string) prometheus.Labels {
	labels := prometheus.Labels{name: value}
	maps.Copy(labels, e.labels)
	return labels
}

// add adds one series, with labels of its own if there are any.
func (e *exposition) add(name, help string, kind prometheus.ValueType, value float64, labels prometheus.Labels) {
	if labels == nil {
		labels = e.labels
	}
	desc := prometheus.NewDesc(name, help, nil, labels)
	m, err := prometheus.NewConstMetric(desc, kind, value)
	if err != nil { // a name that is not valid UTF-8, for example: the scrape says so
		m = prometheus.NewInvalidMetric(desc, err)
	}
	e.metrics = append(e.metrics, m)
}

func (e *exposition) histogram(name, help string, h Histogram) {
	desc := prometheus.NewDesc(name, help, nil, e.labels)
	m, err := prometheus.NewConstHistogram(desc, h.Count, h.Sum, h.cumulative())
	if err != nil {
		m = prometheus.NewInvalidMetric(desc, err)
	}
	e.metrics = append(e.metrics, m)
}
