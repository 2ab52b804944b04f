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
		all, err := gatherOthers(others)
		for _, f := range familiesOf(s) {
			all = append(all, f.message())
		}
		sortByName(all)
		return all, err
	})
}

// gatherOthers gathers what others have. With an error there may be families too.
func gatherOthers(others []prometheus.Gatherer) (all []*dto.MetricFamily, err error) {
	var failed prometheus.MultiError
	for _, o := range others {
		families, err := o.Gather()
		failed.Append(err)
		all = append(all, families...)
	}
	sortByName(all)
	return all, failed.MaybeUnwrap()
}

func sortByName(families []*dto.MetricFamily) {
	slices.SortFunc(families, func(a, b *dto.MetricFamily) int { return cmp.Compare(a.GetName(), b.GetName()) })
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
	return compress(textFirst(s, others, promhttp.HandlerFor(g, opts))), nil
}

// family is a metric with its series. All are gauges.
type family struct {
	*Metric
	series []series
}

type series struct {
	labels *labels // nil for none
	value  float64
}

// labels are those of a series, sorted by name. Series share them.
type labels struct {
	all  []label
	used int              // by how many series
	text string           // as the text format has them, where several series do; empty before the first is written
	dto  []*dto.LabelPair // the same for other formats
}

type label struct{ name, value string }

// familiesOf are the series of a snapshot, sorted by name, and those of each by their labels.
func familiesOf(s *Snapshot) []family {
	var e emitter
	e.snapshot(s)
	var all []family
	for id, metric := range Metrics() {
		of := e.series[id]
		if len(of) == 0 {
			continue
		}
		if !slices.IsSortedFunc(of, byLabels) {
			slices.SortFunc(of, byLabels)
		}
		all = append(all, family{&metric, of})
	}
	slices.SortFunc(all, func(a, b family) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// byLabels is the order of series in a family, which all have the same labels.
func byLabels(a, b series) int {
	if a.labels == b.labels {
		return 0
	}
	for i, l := range a.labels.all {
		if o := b.labels.all[i].value; l.value != o {
			return cmp.Compare(l.value, o)
		}
	}
	return 0
}

// message is a family as libraries take it.
func (f *family) message() *dto.MetricFamily {
	out := &dto.MetricFamily{Name: &f.Name, Help: &f.Help, Type: dto.MetricType_GAUGE.Enum()}
	for i := range f.series {
		s := &f.series[i]
		out.Metric = append(out.Metric, &dto.Metric{Gauge: &dto.Gauge{Value: &s.value}, Label: s.labels.pairs()})
	}
	return out
}

func (l *labels) pairs() []*dto.LabelPair {
	if l == nil {
		return nil
	}
	for i := len(l.dto); i < len(l.all); i++ {
		l.dto = append(l.dto, &dto.LabelPair{Name: &l.all[i].name, Value: &l.all[i].value})
	}
	return l.dto
}

// emitter makes series.
type emitter struct {
	series [metricCount][]series
}

// add makes one series.
func (e *emitter) add(id metricID, value float64, l *labels) {
	if l != nil {
		l.used++
	}
	e.series[id] = append(e.series[id], series{l, value})
}

// labeled makes labels, which are to be sorted by name.
func labeled(all ...label) *labels { return &labels{all: all} }
