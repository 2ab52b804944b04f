package server

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/past"
)

// errNoAnswer is an evaluation that did not end when its time was over.
var errNoAnswer = errors.New("the evaluation did not end in time")

const (
	// turn is how long an evaluation may take while another one waits for it.
	turn = 5 * time.Second
	// patience is how long an evaluation that was canceled may take to end before the next one begins while it still runs.
	patience = 2 * time.Second
)

// flights lets requests that come together share one evaluation. At most one runs and one waits, whatever is asked: an evaluation takes
// memory in proportion to its answers. An evaluation without waiting clients is canceled, so that clients who give up leave no queries
// behind.
type flights struct {
	base context.Context //nolint:containedctx // An evaluation outlives the request that started it, and ends with the server.
	now  func() time.Time

	mu               sync.Mutex
	running, waiting *flight
	last             *flight // the newest that was not cut short
}

type flight struct {
	generation *generation
	budget     time.Duration // rounded: what tells evaluations apart that must not be shared
	deadline   time.Time
	started    time.Time
	done       chan struct{}
	snapshot   *collector.Snapshot // set before done is closed
	waiters    int                 // guarded by flights.mu
	cancel     context.CancelFunc  // nil before it runs
	abandoned  bool
	background bool
}

// ask is what a request wants of an evaluation.
type ask struct {
	budget time.Duration
	// anyBudget is for people who look at a page. They take an evaluation under way whatever time it has, and share the newest one for an
	// interval: viewers, however many there are, cause no more than one evaluation in that time.
	anyBudget bool
	// background is an evaluation that no request waits for. It makes room at once.
	background bool
}

// evaluate returns the snapshot of an evaluation by g that takes no longer than the budget, its own or one already under way. An
// evaluation with much less time is not shared, so that one cut short for a client in a hurry is not what a patient one gets. It
// returns an error when ctx ends first.
func (f *flights) evaluate(ctx context.Context, g *generation, a ask) (*collector.Snapshot, error) {
	fl := f.join(g, a)
	defer f.leave(fl)
	select {
	case <-fl.done:
		return fl.snapshot, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", errNoAnswer, context.Cause(ctx))
	}
}

// rounded is a budget without its lower digits: clients whose timeouts differ by little share an evaluation.
func rounded(budget time.Duration) time.Duration {
	if budget <= 0 {
		return budget
	}
	seconds := budget.Seconds()
	_, exponent := math.Frexp(seconds)
	step := math.Ldexp(1, exponent-4)
	return time.Duration(math.Floor(seconds/step) * step * float64(time.Second))
}

// join adds a waiter to the evaluation under way, or to the one that follows it.
func (f *flights) join(g *generation, a ask) *flight {
	f.mu.Lock()
	defer f.mu.Unlock()
	budget, now := rounded(a.budget), f.now()
	switch r := f.running; {
	case a.anyBudget && f.fresh(g, now):
		f.last.waiters++
		return f.last
	case r == nil:
		f.running = &flight{
			generation: g, budget: budget, deadline: now.Add(budget), done: make(chan struct{}), waiters: 1, background: a.background,
		}
		g.hold()
		f.start(f.running)
		return f.running
	case r.generation == g && !r.abandoned && !r.background && (r.budget == budget || a.anyBudget):
		r.waiters++
		return r
	}
	if f.waiting == nil {
		f.waiting = &flight{generation: g, done: make(chan struct{})}
		g.hold()
		f.makeRoom(f.running, now)
	}
	w := f.waiting
	if w.generation != g { // There was a reload: the newest configuration is that of all.
		w.generation.letGo()
		w.generation = g
		g.hold()
	}
	w.waiters++
	if end := now.Add(budget); end.After(w.deadline) {
		w.deadline, w.budget = end, budget
	}
	return w
}

// start begins an evaluation. The caller holds the lock.
func (f *flights) start(fl *flight) {
	now := f.now()
	ctx, cancel := context.WithTimeout(f.base, fl.deadline.Sub(now)) // The clock may be that of a simulation.
	fl.cancel, fl.started = cancel, now
	go func() {
		defer fl.generation.letGo()
		defer cancel()
		fl.snapshot = fl.generation.Evaluate(ctx, f.now())
		if ctx.Err() == nil { // What made room for another is cut short.
			f.keep(fl)
		}
		f.end(fl)
		close(fl.done)
	}()
}

// keep makes an evaluation the newest, unless it had hardly time enough: what may be cut short, as for a client in a hurry, is not for
// others.
func (f *flights) keep(fl *flight) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if fl.snapshot.Duration < fl.budget*4/5 {
		f.last = fl
	}
}

// fresh reports whether the newest evaluation is by g and no older than an interval. The caller holds the lock.
func (f *flights) fresh(g *generation, now time.Time) bool {
	if f.last == nil || f.last.generation != g {
		return false
	}
	age := now.Sub(f.last.snapshot.At)
	return age >= 0 && age < past.Interval
}

// leave takes a waiter away. The last one cancels the evaluation, which is harmless when it has ended.
func (f *flights) leave(fl *flight) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fl.waiters--
	switch {
	case fl.waiters > 0:
	case fl == f.waiting:
		f.waiting = nil
		fl.generation.letGo()
	case fl == f.running && !fl.abandoned:
		fl.abandoned = true
		f.replace(fl)
	}
}

// makeRoom ends the evaluation under way when its turn is over.
func (f *flights) makeRoom(fl *flight, now time.Time) {
	left := fl.started.Add(turn).Sub(now)
	if fl.background || left <= 0 {
		f.replace(fl)
		return
	}
	time.AfterFunc(left, func() { f.replace(fl) })
}

// replace cancels an evaluation, and does not wait for it for ever.
func (f *flights) replace(fl *flight) {
	fl.cancel()
	time.AfterFunc(patience, func() { f.end(fl) })
}

// end forgets the evaluation under way, and begins the one that waits.
func (f *flights) end(fl *flight) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.running != fl {
		return
	}
	f.running, f.waiting = f.waiting, nil
	if f.running != nil {
		f.start(f.running)
	}
}
