package collector_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
	"github.com/variant-exporter/variant-exporter/internal/long"
)

// arriving is a Prometheus whose samples of a step arrive up to two minutes after it, and then stay what they are. Some steps have
// none, and some have one that cannot be used.
type arriving struct {
	values []float64       // by step of 15 seconds before and after fleetAt
	late   []time.Duration // by step: how long after it the sample arrives
	now    time.Time       // what has arrived is seen
	fails  bool            // over ranges
	mu     sync.Mutex
	ranges map[string][]v1.Range // by expression
}

const arrivingStep = 15 * time.Second

// at returns what is known of a step; false for nothing.
func (a *arriving) at(t time.Time) (float64, bool) {
	i := int(t.Sub(fleetAt)/arrivingStep) + len(a.values)/2
	if i < 0 || i >= len(a.values) || t.Add(a.late[i]).After(a.now) || a.values[i] == 0.5 {
		return 0, false
	}
	return a.values[i], true
}

func (a *arriving) Query(_ context.Context, expr string, _ time.Time) (model.Vector, error) {
	if expr != "demand" && expr != "current" && expr != "ready" {
		return nil, nil
	}
	return model.Vector{{Metric: arrivingMetric(), Value: 3}}, nil
}

func arrivingMetric() model.Metric {
	return model.Metric{"namespace": "ns", "model_name": "m", "scale_target_kind": "Deployment", "scale_target_name": "a"}
}

func (a *arriving) QueryRange(_ context.Context, expr string, r v1.Range) (model.Matrix, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ranges == nil {
		a.ranges = map[string][]v1.Range{}
	}
	a.ranges[expr] = append(a.ranges[expr], r)
	if a.fails {
		return nil, &promapi.Error{Reason: promapi.ReasonTimeout, Err: errors.New("slow")}
	}
	s := &model.SampleStream{Metric: arrivingMetric()}
	for at := r.Start; !at.After(r.End); at = at.Add(r.Step) {
		if v, ok := a.at(at); ok {
			s.Values = append(s.Values, model.SamplePair{Timestamp: model.TimeFromUnixNano(at.UnixNano()), Value: model.SampleValue(v)})
		}
	}
	if len(s.Values) == 0 {
		return nil, nil
	}
	return model.Matrix{s}, nil
}

// historyConfig looks back for a window, for idleness, for a trend, for seasons, for limits and for starts, on several grids.
const historyConfig = `
prometheus: {url: http://prometheus.example}
defaults:
  headroom: 0
  scale_down_window: 5m
  provision_timeout: 10m
  scale_down_limit: {replicas: 1, per: 3m}
  forecast: {method: linear, lookback: 10m, lead: 2m}
scale_targets: {current: current, ready: ready}
signals: {load: {unit: requests, demand: demand, on_missing: zero, alive: alive}}
models: [{name: m, namespace: ns, replicas: {min: 0}, idle_after: 40m, variants: [
  {name: a, cost: 1, capacity: {load: 10}, failsafe: {after: 20m, replicas: 5}}]}]
`

// decided is what an evaluation decided, for comparison: everything but what depends on how much of a history was asked for.
func decided(s *collector.Snapshot) string {
	var text strings.Builder
	for _, m := range s.Models {
		for _, x := range m.Signals {
			fmt.Fprintf(&text, "%s %s %s %s %q %q\n", x.Name, numberOf(x.Stabilized), numberOf(x.Forecast), numberOf(x.Planned), x.Missing, x.Partial)
		}
		for _, v := range m.Variants {
			fmt.Fprintf(&text, "%s %s %s %v %q %s\n", v.Name, desired(&v), stuckAt(&v), v.Up, v.Missing, v.Reason)
		}
	}
	return text.String() + fmt.Sprint(failures(s))
}

func numberOf(x *float64) string {
	if x == nil {
		return "-"
	}
	return fmt.Sprint(*x)
}

