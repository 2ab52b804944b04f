package collector_test

import (
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/embedded"
	"github.com/variant-exporter/variant-exporter/internal/recorded"
)

// The buckets of vLLM's histograms.
var (
	bucketsOfITL    = []float64{0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5}
	bucketsOfTTFT   = []float64{0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5}
	bucketsOfTokens = []float64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000}
)

// shown is what a server shows in a second, by series.
type shown map[string]float64

// observe adds so many observations a second to a histogram.
func (s shown) observe(name string, buckets []float64, value, perSecond float64) {
	for _, le := range append(slices.Clone(buckets), math.Inf(1)) {
		key := fmt.Sprintf(`%s_bucket{le="%v"}`, name, le)
		if s[key] += 0; value <= le {
			s[key] += perSecond
		}
	}
	s[name+"_sum"] += value * perSecond
	s[name+"_count"] += perSecond
}

// recordedLatency is a table of the recorded server.
func recordedLatency(t *testing.T, name string) []recorded.Row {
	t.Helper()
	return recorded.Table(t, "runs/h200-llama8b/"+name)
}

// shownBy is what a recorded segment would show in a second.
func shownBy(t *testing.T, segment recorded.Row) shown {
	t.Helper()
	file, rate := "main-"+segment["name"]+"-"+segment["segment"], segment.Number(t, "rate")
	s := shown{"vllm:request_success_total": rate}
	requests := recordedLatency(t, file+"-requests.csv.gz")
	each := rate / float64(len(requests))
	for _, q := range requests {
		s.observe("vllm:request_prompt_tokens", bucketsOfTokens, q.Number(t, "input_tokens"), each)
		s.observe("vllm:request_generation_tokens", bucketsOfTokens, q.Number(t, "output_tokens"), each)
		if q["first_token"] != "" {
			s.observe("vllm:time_to_first_token_seconds", bucketsOfTTFT, q.Number(t, "first_token")-q.Number(t, "arrival"), each)
		}
	}
	gaps, all := recordedLatency(t, file+"-itl-ms.csv"), 0.0
	for _, g := range gaps {
		all += g.Number(t, "tokens")
	}
	perSecond := rate * (segment.Number(t, "output_tokens") - 1)
	for _, g := range gaps {
		s.observe("vllm:inter_token_latency_seconds", bucketsOfITL, (g.Number(t, "itl_from_ms")+0.5)/1000, perSecond*g.Number(t, "tokens")/all)
	}
	return s
}

// series are the samples of a pod that goes on like this for an hour.
func (s shown) series(t *testing.T, running float64) model.Vector {
	t.Helper()
	var all model.Vector
	for at := 0; at <= 3600; at += 15 {
		add := func(key string, value float64) {
			metric := model.Metric{"namespace": "llm", "pod": "llama-h200-6d4cf56db6-xxxxb", "instance": "llama:8000", "model_name": runModel}
			name, rest, bucket := strings.Cut(key, "{")
			if metric["__name__"] = model.LabelValue(name); bucket {
				metric["le"] = model.LabelValue(strings.TrimSuffix(strings.TrimPrefix(rest, `le="`), `"}`))
			}
			all = append(all, &model.Sample{Metric: metric, Value: model.SampleValue(value), Timestamp: model.TimeFromUnix(fleetAt.Unix() + int64(at) - 3600)})
		}
		for key, perSecond := range s {
			add(key, perSecond*float64(at))
		}
		add("vllm:num_requests_running", running)
		add("vllm:num_requests_waiting", 0)
	}
	return all
}

// TestRecordedLatencyIsNoticed shows what a real server showed to the exporter, in the series of vLLM. The largest rates with 95 % of the
// tokens within 40 ms were 43.1 (fixed lengths) and 28.5 to 29.9 (mixed).
func TestRecordedLatencyIsNoticed(t *testing.T) {
	const (
		calibrated = "profile: {alpha: 4.9ms, beta: 0ms, gamma: 0.000072ms, max_batch: 256, max_batch_tokens: 2048, chunk: {alpha: 3.5ms, beta: 0.021ms, gamma: 0.000061ms}}"
		tooFast    = "profile: {alpha: 4ms, beta: 0ms, gamma: 0.00006ms, max_batch: 256, max_batch_tokens: 2048, chunk: {alpha: 2.7ms, beta: 0.016ms, gamma: 0.00005ms}}"
		guessed    = "capacity: {latency: 44}"
	)
	for _, segment := range recordedLatency(t, "open.csv") {
		if segment["run"] != "main" {
			continue
		}
		engine, err := embedded.New(embedded.Config{})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, engine.Close()) })
		require.NoError(t, engine.Append(t.Context(), shownBy(t, segment).series(t, segment.Number(t, "running"))))
		for _, believed := range []string{calibrated, tooFast, guessed} {
			c, found := config.Load("run.yml", fmt.Sprintf(`
prometheus: {url: http://prometheus.example}
scale_targets: {disabled: true}
models: [{name: %s, namespace: llm, presets: [vllm], signals: [latency], slo: {itl: 40ms, quantile: 0.95}, variants: [{name: llama-h200, cost: 4, %s}]}]
`, runModel, believed))
			require.NotNil(t, c, "%v", found)
			e, err := collector.NewEvaluator(c, engine, collector.EvaluatorOptions{Concurrency: 4, Now: time.Now, Logger: slog.New(slog.DiscardHandler)})
			require.NoError(t, err)
			v := e.Evaluate(t.Context(), fleetAt).Models[0].Variants[0]
			require.NotEmpty(t, v.Capacities, v.Missing)
			capacity := v.Capacities[0].Value
			t.Logf("%s %s/s, %s: capacity %.1f, correction %.3f, missed %+v", segment["name"], segment["rate"], believed, capacity, *v.Correction, v.Missed)
			late := segment.Number(t, "itl_p95") > 0.040
			require.Equal(t, late, v.Missed != nil)
			if !late && believed == guessed {
				require.InDelta(t, 44, capacity, 1e-9, "nothing says that it is not so")
			}
			if largest := map[string]float64{"fixed": 43.1, "mixed": 29.2}[segment["name"]]; late {
				require.InDelta(t, largest, capacity, 0.15*largest)
			}
		}
	}
}
