package replay_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/backtest/replay"
)

// twoPods is a source in which two pods ran, each to nine tenths in use, while more waited for the first ten minutes.
type twoPods struct{}

func (twoPods) answer(expr string, at time.Time) map[string]float64 {
	switch expr {
	case "usage":
		return map[string]float64{"a-6d4cf56db6-xxxxb": 0.9, "a-6d4cf56db6-xxxxc": 0.9}
	case "queued":
		if at.Before(replayFrom.Add(10 * time.Minute)) {
			return map[string]float64{"": 9600}
		}
		return map[string]float64{"": 0}
	case "replicas", "ready":
		return map[string]float64{"": 2}
	}
	return nil
}

func (s twoPods) Query(_ context.Context, expr string, at time.Time) (model.Vector, error) {
	return nil, fmt.Errorf("%s at %s: an instant query", expr, at)
}

func (s twoPods) QueryRange(_ context.Context, expr string, r v1.Range) (model.Matrix, error) {
	series := map[string]*model.SampleStream{}
	var matrix model.Matrix
	for at := r.Start; !at.After(r.End); at = at.Add(r.Step) {
		for pod, v := range s.answer(expr, at) {
			if series[pod] == nil {
				series[pod] = &model.SampleStream{Metric: model.Metric{
					"namespace": "llm", "model_name": "m", "scale_target_kind": "Deployment", "scale_target_name": "a", "pod": model.LabelValue(pod),
				}}
				matrix = append(matrix, series[pod])
			}
			series[pod].Values = append(series[pod].Values, model.SamplePair{Timestamp: model.TimeFromUnixNano(at.UnixNano()), Value: model.SampleValue(v)})
		}
	}
	return matrix, nil
}

// TestFollowedByUsage follows a demand that pods tell, in a fleet of which only some pods really were there: that those tell of all
// demand is known from what ran, not from what would have run.
func TestFollowedByUsage(t *testing.T) {
	c := loadConfig(t, `
prometheus: {url: http://prometheus.example}
defaults: {headroom: 0, scale_down_window: 0s}
scale_targets: {current: replicas, ready: ready}
signals: {kv: {unit: tokens, usage: usage, queued: queued}}
models: [{name: m, namespace: llm, provision_timeout: 0s, variants: [{name: a, cost: 1, startup: 2m, capacity: {kv: 100}}]}]
`)
	r, err := replay.Run(t.Context(), c, twoPods{}, replay.Options{
		From: replayFrom, To: replayFrom.Add(20 * time.Minute), Step: time.Minute, Concurrency: 2, Now: time.Now,
	})
	require.NoError(t, err)
	v := r.Models[0].Variants[0]
	for i := range r.Steps {
		want := 5 // 180 in use, and 9600 waiting, of which two replicas work off 600 within five minutes
		if i >= 10 {
			want = 2
		}
		require.Equal(t, want, *v.Desired[i], "desired at step %d", i)
		require.Equal(t, want, *v.Followed[i], "followed at step %d", i)
	}
	require.Zero(t, v.HeldMinutes)
	require.InDelta(t, 10, r.Total.Followed.ShortfallMinutes, 1e-9)
}