// TestHistoriesDecideAsNewOnes: whatever was evaluated before, at whatever times, forwards and backwards, with answers and without, an
// evaluator decides what a new one does. Samples may be up to two minutes late.
func TestHistoriesDecideAsNewOnes(t *testing.T) {
	t.Cleanup(long.Checks(25, 100))
	rapid.Check(t, func(t *rapid.T) {
		const steps = 400 // 50 minutes before fleetAt, and as many after it
		a := &arriving{
			values: rapid.SliceOfN(rapid.SampledFrom([]float64{0, 1, 2, 3, 7, 20, 0.5, -1}), steps, steps).Draw(t, "values"),
			late:   make([]time.Duration, steps),
		}
		for i := range a.late {
			a.late[i] = time.Duration(rapid.IntRange(0, 119).Draw(t, "late")) * time.Second
		}
		old := rapidEvaluator(t, historyConfig, a)
		offset := time.Duration(0)
		for range rapid.IntRange(2, 8).Draw(t, "evaluations") {
			offset += time.Duration(rapid.OneOf(
				rapid.IntRange(0, 60_000), rapid.IntRange(0, 1_200_000), rapid.IntRange(-1_200_000, 0),
			).Draw(t, "milliseconds later")) * time.Millisecond
			at := fleetAt.Add(offset)
			if at.After(a.now) {
				a.now = at // an evaluation of the past sees what has arrived by now
			}
			a.fails = rapid.IntRange(0, 5).Draw(t, "fails") == 0
			got := decided(old.Evaluate(context.Background(), at))
			want := decided(rapidEvaluator(t, historyConfig, a).Evaluate(context.Background(), at))
			if a.fails {
				require.NotContains(t, want, " true ", "up without its histories")
				continue // what is kept may still answer all of it
			}
			require.Equal(t, want, got, "%s after the first", offset)
		}
	})
}

// TestHistoriesAskForWhatIsNew: after the first evaluation only the newest step that is two minutes old and those after it are asked
// for; where an answer fails, nothing of it is kept, and the next question is for all that is missing. Only the last answer is kept.
func TestHistoriesAskForWhatIsNew(t *testing.T) {
	a := &arriving{values: slices.Repeat([]float64{3}, 1000), late: make([]time.Duration, 1000)}
	text := demandSignal("", ", scale_down_window: 10m")
	e := newEvaluator(t, text, a, collector.EvaluatorOptions{})
	asked := func(at time.Duration, fails bool) (from, to time.Duration, s *collector.Snapshot) {
		a.fails, a.now, a.ranges = fails, fleetAt.Add(at), nil
		s = e.Evaluate(t.Context(), fleetAt.Add(at))
		require.Len(t, a.ranges["demand"], 1)
		r := a.ranges["demand"][0]
		return r.Start.Sub(fleetAt), r.End.Sub(fleetAt), s
	}
	for i, c := range []struct {
		at       time.Duration
		fails    bool
		from, to time.Duration
	}{
		{0, true, -10 * time.Minute, 0},
		{0, false, -10 * time.Minute, 0},
		{0, false, -2 * time.Minute, 0}, // the step two minutes ago is settled, and asked for again
		{14 * time.Second, false, -2 * time.Minute, 0},
		{15 * time.Second, false, -2 * time.Minute, 15 * time.Second},
		{30 * time.Second, true, -105 * time.Second, 30 * time.Second},
		{60 * time.Second, false, -105 * time.Second, 60 * time.Second},
		{20 * time.Minute, false, 10 * time.Minute, 20 * time.Minute},
		{0, false, -10 * time.Minute, 0}, // back again
		{20 * time.Minute, false, 10 * time.Minute, 20 * time.Minute},
	} {
		from, to, s := asked(c.at, c.fails)
		require.Equal(t, []time.Duration{c.from, c.to}, []time.Duration{from, to}, "question %d", i)
		if c.fails {
			require.Equal(t, []string{"load.demand.history"}, failures(s))
			require.Equal(t, "load.demand.history: timeout", s.Models[0].Signals[0].Partial)
			require.Nil(t, s.Models[0].Variants[0].Desired, "lowered or echoed without its window")
		} else {
			require.Empty(t, failures(s))
			require.Empty(t, s.Models[0].Signals[0].Partial)
			require.Equal(t, 1, *s.Models[0].Variants[0].Desired)
		}
	}
}

// TestHistoriesInParts: a long history is asked for in parts, of which none is larger than the others may be.
func TestHistoriesInParts(t *testing.T) {
	a := &arriving{values: slices.Repeat([]float64{3}, 1000), late: make([]time.Duration, 1000), now: fleetAt}
	e := newEvaluator(t, demandSignal("", ", replicas: {min: 0}, idle_after: 13h"), a, collector.EvaluatorOptions{})
	e.Evaluate(t.Context(), fleetAt)
	next := fleetAt.Add(-13 * time.Hour)
	for _, r := range a.ranges["demand"] {
		require.True(t, next.Equal(r.Start), "%s follows %s", r.Start, next)
		require.Less(t, r.End.Sub(r.Start)/r.Step, time.Duration(360))
		next = r.End.Add(r.Step)
	}
	require.True(t, fleetAt.Add(time.Minute).Equal(next), next)
	require.Len(t, a.ranges["demand"], 3)
}

