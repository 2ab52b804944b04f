package server

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/variant-exporter/variant-exporter/collector"
)

// errNoAnswer is an evaluation that did not end when its time was over.
var errNoAnswer = errors.New("the evaluation did not end in time")

// flights lets requests that come together share one evaluation. It differs from golang.org/x/sync/singleflight in that an
// evaluation which nobody waits for any longer is canceled, so that clients who give up leave no queries behind.
type flights struct {
	base context.Context //nolint:containedctx // An evaluation outlives the request that started it, and ends with the server.
	now  func() time.Time

	mu      sync.Mutex
	running map[flightKey]*flight
}

// flightKey tells evaluations apart that must not be shared. The budget is part of it so that an evaluation cut short for a
// client in a hurry is not what a patient one gets; two Prometheis with one configuration have the same.
type flightKey struct {
	generation *generation
	budget     time.Duration
}

type flight struct {
	done     chan struct{}
	snapshot *collector.Snapshot // set before done is closed
	waiters  int                 // guarded by flights.mu
	cancel   context.CancelFunc
}

// evaluate returns the snapshot of an evaluation by g that takes no longer than budget, its own or one already under way. It
// returns an error when ctx ends first.
func (f *flights) evaluate(ctx context.Context, g *generation, budget time.Duration) (*collector.Snapshot, error) {
	key := flightKey{g, budget}
	fl := f.join(key)
	defer f.leave(key, fl)
	select {
	case <-fl.done:
		return fl.snapshot, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", errNoAnswer, context.Cause(ctx))
	}
}

// join adds a waiter to the evaluation with this key and starts it if there is none.
func (f *flights) join(key flightKey) *flight {
	f.mu.Lock()
	defer f.mu.Unlock()
	if fl, ok := f.running[key]; ok {
		fl.waiters++
		return fl
	}
	ctx, cancel := context.WithTimeout(f.base, key.budget)
	fl := &flight{done: make(chan struct{}), waiters: 1, cancel: cancel}
	f.running[key] = fl
	key.generation.hold()
	go func() {
		defer key.generation.letGo()
		defer cancel()
		fl.snapshot = key.generation.Evaluate(ctx, f.now())
		f.remove(key, fl)
		close(fl.done)
	}()
	return fl
}

// leave takes a waiter away. The last one cancels the evaluation, which is harmless when it has ended.
func (f *flights) leave(key flightKey, fl *flight) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fl.waiters--
	if fl.waiters > 0 {
		return
	}
	fl.cancel()
	f.removeLocked(key, fl)
}

func (f *flights) remove(key flightKey, fl *flight) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.removeLocked(key, fl)
}

// removeLocked forgets a flight, unless a newer one has taken its place.
func (f *flights) removeLocked(key flightKey, fl *flight) {
	if f.running[key] == fl {
		delete(f.running, key)
	}
}
