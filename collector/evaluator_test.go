package collector_test

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

// querierFunc is a promapi.RangeQuerier. It is asked for the end of a range, and what it answers holds at every step.
type querierFunc func(ctx context.Context, expr string, at time.Time) (model.Vector, error)

func (f querierFunc) Query(ctx context.Context, expr string, at time.Time) (model.Vector, error) {
	return f(ctx, expr, at)
}

func (f querierFunc) QueryRange(ctx context.Context, expr string, r v1.Range) (model.Matrix, error) {
	vector, err := f(ctx, expr, r.End)
	return throughout(vector, r), err
}

// throughout is an answer that is the same at every step of a range.
func throughout(vector model.Vector, r v1.Range) model.Matrix {
	var matrix model.Matrix
	for _, s := range vector {
		stream := &model.SampleStream{Metric: s.Metric}
		for at := r.Start; !at.After(r.End); at = at.Add(r.Step) {
			if t := model.TimeFromUnixNano(at.UnixNano()); s.Histogram != nil {
				stream.Histograms = append(stream.Histograms, model.SampleHistogramPair{Timestamp: t, Histogram: s.Histogram})
			} else {
				stream.Values = append(stream.Values, model.SamplePair{Timestamp: t, Value: s.Value})
			}
		}
		matrix = append(matrix, stream)
	}
	return matrix
}

func newEvaluator(t *testing.T, text string, q promapi.RangeQuerier, o collector.EvaluatorOptions) *collector.Evaluator {
	t.Helper()
	c, found := config.Load("test.yml", complete(text))
	require.NotNil(t, c, "%v", found)
	if o.Concurrency == 0 {
		o.Concurrency = 4
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.Now = time.Now
	e, err := collector.NewEvaluator(c, q, o)
	require.NoError(t, err)
	return e
}

func TestNewEvaluatorRefuses(t *testing.T) {
	c, _ := config.Load("test.yml", complete(oneSignal))
	q, logger := newCanned(t, nil), slog.New(slog.DiscardHandler)
	for name, f := range map[string]func() (*collector.Evaluator, error){
		"no configuration": func() (*collector.Evaluator, error) {
			return collector.NewEvaluator(nil, q, collector.EvaluatorOptions{Concurrency: 1, Now: time.Now, Logger: logger})
		},
		"no querier": func() (*collector.Evaluator, error) {
			return collector.NewEvaluator(c, nil, collector.EvaluatorOptions{Concurrency: 1, Now: time.Now, Logger: logger})
		},
		"no concurrency": func() (*collector.Evaluator, error) {
			return collector.NewEvaluator(c, q, collector.EvaluatorOptions{Now: time.Now, Logger: logger})
		},
		"no clock": func() (*collector.Evaluator, error) {
			return collector.NewEvaluator(c, q, collector.EvaluatorOptions{Concurrency: 1, Logger: logger})
		},
		"no logger": func() (*collector.Evaluator, error) {
			return collector.NewEvaluator(c, q, collector.EvaluatorOptions{Concurrency: 1, Now: time.Now})
		},
	} {
		_, err := f()
		require.ErrorContains(t, err, "new evaluator: ", name)
	}
}

// TestOneTime holds that all queries of an evaluation are asked for the same moment, that of the scrape, and that all histories end
// at the last step of their grid at or before it.
func TestOneTime(t *testing.T) {
	for _, late := range []time.Duration{0, time.Millisecond, 14999 * time.Millisecond} {
		q := newCanned(t, nil)
		at := fleetAt.Add(late)
		fuzzEvaluator(t, fleetConfig(3), q).Evaluate(t.Context(), at)
		require.Equal(t, map[time.Time]bool{at: true}, q.at)
		require.Len(t, q.asked, 6)
		// Demand, what waits and who told it over the window, replicas current, ready and rolling and pods without a node over the time in
		// which a start must end, replicas asked for while limits look for an overload, pods that are being deleted or are ready and silent, and demand over a day, in parts.
		require.Len(t, q.read, 18)
		for i, r := range q.ranges {
			if fleetAt.Sub(r.End) < time.Minute { // Longer ones are asked for in parts.
				require.True(t, fleetAt.Equal(r.End), "%s ends at %s", q.read[i], r.End)
			}
			require.Zero(t, r.Start.UnixNano()%int64(r.Step), "%s begins at %s", q.read[i], r.Start)
		}
	}
}

// TestConcurrency holds that no more queries are in flight than allowed, and that as many are.
func TestConcurrency(t *testing.T) {
	for _, allowed := range []int{1, 2, 3} {
		t.Run(strconv.Itoa(allowed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var inFlight, most atomic.Int32
				e := newEvaluator(t, demandSignal("", ", replicas: {min: 0}, scale_down_window: 5m"), querierFunc(
					func(context.Context, string, time.Time) (model.Vector, error) {
						n := inFlight.Add(1)
						defer inFlight.Add(-1)
						most.Store(max(most.Load(), n))
						time.Sleep(time.Second) // in the bubble's time
						return nil, nil
					}), collector.EvaluatorOptions{Concurrency: allowed})
				begun := time.Now()
				s := e.Evaluate(t.Context(), time.Now())
				require.Equal(t, allowed, int(most.Load()))
				queries := len(s.Inputs)
				require.Equal(t, time.Duration((queries+allowed-1)/allowed)*time.Second, time.Since(begun))
			})
		})
	}
}

