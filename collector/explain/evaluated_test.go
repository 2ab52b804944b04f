package explain_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"math"
	"strings"
	"testing"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/explain"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
	"github.com/variant-exporter/variant-exporter/optimizer"
)

const evaluated = `
prometheus: {url: http://prometheus.example}
defaults: {headroom: 0, scale_down_window: 0s, forecast: {method: none}}
scale_targets: {current: current, ready: ready}
energy_price: price
signals:
  concurrency: {unit: requests, demand: "sum by (namespace, model_name) (running)"}
  tokens: {unit: tokens, demand: "sum by (namespace, model_name) (tokens)", on_missing: ignore}
budgets: [{name: power, unit: watts, limit: limit}]
models:
  - name: m
    namespace: ns
    signals: [concurrency, tokens]
    replicas: {min: 1}
    variants:
      - {name: a, cost: cost, uses: {power: 700}, capacity: {concurrency: 10, tokens: 100}}
      - {name: b, cost: 2, uses: {power: 100}, capacity: {concurrency: 10, tokens: 100}}
`

// answers are those to a query, by what it contains.
type answers map[string]any

// Query implements promapi.Querier: a number is that of the one model, or where the query is not about it, of everything.
func (a answers) Query(_ context.Context, expr string, at time.Time) (model.Vector, error) {
	value, ok := a[strings.TrimSuffix(strings.TrimPrefix(expr, "sum by (namespace, model_name) ("), ")")]
	switch {
	case strings.Contains(expr, "timestamp("):
		return model.Vector{{Metric: model.Metric{"selector": "0"}, Value: model.SampleValue(at.Unix())}}, nil
	case strings.HasPrefix(expr, "count"):
		return a.sources(), nil
	case !ok:
		return nil, nil
	case strings.HasPrefix(expr, "sum by"):
		return model.Vector{{Metric: model.Metric{"namespace": "ns", "model_name": "m"}, Value: model.SampleValue(value.(float64))}}, nil
	}
	switch value := value.(type) {
	case error:
		return nil, value
	case map[string]float64:
		var v model.Vector
		for name, n := range value {
			v = append(v, &model.Sample{Metric: model.Metric{
				"namespace": "ns", "scale_target_kind": "Deployment", "scale_target_name": model.LabelValue(name),
			}, Value: model.SampleValue(n)})
		}
		return v, nil
	default:
		return model.Vector{{Metric: model.Metric{}, Value: model.SampleValue(value.(float64))}}, nil
	}
}

// sources are the pods that tell a signal, by workload.
func (a answers) sources() model.Vector {
	var v model.Vector
	for name, pods := range a["sources"].(map[string]float64) {
		v = append(v, &model.Sample{Metric: model.Metric{
			"namespace": "ns", "model_name": "m", "scale_target_name": model.LabelValue(name),
		}, Value: model.SampleValue(pods)})
	}
	return v
}

// QueryRange implements promapi.RangeQuerier: what is true now has been true all the time.
func (a answers) QueryRange(ctx context.Context, expr string, r v1.Range) (model.Matrix, error) {
	vector, err := a.Query(ctx, expr, r.End)
	var matrix model.Matrix
	for _, s := range vector {
		stream := &model.SampleStream{Metric: s.Metric}
		for at := r.Start; !at.After(r.End); at = at.Add(r.Step) {
			stream.Values = append(stream.Values, model.SamplePair{Timestamp: model.TimeFromUnixNano(at.UnixNano()), Value: s.Value})
		}
		matrix = append(matrix, stream)
	}
	return matrix, err
}

// TestEvaluated explains what the collector makes of its queries: every number as in the gauges, every sentence from what it knows.
func TestEvaluated(t *testing.T) {
	good := answers{
		"running": 35.0, "tokens": 90.0, "cost": 1.0, "price": 0.1, "limit": 2000.0,
		"current": map[string]float64{"a": 1, "b": 1}, "ready": map[string]float64{"a": 1, "b": 1},
		"sources": map[string]float64{"a": 1, "b": 1},
	}
	down := &promapi.Error{Reason: promapi.ReasonTimeout, Err: errors.New("no answer within 10s")}
	for name, tc := range map[string]struct {
		change answers
		want   []string
	}{
		"everything known": {answers{}, []string{
			"  a: 2 replicas instead of 1, because budget power (1600 of 2000 used) has no room for another.\n",
			"  b: 2 replicas instead of 1, because concurrency needs them, for 20 of the 35 requests planned for.\n",
			"concurrency binds", "The choice costs 6.16 per hour",
		}},
		"a demand without a result":    {answers{"running": nil}, []string{"no number, autoscalers hold, because not everything is known: concurrency has no result."}},
		"a demand that may be missing": {answers{"tokens": nil}, []string{"tokens is left out, as configured: no result.", "  b: 2 replicas instead of 1"}},
		"a demand that is no number":   {answers{"running": math.NaN()}, []string{"concurrency is missing: concurrency.demand: nan.", "1 unusable (nan), for example {model_name=\"m\", namespace=\"ns\"}"}},
		"a replica that does not tell its demand": {answers{"sources": map[string]float64{"b": 1}}, []string{
			"  a: 2 replicas instead of 1", "it may be raised, not lowered, while not everything is known (concurrency: 0 of 1 ready replicas of a tell it)",
		}},
		"a cost that times out": {answers{"cost": down}, []string{
			"  a: no number, autoscalers hold, because not everything is known: Prometheus did not answer ns/a.cost in time.", "timeout: no answer within 10s", "  b: 3 replicas instead of 1",
		}},
		"a price of energy that times out": {answers{"price": down}, []string{"a: no number", "because not everything is known: Prometheus did not answer energy_price in time."}},
		"a limit that times out":           {answers{"limit": down}, []string{"not everything is known: budget.power: its limit or its use is not known.", "power   watts  -     -"}},
		"replicas that time out":           {answers{"current": down}, []string{"not everything is known"}},
		"no demand": {answers{"running": 0.0, "tokens": 0.0}, []string{
			"  a: 1 replica as now, because the model's minimum is 1 over all variants.\n", "  b: 0 replicas instead of 1, because there is no demand.\n",
			"  The runner-up is 1 b for 2.01 per hour, dearer by 0.94.\n",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			given := maps.Clone(good)
			for query, answer := range tc.change {
				given[query] = answer
				if answer == nil {
					delete(given, query)
				}
			}
			s := evaluate(t, given)
			e, err := explain.Of(s, "ns/m", never)
			require.NoError(t, err)
			assert.Equal(t, gathered(t, s), told(e))
			var text bytes.Buffer
			require.NoError(t, e.WriteText(&text, true))
			for _, want := range tc.want {
				assert.Contains(t, text.String(), want)
			}
			if len(s.Problem.Models) > 0 {
				again, err := optimizer.Solve(s.Problem, optimizer.Options{})
				require.NoError(t, err)
				assert.Equal(t, s.Solution, again, "the plan is that of the problem that is shown")
			}
		})
	}
}

func evaluate(t *testing.T, q promapi.RangeQuerier) *collector.Snapshot {
	t.Helper()
	cfg, found := config.Load("config.yml", evaluated)
	require.NotNil(t, cfg, found)
	evaluator, err := collector.NewEvaluator(cfg, q, collector.EvaluatorOptions{
		Concurrency: 1, Now: func() time.Time { return at }, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	return evaluator.Evaluate(t.Context(), at)
}
