package past_test

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/value"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/decide"
	"github.com/variant-exporter/variant-exporter/collector/embedded"
	"github.com/variant-exporter/variant-exporter/collector/past"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
	"github.com/variant-exporter/variant-exporter/internal/testclock"
	"github.com/variant-exporter/variant-exporter/optimizer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const fleetConfig = `
prometheus: {url: http://prometheus.example}
defaults: {headroom: 0.1, scale_down_window: 2m, forecast: {method: linear}}
scale_targets: {current: current, ready: ready}
signals: {concurrency: {unit: requests, demand: demand}}
budgets: [{name: gpus, unit: accelerators, limit: 9}]
models:
  - name: chat
    namespace: llm
    slo: {ttft: 500ms, itl: 40ms, quantile: 0.9}
    variants:
      - {name: big, cost: 4, startup: 2m, capacity: {concurrency: 60}, uses: {gpus: 2}}
      - {name: small, cost: 1, startup: 1m, capacity: {concurrency: 10}, uses: {gpus: 1}, replicas: {max: 4}}
`

var (
	begin = time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC)
	end   = begin.Add(50 * time.Minute)
)

// counted is a source that counts what it is asked, and fails when told to.
type counted struct {
	promapi.RangeQuerier
	instants, ranges atomic.Int64
	broken           atomic.Bool
}

func (c *counted) failure() error {
	if c.broken.Load() {
		return &promapi.Error{Reason: promapi.ReasonConnection, Err: errors.New("refused")}
	}
	return nil
}

func (c *counted) Query(ctx context.Context, expr string, at time.Time) (model.Vector, error) {
	c.instants.Add(1)
	if err := c.failure(); err != nil {
		return nil, err
	}
	return c.RangeQuerier.Query(ctx, expr, at)
}

func (c *counted) QueryRange(ctx context.Context, expr string, r v1.Range) (model.Matrix, error) {
	c.ranges.Add(1)
	if err := c.failure(); err != nil {
		return nil, err
	}
	return c.RangeQuerier.QueryRange(ctx, expr, r)
}

// store is what a small fleet showed for fifty minutes.
func store(t *testing.T) *counted {
	t.Helper()
	engine, err := embedded.New(embedded.Config{Dir: t.TempDir(), Retention: 100 * time.Hour})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, engine.Close()) })
	put := func(v *model.Vector, at time.Time, value float64, name string, pairs ...string) {
		m := model.Metric{"__name__": model.LabelValue(name), "namespace": "llm"}
		for i := 0; i < len(pairs); i += 2 {
			m[model.LabelName(pairs[i])] = model.LabelValue(pairs[i+1])
		}
		*v = append(*v, &model.Sample{Metric: m, Value: model.SampleValue(value), Timestamp: model.TimeFromUnixNano(at.UnixNano())})
	}
	for at := begin.Add(4 * time.Second); at.Before(end); at = at.Add(15 * time.Second) {
		var v model.Vector
		minutes := at.Sub(begin).Minutes()
		put(&v, at, 100+40*math.Sin(minutes/6), "demand", "model_name", "chat")
		for name, n := range map[string]float64{"big": 2, "small": 1} {
			put(&v, at, n, "ready", "scale_target_kind", "Deployment", "scale_target_name", name)
			put(&v, at, n+math.Floor(minutes/30), "current", "scale_target_kind", "Deployment", "scale_target_name", name)
		}
		for le, n := range map[string]float64{"0.1": 5, "0.5": 9, "+Inf": 10} {
			put(&v, at, n*minutes*60, "vllm:time_to_first_token_seconds_bucket", "model_name", "chat", "le", le)
		}
		require.NoError(t, engine.Append(t.Context(), v))
	}
	return &counted{RangeQuerier: engine}
}

func keeper(t *testing.T, source promapi.RangeQuerier, c *testclock.Clock) (*past.Keeper, *config.Config) {
	t.Helper()
	cfg, found := config.Load("fleet.yml", fleetConfig)
	require.NotNil(t, cfg, "%v", found)
	k, err := past.NewKeeper(cfg, source, past.Options{Concurrency: 2, Now: c.Now})
	require.NoError(t, err)
	t.Cleanup(k.Close)
	return k, cfg
}

// decided is what an evaluation of its own says of a moment.
func decided(t *testing.T, cfg *config.Config, source promapi.RangeQuerier, at time.Time) *collector.Snapshot {
	t.Helper()
	e, err := collector.NewEvaluator(cfg, source, collector.EvaluatorOptions{Concurrency: 2, Now: time.Now, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	return e.Evaluate(t.Context(), at)
}

func rangeOf(t *testing.T, name string) past.Range {
	t.Helper()
	r, err := past.RangeOf(name)
	require.NoError(t, err)
	return r
}

// numbers are the demand planned for and the replicas desired at a point, to compare.
func numbers(p *past.Point) []float64 {
	m := &p.Models[0]
	return []float64{
		p.Cost.Current, p.Cost.Planned, m.Signals[0].Measured, m.Signals[0].Stabilized, m.Signals[0].Forecast, m.Signals[0].Planned,
		m.Signals[0].Ready, m.Signals[0].Supply, m.Variants[0].Desired, m.Variants[1].Desired, m.Variants[0].Starting, m.Variants[1].Starting,
	}
}

// TestRecordDecidesAsThen holds every point to an evaluation of its own, and the questions to a few over ranges.
func TestRecordDecidesAsThen(t *testing.T) {
	source := store(t)
	k, cfg := keeper(t, source, testclock.New(end))
	r, err := k.Record(t.Context(), rangeOf(t, "15m"), time.Time{})
	require.NoError(t, err)
	require.NoError(t, r.Err)
	require.True(t, r.Complete)
	require.Len(t, r.Points, 91)
	assert.Len(t, r.Points, r.Steps())
	assert.Less(t, source.ranges.Load(), int64(30))
	assert.Less(t, source.instants.Load(), int64(10))
	moved := map[float64]bool{}
	for _, p := range r.Points {
		assert.Equal(t, numbers(past.PointOf(decided(t, cfg, source.RangeQuerier, p.At))), numbers(p), p.At)
		moved[p.Models[0].Signals[0].Planned] = true
	}
	assert.Greater(t, len(moved), 10, "the record must have something to tell")
}

// TestRecordGoesOn asks again later: only what is new is worked out, and once more what was not settled.
func TestRecordGoesOn(t *testing.T) {
	source := store(t)
	c := testclock.New(end.Add(-10 * time.Minute))
	k, cfg := keeper(t, source, c)
	before, err := k.Record(t.Context(), rangeOf(t, "15m"), time.Time{})
	require.NoError(t, err)
	asked := source.ranges.Load() + source.instants.Load()
	again, err := k.Record(t.Context(), rangeOf(t, "15m"), time.Time{})
	require.NoError(t, err)
	assert.Len(t, again.Points, len(before.Points))
	assert.Equal(t, asked, source.ranges.Load()+source.instants.Load(), "an answer is kept for an interval")

	c.Set(end.Add(-8 * time.Minute))
	after, err := k.Record(t.Context(), rangeOf(t, "15m"), time.Time{})
	require.NoError(t, err)
	require.Len(t, after.Points, 91)
	assert.Same(t, before.Points[30], after.Points[18], "settled points are kept")
	assert.Equal(t, numbers(past.PointOf(decided(t, cfg, source.RangeQuerier, after.Points[78].At))), numbers(after.Points[78]))
	assert.NotSame(t, before.Points[90], after.Points[78], "what was not settled is worked out again")
	last := after.Points[90]
	assert.Equal(t, end.Add(-8*time.Minute), last.At)
	assert.Equal(t, numbers(past.PointOf(decided(t, cfg, source.RangeQuerier, last.At))), numbers(last))
}

// TestWatchingCostsLittle counts what is worked out while somebody watches: what is new, and once more what has settled since.
func TestWatchingCostsLittle(t *testing.T) {
	source := store(t)
	c := testclock.New(end.Add(-10 * time.Minute))
	k, _ := keeper(t, source, c)
	before, err := k.Record(t.Context(), rangeOf(t, "15m"), time.Time{})
	require.NoError(t, err)
	for i := range 8 {
		c.Set(end.Add(-10*time.Minute + time.Duration(i+1)*past.Interval))
		after, err := k.Record(t.Context(), rangeOf(t, "15m"), time.Time{})
		require.NoError(t, err)
		require.NoError(t, after.Err)
		require.Len(t, after.Points, 91)
		made := 0
		for _, p := range after.Points {
			if !slices.Contains(before.Points, p) {
				made++
			}
		}
		assert.LessOrEqual(t, made, 4)
		assert.Positive(t, made)
		before = after
	}
}

// TestRecordOutlivesAFailure holds that what was known is not lost while the source is gone.
func TestRecordOutlivesAFailure(t *testing.T) {
	source := store(t)
	c := testclock.New(end.Add(-10 * time.Minute))
	k, _ := keeper(t, source, c)
	before, err := k.Record(t.Context(), rangeOf(t, "15m"), time.Time{})
	require.NoError(t, err)
	source.broken.Store(true)
	c.Set(end.Add(-9 * time.Minute))
	after, err := k.Record(t.Context(), rangeOf(t, "15m"), time.Time{})
	require.NoError(t, err)
	require.ErrorContains(t, after.Err, "refused")
	assert.Equal(t, before.Points[6:], after.Points)
	source.broken.Store(false)
	c.Set(end.Add(-8 * time.Minute))
	whole, err := k.Record(t.Context(), rangeOf(t, "15m"), time.Time{})
	require.NoError(t, err)
	require.NoError(t, whole.Err)
	assert.Len(t, whole.Points, 91)
	assert.NotSame(t, before.Points[90], whole.Points[78])
}

// TestRecordOfThePast ends when it is told to, and says what is wrong where the source is gone.
func TestRecordOfThePast(t *testing.T) {
	source := store(t)
	c := testclock.New(end)
	k, _ := keeper(t, source, c)
	at := end.Add(-20*time.Minute + 3*time.Second)
	source.broken.Store(true)
	r, err := k.Record(t.Context(), rangeOf(t, "1h"), at)
	require.NoError(t, err)
	require.ErrorContains(t, r.Err, "refused")
	assert.False(t, r.Complete)

	source.broken.Store(false)
	c.Set(end.Add(time.Minute))
	r, err = k.Record(t.Context(), rangeOf(t, "1h"), at)
	require.NoError(t, err)
	require.NoError(t, r.Err)
	assert.True(t, r.Complete)
	assert.Equal(t, end.Add(-20*time.Minute), r.To)
	assert.Equal(t, r.To, r.Points[len(r.Points)-1].At)
	assert.True(t, math.IsNaN(r.Points[0].Models[0].Signals[0].Measured), "nothing was known before the store began")
}

// TestRecordDoesNotWait returns what there is when its time is over, and goes on.
func TestRecordDoesNotWait(t *testing.T) {
	source := store(t)
	k, _ := keeper(t, source, testclock.New(end))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r, err := k.Record(ctx, rangeOf(t, "15m"), time.Time{})
	require.NoError(t, err)
	assert.False(t, r.Complete)
	require.Eventually(t, func() bool {
		r, err = k.Record(ctx, rangeOf(t, "15m"), time.Time{})
		return err == nil && r.Complete
	}, time.Minute, 10*time.Millisecond)
}

// TestManyMoments holds that looks at many moments keep only a few of them, and leave no work behind.
func TestManyMoments(t *testing.T) {
	source := store(t)
	k, _ := keeper(t, source, testclock.New(end))
	now, cancel := context.WithCancel(t.Context())
	cancel()
	for i := range 30 {
		_, err := k.Record(now, rangeOf(t, "15m"), end.Add(-time.Duration(i)*time.Minute))
		require.NoError(t, err)
	}
	r, err := k.Record(t.Context(), rangeOf(t, "15m"), end.Add(-29*time.Minute))
	require.NoError(t, err)
	assert.True(t, r.Complete, "%v", r.Err)
}

// gauges writes what a pair of exporters would have shown over a span of time: all of it, or only some names.
func gauges(t *testing.T, source *counted, cfg *config.Config, from, to time.Time, names ...string) {
	t.Helper()
	e, err := collector.NewEvaluator(cfg, source.RangeQuerier, collector.EvaluatorOptions{Concurrency: 2, Now: time.Now, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	shown := map[model.Fingerprint]model.Metric{}
	for at := from; !at.After(to); at = at.Add(30 * time.Second) {
		gone := shown
		shown = map[model.Fingerprint]model.Metric{}
		families, err := collector.NewGatherer(e.Evaluate(t.Context(), at)).Gather()
		require.NoError(t, err)
		var v model.Vector
		for _, f := range families {
			if len(names) > 0 && !slices.Contains(names, f.GetName()) {
				continue
			}
			for _, m := range f.GetMetric() {
				for _, instance := range []string{"a", "b"} {
					labels := model.Metric{"__name__": model.LabelValue(f.GetName()), "instance": model.LabelValue(instance)}
					for _, l := range m.GetLabel() {
						labels[model.LabelName(l.GetName())] = model.LabelValue(l.GetValue())
					}
					v = append(v, &model.Sample{Metric: labels, Value: model.SampleValue(m.GetGauge().GetValue()), Timestamp: model.TimeFromUnixNano(at.UnixNano())})
					shown[labels.Fingerprint()] = labels
					delete(gone, labels.Fingerprint())
				}
			}
		}
		for _, labels := range gone { // as Prometheus does after each scrape
			stale := model.SampleValue(math.Float64frombits(value.StaleNaN))
			v = append(v, &model.Sample{Metric: labels, Value: stale, Timestamp: model.TimeFromUnixNano(at.UnixNano())})
		}
		require.NoError(t, source.RangeQuerier.(*embedded.Engine).Append(t.Context(), v))
	}
}

// TestSketch reads the course of demand and supply from the exporter's own gauges, by a question, and comes to what was decided then.
func TestSketch(t *testing.T) {
	source := store(t)
	c := testclock.New(end)
	k, cfg := keeper(t, source, c)
	gauges(t, source, cfg, begin.Add(34*time.Minute), end, "variant_model_demand", "variant_model_ready_supply")
	r, err := k.Sketch(t.Context(), rangeOf(t, "15m"), time.Time{})
	require.NoError(t, err)
	require.True(t, r.Complete)
	require.Len(t, r.Points, 91)
	assert.Equal(t, int64(1), source.ranges.Load())
	assert.Zero(t, source.instants.Load())
	for i := 0; i < 91; i += 6 { // the moments of its scrapes
		want, got := past.PointOf(decided(t, cfg, source.RangeQuerier, r.Points[i].At)), r.Points[i]
		assert.InDelta(t, want.Models[0].Signals[0].Measured, got.Models[0].Signals[0].Measured, 1e-9, got.At)
		assert.InDelta(t, want.Models[0].Signals[0].Ready, got.Models[0].Signals[0].Ready, 1e-9, got.At)
		assert.True(t, math.IsNaN(got.Models[0].Variants[0].Desired))
	}
	asked := source.ranges.Load()
	_, err = k.Sketch(t.Context(), rangeOf(t, "15m"), time.Time{})
	require.NoError(t, err)
	assert.Equal(t, asked, source.ranges.Load(), "an answer is kept for an interval")
	c.Set(end.Add(past.Interval))
	_, err = k.Sketch(t.Context(), rangeOf(t, "15m"), time.Time{})
	require.NoError(t, err)
	assert.Equal(t, asked+1, source.ranges.Load())
}

// TestModelRecord reads the course of a model from the exporter's own gauges, by a question, and comes to what was decided then.
func TestModelRecord(t *testing.T) {
	source := store(t)
	k, cfg := keeper(t, source, testclock.New(end))
	gauges(t, source, cfg, begin.Add(34*time.Minute), end)
	r, err := k.ModelRecord(t.Context(), 0, rangeOf(t, "15m"), time.Time{})
	require.NoError(t, err)
	require.True(t, r.Complete)
	require.Len(t, r.Points, 91)
	assert.Equal(t, int64(1), source.ranges.Load())
	assert.Zero(t, source.instants.Load())
	starting := 0.0
	for i := 0; i < 91; i += 6 { // the moments of its scrapes
		want := past.PointOf(decided(t, cfg, source.RangeQuerier, r.Points[i].At)).Models[0]
		assert.Equal(t, want, r.Points[i].Models[0], r.Points[i].At)
		starting += want.Variants[0].Starting + want.Variants[1].Starting
	}
	assert.Positive(t, starting, "not everything serves")
}

// TestSketchWithoutGauges works out every step where the gauges do not tell the most of a range.
func TestSketchWithoutGauges(t *testing.T) {
	source := store(t)
	k, cfg := keeper(t, source, testclock.New(end))
	gauges(t, source, cfg, begin.Add(45*time.Minute), end, "variant_model_demand", "variant_model_ready_supply")
	r, err := k.Sketch(t.Context(), rangeOf(t, "15m"), time.Time{})
	require.NoError(t, err)
	require.True(t, r.Complete)
	require.Len(t, r.Points, 91)
	assert.False(t, math.IsNaN(r.Points[10].Models[0].Variants[0].Desired), "decided again")

	source.broken.Store(true)
	r, err = k.Sketch(t.Context(), rangeOf(t, "1h"), time.Time{})
	require.NoError(t, err)
	require.ErrorContains(t, r.Err, "refused")
}

// TestClockThatJumps is of work that takes long: it ends at a time for which nothing has been worked out.
func TestClockThatJumps(t *testing.T) {
	source := store(t)
	c := testclock.New(end.Add(-10 * time.Minute))
	k, _ := keeper(t, &jumping{counted: source, jump: func() { c.Set(end) }}, c)
	_, err := k.Record(t.Context(), rangeOf(t, "15m"), time.Time{})
	require.NoError(t, err)
	r, err := k.Record(t.Context(), rangeOf(t, "15m"), time.Time{})
	require.NoError(t, err)
	assert.Equal(t, end, r.Points[len(r.Points)-1].At)
}

// jumping is a source during whose work time goes by.
type jumping struct {
	*counted
	jump func()
}

func (j *jumping) QueryRange(ctx context.Context, expr string, r v1.Range) (model.Matrix, error) {
	j.jump()
	return j.counted.QueryRange(ctx, expr, r)
}

func TestAt(t *testing.T) {
	source := store(t)
	c := testclock.New(end)
	k, cfg := keeper(t, source, c)
	at := end.Add(-20 * time.Minute)
	s, err := k.At(t.Context(), at.Add(300*time.Millisecond))
	require.NoError(t, err)
	assert.Equal(t, at, s.At)
	assert.Equal(t, numbers(past.PointOf(decided(t, cfg, source.RangeQuerier, at))), numbers(past.PointOf(s)))
	c.Set(end.Add(time.Hour))
	again, err := k.At(t.Context(), at)
	require.NoError(t, err)
	assert.Same(t, s, again, "the past is kept")

	source.broken.Store(true)
	broken, err := k.At(t.Context(), at.Add(time.Second))
	require.NoError(t, err)
	require.Error(t, broken.Inputs[0].Err)
	source.broken.Store(false)
	c.Set(end.Add(2 * time.Hour))
	whole, err := k.At(t.Context(), at.Add(time.Second))
	require.NoError(t, err)
	require.NoError(t, whole.Inputs[0].Err, "a failure is not the past")
}

func TestLatencies(t *testing.T) {
	source := store(t)
	k, _ := keeper(t, source, testclock.New(end))
	record, err := k.Record(t.Context(), rangeOf(t, "15m"), time.Time{})
	require.NoError(t, err)
	all, err := k.Latencies(t.Context(), 0, record)
	require.NoError(t, err)
	require.Len(t, all, 1, "there is no histogram of the time between tokens")
	assert.Equal(t, "ttft", all[0].Name)
	assert.InDelta(t, 0.5, *all[0].Target, 1e-9)
	assert.InDelta(t, 0.9, all[0].Quantile, 1e-9)
	require.Len(t, all[0].Values, 91)
	assert.InDelta(t, 0.5, all[0].Values[80], 0.01)
	asked := source.ranges.Load()
	_, err = k.Latencies(t.Context(), 0, record)
	require.NoError(t, err)
	assert.Equal(t, asked, source.ranges.Load())
	source.broken.Store(true)
	hour, err := k.Record(t.Context(), rangeOf(t, "1h"), time.Time{})
	require.NoError(t, err)
	_, err = k.Latencies(t.Context(), 0, hour)
	require.ErrorContains(t, err, "refused")
}

func TestStates(t *testing.T) {
	n := func(n int) *int { return &n }
	for name, tc := range map[string]struct {
		variant decide.Variant
		want    past.States
	}{
		"at rest":  {decide.Variant{Current: n(3), Ready: n(3)}, past.States{Serving: 3}},
		"starting": {decide.Variant{Current: n(5), Ready: n(3)}, past.States{Serving: 3, Starting: 2}},
		"draining": {decide.Variant{Current: n(1), Ready: n(3)}, past.States{Serving: 1, Draining: 2}},
		"held": {decide.Variant{Current: n(4), Ready: n(4), Guards: []optimizer.Effect{
			{Guard: optimizer.ReasonMakeBeforeBreak, From: n(1), To: n(4)},
		}}, past.States{Serving: 1, Held: 3}},
		"held for room": {decide.Variant{Current: n(4), Ready: n(4), Guards: []optimizer.Effect{
			{Guard: optimizer.ReasonMakeBeforeBreak, From: n(6), To: n(4)},
		}}, past.States{Serving: 4}},
	} {
		assert.Equal(t, tc.want, past.StatesOf(&tc.variant), name)
	}
	assert.True(t, math.IsNaN(past.StatesOf(&decide.Variant{Current: n(1)}).Serving))
}
