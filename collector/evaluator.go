package collector

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/decide"
	"github.com/variant-exporter/variant-exporter/collector/match"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
	"github.com/variant-exporter/variant-exporter/collector/query"
)

// GarbagePercent is what serve sets Go's GOGC to where the environment does not: how much garbage there may be, in per cent of what is in use.
// For a large fleet it trades a sixth of the processor time for a tenth of the memory, next to the 75 of Prometheus.
const GarbagePercent = 40

// EvaluatorOptions are what an Evaluator needs in addition to the configuration.
type EvaluatorOptions struct {
	Concurrency int              // queries in flight at once; at least 1
	AnswerBytes int64            // memory that the answers of an evaluation may take together, about; 0: no bound
	Now         func() time.Time // measures durations; decisions depend on the time given to Evaluate only
	Logger      *slog.Logger
}

// Evaluator turns what a Prometheus knows at one moment into a Snapshot. What it keeps saves work, and changes no decision.
type Evaluator struct {
	program   *query.Program
	matcher   *match.Matcher
	querier   promapi.RangeQuerier
	histories *histories
	options   EvaluatorOptions
	memory    decide.Memory
	log       failureLog
	found     found
	aside     aside
}

// Fleet is a fleet other than the one that was measured.
type Fleet = decide.Fleet

// NewEvaluator makes a configuration ready for evaluation. The caller owes an evaluator that writes a log a Close.
func NewEvaluator(c *config.Config, q promapi.RangeQuerier, options EvaluatorOptions) (*Evaluator, error) {
	switch {
	case c == nil || q == nil:
		return nil, errors.New("new evaluator: a configuration and a querier are needed")
	case options.Concurrency < 1:
		return nil, errors.New("new evaluator: concurrency below 1")
	case options.Now == nil || options.Logger == nil:
		return nil, errors.New("new evaluator: a clock and a logger are needed")
	}
	program := query.Compile(c)
	matcher := match.New(program)
	return &Evaluator{
		program: program, matcher: matcher, querier: q, options: options, histories: newHistories(program, matcher, q),
	}, nil
}

// Evaluate asks every input once, all for the same moment, and decides. It always returns a snapshot: a failure on the way shows in
// it, and touches only the models and variants that depend on it. The context bounds how long it may take.
func (e *Evaluator) Evaluate(ctx context.Context, at time.Time) *Snapshot {
	return e.EvaluateFleet(ctx, at, nil)
}

// EvaluateFleet is Evaluate for a fleet other than the one that was measured: what would be decided, had its replicas run. With nil
// it is Evaluate.
func (e *Evaluator) EvaluateFleet(ctx context.Context, at time.Time, fleet Fleet) *Snapshot {
	started := e.options.Now()
	asking, cancel := reserve(ctx, started)
	defer cancel()
	defer e.histories.open()()
	readings := e.matcher.Match(ctx, e.ask(asking, at))
	decision := decide.Decide(e.program, readings, decide.Options{
		Fleet: fleet, Memory: &e.memory, Interrupt: func() bool { return ctx.Err() != nil },
	})
	s := &Snapshot{At: at, Duration: e.options.Now().Sub(started), Inputs: readings.Inputs, Decision: *decision}
	e.follow(ctx, s, e.log.report(e.options.Logger, at, s))
	return s
}

// reserve keeps a fifth of the time allowed, and at most a second, for what follows the queries: an evaluation whose queries hang
// still answers in time with what it has.
func reserve(ctx context.Context, now time.Time) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-min(time.Second, max(0, deadline.Sub(now)/5))))
}

// ask sends every query, a bounded number at a time.
func (e *Evaluator) ask(ctx context.Context, at time.Time) *match.Answers {
	queries := e.program.AllQueries()
	answers := &match.Answers{
		At: at, Queries: make([]match.Answer, len(queries)), Histories: make([]match.History, len(e.program.Histories)),
	}
	allowance := promapi.NewAllowance(e.options.AnswerBytes)
	var group errgroup.Group
	group.SetLimit(e.options.Concurrency)
	for i, q := range queries {
		group.Go(func() error {
			begun := e.options.Now()
			asking, closeAccount := allowance.Account(ctx)
			vector, err := e.querier.Query(asking, q.Expr, at)
			if err != nil {
				closeAccount() // Other answers are kept until the evaluation ends.
			}
			answers.Queries[i] = match.Answer{Vector: vector, Err: err, Duration: e.options.Now().Sub(begun)}
			return nil
		})
	}
	e.read(ctx, allowance, &group, answers)
	_ = group.Wait() // no function returns an error: each answer carries its own
	return answers
}

// read begins to read every history, one after those that are finer.
func (e *Evaluator) read(ctx context.Context, allowance *promapi.Allowance, group *errgroup.Group, answers *match.Answers) {
	var ask func(h *query.History, finer *match.Grid)
	ask = func(h *query.History, finer *match.Grid) {
		begun, read := e.options.Now(), &answers.Histories[h.Place]
		*read = e.histories.ask(ctx, allowance, h, answers.At, finer)
		read.Duration = e.options.Now().Sub(begun)
		if finer = &read.Grid; read.Err != nil {
			finer = nil
		}
		for _, coarser := range e.program.Histories {
			if coarser.Finer == h {
				ask(coarser, finer)
			}
		}
	}
	for _, h := range e.program.Histories {
		if h.Finer == nil {
			group.Go(func() error {
				ask(h, nil)
				return nil
			})
		}
	}
}