// TestLossBehindAGap: where Prometheus loses its past while nothing is told, what was kept of before the gap does not count.
func TestLossBehindAGap(t *testing.T) {
	a := &arriving{values: make([]float64, 1000), late: make([]time.Duration, 1000)}
	tell := func(until time.Duration, value float64) {
		for i := range a.values[:500+int(until/arrivingStep)] {
			a.values[i] = value
		}
	}
	const nothing = 0.5
	tell(500*arrivingStep, nothing)
	tell(-4*time.Minute, 30)
	e := newEvaluator(t, historyConfig, a, collector.EvaluatorOptions{})
	for _, at := range []time.Duration{0, 15 * time.Second, 30 * time.Second} {
		if at == 30*time.Second {
			tell(0, nothing)
		}
		a.now = fleetAt.Add(at)
		fresh := newEvaluator(t, historyConfig, a, collector.EvaluatorOptions{})
		require.Equal(t, decided(fresh.Evaluate(t.Context(), a.now)), decided(e.Evaluate(t.Context(), a.now)), "after %s", at)
	}
}

// dayless is a Prometheus that answers over ranges, but not over a day.
type dayless struct {
	*arriving
	err error
}

func (d *dayless) QueryRange(ctx context.Context, expr string, r v1.Range) (model.Matrix, error) {
	if r.Step == time.Minute && expr == "demand" {
		return nil, d.err
	}
	return d.arriving.QueryRange(ctx, expr, r)
}

// TestDayIsNotRead: while the demand of the day cannot be read, or has no result, nothing is lowered.
func TestDayIsNotRead(t *testing.T) {
	const text = `
scale_targets: {current: current, ready: ready}
defaults: {headroom: 0, scale_down_window: 5m, provision_timeout: 0s}
signals: {load: {unit: requests, demand: demand}}
models: [{name: m, namespace: ns, variants: [{name: a, cost: 1, startup: 2m, capacity: {load: 10}}]}]
`
	for _, c := range []struct {
		err  error
		want string
	}{
		{&promapi.Error{Reason: promapi.ReasonTimeout, Err: errors.New("slow")}, "load.demand.history_1m: timeout"},
		{nil, "no result over the last day, though there is one over the window"},
	} {
		d := &dayless{&arriving{values: slices.Repeat([]float64{3}, 1000), late: make([]time.Duration, 1000), now: fleetAt}, c.err}
		read := newEvaluator(t, text, d.arriving, collector.EvaluatorOptions{}).Evaluate(t.Context(), fleetAt).Models[0]
		require.Empty(t, read.Signals[0].Partial)
		require.Equal(t, "1", desired(&read.Variants[0]))
		unread := newEvaluator(t, text, d, collector.EvaluatorOptions{}).Evaluate(t.Context(), fleetAt).Models[0]
		require.Equal(t, c.want, unread.Signals[0].Partial)
		require.NotEqual(t, "1", desired(&unread.Variants[0]))
	}
}

// TestSourcesOverTheWindow: who told a signal before is counted where that has settled. The newest minute that is kept is asked for again.
func TestSourcesOverTheWindow(t *testing.T) {
	a := &arriving{values: slices.Repeat([]float64{3}, 1000), late: make([]time.Duration, 1000)}
	e := newEvaluator(t, witnessed("", ", scale_down_window: 5m"), a, collector.EvaluatorOptions{})
	var asked []string
	for at := time.Duration(0); at <= 2*time.Minute; at += 15 * time.Second {
		a.now, a.ranges = fleetAt.Add(at), nil
		require.Empty(t, failures(e.Evaluate(t.Context(), a.now)))
		for _, r := range a.ranges[countSources] {
			asked = append(asked, fmt.Sprintf("%s: %s to %s", at, r.Start.Sub(fleetAt), r.End.Sub(fleetAt)))
		}
	}
	require.Equal(t, []string{
		"0s: -5m0s to -2m0s",
		"15s: -2m0s to -2m0s", "30s: -2m0s to -2m0s", "45s: -2m0s to -2m0s", "1m0s: -2m0s to -1m0s",
		"1m15s: -1m0s to -1m0s", "1m30s: -1m0s to -1m0s", "1m45s: -1m0s to -1m0s", "2m0s: -1m0s to 0s",
	}, asked)
}

