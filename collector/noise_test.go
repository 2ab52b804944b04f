package collector_test

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"sync"
	"testing"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
	"github.com/variant-exporter/variant-exporter/optimizer/forecast"
)

const autoConfig = `
prometheus: {url: http://prometheus.example}
defaults: {headroom: auto, scale_down_window: 0s}
scale_targets: {disabled: true}
signals: {load: {unit: requests, demand: demand}}
models: [{name: m, namespace: ns, variants: [{name: a, cost: 1, capacity: {load: 10}, startup: 2m}]}]
`

// remembered is a Prometheus whose demand has been a function of time since a moment.
type remembered struct {
	since  time.Time
	demand func(minute int64) float64
	err    error

	mu     sync.Mutex
	ranges []v1.Range
}

func (p *remembered) value(at time.Time) float64 { return p.demand(at.Unix() / 60) }

func (p *remembered) Query(_ context.Context, expr string, at time.Time) (model.Vector, error) {
	if expr != "demand" {
		return nil, nil
	}
	return model.Vector{{Metric: model.Metric{"namespace": "ns", "model_name": "m"}, Value: model.SampleValue(p.value(at))}}, nil
}

func (p *remembered) QueryRange(_ context.Context, _ string, r v1.Range) (model.Matrix, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ranges = append(p.ranges, r)
	if p.err != nil {
		return nil, p.err
	}
	s := &model.SampleStream{Metric: model.Metric{"namespace": "ns", "model_name": "m"}}
	for at := r.Start; !at.After(r.End); at = at.Add(r.Step) {
		if !at.Before(p.since) {
			s.Values = append(s.Values, model.SamplePair{Timestamp: model.TimeFromUnix(at.Unix()), Value: model.SampleValue(p.value(at))})
		}
	}
	return model.Matrix{s}, nil
}

// wobble is a demand that swings over an hour with noise.
func wobble(minute int64) float64 {
	return 100 + 50*math.Sin(2*math.Pi*float64(minute)/60) + float64(minute*7919%13)
}

func newAuto(t *testing.T, p *remembered) *collector.Evaluator {
	t.Helper()
	c, found := config.Load("test.yml", autoConfig)
	require.NotNil(t, c, "%v", found)
	e, err := collector.NewEvaluator(c, p, collector.EvaluatorOptions{Concurrency: 2, Now: time.Now, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	return e
}

func plannedDemand(t *testing.T, e *collector.Evaluator, at time.Time) *float64 {
	t.Helper()
	return e.Evaluate(t.Context(), at).Models[0].Signals[0].Planned
}

// TestAutoHeadroom works out by the words of forecast what is to be planned for.
func TestAutoHeadroom(t *testing.T) {
	at := time.Date(2026, 11, 23, 12, 34, 56, 0, time.UTC)
	p := &remembered{demand: wobble}
	got := plannedDemand(t, newAuto(t, p), at)
	require.NotNil(t, got)

	noise := forecast.Noise{Window: 10, Lead: 3, Quantile: 0.97} // two minutes of startup and one to be noticed
	day := make([]float64, 24*60)
	for i := range day { // the last day of which all samples are there, at a multiple of ten minutes
		day[i] = wobble(at.Add(-2*time.Minute).Truncate(10*time.Minute).Unix()/60 - int64(len(day)-1-i))
	}
	multiple, ok := noise.Multiple(day)
	require.True(t, ok)
	recent := make([]float64, 10)
	for i := range recent {
		recent[i] = wobble(at.Unix()/60 - int64(9-i))
	}
	ahead, deviation, known := noise.Ahead(recent)
	require.True(t, known)
	require.InDelta(t, ahead+multiple*deviation, *got, 1e-9)
	require.Greater(t, *got, wobble(at.Unix()/60), "noise needs headroom")
}

// TestAutoHeadroomIsAFunctionOfTime: another exporter, or the same after a restart, plans for the same; and of the day only what
// is new is asked for.
func TestAutoHeadroomIsAFunctionOfTime(t *testing.T) {
	at := time.Date(2026, 11, 23, 12, 30, 0, 0, time.UTC)
	p := &remembered{demand: wobble}
	old := newAuto(t, p)
	for i := range 99 {
		now := at.Add(time.Duration(i) * 15 * time.Second)
		a, b := plannedDemand(t, old, now), plannedDemand(t, newAuto(t, &remembered{demand: wobble}), now)
		require.InDelta(t, *a, *b, 0, now)
	}
	whole := 0
	for whole < len(p.ranges) && p.ranges[whole].End.Before(at) {
		whole++
	}
	require.Less(t, whole, 8, "the day is asked for in parts")
	require.Len(t, p.ranges, whole+99, "and then the last minutes each time")
	for _, r := range p.ranges[whole+1:] {
		require.LessOrEqual(t, r.End.Sub(r.Start), 3*time.Minute)
	}
}

func TestAutoHeadroomWithoutHistory(t *testing.T) {
	at := time.Date(2026, 11, 23, 12, 34, 56, 0, time.UTC)
	t.Run("young: the fixed share", func(t *testing.T) {
		got := plannedDemand(t, newAuto(t, &remembered{demand: wobble, since: at.Add(-time.Hour)}), at)
		require.InDelta(t, 1.15*wobble(at.Unix()/60), *got, 1e-9)
	})
	t.Run("failing: nothing is decided but what raises", func(t *testing.T) {
		s := newAuto(t, &remembered{demand: wobble, err: &promapi.Error{Reason: promapi.ReasonTimeout, Err: errors.New("slow")}}).Evaluate(t.Context(), at)
		require.InDelta(t, 1.15*wobble(at.Unix()/60), *s.Models[0].Signals[0].Planned, 1e-9)
		require.Equal(t, "load.demand.history_1m: timeout", s.Models[0].Signals[0].Partial)
		require.Nil(t, s.Models[0].Variants[0].Desired)
		last := s.Inputs[len(s.Inputs)-1]
		require.Equal(t, "load.demand.history_1m", last.Name)
		require.Equal(t, promapi.ReasonTimeout, last.Failure)
	})
}
