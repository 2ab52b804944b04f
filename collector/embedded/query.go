package embedded

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"

	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

var errClosed = errors.New("the embedded engine is closed")

var _ promapi.Querier = (*Engine)(nil)

// Query implements promapi.Querier. Its reasons are those that a Prometheus server's answers to the same mistakes get.
func (e *Engine) Query(ctx context.Context, expr string, at time.Time) (model.Vector, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.db == nil {
		return nil, &promapi.Error{Reason: promapi.ReasonConnection, Err: errClosed}
	}
	query, err := e.promql.NewInstantQuery(ctx, e.db, nil, expr, at)
	if err != nil {
		return nil, &promapi.Error{Reason: promapi.ReasonBadQuery, Err: err}
	}
	defer query.Close()
	result := query.Exec(ctx)
	if result.Err != nil {
		return nil, &promapi.Error{Reason: reasonOf(ctx, result.Err), Err: result.Err}
	}
	if warnings, _ := result.Warnings.AsStrings(expr, 0, 0); len(warnings) > 0 {
		return nil, &promapi.Error{Reason: promapi.ReasonWarnings, Err: errors.New(strings.Join(warnings, "; "))}
	}
	vector, ok := result.Value.(promql.Vector)
	if !ok {
		return nil, &promapi.Error{
			Reason: promapi.ReasonWrongType,
			Err:    fmt.Errorf("the answer is a %s, not a vector", result.Value.Type()),
		}
	}
	return toVector(vector), nil
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

// toVector copies an answer out of the engine, which reuses its memory.
func toVector(from promql.Vector) model.Vector {
	vector := make(model.Vector, 0, len(from))
	for _, s := range from {
		metric := make(model.Metric, s.Metric.Len())
		s.Metric.Range(func(l labels.Label) { metric[model.LabelName(l.Name)] = model.LabelValue(l.Value) })
		vector = append(vector, &model.Sample{
			Metric:    metric,
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