// TestNewestStepsAreAskedOnce: the newest steps of a day are taken from those of a window, which are finer.
func TestNewestStepsAreAskedOnce(t *testing.T) {
	a := &arriving{values: slices.Repeat([]float64{3}, 1000), late: make([]time.Duration, 1000)}
	e := newEvaluator(t, demandSignal("", ", scale_down_window: 5m, replicas: {min: 0}, idle_after: 2h"), a, collector.EvaluatorOptions{})
	steps := func(at time.Duration) (steps []time.Duration) {
		a.now, a.ranges = fleetAt.Add(at), nil
		require.Empty(t, failures(e.Evaluate(t.Context(), a.now)))
		for _, r := range a.ranges["demand"] {
			steps = append(steps, r.Step)
		}
		slices.Sort(steps)
		return steps
	}
	require.Equal(t, []time.Duration{15 * time.Second, time.Minute}, steps(0))
	for at := range time.Duration(5) {
		require.Equal(t, []time.Duration{15 * time.Second}, steps((at+1)*15*time.Second))
	}
	require.Equal(t, []time.Duration{15 * time.Second, time.Minute}, steps(20*time.Minute), "where the finer does not reach back so far")
}

// slowly is a Prometheus whose every answer over a range takes some time, and some more for each step.
type slowly struct {
	answer, step time.Duration
	asked        atomic.Int64 // steps
}

func (s *slowly) Query(context.Context, string, time.Time) (model.Vector, error) {
	return model.Vector{{Metric: arrivingMetric(), Value: 3}}, nil
}

func (s *slowly) QueryRange(ctx context.Context, _ string, r v1.Range) (model.Matrix, error) {
	steps := r.End.Sub(r.Start)/r.Step + 1
	s.asked.Add(int64(steps))
	select {
	case <-ctx.Done():
		return nil, &promapi.Error{Reason: promapi.ReasonTimeout, Err: ctx.Err()}
	case <-time.After(s.answer + s.step*steps):
	}
	stream := &model.SampleStream{Metric: arrivingMetric()}
	for at := r.Start; !at.After(r.End); at = at.Add(r.Step) {
		stream.Values = append(stream.Values, model.SamplePair{Timestamp: model.TimeFromUnixNano(at.UnixNano()), Value: 3})
	}
	return model.Matrix{stream}, nil
}

// TestSlowHistories: where histories take longer than a scrape may, each scrape goes on from what the one before has got, and asks for
// less at once where not even one answer came.
func TestSlowHistories(t *testing.T) {
	for name, c := range map[string]struct {
		slow    *slowly
		scrapes int
	}{
		"every answer takes two seconds":            {&slowly{answer: 2 * time.Second}, 3},
		"no answer comes in time until it is small": {&slowly{step: 30 * time.Millisecond}, 17},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, err := collector.NewEvaluator(parsedFleet(t, 1), c.slow, collector.EvaluatorOptions{
					Concurrency: 16, Now: time.Now, Logger: slog.New(slog.DiscardHandler),
				})
				require.NoError(t, err)
				scrape := func() []string {
					ctx, cancel := context.WithTimeout(t.Context(), 9*time.Second)
					defer cancel()
					failed := failures(e.Evaluate(ctx, time.Now()))
					time.Sleep(15 * time.Second)
					return failed
				}
				needed := 1
				for ; len(scrape()) > 0; needed++ {
					require.Less(t, needed, 30)
				}
				require.Equal(t, c.scrapes, needed, "scrapes until all is known")
				c.slow.asked.Store(0)
				require.Empty(t, scrape())
				require.Less(t, c.slow.asked.Load(), int64(150), "only what is new is asked for")
			})
		})
	}
}

// TestHistoriesReadByTwo: what one evaluation reads stays as it is while another one goes on.
func TestHistoriesReadByTwo(t *testing.T) {
	const steps = 400
	a := &arriving{values: make([]float64, steps), late: make([]time.Duration, steps), now: fleetAt.Add(time.Hour)}
	for i := range a.values {
		a.values[i] = float64(i*i%37 + 1)
	}
	newOne := func() *collector.Evaluator { return fuzzEvaluator(t, historyConfig, a) }
	shared, want := newOne(), map[time.Duration]string{}
	for i := range 40 {
		at := time.Duration(i) * 20 * time.Second
		want[at] = decided(newOne().Evaluate(t.Context(), fleetAt.Add(at)))
	}
	var group sync.WaitGroup
	for of := range 4 {
		group.Go(func() {
			for i := of; i < 40; i += 4 {
				at := time.Duration(i) * 20 * time.Second
				assert.Equal(t, want[at], decided(shared.Evaluate(t.Context(), fleetAt.Add(at))), "%s", at)
			}
		})
	}
	group.Wait()
}
