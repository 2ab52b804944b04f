package collector_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
)

// stuck answers what an evaluation asks, and leaves questions about silent pods open until their time is over.
type stuck struct {
	*cannedQuerier
	open, asked *atomic.Int32
}

func (s stuck) Query(ctx context.Context, expr string, at time.Time) (model.Vector, error) {
	if !strings.Contains(expr, "group_left ()") {
		return s.cannedQuerier.Query(ctx, expr, at)
	}
	s.asked.Add(1)
	s.open.Add(1)
	defer s.open.Add(-1)
	<-ctx.Done()
	return nil, ctx.Err()
}

// TestEvaluationsDoNotWaitForTheLog: what is asked only for a line of the log is asked in the background, one thing at a time, with an end. A
// count that changes is no news.
func TestEvaluationsDoNotWaitForTheLog(t *testing.T) {
	const text = `
scale_targets: {current: current, ready: ready}
signals: {load: {unit: requests, demand: 'sum by (namespace, model_name) (demand)', sources: sources}}
models: [{name: m, namespace: ns, variants: [{name: a, cost: 1, capacity: {load: 10}}]}]`
	const demand = "sum by (namespace, model_name) (demand)"
	told := func(n string) *cannedQuerier {
		return newCanned(t, canned{
			demand: load("10"), pastOf + demand: load("10"), countEngines: pods("a", n), pastOf + countEngines: pods("a", "3"),
			"current": runs("a", "3"), "ready": runs("a", "3"), pastOf + "ready": runs("a", "3"), pastOf + "current": runs("a", "3"),
		})
	}
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		var open, asked atomic.Int32
		q := stuck{nil, &open, &asked}
		e := newEvaluator(t, text, &q, collector.EvaluatorOptions{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		began := time.Now()
		for i, n := range []string{"1", "2", "1"} {
			q.cannedQuerier = told(n)
			e.Evaluate(t.Context(), fleetAt.Add(time.Duration(i)*15*time.Second))
			synctest.Wait()
			require.Zero(t, time.Since(began), "the clock of this test stands still unless all wait")
			require.EqualValues(t, 1, open.Load())
			require.EqualValues(t, 1, asked.Load())
		}
		require.Equal(t, 1, strings.Count(log.String(), "is not fully decided"), log.String())
		time.Sleep(time.Minute)
		require.Zero(t, open.Load(), "it gives up")
		e.Evaluate(t.Context(), fleetAt.Add(time.Hour))
		synctest.Wait()
		require.EqualValues(t, 1, open.Load())
		e.Close()
		require.Zero(t, open.Load(), "it ends with the evaluator")
		e.Evaluate(t.Context(), fleetAt.Add(2*time.Hour))
		synctest.Wait()
		require.Zero(t, open.Load())
	})
}
