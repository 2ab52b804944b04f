package server

import (
	"context"
	"fmt"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"golang.org/x/sync/semaphore"

	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

// limited lets a bounded number of queries of the whole process through at once: while a configuration is replaced, the evaluations of
// both share the limit.
type limited struct {
	promapi.RangeQuerier
	slots *semaphore.Weighted
}

// Query implements promapi.Querier.
func (l limited) Query(ctx context.Context, expr string, at time.Time) (model.Vector, error) {
	if err := l.wait(ctx); err != nil {
		return nil, err
	}
	defer l.slots.Release(1)
	return l.RangeQuerier.Query(ctx, expr, at)
}

// QueryRange implements promapi.RangeQuerier.
func (l limited) QueryRange(ctx context.Context, expr string, r v1.Range) (model.Matrix, error) {
	if err := l.wait(ctx); err != nil {
		return nil, err
	}
	defer l.slots.Release(1)
	return l.RangeQuerier.QueryRange(ctx, expr, r)
}

func (l limited) wait(ctx context.Context) error {
	err := l.slots.Acquire(ctx, 1)
	if err == nil {
		return nil
	}
	reason := promapi.ReasonTimeout
	if context.Cause(ctx) == context.Canceled { //nolint:errorlint // the context's own error, not wrapped
		reason = promapi.ReasonCanceled
	}
	return &promapi.Error{Reason: reason, Err: fmt.Errorf("wait for other queries: %w", err)}
}
