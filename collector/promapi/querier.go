// Package promapi asks a Prometheus over HTTP, and declares the small interface that every source of PromQL answers meets.
package promapi

import (
	"context"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
)

// Querier answers a PromQL expression at one instant.
//
// A nil error means that the answer is whole: it is an instant vector and came without warnings. Whatever else a source of
// answers may say is an *Error with a Reason of the closed list, so that no caller can take half an answer for a full one.
// The values in the vector are as the source gave them: a sample may be NaN, infinite, negative or a native histogram.
type Querier interface {
	Query(ctx context.Context, expr string, at time.Time) (model.Vector, error)
}

// RangeQuerier answers at one instant, and over a range of time. Its answers are as whole as those of Querier.
type RangeQuerier interface {
	Querier
	QueryRange(ctx context.Context, expr string, r v1.Range) (model.Matrix, error)
}
