package collector

import (
	"cmp"
	"compress/gzip"
	"fmt"
	"net/http"
	"slices"

	"github.com/klauspost/compress/gzhttp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
)

// NewGatherer renders a snapshot as Prometheus series. Other gatherers of the same page must have no series of the same names. What
// prometheus.Gatherers checks holds by construction: names of models, variants, signals and inputs are unique, every series has the
// labels of its metric, in one order. Checking it for each scrape of a large fleet would take longer than to decide.
func NewGatherer(s *Snapshot, others ...prometheus.Gatherer) prometheus.Gatherer {
	return prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
		table := Metrics()
		emit := emitter{families: make([]*dto.MetricFamily, metricCount), table: table}
		emit.snapshot(s)
		all := slices.DeleteFunc(emit.families, func(f *dto.MetricFamily) bool { return f == nil })
		for _, f := range all {
			if !slices.IsSortedFunc(f.Metric, byLabels) {
				slices.SortFunc(f.Metric, byLabels)
			}
		}
		var failed prometheus.MultiError
		for _, o := range others {
			families, err := o.Gather()
			failed.Append(err)
			all = append(all, families...)
		}
		slices.SortFunc(all, func(a, b *dto.MetricFamily) int { return cmp.Compare(a.GetName(), b.GetName()) })
		return all, failed.MaybeUnwrap()
	})
}

// NewHandler answers scrapes with what NewGatherer gathers. It compresses fast rather than well: as well as the standard library does
// by default takes longer than to plan, and saves an eighth of a large answer.
func NewHandler(s *Snapshot, opts promhttp.HandlerOpts, others ...prometheus.Gatherer) (http.Handler, error) {
	opts.DisableCompression = true
	compress, err := gzhttp.NewWrapper(gzhttp.CompressionLevel(gzip.BestSpeed), gzhttp.EnableZstd(false))
	if err != nil {
		return nil, fmt.Errorf("compress scrapes: %w", err)
	}
	g := NewGatherer(s, others...)
	return compress(textFirst(g, promhttp.HandlerFor(g, opts))), nil
}

// byLabels is the order of series in a family, which all have the same labels.
func byLabels(a, b *dto.Metric) int {
	for i, l := range a.Label {
		if o := b.Label[i]; l != o && *l.Value != *o.Value {
			return cmp.Compare(*l.Value, *o.Value)
		}
	}
	return 0
}

// emitter makes series. It takes memory for many at once.
type emitter struct {
	table    []Metric
	families []*dto.MetricFamily // by metricID
	samples  []sample
	pairs    []pair
}

type sample struct {
	metric dto.Metric
	gauge  dto.Gauge
	value  float64
}

type pair struct {
	label       dto.LabelPair
	name, value string
}

const atOnce = 256 // samples, and labels

// add makes one series. Its labels are sorted by name, and may be shared with other series.
func (e *emitter) add(id metricID, value float64, labels []*dto.LabelPair) {
	f := e.families[id]
	if f == nil {
		f = &dto.MetricFamily{Name: &e.table[id].Name, Help: &e.table[id].Help, Type: dto.MetricType_GAUGE.Enum()}
		e.families[id] = f
	}
	if len(e.samples) == 0 {
		e.samples = make([]sample, atOnce)
	}
	s := &e.samples[0]
	e.samples = e.samples[1:]
	s.value, s.gauge.Value, s.metric.Gauge, s.metric.Label = value, &s.value, &s.gauge, labels
	f.Metric = append(f.Metric, &s.metric)
}

// label makes a label.
func (e *emitter) label(name, value string) *dto.LabelPair {
	if len(e.pairs) == 0 {
		e.pairs = make([]pair, atOnce)
	}
	p := &e.pairs[0]
	e.pairs = e.pairs[1:]
	p.name, p.value, p.label.Name, p.label.Value = name, value, &p.name, &p.value
	return &p.label
}
