package collector_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

// refusing refuses one query, as a Prometheus does that would have to load too many samples for it.
type refusing struct {
	promapi.RangeQuerier
	refused string
	asked   map[string]bool
}

func (q *refusing) decide(expr string) error {
	q.asked[expr] = true
	if expr != q.refused {
		return nil
	}
	return &promapi.Error{Reason: promapi.ReasonExecution, Err: errors.New("query processing would load too many samples into memory")}
}

func (q *refusing) Query(ctx context.Context, expr string, at time.Time) (model.Vector, error) {
	if err := q.decide(expr); err != nil {
		return nil, err
	}
	return q.RangeQuerier.Query(ctx, expr, at)
}

func (q *refusing) QueryRange(ctx context.Context, expr string, r v1.Range) (model.Matrix, error) {
	if err := q.decide("over " + expr); err != nil {
		return nil, err
	}
	return q.RangeQuerier.QueryRange(ctx, expr, r)
}

// TestEachQueryRefused: whichever one query fails, nothing is lowered, and check --online fails where anything is held.
func TestEachQueryRefused(t *testing.T) {
	const text = `
prometheus: {url: http://prometheus:9090}
models:
  - name: llama
    namespace: llm
    presets: [vllm]
    headroom: 0
    variants: [{name: llama, cost: 1, capacity: {concurrency: 80, ttft: 1}}]`
	var series strings.Builder
	series.WriteString(replicasOf("llama", "3"))
	for i := range 3 {
		labels := fmt.Sprintf(`namespace="llm",pod="llama-6d4cf56db6-%s",instance="10.0.0.%d:80",model_name="llama",engine="0"`, strings.Repeat("bcd"[i:i+1], 5), i)
		for _, s := range []string{
			`vllm:num_requests_running{%s} 70`, `vllm:num_requests_waiting{%s} 0`,
			`vllm:time_to_first_token_seconds_bucket{%s,le="0.5"} 0+30x120`, `vllm:time_to_first_token_seconds_bucket{%s,le="+Inf"} 0+30x120`,
		} {
			fmt.Fprintf(&series, s+"\n", labels)
		}
	}
	start := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	engine, at := storing(t, series.String(), start), start.Add(exampleSpan)
	with := func(refused string) (*collector.OnlineReport, *int, map[string]bool) {
		q := &refusing{engine, refused, map[string]bool{}}
		e, err := collector.NewEvaluator(parsed(t, text), q, collector.EvaluatorOptions{
			Concurrency: 1, Now: func() time.Time { return at }, Logger: slog.New(slog.DiscardHandler),
		})
		require.NoError(t, err)
		v := e.Evaluate(t.Context(), at).Models[0].Variants[0]
		report := collector.CheckOnline(t.Context(), e, at, time.Minute)
		require.False(t, !v.Up && report.OK(), "it is held without %s, and check --online does not say so", refused)
		return report, v.Desired, q.asked
	}
	report, desired, asked := with("")
	require.True(t, report.OK(), "%s", report.Problems)
	require.Equal(t, 3, *desired)
	require.Greater(t, len(asked), 20)
	for expr := range asked {
		_, desired, _ := with(expr)
		require.True(t, desired == nil || *desired == 3, "without %s", expr)
	}
}
