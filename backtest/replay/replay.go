// Package replay evaluates a configuration over the history in a Prometheus, at every step as it would have been decided then, and
// compares what it would have run with what ran.
package replay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
	"github.com/variant-exporter/variant-exporter/collector/timeline"
)

// maxReplaySteps bounds what is kept of a replay: a year of minutes.
const maxReplaySteps = 366 * 24 * 60

// Options say what is replayed.
type Options struct {
	// From and To bound the steps, which lie at whole multiples of Step on the clock. Each stands for the time until the next.
	From, To time.Time
	Step     time.Duration // whole seconds
	// Concurrency is how many queries are sent at once.
	Concurrency int
	Now         func() time.Time // measures durations only
	// Progress, if not nil, is told before every step how many of how many are done.
	Progress func(done, of int)
}

// grid are the first and the last step.
func (o *Options) grid() (v1.Range, error) {
	switch {
	case o.Concurrency < 1:
		return v1.Range{}, errors.New("concurrency below 1")
	case o.Step < time.Second || o.Step%time.Second != 0:
		return v1.Range{}, fmt.Errorf("a step of %v: want whole seconds", o.Step)
	case o.From.Before(time.Unix(0, 0)):
		return v1.Range{}, fmt.Errorf("a start at %s: want 1970 or later", o.From.UTC().Format(time.RFC3339))
	}
	first := o.From.Truncate(o.Step)
	if first.Before(o.From) {
		first = first.Add(o.Step)
	}
	last := o.To.Truncate(o.Step).Add(-o.Step)
	if last.Before(first) {
		return v1.Range{}, fmt.Errorf("%s to %s holds no step of %v",
			o.From.UTC().Format(time.RFC3339), o.To.UTC().Format(time.RFC3339), o.Step)
	}
	if steps := last.Sub(first)/o.Step + 1; steps > maxReplaySteps {
		return v1.Range{}, fmt.Errorf("%d steps of %v: at most %d", steps, o.Step, maxReplaySteps)
	}
	return v1.Range{Start: first.UTC(), End: last.UTC(), Step: o.Step}, nil
}

// Run replays a configuration. An error means that the history could not be asked, or that the context has ended.
func Run(ctx context.Context, c *config.Config, source promapi.RangeQuerier, o Options) (*Result, error) {
	grid, err := o.grid()
	if err != nil {
		return nil, fmt.Errorf("replay: %w", err)
	}
	history := timeline.New(source, grid, timeline.Options{Concurrency: o.Concurrency})
	ctx, cancel := context.WithCancel(ctx)
	defer history.Close()
	defer cancel()
	r := &runner{history: history, follower: newFollower(c, o.Step), account: newAccount(c, grid)}
	// What ran decides in one, what would have run in the other: each remembers what it has read.
	for _, e := range []**collector.Evaluator{&r.then, &r.followed} {
		if *e, err = collector.NewEvaluator(c, history, collector.EvaluatorOptions{
			Concurrency: o.Concurrency, Now: o.Now, Logger: slog.New(slog.DiscardHandler), // the result says it all
		}); err != nil {
			return nil, fmt.Errorf("replay: %w", err)
		}
	}
	steps := r.account.result.Steps
	for i := range steps {
		if o.Progress != nil {
			o.Progress(i, steps)
		}
		if err := r.step(ctx, i, r.account.result.at(i)); err != nil {
			return nil, fmt.Errorf("replay: step %d of %d: %w", i+1, steps, err)
		}
	}
	return r.account.finish(), nil
}

// runner is a replay under way.
type runner struct {
	history        *timeline.History
	then, followed *collector.Evaluator
	follower       *follower
	account        *account
}

// step decides one moment twice: given what ran then, and given what would have run.
func (r *runner) step(ctx context.Context, i int, at time.Time) error {
	r.history.Advance(ctx, at)
	var then, followed *collector.Snapshot
	if r.follower.complete() {
		var other sync.WaitGroup
		other.Go(func() { then = r.then.Evaluate(ctx, at) })
		followed = r.followed.EvaluateFleet(ctx, at, r.follower)
		other.Wait()
	} else {
		then = r.then.Evaluate(ctx, at)
		r.follower.start(then)
		followed = r.followed.EvaluateFleet(ctx, at, r.follower)
	}
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case r.history.Err() != nil:
		return r.history.Err()
	}
	r.follower.follow(followed)
	r.account.add(i, then, followed, r.follower)
	return nil
}
