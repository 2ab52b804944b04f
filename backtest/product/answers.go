package product

import (
	"context"
	"errors"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/variant-exporter/variant-exporter/backtest/store"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

// answers are those of the store, unless it is down. One goroutine gives them all: the evaluator asks from a new one each time, and
// growing its stack would take as long as many an answer.
type answers struct {
	store *store.Store
	from  promapi.RangeQuerier
	work  chan func()
}

func newAnswers(s *store.Store, from promapi.RangeQuerier) *answers {
	a := &answers{store: s, from: from, work: make(chan func())}
	go func() {
		for do := range a.work {
			do()
		}
	}()
	return a
}

func (a *answers) close() { close(a.work) }

var errDown = errors.New("the scenario's Prometheus is down")

// Query implements promapi.Querier.
func (a *answers) Query(ctx context.Context, expr string, at time.Time) (vector model.Vector, err error) {
	a.do(&err, func() { vector, err = a.from.Query(ctx, expr, at) })
	return vector, err
}

// QueryRange implements promapi.RangeQuerier.
func (a *answers) QueryRange(ctx context.Context, expr string, r v1.Range) (matrix model.Matrix, err error) {
	a.do(&err, func() { matrix, err = a.from.QueryRange(ctx, expr, r) })
	return matrix, err
}

func (a *answers) do(err *error, ask func()) {
	if a.store.Down() {
		*err = &promapi.Error{Reason: promapi.ReasonConnection, Err: errDown}
		return
	}
	done := make(chan struct{})
	a.work <- func() {
		defer close(done)
		ask()
	}
	<-done
}
