package replay_test

import (
	"context"
	"strings"
	"testing"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/backtest/replay"
)

// constantFleet is four replicas with a number of requests in service and waiting.
type constantFleet struct{ running, waiting float64 }

func (f constantFleet) value(expr string) (value float64, known bool) {
	for part, value := range map[string]float64{"running": f.running, "waiting": f.waiting, "replicas": 4, "ready": 4} {
		if strings.HasPrefix(expr, part) {
			return value, true
		}
	}
	return 0, false
}

func (f constantFleet) Query(_ context.Context, expr string, at time.Time) (model.Vector, error) {
	value, known := f.value(expr)
	if !known {
		return model.Vector{}, nil
	}
	return model.Vector{&model.Sample{Metric: metricOfFleet, Value: model.SampleValue(value), Timestamp: model.TimeFromUnixNano(at.UnixNano())}}, nil
}

func (f constantFleet) QueryRange(_ context.Context, expr string, r v1.Range) (model.Matrix, error) {
	value, known := f.value(expr)
	if !known {
		return model.Matrix{}, nil
	}
	s := &model.SampleStream{Metric: metricOfFleet}
	for at := r.Start; !at.After(r.End); at = at.Add(r.Step) {
		s.Values = append(s.Values, model.SamplePair{Timestamp: model.TimeFromUnixNano(at.UnixNano()), Value: model.SampleValue(value)})
	}
	return model.Matrix{s}, nil
}

var metricOfFleet = model.Metric{"namespace": "llm", "model_name": "m", "scale_target_kind": "Deployment", "scale_target_name": "a"}

// TestGuessIsNotRewarded holds that a capacity that is too high saves nothing where its own history contradicts it, and that what the
// history does not tell is said.
func TestGuessIsNotRewarded(t *testing.T) {
	const minutes = 30.
	for name, test := range map[string]struct {
		fleet               constantFleet
		capacity            string
		short, extrapolated [2]float64 // at least and at most, of what would have run
		counted             float64
		says                string
	}{
		"requests queued, with room by the guess": {
			constantFleet{384, 60},
			"480",
			[2]float64{minutes, minutes},
			[2]float64{0, 0},
			0.2,
			"signal load: requests queued although there was room by the capacities. No more than 20.0 % of them was seen to be carried",
		},
		"a guess that nothing contradicts": {
			constantFleet{192, 0},
			"480",
			[2]float64{0, 0},
			[2]float64{20, minutes},
			1,
			"signal load: replicas were seen to carry 10.0 % of their capacities at most",
		},
		"as it is": {constantFleet{384, 0}, "96", [2]float64{0, 0}, [2]float64{0, 0}, 1, ""},
		"one request waits for the running iteration": {constantFleet{300, 3}, "96", [2]float64{0, 0}, [2]float64{0, 0}, 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := loadConfig(t, strings.ReplaceAll(`
prometheus: {url: http://prometheus.example}
defaults: {headroom: 0, scale_down_window: 0s}
scale_targets: {current: replicas, ready: ready}
signals: {load: {unit: requests, demand: running, queued: waiting}}
models: [{name: m, namespace: llm, provision_timeout: 0s, scale_down_limit: null, variants: [{name: a, cost: 1, capacity: {load: CAPACITY}}]}]
`, "CAPACITY", test.capacity))
			r, err := replay.Run(t.Context(), c, test.fleet, replay.Options{
				From: replayFrom, To: replayFrom.Add(minutes * time.Minute), Step: time.Minute, Concurrency: 2, Now: time.Now,
			})
			require.NoError(t, err)
			followed := r.Total.Followed
			require.GreaterOrEqual(t, followed.ShortfallMinutes, test.short[0])
			require.LessOrEqual(t, followed.ShortfallMinutes, test.short[1])
			require.GreaterOrEqual(t, followed.ExtrapolatedMinutes, test.extrapolated[0])
			require.LessOrEqual(t, followed.ExtrapolatedMinutes, test.extrapolated[1])
			require.InDelta(t, test.counted, r.Models[0].Signals[0].CountedShare, 1e-9)
			notes := strings.Join(r.Notes, "\n")
			if test.says == "" {
				require.NotContains(t, notes, "signal load")
				return
			}
			require.Contains(t, notes, test.says)
		})
	}
}
