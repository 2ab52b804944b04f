package embedded_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/embedded"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

// start is when the samples of a test begin.
var start = time.UnixMilli(1_790_000_000_000).UTC()

// sample is one sample of series name{pod=pod}.
func sample(name, pod string, at time.Time, value float64) *model.Sample {
	return &model.Sample{
		Metric:    model.Metric{model.MetricNameLabel: model.LabelValue(name), "pod": model.LabelValue(pod)},
		Timestamp: model.TimeFromUnixNano(at.UnixNano()),
		Value:     model.SampleValue(value),
	}
}

// every returns samples of one series, one every step, with the values.
func every(step time.Duration, name, pod string, values ...float64) model.Vector {
	out := make(model.Vector, 0, len(values))
	for i, v := range values {
		out = append(out, sample(name, pod, start.Add(time.Duration(i)*step), v))
	}
	return out
}

func TestQueryFailures(t *testing.T) {
	tests := map[string]struct {
		expr   string
		cfg    embedded.Config
		reason promapi.Reason
		text   string
	}{
		"syntax":           {"sum(", embedded.Config{}, promapi.ReasonBadQuery, "bad_query: 1:5: parse error: unclosed left parenthesis"},
		"unknown function": {"rat(load[5m])", embedded.Config{}, promapi.ReasonBadQuery, `bad_query: 1:1: parse error: unknown function with name "rat"`},
		"wrong argument":   {"rate(load)", embedded.Config{}, promapi.ReasonBadQuery, "bad_query: 1:6: parse error: expected type range vector in call to function \"rate\", got instant vector"},
		"many to many": {
			"load + on () load",
			embedded.Config{},
			promapi.ReasonExecution,
			"execution: found duplicate series for the match group {} on the right hand-side of the operation: ",
		},
		"too many samples": {"sum_over_time(load[5m:1s])", embedded.Config{MaxSamples: 100}, promapi.ReasonExecution, "execution: query processing would load too many samples into memory in query execution"},
		"too slow":         {"load", embedded.Config{Timeout: 1}, promapi.ReasonTimeout, "timeout: query timed out in "},
		"warnings":         {"quantile(2, load)", embedded.Config{}, promapi.ReasonWarnings, "warnings: PromQL warning: quantile value should be between 0 and 1, got 2 (1:10)"},
		"scalar":           {"1 + 1", embedded.Config{}, promapi.ReasonWrongType, "wrong_type: the answer is a scalar, not a vector"},
		"string":           {`"up"`, embedded.Config{}, promapi.ReasonWrongType, "wrong_type: the answer is a string, not a vector"},
		"matrix":           {"load[1m]", embedded.Config{}, promapi.ReasonWrongType, "wrong_type: the answer is a matrix, not a vector"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			engine := open(t, tt.cfg)
			require.NoError(t, engine.Append(t.Context(), every(time.Second, "load", "a", 1, 2)))
			require.NoError(t, engine.Append(t.Context(), every(time.Second, "load", "b", 1, 2)))
			vector, err := engine.Query(t.Context(), tt.expr, start.Add(time.Minute))
			assert.Nil(t, vector)
			assert.Equal(t, tt.reason, promapi.ReasonOf(err))
			assert.ErrorContains(t, err, tt.text)
		})
	}
}

func TestQueryEndsWithItsContext(t *testing.T) {
	engine := open(t, embedded.Config{})
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := engine.Query(canceled, "up", start)
	assert.Equal(t, promapi.ReasonCanceled, promapi.ReasonOf(err))

	late, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	_, err = engine.Query(late, "up", start)
	assert.Equal(t, promapi.ReasonTimeout, promapi.ReasonOf(err))
}

func TestQueryAfterClose(t *testing.T) {
	engine := open(t, embedded.Config{})
	require.NoError(t, engine.Close())
	_, err := engine.Query(t.Context(), "up", start)
	require.EqualError(t, err, "connection: the embedded engine is closed")
	require.EqualError(t, engine.Append(t.Context(), nil), "the embedded engine is closed")
}

