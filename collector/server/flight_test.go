package server

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/variant-exporter/variant-exporter/collector"
)

// slowEvaluator takes its time, or less if it is told to stop and listens.
type slowEvaluator struct {
	takes    time.Duration
	deaf     bool
	calls    atomic.Int32
	canceled atomic.Int32
}

func (e *slowEvaluator) Evaluate(ctx context.Context, at time.Time) *collector.Snapshot {
	e.calls.Add(1)
	listen := ctx.Done()
	if e.deaf {
		listen = nil
	}
	select {
	case <-time.After(e.takes):
	case <-listen:
		if errors.Is(ctx.Err(), context.Canceled) {
			e.canceled.Add(1)
		}
	}
	return &collector.Snapshot{At: at}
}

// result is what one waiter got, and when.
type result struct {
	snapshot *collector.Snapshot
	err      error
	after    time.Duration
}

// wait is one waiter, who comes after a while, waits for so long and allows the evaluation that budget.
type wait struct{ comes, waits, budget time.Duration }

// run lets the waiters come and returns what each got.
func run(t *testing.T, e Evaluator, waiters ...wait) []result {
	t.Helper()
	f := &flights{base: t.Context(), now: time.Now}
	g := &generation{Loaded: Loaded{Evaluator: e}}
	start := time.Now()
	got := make([]result, len(waiters))
	done := make(chan struct{})
	for i, w := range waiters {
		g.hold()
		go func() {
			defer func() { g.letGo(); done <- struct{}{} }()
			time.Sleep(w.comes)
			ctx, cancel := context.WithTimeout(t.Context(), w.waits)
			defer cancel()
			got[i].snapshot, got[i].err = f.evaluate(ctx, g, ask{budget: w.budget})
			got[i].after = time.Since(start)
		}()
	}
	for range waiters {
		<-done
	}
	g.users.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.running != nil || f.waiting != nil {
		t.Error("an evaluation is still on the list")
	}
	return got
}

const s = time.Second

func TestFlightIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &slowEvaluator{takes: 3 * s}
		got := run(t, e, wait{0, 9 * s, 8 * s}, wait{1 * s, 9 * s, 8 * s}, wait{2 * s, 9 * s, 8 * s}, wait{4 * s, 9 * s, 8 * s})
		if e.calls.Load() != 2 {
			t.Errorf("%d evaluations, want 2: one for the first three, one for the last", e.calls.Load())
		}
		for i, want := range []time.Duration{3 * s, 3 * s, 3 * s, 7 * s} {
			if got[i].err != nil || got[i].after != want {
				t.Errorf("waiter %d got its answer after %s (error %v), want %s", i, got[i].after, got[i].err, want)
			}
		}
		if got[0].snapshot != got[2].snapshot || got[0].snapshot == got[3].snapshot {
			t.Error("the first three must get one and the same snapshot, the last another")
		}
	})
}

func TestFlightSurvivesItsFirstWaiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &slowEvaluator{takes: 3 * s}
		got := run(t, e, wait{0, 2 * s, 8 * s}, wait{1 * s, 9 * s, 8 * s})
		if !errors.Is(got[0].err, context.DeadlineExceeded) || got[0].after != 2*s {
			t.Errorf("the first waiter left after %s with %v, want 2s and its deadline", got[0].after, got[0].err)
		}
		if got[1].err != nil || got[1].after != 3*s || e.calls.Load() != 1 {
			t.Errorf("the second got %v after %s from %d evaluations, want the answer of the one begun, after 3s", got[1].err, got[1].after, e.calls.Load())
		}
	})
}

func TestFlightEndsWithItsLastWaiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &slowEvaluator{takes: time.Hour}
		start := time.Now()
		run(t, e, wait{0, 2 * s, 8 * s}, wait{1 * s, 2 * s, 8 * s})
		if e.canceled.Load() != 1 || time.Since(start) != 3*s {
			t.Errorf("%d evaluations canceled after %s, want 1 after 3s", e.canceled.Load(), time.Since(start))
		}
	})
}

func TestFlightOfAnotherBudgetIsNotShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &slowEvaluator{takes: 3 * s}
		got := run(t, e, wait{0, 9 * s, 1 * s}, wait{s / 10, 9 * s, 8 * s})
		if e.calls.Load() != 2 || got[0].after != 1*s || got[1].after != 4*s {
			t.Errorf("%d evaluations, answers after %s and %s, want 2, one after the other: 1s and 4s", e.calls.Load(), got[0].after, got[1].after)
		}
	})
}

func TestFlightThatHangsDoesNotHoldTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &slowEvaluator{takes: 10 * s, deaf: true}
		got := run(t, e, wait{0, 2 * s, 2 * s}, wait{3 * s, 20 * s, 2 * s})
		if got[0].err == nil || got[1].err != nil || e.calls.Load() != 2 {
			t.Errorf("errors %v and %v from %d evaluations, want the first only, from 2", got[0].err, got[1].err, e.calls.Load())
		}
		if want := 2*s + patience + 10*s; got[1].after != want {
			t.Errorf("the second got its answer after %s, want %s: it begins when the patience with the first is over", got[1].after, want)
		}
	})
}

func TestFlightOfAnotherConfigurationIsNotShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &flights{base: t.Context(), now: time.Now}
		before, after := &slowEvaluator{takes: 3 * s}, &slowEvaluator{takes: 3 * s}
		a := active{now: &generation{Loaded: Loaded{Evaluator: before}}}
		evaluate := func() {
			g := a.use()
			defer g.letGo()
			if _, err := f.evaluate(t.Context(), g, ask{budget: 8 * s}); err != nil {
				t.Error(err)
			}
		}
		go evaluate()
		synctest.Wait()
		released := make(chan time.Time, 1)
		old := a.swap(&generation{Loaded: Loaded{Evaluator: after}})
		old.Release = func() error { released <- time.Now(); return nil }
		start := time.Now()
		go old.release(nil)
		time.Sleep(1 * s)
		evaluate()
		if before.calls.Load() != 1 || after.calls.Load() != 1 {
			t.Errorf("%d and %d evaluations, want one by each configuration", before.calls.Load(), after.calls.Load())
		}
		if took := (<-released).Sub(start); took != 3*s {
			t.Errorf("the old configuration was released after %s, want 3s, when its evaluation ended", took)
		}
	})
}
