package server

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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
	assert.Nil(t, f.running, "an evaluation is still on the list")
	assert.Nil(t, f.waiting, "an evaluation is still on the list")
	return got
}

const s = time.Second

func TestFlightIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &slowEvaluator{takes: 3 * s}
		got := run(t, e, wait{0, 9 * s, 8 * s}, wait{1 * s, 9 * s, 8 * s}, wait{2 * s, 9 * s, 8 * s}, wait{4 * s, 9 * s, 8 * s})
		assert.Equal(t, int32(2), e.calls.Load(), "one evaluation for the first three, one for the last")
		for i, want := range []time.Duration{3 * s, 3 * s, 3 * s, 7 * s} {
			require.NoError(t, got[i].err)
			assert.Equal(t, want, got[i].after, "waiter %d", i)
		}
		assert.Same(t, got[2].snapshot, got[0].snapshot, "the first three must get one and the same snapshot, the last another")
		assert.NotSame(t, got[3].snapshot, got[0].snapshot, "the first three must get one and the same snapshot, the last another")
	})
}

func TestFlightSurvivesItsFirstWaiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &slowEvaluator{takes: 3 * s}
		got := run(t, e, wait{0, 2 * s, 8 * s}, wait{1 * s, 9 * s, 8 * s})
		require.ErrorIs(t, got[0].err, context.DeadlineExceeded, "the first waiter")
		assert.Equal(t, 2*s, got[0].after, "the first waiter")
		require.NoError(t, got[1].err)
		assert.Equal(t, 3*s, got[1].after, "the second gets the answer of the evaluation that had begun")
		assert.Equal(t, int32(1), e.calls.Load(), "the second gets the answer of the evaluation that had begun")
	})
}

func TestFlightEndsWithItsLastWaiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &slowEvaluator{takes: time.Hour}
		start := time.Now()
		run(t, e, wait{0, 2 * s, 8 * s}, wait{1 * s, 2 * s, 8 * s})
		assert.Equal(t, int32(1), e.canceled.Load(), "canceled evaluations")
		assert.Equal(t, 3*s, time.Since(start), "canceled evaluations")
	})
}

func TestFlightOfAnotherBudgetIsNotShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &slowEvaluator{takes: 3 * s}
		got := run(t, e, wait{0, 9 * s, 1 * s}, wait{s / 10, 9 * s, 8 * s})
		assert.Equal(t, int32(2), e.calls.Load(), "one after the other")
		assert.Equal(t, 1*s, got[0].after, "one after the other")
		assert.Equal(t, 4*s, got[1].after, "one after the other")
	})
}

func TestFlightThatHangsDoesNotHoldTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &slowEvaluator{takes: 10 * s, deaf: true}
		got := run(t, e, wait{0, 2 * s, 2 * s}, wait{3 * s, 20 * s, 2 * s})
		require.Error(t, got[0].err)
		require.NoError(t, got[1].err)
		assert.Equal(t, int32(2), e.calls.Load())
		assert.Equal(t, 2*s+patience+10*s, got[1].after, "the second evaluation begins when the patience with the first is over")
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
			_, err := f.evaluate(t.Context(), g, ask{budget: 8 * s})
			assert.NoError(t, err)
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
		assert.Equal(t, int32(1), before.calls.Load(), "one evaluation by each configuration")
		assert.Equal(t, int32(1), after.calls.Load(), "one evaluation by each configuration")
		assert.Equal(t, 3*s, (<-released).Sub(start), "the old configuration is released when its evaluation ends")
	})
}
