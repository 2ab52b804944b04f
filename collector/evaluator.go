package collector

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

// EvaluatorOptions are what an Evaluator needs beside the configuration.
type EvaluatorOptions struct {
	Concurrency int              // queries in flight at once; at least 1
	Now         func() time.Time // measures durations; decisions depend on the time given to Evaluate only
	Logger      *slog.Logger
}

// Evaluator turns what a Prometheus knows at one moment into a Snapshot. It keeps nothing that a later evaluation depends on.
type Evaluator struct {
	program *program
	querier promapi.Querier
	options EvaluatorOptions
	log     failureLog
	sizer   sizer
	ranges  promapi.RangeQuerier // nil where the querier answers at one instant only
	noise   noiseMeter
}

// NewEvaluator makes a configuration ready for evaluation.
func NewEvaluator(c *config.Config, q promapi.Querier, options EvaluatorOptions) (*Evaluator, error) {
	switch {
	case c == nil || q == nil:
		return nil, errors.New("new evaluator: a configuration and a querier are needed")
	case options.Concurrency < 1:
		return nil, errors.New("new evaluator: concurrency below 1")
	case options.Now == nil || options.Logger == nil:
		return nil, errors.New("new evaluator: a clock and a logger are needed")
	}
	e := &Evaluator{program: compile(c), querier: q, options: options}
	var ranges bool
	if e.ranges, ranges = q.(promapi.RangeQuerier); !ranges && len(e.program.histories) > 0 {
		return nil, errors.New("new evaluator: headroom: auto needs a querier that answers over ranges")
	}
	return e, nil
}

// Evaluate asks every input once, all for the same moment, and decides. It always returns a snapshot: what goes wrong on the way
// is told in it, and touches only the models and variants that depend on it. The context bounds how long it may take.
func (e *Evaluator) Evaluate(ctx context.Context, at time.Time) *Snapshot {
	return e.EvaluateRunning(ctx, at, nil)
}

// Running tells what runs in place of the scale targets' series.
type Running interface {
	// Replicas returns how many replicas of a variant are asked for, and how many are ready.
	Replicas(namespace, variant string) (current, ready int)
	// Over returns the fewest and the most that were asked for during a time before now.
	Over(namespace, variant string, window time.Duration) (fewest, most int)
}

// EvaluateRunning is Evaluate for a fleet other than the one that ran: what would be decided, had these replicas been there. With
// nil it is Evaluate.
func (e *Evaluator) EvaluateRunning(ctx context.Context, at time.Time, running Running) *Snapshot {
	started := e.options.Now()
	asking, cancel := reserve(ctx, started)
	defer cancel()
	d := &decision{
		results: e.ask(asking, at), sizer: &e.sizer, running: running,
		interrupt: func() bool { return ctx.Err() != nil },
	}
	s := d.decide()
	s.At = at
	s.Duration = e.options.Now().Sub(started)
	e.log.report(e.options.Logger, at, s)
	return s
}

// reserve keeps a fifth of the time allowed, and at most a second, for what follows the queries: an evaluation whose queries
// hang still answers in time with what it has.
func reserve(ctx context.Context, now time.Time) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-min(time.Second, max(0, deadline.Sub(now)/5))))
}

