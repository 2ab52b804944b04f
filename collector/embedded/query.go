package embedded

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

var errClosed = errors.New("the embedded engine is closed")

var _ promapi.RangeQuerier = (*Engine)(nil)

// Query implements promapi.Querier. Its reasons are those that a Prometheus server's answers to the same mistakes get.
func (e *Engine) Query(ctx context.Context, expr string, at time.Time) (model.Vector, error) {
	var answer model.Vector
	err := e.exec(ctx, execution{
		expr: expr, want: parser.ValueTypeVector,
		prepare: func() (promql.Query, error) { return e.promql.NewInstantQuery(ctx, e.store, nil, expr, at) },
		take:    func(value parser.Value) { answer = toVector(value.(promql.Vector)) },
	})
	return answer, err
}

// QueryRange implements promapi.RangeQuerier. Its errors are those of Query.
func (e *Engine) QueryRange(ctx context.Context, expr string, r v1.Range) (model.Matrix, error) {
	var answer model.Matrix
	err := e.exec(ctx, execution{
		expr: expr, want: parser.ValueTypeMatrix,
		prepare: func() (promql.Query, error) {
			return e.promql.NewRangeQuery(ctx, e.store, nil, expr, r.Start, r.End, r.Step)
		},
		take: func(value parser.Value) { answer = toMatrix(value.(promql.Matrix)) },
	})
	return answer, err
}

// execution is one query: how to prepare it, and how to copy a result of the type that is wanted, which lives no longer than the
// query.
type execution struct {
	expr    string
	want    parser.ValueType
	prepare func() (promql.Query, error)
	take    func(parser.Value)
}

func (e *Engine) exec(ctx context.Context, x execution) error {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.store == nil {
		return &promapi.Error{Reason: promapi.ReasonConnection, Err: errClosed}
	}
	query, err := x.prepare()
	if err != nil {
		return &promapi.Error{Reason: promapi.ReasonBadQuery, Err: err}
	}
	defer query.Close()
	result := query.Exec(ctx)
	if result.Err != nil {
		return &promapi.Error{Reason: reasonOf(ctx, result.Err), Err: result.Err}
	}
	if warnings, _ := result.Warnings.AsStrings(x.expr, 0, 0); len(warnings) > 0 {
		return &promapi.Error{Reason: promapi.ReasonWarnings, Err: errors.New(strings.Join(warnings, "; "))}
	}
	if got := result.Value.Type(); got != x.want {
		return &promapi.Error{Reason: promapi.ReasonWrongType, Err: fmt.Errorf("the answer is a %s, not a %s", got, x.want)}
	}
	x.take(result.Value)
	return nil
}

// reasonOf classifies a failed execution as Prometheus' API does. ctx is the caller's.
func reasonOf(ctx context.Context, err error) promapi.Reason {
	if errors.Is(ctx.Err(), context.Canceled) {
		return promapi.ReasonCanceled
	}
	if _, ok := errors.AsType[promql.ErrQueryTimeout](err); ok || errors.Is(err, context.DeadlineExceeded) {
		return promapi.ReasonTimeout
	}
	if _, ok := errors.AsType[promql.ErrStorage](err); ok {
		return promapi.ReasonServerError
	}
	return promapi.ReasonExecution
}

// toMetric copies labels out of the engine, which reuses its memory.
func toMetric(from labels.Labels) model.Metric {
	metric := make(model.Metric, from.Len())
	from.Range(func(l labels.Label) { metric[model.LabelName(l.Name)] = model.LabelValue(l.Value) })
	return metric
}

// toMatrix copies an answer over a range.
func toMatrix(from promql.Matrix) model.Matrix {
	matrix := make(model.Matrix, 0, len(from))
	for _, s := range from {
		stream := &model.SampleStream{Metric: toMetric(s.Metric)}
		for _, p := range s.Floats {
			stream.Values = append(stream.Values, model.SamplePair{Timestamp: model.Time(p.T), Value: model.SampleValue(p.F)})
		}
		for _, p := range s.Histograms {
			stream.Histograms = append(stream.Histograms, model.SampleHistogramPair{Timestamp: model.Time(p.T), Histogram: toHistogram(p.H)})
		}
		matrix = append(matrix, stream)
	}
	return matrix
}

// toVector copies an answer at an instant.
func toVector(from promql.Vector) model.Vector {
	vector := make(model.Vector, 0, len(from))
	for _, s := range from {
		vector = append(vector, &model.Sample{
			Metric:    toMetric(s.Metric),
			Value:     model.SampleValue(s.F),
			Timestamp: model.Time(s.T),
			Histogram: toHistogram(s.H),
		})
	}
	return vector
}

// toHistogram renders a native histogram as Prometheus' API does. Boundaries says which ends of a bucket belong to it:
// 0 the upper, 1 the lower, 2 neither, 3 both.
func toHistogram(h *histogram.FloatHistogram) *model.SampleHistogram {
	if h == nil {
		return nil
	}
	out := &model.SampleHistogram{Count: model.FloatString(h.Count), Sum: model.FloatString(h.Sum)}
	for buckets := h.AllBucketIterator(); buckets.Next(); {
		b := buckets.At()
		if b.Count == 0 {
			continue
		}
		boundaries := int32(2)
		switch {
		case b.LowerInclusive && b.UpperInclusive:
			boundaries = 3
		case b.LowerInclusive:
			boundaries = 1
		case b.UpperInclusive:
			boundaries = 0
		}
		out.Buckets = append(out.Buckets, &model.HistogramBucket{
			Boundaries: boundaries,
			Lower:      model.FloatString(b.Lower),
			Upper:      model.FloatString(b.Upper),
			Count:      model.FloatString(b.Count),
		})
	}
	return out
}
