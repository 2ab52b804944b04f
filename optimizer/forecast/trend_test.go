package forecast_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/value"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/variant-exporter/variant-exporter/collector/embedded"
	"github.com/variant-exporter/variant-exporter/optimizer/forecast"
)

func TestLinear(t *testing.T) {
	of := func(since time.Duration, values ...float64) forecast.History {
		return forecast.History{Step: time.Minute, Since: since, Values: values}
	}
	for name, c := range map[string]struct {
		h              forecast.History
		lookback, lead time.Duration
		want           float64
		known          bool
	}{
		"a rise is continued from the moment, not from the last step": {of(30*time.Second, 1, 2, 3, 4), 4 * time.Minute, 2 * time.Minute, 6.5, true},
		"a fall is too":                      {of(0, 9, 8, 7, 6), 4 * time.Minute, 2 * time.Minute, 4, true},
		"but not below zero":                 {of(0, 9, 6, 3, 0), 4 * time.Minute, 2 * time.Minute, 0, true},
		"constant":                           {of(0, 5, 5, 5, 5), 4 * time.Minute, time.Hour, 5, true},
		"what is older does not count":       {of(0, 900, 1, 2, 3, 4), 4 * time.Minute, time.Minute, 5, true},
		"gaps":                               {of(0, 1, nan, nan, 4), 4 * time.Minute, time.Minute, 5, true},
		"half of it was seen":                {of(0, 3, 4), 4 * time.Minute, time.Minute, 5, true},
		"less than half was seen":            {of(0, nan, 3, 4), 6 * time.Minute, time.Minute, 0, false},
		"one value is no trend":              {of(0, 4), 2 * time.Minute, time.Minute, 0, false},
		"a lookback shorter than two steps":  {of(0, 3, 4), time.Minute, time.Minute, 0, false},
		"the last is not known, the rest is": {of(0, 1, 2, 3, nan), 4 * time.Minute, time.Minute, 5, true},
	} {
		got, known := c.h.Linear(c.lookback, c.lead)
		require.Equal(t, c.known, known, name)
		require.InDelta(t, c.want, got, 1e-9, name)
	}
}

// TestLinearAsPrometheus holds the trend to what Prometheus' engine says by predict_linear over the same steps.
func TestLinearAsPrometheus(t *testing.T) {
	engine, err := embedded.New(embedded.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, engine.Close()) })
	start, drawn := time.Unix(1767225600, 0), 0
	rapid.Check(t, func(t *rapid.T) {
		drawn++ // each history has a time of its own in the engine
		begin := start.Add(time.Duration(drawn) * time.Hour)
		step := 15 * time.Second
		values := rapid.SliceOfN(rapid.OneOf(
			rapid.Float64Range(0, 1000), rapid.Float64Range(0, 1000), rapid.Float64Range(0, 1000), rapid.Just(nan),
		), 2, 60).Draw(t, "values")
		lookback := time.Duration(rapid.IntRange(2, 60).Draw(t, "lookback")) * step
		lead := time.Duration(rapid.IntRange(0, 1800).Draw(t, "lead")) * time.Second
		since := time.Duration(rapid.IntRange(0, 14999).Draw(t, "since")) * time.Millisecond
		var samples model.Vector
		for i, v := range values {
			if math.IsNaN(v) {
				v = math.Float64frombits(value.StaleNaN)
			}
			samples = append(samples, &model.Sample{
				Metric: model.Metric{"__name__": "demand"}, Value: model.SampleValue(v),
				Timestamp: model.TimeFromUnixNano(begin.Add(time.Duration(i) * step).UnixNano()),
			})
		}
		require.NoError(t, engine.Append(t.Context(), samples))
		at := begin.Add(time.Duration(len(values)-1)*step + since)
		window := fmt.Sprintf("(demand)[%ds:15s]", int(lookback.Seconds()))
		answer, err := engine.Query(t.Context(), fmt.Sprintf("clamp_min(predict_linear(%s, %g), 0) and count_over_time(%s) >= %d",
			window, lead.Seconds(), window, max(2, int(lookback/step/2))), at)
		require.NoError(t, err)
		got, known := forecast.History{Step: step, Since: since, Values: values}.Linear(lookback, lead)
		require.Equal(t, len(answer) > 0, known)
		if known {
			want := float64(answer[0].Value)
			require.InDelta(t, want, got, 1e-6*(1000+want))
		}
	})
}

func TestSeasonal(t *testing.T) {
	const (
		season   = 24 * time.Hour
		lookback = 4 * time.Minute
		lead     = 3 * time.Minute
	)
	today := func(values ...float64) forecast.History {
		return forecast.History{Step: time.Minute, Since: 20 * time.Second, Values: values}
	}
	// A season ago: four values until this moment then, and three after it.
	then := func(values ...float64) forecast.History {
		return forecast.History{Step: time.Minute, Since: season - lead + 20*time.Second, Values: values}
	}
	for name, c := range map[string]struct {
		today, then forecast.History
		want        float64
		known       bool
	}{
		"the most that came, at today's level":        {today(4, 4, 4, 4), then(2, 2, 2, 2, 1, 7, 3), 14, true},
		"at most three times as much":                 {today(40, 40, 40, 40), then(2, 2, 2, 2, 1, 7, 3), 21, true},
		"what was before this moment is no part":      {today(2, 2, 2, 2), then(0, 0, 0, 8, 1, 1, 1), 1, true},
		"what is older is no part of the levels":      {today(99, 1, 1, 1, 1), then(99, 1, 1, 1, 1, 5, 5, 5), 5, true},
		"gaps":                                        {today(nan, 4, nan, nan), then(nan, 2, nan, nan, nan, nan, 3), 6, true},
		"nothing today":                               {today(0, 0, 0, 0), then(2, 2, 2, 2, 1, 7, 3), 0, true},
		"nothing then":                                {today(4, 4, 4, 4), then(0, 0, 0, 0, 1, 7, 3), 0, false},
		"today is not known":                          {today(nan, nan, nan, nan), then(2, 2, 2, 2, 1, 7, 3), 0, false},
		"the level then is not known":                 {today(4, 4, 4, 4), then(nan, nan, nan, nan, 1, 7, 3), 0, false},
		"what came is not known, though before it is": {today(4, 4, 4, 4), then(2, 2, 2, 2, nan, nan, nan), 0, false},
	} {
		got, known := forecast.Seasonal(c.today, c.then, season, lookback, lead)
		require.Equal(t, c.known, known, name)
		require.InDelta(t, c.want, got, 1e-9, name)
	}
}
