package collector_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
	"github.com/variant-exporter/variant-exporter/internal/long"
)

// evaluateRapid is evaluateWith for property tests.
func evaluateRapid(t *rapid.T, text string, answers canned) *collector.Snapshot {
	return evaluateQuerier(t, text, newCanned(t, answers))
}

func evaluateQuerier(t *rapid.T, text string, q promapi.RangeQuerier) *collector.Snapshot {
	return rapidEvaluator(t, complete(text), q).Evaluate(context.Background(), fleetAt)
}

func rapidEvaluator(t *rapid.T, text string, q promapi.RangeQuerier) *collector.Evaluator {
	c, found := config.Load("test.yml", text)
	require.NotNil(t, c, "%s\n%v", text, found)
	e, err := collector.NewEvaluator(c, q, collector.EvaluatorOptions{Concurrency: 4, Now: time.Now, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	return e
}

// propertyConfig has everything that a decision may depend on: two models that share budgets, demand and usage, windows, numbers
// and expressions, one model that may scale to zero.
const propertyConfig = `
defaults: {headroom: 0.1, scale_down_window: 5m}
energy_price: kwh
budgets:
  - {name: gpus, unit: accelerators, limit: [12, quota]}
  - {name: power, unit: watts, limit: 9000}
signals:
  load: {unit: requests, demand: demand}
  tokens: {unit: tokens, usage: usage, queued: queued, capacity: carries}
  rate: {unit: requests/s, demand: rate, on_missing: zero, alive: alive}
models:
  - name: m
    namespace: ns
    priority: 1
    variants:
      - {name: a, cost: price, uses: {gpus: 1, power: 700}, capacity: {load: 10, tokens: 100}, replicas: {min: 1, max: 5}, startup: 2m}
      - {name: b, cost: 2, uses: {gpus: 2}, capacity: {load: 25, tokens: 100}, replicas: {max: 7}}
  - name: n
    namespace: ns
    replicas: {min: 0}
    scale_up_window: 1m
    variants:
      - {name: c, cost: 1, uses: {gpus: 1}, capacity: {rate: carries, tokens: 1}, replicas: {max: 20}}
`

var replicaBounds = map[string][2]int{"a": {1, 5}, "b": {0, 7}, "c": {0, 20}}

// anyValue draws what a sample may hold, the odd more often than it occurs.
func anyValue() *rapid.Generator[float64] {
	return rapid.OneOf(
		rapid.Float64Range(0, 100), rapid.Float64Range(0, 100), rapid.SampledFrom([]float64{0, 1, 2, 3}), rapid.SampledFrom([]float64{0, 1, 2, 3}),
		rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), math.Inf(-1), -1, 0.5, 1e18, 1e300, 5e-324}), rapid.Float64(),
	)
}

// anySample draws a sample with labels that may fit.
func anySample() *rapid.Generator[*model.Sample] {
	values := map[model.LabelName][]model.LabelValue{
		"namespace":         {"ns", "ns", "ns", "other"},
		"model_name":        {"m", "n", "m", "n", "x"},
		"llm_d_ai_variant":  {"a", "b", "c", "x"},
		"pod":               {"a-6d4cf56db6-xxxxx", "b-6d4cf56db6-xxxxx", "c-6d4cf56db6-xxxxx", "x"},
		"scale_target_kind": {"Deployment"},
		"scale_target_name": {"a", "b", "c"},
		"job":               {"x", "y"},
	}
	names := []model.LabelName{"namespace", "model_name", "llm_d_ai_variant", "pod", "scale_target_kind", "scale_target_name", "job"}
	return rapid.Custom(func(t *rapid.T) *model.Sample {
		s := &model.Sample{Metric: model.Metric{}, Value: model.SampleValue(anyValue().Draw(t, "value"))}
		for _, name := range names {
			if rapid.IntRange(0, 9).Draw(t, "has "+string(name)) < 6 {
				s.Metric[name] = rapid.SampledFrom(values[name]).Draw(t, string(name))
			}
		}
		if rapid.IntRange(0, 19).Draw(t, "histogram") == 0 {
			s.Histogram = &model.SampleHistogram{Count: 1, Sum: 1}
		}
		return s
	})
}

