package collector_test

import (
	"fmt"
	"log/slog"
	"math"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/embedded"
)

const (
	rampStep    = 15 * time.Second
	rampStartup = 3 * time.Minute
)

// sharp is a demand of 100 requests that rises from one moment to the next by 20 a minute, for half an hour; and the same the day
// before.
func sharp(t time.Duration) float64 {
	return 100 + 20*math.Min(30, math.Max(0, (t%(24*time.Hour)).Minutes()-30))
}

// gathering is a demand that rises faster and faster, from 100 requests to 1,000 in half an hour.
func gathering(t time.Duration) float64 {
	return 100 + math.Pow(math.Min(30, math.Max(0, (t%(24*time.Hour)).Minutes()-30)), 2)
}

// TestRamp replays ramps, and counts the steps at which the replicas that are ready, each a startup after it was wanted, do not
// carry the demand: with a forecast that fits, capacity is there before the ramp arrives, without one it is not.
func TestRamp(t *testing.T) {
	for name, c := range map[string]struct {
		method string
		demand func(time.Duration) float64
		enough bool
	}{
		"the trend foresees a gathering ramp":    {"linear", gathering, true},
		"without a forecast it runs ahead":       {"none", gathering, false},
		"yesterday foresees a sharp ramp":        {"seasonal", sharp, true},
		"without a forecast that runs ahead too": {"none", sharp, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			short := replayRamp(t, c.method, c.demand)
			if c.enough {
				require.Empty(t, short, "steps at which less was ready than demanded")
				return
			}
			require.Greater(t, len(short), 20, "steps at which less was ready than demanded")
		})
	}
}

func replayRamp(t *testing.T, method string, demand func(time.Duration) float64) (short []time.Duration) {
	t.Helper()
	engine, err := embedded.New(embedded.Config{Dir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, engine.Close()) })
	c, found := config.Load("ramp.yml", fmt.Sprintf(`
prometheus: {url: http://prometheus.example}
defaults: {headroom: 0.2, forecast: {method: %s, lookback: 5m, lead: 8m}}
scale_targets: {disabled: true}
signals: {load: {unit: requests, demand: requests}}
models: [{name: m, namespace: ns, variants: [{name: a, cost: 1, capacity: {load: 10}, startup: 4m}]}]
`, method))
	require.NotNil(t, c, "%v", found)
	e, err := collector.NewEvaluator(c, engine, collector.EvaluatorOptions{
		Concurrency: 1, Now: time.Now, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	start := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	observe := func(at time.Duration) {
		require.NoError(t, engine.Append(t.Context(), model.Vector{{
			Metric: model.Metric{"__name__": "requests", "namespace": "ns", "model_name": "m"},
			Value:  model.SampleValue(demand(24*time.Hour + at)), Timestamp: model.TimeFromUnix(start.Add(at).Unix()),
		}}))
	}
	for at := -24 * time.Hour; at < 0; at += rampStep {
		observe(at)
	}
	var desired []int
	for i := range int(75 * time.Minute / rampStep) {
		now := time.Duration(i) * rampStep
		observe(now)
		v := e.Evaluate(t.Context(), start.Add(now)).Models[0].Variants[0]
		require.NotNil(t, v.Desired)
		desired = append(desired, *v.Desired)
		if ready := i - int(rampStartup/rampStep); ready >= 0 && float64(10*desired[ready]) < demand(now) {
			short = append(short, now)
		}
	}
	return short
}