// TestHangingQuery holds that an evaluation ends in time, with what was answered.
func TestHangingQuery(t *testing.T) {
	text := `
signals: {load: {unit: requests, demand: demand}, tokens: {unit: tokens, demand: tokens}}
models:
  - {name: m, namespace: ns, variants: [{name: a, cost: 1, capacity: {load: 10}}]}
  - {name: other, namespace: ns, variants: [{name: b, cost: 1, capacity: {tokens: 10}}]}
`
	synctest.Test(t, func(t *testing.T) {
		answers := newCanned(t, canned{"demand": load("25"), "current": runs("a", "1", "b", "1")})
		e := newEvaluator(t, text, querierFunc(func(ctx context.Context, expr string, at time.Time) (model.Vector, error) {
			if strings.Contains(expr, "tokens") {
				<-ctx.Done()
				return nil, &promapi.Error{Reason: promapi.ReasonTimeout, Err: ctx.Err()}
			}
			return answers.Query(ctx, expr, at)
		}), collector.EvaluatorOptions{Concurrency: 1})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		s := e.Evaluate(ctx, time.Now())
		require.NoError(t, ctx.Err(), "the evaluation took all its time")
		require.Equal(t, 9*time.Second, s.Duration, "a second is kept for what follows the queries")
		require.NotEmpty(t, failures(s))
		require.True(t, s.Answered())
		require.Equal(t, 3, *s.Models[0].Variants[0].Desired)
		require.Nil(t, s.Models[1].Variants[0].Desired)
		require.Equal(t, "tokens: tokens.demand: timeout", s.Models[1].Variants[0].Missing)
	})
}

// TestNothingAnswered is about an evaluation whose time is over before it begins.
func TestNothingAnswered(t *testing.T) {
	e := newEvaluator(t, oneSignal, querierFunc(func(ctx context.Context, _ string, _ time.Time) (model.Vector, error) {
		return nil, &promapi.Error{Reason: promapi.ReasonTimeout, Err: ctx.Err()}
	}), collector.EvaluatorOptions{})
	ctx, cancel := context.WithTimeout(t.Context(), -time.Second)
	defer cancel()
	s := e.Evaluate(ctx, fleetAt)
	require.False(t, s.Answered())
	require.Nil(t, s.Models[0].Variants[0].Desired)
}