func TestQueryPassesValuesOn(t *testing.T) {
	engine := open(t, embedded.Config{})
	require.NoError(t, engine.Append(t.Context(), every(time.Second, "load", "a", 0, -2)))
	at := start.Add(time.Second)
	for expr, want := range map[string][]string{
		"load":                   {`load{pod="a"} -2`},
		"load / 0":               {`{pod="a"} -Inf`},
		"load * 0 / 0":           {`{pod="a"} NaN`},
		"-load / 0":              {`{pod="a"} +Inf`},
		"absent":                 {},
		"count(rate(load[10s]))": {`{} 1`}, // An info says that load is no counter; it is no warning.
	} {
		vector, err := engine.Query(t.Context(), expr, at)
		require.NoError(t, err, expr)
		assert.Equal(t, want, lines(vector), expr)
		for _, s := range vector {
			assert.Equal(t, at, s.Timestamp.Time().UTC(), expr)
		}
	}
}

// A range is answered as a server would: a value at every step at which there is one.
func TestQueryRange(t *testing.T) {
	engine := open(t, embedded.Config{})
	require.NoError(t, engine.Append(t.Context(), every(time.Minute, "load", "a", 1, 2, 3)))
	matrix, err := engine.QueryRange(t.Context(), "load * 10", v1.Range{Start: start, End: start.Add(2 * time.Minute), Step: time.Minute})
	require.NoError(t, err)
	require.Len(t, matrix, 1)
	assert.Equal(t, model.Metric{"pod": "a"}, matrix[0].Metric)
	var values []float64
	for _, p := range matrix[0].Values {
		values = append(values, float64(p.Value))
	}
	assert.Equal(t, []float64{10, 20, 30}, values)
	_, err = engine.QueryRange(t.Context(), "load[", v1.Range{Start: start, End: start.Add(time.Minute), Step: time.Minute})
	assert.Equal(t, promapi.ReasonBadQuery, promapi.ReasonOf(err))
}

// The configured look-back decides how long a series without a staleness marker counts.
func TestLookbackDelta(t *testing.T) {
	for lookback, want := range map[time.Duration][]string{0: {`load{pod="a"} 1`}, time.Minute: {}} {
		engine := open(t, embedded.Config{LookbackDelta: lookback})
		require.NoError(t, engine.Append(t.Context(), every(time.Second, "load", "a", 1)))
		assert.Equal(t, want, ask(t, engine, "load", start.Add(4*time.Minute)))
	}
}

// A subquery that names no step takes the global evaluation interval, as in Prometheus.
func TestSubqueryStepIsTheEvaluationInterval(t *testing.T) {
	engine := open(t, embedded.Config{Scrape: load(t, "global: {evaluation_interval: 10s}")})
	require.NoError(t, engine.Append(t.Context(), every(time.Minute, "load", "a", 1, 1, 1)))
	at := start.Add(2*time.Minute + time.Second)
	assert.Equal(t, []string{`{pod="a"} 6`}, ask(t, engine, "count_over_time(load[1m:])", at))
	require.NoError(t, engine.ApplyConfig(load(t, "global: {evaluation_interval: 30s}")))
	assert.Equal(t, []string{`{pod="a"} 2`}, ask(t, engine, "count_over_time(load[1m:])", at))
}

func TestQueryPassesNativeHistogramsOn(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	ttft := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "ttft_seconds", Help: "Time to first token.", NativeHistogramBucketFactor: 2})
	registry.MustRegister(ttft)
	ttft.Observe(0)
	ttft.Observe(0.75)
	ttft.Observe(-3)
	server := newTarget(t, "")
	server.Config.Handler.(*http.ServeMux).Handle("/native", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	engine := open(t, embedded.Config{Scrape: load(t, `
global: {scrape_interval: 1s, scrape_native_histograms: true}
scrape_configs:
- {job_name: native, metrics_path: /native, static_configs: [{targets: [%q]}]}
`, server.address())})
	run(t, engine)
	eventually(t, engine, "histogram_count(sum(ttft_seconds))", "{} 3")

	vector, err := engine.Query(t.Context(), "sum(ttft_seconds)", time.Now())
	require.NoError(t, err)
	require.Len(t, vector, 1)
	assert.Equal(t, &model.SampleHistogram{Count: 3, Sum: -2.25, Buckets: model.HistogramBuckets{
		{Boundaries: 1, Lower: -4, Upper: -2, Count: 1},
		{Boundaries: 3, Lower: -model.FloatString(prometheus.DefNativeHistogramZeroThreshold), Upper: model.FloatString(prometheus.DefNativeHistogramZeroThreshold), Count: 1},
		{Boundaries: 0, Lower: 0.5, Upper: 1, Count: 1},
	}}, vector[0].Histogram)
}