// ask sends every query, a bounded number at a time.
func (e *Evaluator) ask(ctx context.Context, at time.Time) *results {
	p := e.program
	queries := slices.Concat(p.queries, p.ageQueries())
	inputs := make([]Input, len(queries)+len(p.histories))
	answers := make([]answer, len(queries))
	var group errgroup.Group
	group.SetLimit(e.options.Concurrency)
	for i, q := range queries {
		group.Go(func() error {
			begun := e.options.Now()
			vector, err := e.querier.Query(ctx, q.expr, at)
			answers[i] = answer{vector, err}
			inputs[i] = Input{
				Name: q.name, Query: q.expr, Sparse: q.sparse, Series: len(vector), Err: err, Age: ageUnknown,
				Duration: e.options.Now().Sub(begun),
			}
			return nil
		})
	}
	pasts := make([]past, len(p.histories))
	for i, h := range p.histories {
		group.Go(func() error {
			begun := e.options.Now()
			pasts[i] = e.noise.past(ctx, e.ranges, p, i, at)
			inputs[len(queries)+i] = Input{
				Name: h.name, Query: h.expr, Series: pasts[i].series, Matched: pasts[i].series, Err: pasts[i].err, Age: ageUnknown,
				Duration: e.options.Now().Sub(begun),
			}
			return nil
		})
	}
	_ = group.Wait() // no function returns an error: each answer carries its own
	r := newResults(p, answers, inputs)
	r.past = pasts
	r.age(at)
	return r
}

const ageUnknown = time.Duration(-1)

// logAgain is how long a failure that goes on is kept out of the log.
const logAgain = 10 * time.Minute

// failureLog writes a line when an input starts to fail, when it fails for another reason, when it works again, and every ten
// minutes in between: a scrape every few seconds must not flood the log. Nothing but the log depends on it.
type failureLog struct {
	mu   sync.Mutex
	last map[string]loggedFailure
}

type loggedFailure struct {
	reason string
	at     time.Time
}

func (l *failureLog) report(logger *slog.Logger, at time.Time, s *Snapshot) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last == nil {
		l.last = map[string]loggedFailure{}
	}
	for i := range s.Inputs {
		in := &s.Inputs[i]
		switch {
		case in.Reason() == promapi.ReasonCanceled:
			// Whoever wanted the answer has left.
		case in.Err != nil:
			if l.due(in.Name, string(in.Reason()), at) {
				logger.Warn("input has no usable answer", "input", in.Name, "reason", in.Reason(), "duration", in.Duration, "err", in.Err)
			}
		case len(in.Bad) > 0:
			// The answer's order may differ from scrape to scrape; the first by name does not.
			bad := slices.MinFunc(in.Bad, func(a, b BadSample) int {
				return cmp.Or(cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Metric, b.Metric))
			})
			if l.due(in.Name, bad.Reason, at) {
				logger.Warn("input has samples that cannot be used", "input", in.Name, "reason", bad.Reason,
					"samples", len(in.Bad), "example", bad.Metric)
			}
		case l.recovered(in.Name):
			logger.Info("input works again", "input", in.Name)
		}
	}
	for i := range s.Models {
		l.reportModel(logger, at, &s.Models[i])
	}
	switch {
	case s.Plan.Err != nil:
		if l.due("", s.Plan.Err.Error(), at) {
			logger.Error("no plan", "err", s.Plan.Err)
		}
	case l.recovered(""):
		logger.Info("there is a plan again")
	}
}

// reportModel writes a line when a model is no longer fully decided, and when it is again.
func (l *failureLog) reportModel(logger *slog.Logger, at time.Time, m *Model) {
	name := "model " + m.Namespace + "/" + m.Name
	for i := range m.Variants {
		v := &m.Variants[i]
		if v.Up {
			continue
		}
		if l.due(name, string(v.Reason)+v.Missing, at) {
			logger.Info("model is not fully decided", "model", m.Name, "namespace", m.Namespace, "variant", v.Name,
				"reason", v.Reason, "missing", v.Missing)
		}
		return
	}
	if l.recovered(name) {
		logger.Info("model is decided again", "model", m.Name, "namespace", m.Namespace)
	}
}

// recovered says whether something that works now failed before, and forgets that it did.
func (l *failureLog) recovered(name string) bool {
	_, failed := l.last[name]
	delete(l.last, name)
	return failed
}

// due says whether a failure should be written now, and remembers that it was.
func (l *failureLog) due(name, reason string, at time.Time) bool {
	last, known := l.last[name]
	if known && last.reason == reason && at.Sub(last.at) < logAgain {
		return false
	}
	l.last[name] = loggedFailure{reason, at}
	return true
}
