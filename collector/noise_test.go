package collector_test

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
	"github.com/variant-exporter/variant-exporter/collector/query"
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
	return newAutoOf(t, p, "2m")
}

func newAutoOf(t *testing.T, p *remembered, startup string) *collector.Evaluator {
	t.Helper()
	c, found := config.Load("test.yml", strings.ReplaceAll(autoConfig, "startup: 2m", "startup: "+startup))
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
	// A startup and a minute to be noticed. The plan may be too low for 6.5 s of the startup, and at a fifth of all moments at the most.
	for startup, law := range map[string]forecast.Law{
		"2m":  {Ahead: 3 * time.Minute, Quantile: 120 / 126.5, Steps: true},
		"30s": {Ahead: 90 * time.Second, Quantile: 30 / 36.5, Steps: true},
		"10s": {Ahead: 70 * time.Second, Quantile: 0.8, Steps: true},
	} {
		t.Run(startup, func(t *testing.T) { testAutoHeadroom(t, startup, law) })
	}
}

func testAutoHeadroom(t *testing.T, startup string, law forecast.Law) {
	t.Helper()
	at := time.Date(2026, 11, 23, 12, 34, 56, 0, time.UTC)
	p := &remembered{demand: wobble}
	got := plannedDemand(t, newAutoOf(t, p, startup), at)
	require.NotNil(t, got)

	of := func(step, from, until time.Duration) forecast.History {
		h := forecast.History{Step: step, Since: until + at.Add(-until).Sub(at.Add(-until).Truncate(step))}
		for then := at.Add(-until).Truncate(step); !then.Before(at.Add(-from)); then = then.Add(-step) {
			h.Values = append(h.Values, wobble(then.Unix()/60))
		}
		slices.Reverse(h.Values)
		return h
	}
	long := forecast.Long{History: of(time.Minute, 49*time.Hour, 0), Week: of(time.Minute, 8*24*time.Hour+34*time.Minute, 7*24*time.Hour-law.Ahead-2*time.Minute)}
	// The last day of which all samples are there ends at a multiple of ten minutes.
	lesson := law.Learn(long, at.Sub(at.Add(-2*time.Minute).Truncate(10*time.Minute)), 24*time.Hour)
	require.True(t, lesson.Learnt)
	require.Equal(t, time.Hour, lesson.Habit)
	recent := of(15*time.Second, 61*time.Minute+15*time.Second, 0).FromMinute(at.Sub(at.Truncate(time.Minute)))
	want, known := law.Plan(law.NewCourse(recent), long, 0, wobble(at.Unix()/60), lesson)
	require.True(t, known)
	require.InDelta(t, want.Total(), *got, 1e-9)
	if lesson.WithHabit > 0 { // a start of a few seconds needs none here
		require.Greater(t, *got, wobble(at.Unix()/60), "noise needs headroom")
	}
}

// TestAutoHeadroomIsExplained: what is told of a measured headroom are the numbers of the decision.
func TestAutoHeadroomIsExplained(t *testing.T) {
	at := time.Date(2026, 11, 23, 12, 34, 56, 0, time.UTC)
	for name, demand := range map[string]func(int64) float64{"swings": wobble, "rises": func(minute int64) float64 { return float64(minute - at.Unix()/60 + 3000) }} {
		s := newAuto(t, &remembered{demand: demand}).Evaluate(t.Context(), at).Models[0].Signals[0]
		require.NotNil(t, s.Margin, name)
		require.False(t, s.Margin.Young, name)
		require.InDelta(t, *s.Planned, max(*s.Measured, s.Margin.Expected+s.Margin.Multiple*s.Margin.Noise), 1e-9, name)
		require.InDelta(t, (2*time.Minute + query.NoticedAfter).Seconds(), s.Margin.Ahead, 0, name)
	}
	s := newAuto(t, &remembered{demand: wobble, since: at.Add(-20 * time.Minute)}).Evaluate(t.Context(), at).Models[0].Signals[0]
	require.True(t, s.Margin.Young)
	require.InDelta(t, *s.Planned, max(1.15**s.Measured, s.Margin.Expected+s.Margin.Multiple*s.Margin.Noise), 1e-9)
}

// TestAutoHeadroomOfNothing: of a model that has been idle for days, nothing is measured and nothing is said.
func TestAutoHeadroomOfNothing(t *testing.T) {
	s := newAuto(t, &remembered{demand: func(int64) float64 { return 0 }}).Evaluate(t.Context(), time.Date(2026, 11, 23, 12, 34, 56, 0, time.UTC)).Models[0].Signals[0]
	require.Zero(t, *s.Planned)
	require.Nil(t, s.Margin)
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
	first := 0
	for _, r := range p.ranges {
		if r.End.Sub(r.Start) > 3*time.Minute {
			first++
		}
	}
	require.Less(t, first, 20, "two days, a day of the week before and the last hour are asked for in parts")
	require.LessOrEqual(t, len(p.ranges), first+3*99, "and then the last minutes of each, each time")
}

// TestNoNoiseAfterTheEnd: what was there ten minutes ago and is no more needs no headroom.
func TestNoNoiseAfterTheEnd(t *testing.T) {
	at := time.Date(2026, 11, 23, 12, 34, 56, 0, time.UTC)
	end := at.Unix()/60 - 8
	got := plannedDemand(t, newAuto(t, &remembered{demand: func(minute int64) float64 {
		if minute < end {
			return 100 + float64(minute*7919%13)
		}
		return 0
	}}), at)
	require.NotNil(t, got)
	require.Zero(t, *got)
}

func TestAutoHeadroomWithoutHistory(t *testing.T) {
	at := time.Date(2026, 11, 23, 12, 34, 56, 0, time.UTC)
	t.Run("young: the fixed share", func(t *testing.T) {
		got := plannedDemand(t, newAuto(t, &remembered{demand: wobble, since: at.Add(-2 * time.Minute)}), at)
		require.InDelta(t, 1.15*wobble(at.Unix()/60), *got, 1e-9)
	})
	t.Run("a few hours: at least the fixed share, and what the noise asks for", func(t *testing.T) {
		got := plannedDemand(t, newAuto(t, &remembered{demand: wobble, since: at.Add(-time.Hour)}), at)
		require.Greater(t, *got, 1.15*wobble(at.Unix()/60))
	})
	t.Run("failing: nothing is decided but what raises", func(t *testing.T) {
		s := newAuto(t, &remembered{demand: wobble, err: &promapi.Error{Reason: promapi.ReasonTimeout, Err: errors.New("slow")}}).Evaluate(t.Context(), at)
		require.InDelta(t, 1.15*wobble(at.Unix()/60), *s.Models[0].Signals[0].Planned, 1e-9)
		require.Equal(t, "load.demand.history: timeout", s.Models[0].Signals[0].Partial)
		require.Nil(t, s.Models[0].Variants[0].Desired)
		last := s.Inputs[len(s.Inputs)-1]
		require.Equal(t, "load.demand.history_1w_ago", last.Name)
		require.Equal(t, promapi.ReasonTimeout, last.Failure)
	})
}
