package fleet_test

import (
	"context"
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/variant-exporter/variant-exporter/backtest/fleet"
)

// metric answers with one value for variant a, or with none if there is no value.
func metric(value *float64) func(context.Context) (map[string]float64, error) {
	return func(context.Context) (map[string]float64, error) {
		if value == nil {
			return nil, nil
		}
		return map[string]float64{"a": *value}, nil
	}
}

// TestAutoscaler holds the stand-in to what Kubernetes' HPA makes of one value (external metric, AverageValue 1).
func TestAutoscaler(t *testing.T) {
	t.Parallel()
	nan, inf := math.NaN(), math.Inf(1)
	for name, tc := range map[string]struct {
		current   int
		value     *float64
		tolerance float64
		want      int
	}{
		"up":                        {2, new(5.0), 0, 5},
		"down":                      {5, new(2.0), 0, 2},
		"rounds up":                 {1, new(2.001), 0, 3},
		"less than a thousandth":    {1, new(2.0009), 0, 2},
		"absent holds":              {3, nil, 0, 3},
		"absent, above the maximum": {40, nil, 0, 30},
		"absent, below the minimum": {0, nil, 0, 1},
		"bounds come first":         {40, new(5.0), 0, 30},
		"maximum":                   {2, new(99.0), 0, 30},
		"minimum":                   {2, new(0.0), 0, 1},
		"within the tolerance":      {10, new(11.0), 0.1, 10},
		"beyond the tolerance":      {10, new(12.0), 0.1, 12},
		"no tolerance":              {10, new(11.0), 0, 11},
		"NaN":                       {5, &nan, 0, 1},
		"infinite":                  {5, &inf, 0, 1},
		"negative":                  {5, new(-1.0), 0, 30},
		"negative, next to nothing": {5, new(-0.0004), 0, 1},
		"huge":                      {5, new(1e300), 0, 30},
	} {
		v := server("a", tc.current)
		v.Min, v.Max = 1, 30
		f := newFleet(t, oneModel(fleet.Constant(0), v))
		a := &fleet.Autoscaler{Fleet: f, Desired: metric(tc.value), Tolerance: tc.tolerance}
		if err := a.Sync(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := f.Status().Variants[0].Desired; got != tc.want {
			t.Errorf("%s: %d replicas, want %d", name, got, tc.want)
		}
	}
}

// TestStabilization: scaling down takes the highest recommendation of the window, scaling up does not wait.
func TestStabilization(t *testing.T) {
	t.Parallel()
	f := newFleet(t, oneModel(fleet.Constant(0), server("a", 4)))
	value := 0.0
	a := &fleet.Autoscaler{Fleet: f, Desired: metric(&value), DownWindow: time.Minute}
	for _, step := range []struct {
		at, value float64
		want      int
		why       string
	}{
		{0, 2, 4, "the replicas at the start count as a recommendation"},
		{30, 3, 4, "they still do"},
		{59, 1, 4, "until the last second"},
		{60, 1, 3, "then 3, of 30 s, is the highest"},
		{75, 6, 6, "up at once"},
		{90, 1, 6, "6 is 15 s old"},
		{134, 1, 6, "59 s"},
		{135, 0, 1, "a minute: 1 is the highest"},
		{200, 0, 0, "to zero"},
		{215, 2, 2, "and back"},
	} {
		f.Advance(at(step.at))
		value = step.value
		if err := a.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := f.Status().Variants[0].Desired; got != step.want {
			t.Errorf("at %v s, metric %v: %d replicas, want %d: %s", step.at, step.value, got, step.want, step.why)
		}
	}
}

func TestAutoscalerHoldsOnError(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection refused")
	f := newFleet(t, oneModel(fleet.Constant(0), server("a", 4)))
	a := &fleet.Autoscaler{Fleet: f, Desired: func(context.Context) (map[string]float64, error) {
		return map[string]float64{"a": 1}, broken
	}}
	err := a.Sync(t.Context())
	if !errors.Is(err, broken) || err.Error() != "get desired replicas: connection refused" {
		t.Errorf("error %v, want the one of the metric", err)
	}
	if got := f.Status().Variants[0].Desired; got != 4 {
		t.Errorf("%d replicas after an error, want the 4 that there were", got)
	}
}

// TestRunnerTime runs a fleet and its autoscaler in the time of a synctest bubble.
func TestRunnerTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		f := newFleet(t, oneModel(fleet.Constant(0), server("a", 0)))
		var syncs []time.Duration
		var failures []string
		runner := &fleet.Runner{
			Fleet: f, Clock: time.Now, Speed: 6, SyncPeriod: 20 * time.Second,
			OnError: func(err error) { failures = append(failures, err.Error()) },
			Autoscaler: &fleet.Autoscaler{Fleet: f, Desired: func(ctx context.Context) (map[string]float64, error) {
				if syncs = append(syncs, f.Status().Elapsed.Round(time.Second)); len(syncs) == 2 {
					<-ctx.Done() // a metrics server that hangs costs one period, and the fleet goes on
					return nil, ctx.Err()
				}
				return map[string]float64{"a": float64(len(syncs))}, nil
			}},
		}
		if err := runner.Run(ctx); err != nil {
			t.Fatal(err)
		}
		s := f.Status()
		if s.Elapsed < 59*time.Second || s.Elapsed > 60*time.Second {
			t.Errorf("10 s at sixfold speed are %v, want a minute", s.Elapsed)
		}
		if diff := cmp.Diff([]string{"get desired replicas: context deadline exceeded"}, failures); diff != "" {
			t.Errorf("failures (-want +got):\n%s", diff)
		}
		if len(syncs) < 2 || syncs[0].Round(2*time.Second) != 20*time.Second || syncs[1].Round(2*time.Second) != 40*time.Second {
			t.Errorf("synced at %v, want 20 s and 40 s", syncs)
		}
		if v := s.Variants[0]; v.Ready != 1 {
			t.Errorf("replicas asked for after 20 s: %d ready after a minute, want 1", v.Ready)
		}
	})
}
