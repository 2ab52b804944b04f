package promapi

import (
	"errors"
	"fmt"
	"slices"

	"github.com/prometheus/common/model"
)

var (
	errNoValue  = errors.New("the answer holds an element without a value")
	errNoLabels = errors.New("the answer holds an element without labels")
	errLabels   = &Error{Reason: ReasonTooLarge, Err: fmt.Errorf("a series has more than %d labels", maxLabels)}
	errDisorder = errors.New("the samples of a series are not in the order of time")
)

// sample reads one element of a vector.
func (d *decoder) sample() *model.Sample {
	s := &d.samples.take(1)[0]
	told := false
	d.fields("an element", func(key string) {
		switch key {
		case "metric":
			s.Metric = d.metric()
		case "value":
			p := d.pair()
			s.Timestamp, s.Value, told = p.Timestamp, p.Value, true
		case "histogram":
			p := d.histogram()
			s.Timestamp, s.Histogram, told = p.Timestamp, p.Histogram, true
		default:
			d.raw()
		}
	})
	d.complete(s.Metric, told)
	return s
}

// stream reads one element of a matrix.
func (d *decoder) stream() *model.SampleStream {
	s := &d.streams.take(1)[0]
	told := false
	d.fields("an element", func(key string) {
		switch key {
		case "metric":
			s.Metric = d.metric()
		case "values":
			s.Values, told = d.values(), true
		case "histograms":
			s.Histograms, told = d.histograms(), true
		default:
			d.raw()
		}
	})
	d.complete(s.Metric, told)
	return s
}

// complete holds that an element has labels, be they none, and a value.
func (d *decoder) complete(metric model.Metric, told bool) {
	switch {
	case d.err != nil:
	case metric == nil:
		d.fail(errNoLabels)
	case !told:
		d.fail(errNoValue)
	}
}

// metric reads labels, or knows them from before.
func (d *decoder) metric() model.Metric {
	d.peek()
	start, written := d.pos, object(d.data[d.pos:])
	if written != nil {
		if metric := d.known.find(written); metric != nil {
			d.pos += len(written)
			d.spend(seriesBytes)
			return metric
		}
	}
	metric := d.newMetric()
	d.spend(seriesBytes + labelsBytes + labelBytes*max(0, len(metric)-fewLabels) + d.pos - start)
	if d.err == nil && d.pos == start+len(written) {
		d.known.remember(written, metric)
	}
	return metric
}

// spend counts memory that is taken.
func (d *decoder) spend(bytes int) {
	if err := d.account.spend(bytes); err != nil && d.err == nil {
		d.fail(err)
	}
}

// newMetric reads labels.
func (d *decoder) newMetric() model.Metric {
	metric := make(model.Metric, d.width)
	n := 0
	for ok := d.enter('{', '}', "labels"); ok; ok = d.again('}') {
		if n == maxLabels {
			d.fail(errLabels)
			break
		}
		if n == len(d.labels) {
			d.labels = append(d.labels, label{})
		}
		l := &d.labels[n]
		l.name = d.word(l.name)
		d.expect(':', "':'")
		l.value = d.word(l.value)
		metric[model.LabelName(l.name.text)] = model.LabelValue(l.value.text)
		if n++; len(metric) < n {
			d.fail(fmt.Errorf("the label %q comes twice in one series", shorten(l.name.text)))
		}
	}
	d.width = n
	return metric
}

// values reads the samples of a series.
func (d *decoder) values() []model.SamplePair {
	d.row = d.row[:0]
	for ok := d.enter('[', ']', "samples"); ok; ok = d.again(']') {
		p := d.pair()
		if n := len(d.row); n > 0 && d.row[n-1].Timestamp >= p.Timestamp {
			d.fail(errDisorder)
		}
		if d.row = append(d.row, p); len(d.row)%pairsAtOnce == 0 {
			d.spend(2 * pairBytes * pairsAtOnce) // in the row, and in what is returned
		}
	}
	d.spend(pairBytes * (len(d.row) % pairsAtOnce))
	values := d.pairs.take(len(d.row))
	copy(values, d.row)
	return values
}

// histograms reads the native histograms of a series.
func (d *decoder) histograms() []model.SampleHistogramPair {
	var pairs []model.SampleHistogramPair
	for ok := d.enter('[', ']', "histograms"); ok; ok = d.again(']') {
		p := d.histogram()
		if n := len(pairs); n > 0 && pairs[n-1].Timestamp >= p.Timestamp {
			d.fail(errDisorder)
		}
		pairs = append(pairs, p)
	}
	return pairs
}

// histogram reads a time and a native histogram. They are not read fast: no signal is made of them.
func (d *decoder) histogram() model.SampleHistogramPair {
	var p model.SampleHistogramPair
	d.peek()
	start := d.pos
	d.into(&p)
	d.spend(histogramShare * (d.pos - start))
	switch {
	case d.err != nil:
	case p.Histogram == nil || slices.Contains(p.Histogram.Buckets, nil):
		d.fail(errNoValue)
	default:
		p.Timestamp = d.onGrid(p.Timestamp)
	}
	return p
}

// slab hands out parts of larger pieces of memory: an answer is kept or dropped as a whole.
type slab[T any] struct {
	free []T
	size int
}

func (s *slab[T]) take(n int) []T {
	if n > len(s.free) || s.free == nil {
		s.size = max(n, min(2*s.size, 1024), 4)
		s.free = make([]T, s.size)
	}
	taken := s.free[:n:n]
	s.free = s.free[n:]
	return taken
}