// TestAges is about how old the answers are: the age of the newest sample behind each selector, of which the oldest counts.
func TestAges(t *testing.T) {
	text := `
scale_targets: {current: current, ready: ready}
signals: {load: {unit: requests, demand: 'fresh + old + fresh offset 1h'}, tokens: {unit: tokens, demand: 'old or gone'}}
models: [{name: m, namespace: ns, variants: [{name: a, cost: 1, capacity: {load: 10, tokens: 1}}]}]
`
	const ages = `label_replace(max(timestamp(current)), "selector", "0", "", "") or label_replace(max(timestamp(ready)), "selector", "1", "", "") or ` +
		`label_replace(max(timestamp(fresh)), "selector", "2", "", "") or label_replace(max(timestamp(old)), "selector", "3", "", "") or ` +
		`label_replace(max(timestamp(gone)), "selector", "4", "", "")`
	c := decisionCase{
		config: text,
		answers: canned{ages: `
			{selector="0"} 1767225599.5
			{selector="2"} 1767225590
			{selector="3"} 1767225540
			{selector="17"} 1
			{selector="x"} 1
			{} 1`},
		want: `
			variant_exporter_query_age_seconds{input="load.demand"} 60
			variant_exporter_query_age_seconds{input="scale_targets.current"} 0.5
			variant_exporter_query_age_seconds{input="tokens.demand"} 60`,
	}
	c.run(t)
}

// TestFailureLog holds that the log has a line for each change, not for each scrape.
func TestFailureLog(t *testing.T) {
	var log bytes.Buffer
	answers := canned{"demand": load("25"), "current": runs("a", "1"), "ready": runs("a", "1")}
	var now *cannedQuerier
	e := newEvaluator(t, oneSignal, querierFunc(func(ctx context.Context, expr string, at time.Time) (model.Vector, error) {
		return now.Query(ctx, expr, at)
	}), collector.EvaluatorOptions{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == "duration" {
				return slog.Attr{}
			}
			return a
		},
	}))})
	e.Close() // What is found out has tests of its own.
	at := fleetAt
	for _, step := range []struct {
		demand  string
		scrapes int
		want    string
		models  []string
	}{
		{load("25"), 3, "", nil},
		{"error: timeout", 3, `level=WARN msg="input has no usable answer" input=load.demand reason=timeout err="timeout: canned"`, []string{`level=INFO msg="model is not fully decided" model=m namespace=ns variant=a reason=hold missing="load: load.demand: timeout"`}},
		{"error: connection", 3, `level=WARN msg="input has no usable answer" input=load.demand reason=connection err="connection: canned"`, []string{`level=INFO msg="model is not fully decided" model=m namespace=ns variant=a reason=hold missing="load: load.demand: connection"`}},
		{load("NaN"), 3, `level=WARN msg="input has samples that cannot be used" input=load.demand reason=nan samples=1 example="{model_name=\"m\", namespace=\"ns\"}"`, []string{`level=INFO msg="model is not fully decided" model=m namespace=ns variant=a reason=hold missing="load: load.demand: nan"`}},
		{load("25"), 3, `level=INFO msg="input works again" input=load.demand`, []string{`level=INFO msg="model is decided again" model=m namespace=ns`}},
		{"error: timeout", 50, strings.Repeat(`level=WARN msg="input has no usable answer" input=load.demand reason=timeout err="timeout: canned"`+"\n", 2), slices.Repeat([]string{`level=INFO msg="model is not fully decided" model=m namespace=ns variant=a reason=hold missing="load: load.demand: timeout"`}, 2)},
	} {
		log.Reset()
		answers["demand"] = step.demand
		now = newCanned(t, answers)
		for range step.scrapes {
			at = at.Add(15 * time.Second)
			e.Evaluate(t.Context(), at)
		}
		var inputs, models []string
		for line := range strings.Lines(log.String()) {
			if line = strings.TrimSpace(line); strings.Contains(line, "model=") {
				models = append(models, line)
			} else {
				inputs = append(inputs, line)
			}
		}
		require.Equal(t, strings.TrimSpace(step.want), strings.Join(inputs, "\n"))
		require.Equal(t, step.models, models)
	}
}
