package match_test

import (
	"maps"
	"math"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/match"
	"github.com/variant-exporter/variant-exporter/collector/query"
)

const oneOfEach = `
prometheus: {url: http://prometheus.example}
scale_targets: {disabled: true}
input_window: 0s
signals:
  load: {unit: requests, demand: demand, on_missing: zero, alive: up}
  memory: {unit: tokens, usage: usage, capacity: carries}
models: [{name: m, namespace: ns, signals: [load, memory], variants: [{name: a, cost: price, capacity: {load: 10}}]}]
`

// matched matches answers by expression; histories are answered with what is asked now.
func matched(t *testing.T, text string, answers map[string]model.Vector) (*query.Program, *match.Readings) {
	t.Helper()
	c, found := config.Load("test.yml", text)
	require.NotNil(t, c, "%v", found)
	p := query.Compile(c)
	m := match.New(p)
	at := time.Unix(1767225600, 0)
	a := &match.Answers{At: at, Queries: make([]match.Answer, len(p.AllQueries())), Histories: make([]match.History, len(p.Histories))}
	for i, q := range p.AllQueries() {
		a.Queries[i].Vector = answers[q.Expr]
	}
	for i, h := range p.Histories {
		var matrix model.Matrix
		for _, s := range answers[h.Expr] {
			matrix = append(matrix, &model.SampleStream{Metric: s.Metric, Values: []model.SamplePair{{Timestamp: model.TimeFromUnix(at.Unix()), Value: s.Value}}})
		}
		grid, err := m.Lay(t.Context(), h, matrix, at.UnixNano()/int64(h.Step), 1)
		require.NoError(t, err)
		a.Histories[i] = match.History{Grid: grid, Series: len(matrix)}
	}
	return p, m.Match(t.Context(), a)
}

func inputOf(t *testing.T, r *match.Readings, name string) *match.Input {
	t.Helper()
	for i := range r.Inputs {
		if r.Inputs[i].Name == name {
			return &r.Inputs[i]
		}
	}
	require.Fail(t, "no input "+name)
	return nil
}

// TestNoNamespace is about series that do not say of which namespace they are: they may be those of a namespace which the configuration
// does not know, and the one model that goes by their name must not be planned by them.
func TestNoNamespace(t *testing.T) {
	named := func(more model.Metric) model.Metric {
		metric := model.Metric{"namespace": "ns"}
		maps.Copy(metric, more)
		return metric
	}
	ofModel, ofPod := model.Metric{"model_name": "m"}, model.Metric{"pod": "a-7c9d8b6f5-x2x4z"}
	_, r := matched(t, oneOfEach, map[string]model.Vector{
		"demand": {{Metric: named(ofModel), Value: 5}}, "usage": {{Metric: named(ofPod), Value: 0.5}}, "carries": {{Metric: named(ofPod), Value: 100}},
		"up": {{Metric: model.Metric{}, Value: 1}}, "price": {{Metric: model.Metric{}, Value: 3}},
	})
	load, memory := &r.Models[0].Signals[0], &r.Models[0].Signals[1]
	require.InDelta(t, 5.0, load.Absolute.Now.Value, 0)
	require.True(t, load.Alive, "sources of alive may name no namespace")
	require.InDelta(t, 0.5, memory.Usage[0].Now.Value, 0)
	require.InDelta(t, 100.0, r.Models[0].Variants[0].Capacities[1].Number, 0)
	require.InDelta(t, 3.0, r.Models[0].Variants[0].Cost.Number, 0, "a price has no owner")
	require.Equal(t, []float64{5}, load.Absolute.Window.Values)

	_, r = matched(t, oneOfEach, map[string]model.Vector{
		"demand": {{Metric: ofModel, Value: 5}}, "usage": {{Metric: ofPod, Value: 0.5}}, "carries": {{Metric: ofPod, Value: 100}},
		"up": {{Metric: model.Metric{}, Value: 1}}, "price": {{Metric: model.Metric{}, Value: 3}},
	})
	load, memory = &r.Models[0].Signals[0], &r.Models[0].Signals[1]
	require.Equal(t, "load.demand: labels", load.Absolute.Now.Missing.String())
	require.Equal(t, "memory.usage: labels", memory.Usage[0].Now.Missing.String())
	require.Equal(t, "memory.capacity: labels", r.Models[0].Variants[0].Capacities[1].Missing.String())
	require.True(t, math.IsNaN(load.Absolute.Window.Values[0]), "nor over time")
	require.True(t, math.IsNaN(memory.Usage[0].Window.Values[0]))
	for _, name := range []string{"load.demand", "memory.usage", "memory.capacity"} {
		require.Equal(t, map[string]int{"labels": 1}, inputOf(t, r, name).Bad, name)
	}
	require.Equal(t, `{model_name="m"}`, inputOf(t, r, "load.demand").Example)
}

// TestTargetsOfOtherLabels is about kube-state-metrics that is scraped with other names than the servers.
func TestTargetsOfOtherLabels(t *testing.T) {
	_, r := matched(t, `
prometheus: {url: http://prometheus.example}
scale_targets: {labels: {namespace: exported_namespace}, current: asked, ready: ready}
signals: {load: {unit: requests, demand: demand}}
models: [{name: m, namespace: ns, scale_up_limit: {replicas: 1, per: 1m}, variants: [{name: a, cost: 1, capacity: {load: 10}}]}]
`, map[string]model.Vector{
		"demand": {{Metric: model.Metric{"namespace": "ns", "model_name": "m"}, Value: 5}},
		"asked": {
			{Metric: model.Metric{"exported_namespace": "ns", "namespace": "monitoring", "scale_target_kind": "Deployment", "scale_target_name": "a"}, Value: 3},
			{Metric: model.Metric{"exported_namespace": "other", "namespace": "ns", "scale_target_kind": "Deployment", "scale_target_name": "a"}, Value: 9},
		},
	})
	runs := r.Models[0].Variants[0].Replicas
	require.Equal(t, 3, *runs.Current.N)
	require.Equal(t, []float64{3}, runs.Limits.Values)
	require.InDelta(t, 5.0, r.Models[0].Signals[0].Absolute.Now.Value, 0)
}
