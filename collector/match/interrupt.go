package match

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/prometheus/common/model"

	"github.com/variant-exporter/variant-exporter/collector/promapi"
	"github.com/variant-exporter/variant-exporter/collector/query"
)

// pollEvery is the number of series between two looks at the clock. Each takes microseconds.
const pollEvery = 64

// clock knows whether the time for matching has ended. What has been matched of an answer by then is not used: a part of its series
// could pass for all.
type clock struct {
	ctx   context.Context //nolint:containedctx // It lives as long as one call.
	polls int
	ended bool
}

// over is called for every series.
func (c *clock) over() bool {
	if c.polls++; c.polls%pollEvery == 0 && !c.ended {
		c.ended = c.ctx.Err() != nil
	}
	return c.ended
}

// err is the failure of inputs whose answers could not be matched in time.
func (c *clock) err() error {
	reason := promapi.ReasonTimeout
	if errors.Is(c.ctx.Err(), context.Canceled) {
		reason = promapi.ReasonCanceled
	}
	return &promapi.Error{Reason: reason, Err: fmt.Errorf("match the answers: %w", c.ctx.Err())}
}

// without are the answers of an evaluation whose time has ended: none.
func (a *Answers) without(err error) *Answers {
	none := &Answers{At: a.At, Queries: make([]Answer, len(a.Queries)), Histories: make([]History, len(a.Histories))}
	for i := range a.Queries {
		none.Queries[i] = Answer{Err: a.Queries[i].Err, Duration: a.Queries[i].Duration}
		if a.Queries[i].Err == nil {
			none.Queries[i].Err = err
		}
	}
	for i := range a.Histories {
		none.Histories[i] = History{Err: a.Histories[i].Err, Duration: a.Histories[i].Duration}
		if a.Histories[i].Err == nil {
			none.Histories[i].Err = err
		}
	}
	return none
}

// samples are those of an answer, until the time ends.
func (r *reader) samples(q *query.Query) iter.Seq2[int, *model.Sample] {
	return func(yield func(int, *model.Sample) bool) {
		for i, s := range r.answers.Queries[q.Place].Vector {
			if r.clock.over() || !yield(i, s) {
				return
			}
		}
	}
}
