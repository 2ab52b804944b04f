package store

import (
	"context"
	"sort"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
)

// querier implements storage.Querier over a stretch of time.
type querier struct {
	store    *Store
	from, to int64
}

func (q *querier) Select(_ context.Context, sorted bool, hints *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	from, to := q.from, q.to
	if hints != nil {
		from, to = hints.Start, hints.End
	}
	return &set{series: q.store.find(from, to, sorted, matchers), from: from, to: to, at: -1}
}

func (q *querier) LabelValues(_ context.Context, name string, _ *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return q.store.names(name, matchers), nil, nil
}

func (q *querier) LabelNames(_ context.Context, _ *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return q.store.names("", matchers), nil, nil
}

func (q *querier) Close() error { return nil }

// set implements storage.SeriesSet.
type set struct {
	series   []*Series
	from, to int64
	at       int
}

func (s *set) Next() bool {
	s.at++
	return s.at < len(s.series)
}

func (s *set) At() storage.Series                { return &view{s.series[s.at], s.from, s.to} }
func (s *set) Err() error                        { return nil }
func (s *set) Warnings() annotations.Annotations { return nil }

// view is a series between two times.
type view struct {
	*Series
	from, to int64
}

func (v *view) Iterator(chunkenc.Iterator) chunkenc.Iterator {
	return storage.NewListSeriesIterator(v.samples[v.search(v.from):v.search(v.to+1)])
}

// samples are the samples of a series, in the order of time.
type samples []sample

// Get implements storage.Samples.
func (s samples) Get(i int) chunks.Sample { return &s[i] }

// Len implements storage.Samples.
func (s samples) Len() int { return len(s) }

// search returns the place of the first sample at or after a time.
func (s samples) search(at int64) int {
	return sort.Search(len(s), func(i int) bool { return s[i].t >= at })
}

// sample implements chunks.Sample.
type sample struct {
	t int64
	v float64
}

func (s *sample) T() int64                      { return s.t }
func (s *sample) ST() int64                     { return 0 }
func (s *sample) F() float64                    { return s.v }
func (s *sample) H() *histogram.Histogram       { return nil }
func (s *sample) FH() *histogram.FloatHistogram { return nil }
func (s *sample) Type() chunkenc.ValueType      { return chunkenc.ValFloat }

func (s *sample) Copy() chunks.Sample {
	c := *s
	return &c
}