// sound draws answers as a healthy Prometheus gives them, so that many evaluations come to a decision.
func sound(t *rapid.T) map[string]model.Vector {
	number := func(name string) string { return strconv.Itoa(rapid.IntRange(0, 60).Draw(t, name)) }
	replicas := func(name string) string {
		return runs("a", strconv.Itoa(rapid.IntRange(0, 9).Draw(t, name)), "b", strconv.Itoa(rapid.IntRange(0, 9).Draw(t, name)),
			"c", strconv.Itoa(rapid.IntRange(0, 9).Draw(t, name)))
	}
	models := func(name string) string {
		return load(number(name)) + "\n" + `{namespace="ns", model_name="n"} ` + number(name)
	}
	used := fmt.Sprintf("{namespace=\"ns\", llm_d_ai_variant=\"a\"} %s\n{namespace=\"ns\", llm_d_ai_variant=\"b\"} %s\n{namespace=\"ns\", llm_d_ai_variant=\"c\"} %s",
		number("usage"), number("usage"), number("usage"))
	texts := canned{
		"kwh": `{} 1`, "quota": `{} ` + number("quota"), "price": `{} ` + number("price"), "carries": `{} 10`, "alive": `{} 1`,
		"demand": models("demand"), "rate": models("rate"), "queued": models("queued"), "usage": used,
		"current": replicas("current"), "ready": replicas("ready"),
	}
	answers := map[string]model.Vector{}
	for expr, text := range texts {
		answers[expr] = parseVector(t, text)
	}
	return answers
}

// TestDecisionProperties evaluates random answers, of which some are sound and some are not.
func TestDecisionProperties(t *testing.T) {
	t.Cleanup(long.Checks(25, 100))
	rapid.Check(t, func(t *rapid.T) {
		answers := sound(t)
		errs := map[string]error{}
		asked := []string{"kwh", "quota", "price", "carries", "alive", "demand", "rate", "queued", "usage", "current", "ready"}
		for _, expr := range rapid.SliceOfNDistinct(rapid.SampledFrom(asked), 0, 4, rapid.ID).Draw(t, "struck") {
			if rapid.IntRange(0, 3).Draw(t, "fails") == 0 {
				errs[expr] = &promapi.Error{Reason: rapid.SampledFrom(promapi.Reasons()).Draw(t, "reason"), Err: context.Canceled}
				continue
			}
			answers[expr] = rapid.SliceOfN(anySample(), 0, 5).Draw(t, expr)
		}
		q := querierFunc(func(_ context.Context, expr string, _ time.Time) (model.Vector, error) {
			return answers[expr], errs[expr]
		})
		s := evaluateQuerier(t, propertyConfig, q)
		require.Empty(t, s.Plan.Error)
		for i := range s.Models {
			checkModel(t, &s.Models[i])
		}
		first := rapidExposition(t, s)
		require.Equal(t, first, rapidExposition(t, evaluateQuerier(t, propertyConfig, q)), "two evaluations of the same differ")
	})
}

// checkModel holds a decision to the rules for what is not known.
func checkModel(t *rapid.T, m *collector.Model) {
	trusted, missing := 0, 0
	for _, s := range m.Signals {
		switch {
		case s.Planned != nil:
			trusted++
			require.False(t, math.IsNaN(*s.Planned) || math.IsInf(*s.Planned, 0) || *s.Planned < 0, "%s %g", s.Name, *s.Planned)
		case !s.Ignored:
			missing++
			require.NotEmpty(t, s.Missing)
		}
	}
	for i := range m.Variants {
		v := &m.Variants[i]
		require.Equal(t, v.Missing == "", v.Up, "%s: %s", v.Name, v.Missing)
		if v.Desired == nil {
			require.False(t, v.Up, "%s is up and nothing is desired", v.Name)
			continue
		}
		bounds := replicaBounds[v.Name]
		require.GreaterOrEqual(t, *v.Desired, bounds[0], v.Name)
		require.LessOrEqual(t, *v.Desired, bounds[1], v.Name)
		require.Positive(t, trusted, "%s is desired by no trusted signal", v.Name)
		if missing > 0 {
			require.False(t, v.Up)
			require.NotNil(t, v.Current, v.Name)
			require.Greater(t, *v.Desired, *v.Current, "%s: lowered or echoed while a signal is missing", v.Name)
		}
	}
}

// rapidExposition renders a snapshot, checked, with durations set to zero.
func rapidExposition(t *rapid.T, s *collector.Snapshot) string {
	var b bytes.Buffer
	for _, f := range gather(t, s) {
		_, err := expfmt.MetricFamilyToText(&b, f)
		require.NoError(t, err)
	}
	text := volatile.ReplaceAllString(b.String(), "$1 0")
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "variant_desired_replicas{") {
			require.Regexp(t, `} \d+\n$`, line)
		}
	}
	return text
}
