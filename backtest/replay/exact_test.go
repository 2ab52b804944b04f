package replay_test

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/match"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
	"github.com/variant-exporter/variant-exporter/collector/timeline"
	"github.com/variant-exporter/variant-exporter/internal/long"
	"github.com/variant-exporter/variant-exporter/optimizer/forecast"
)

const replaySteps = 100

// someSteps is how many of the steps a test goes through: an eighth, unless it may take long.
func someSteps() int {
	return long.Of(replaySteps/8, replaySteps)
}

func historyOf(q promapi.RangeQuerier, chunk int) *timeline.History {
	grid := v1.Range{Start: replayFrom, End: replayFrom.Add((replaySteps - 1) * time.Minute), Step: time.Minute}
	return timeline.New(q, grid, timeline.Options{Concurrency: 4, ChunkSteps: chunk})
}

// exactExprs are kinds of expressions whose answers over a range and at an instant could differ.
var exactExprs = []string{
	"odd",
	"odd * 2",
	"sum by (model_name) (odd)",
	"sum by (model_name) (odd or vllm:num_requests_running)",
	"sum by (namespace) (odd) + sum by (namespace) (twice)",
	"twice * on (model_name) group_right () odd",
	"odd + on (model_name) twice", // many to one at times
	"rate(odd[5m])",
	"vllm:num_requests_running",
	"sum by (model_name) (vllm:num_requests_running)",
	"max_over_time((sum by (model_name) (vllm:num_requests_running))[5m:15s])",
	"last_over_time((vllm:num_requests_running)[15s:15s] offset 5m)",
	`rate({__name__=~"first_a_total|first_b_total"}[5m])`, // two series of one name, one after the other
	`label_replace(twice, "half", "", "half", ".*")`,      // two series of one name at times
	"timestamp(vllm:num_requests_running)",
	"topk(2, vllm:num_requests_running)",
	"sort_desc(vllm:num_requests_running)",
	"absent(twice)",
	"vector(time())",
	"time()",
	"4.10",
	"odd @ end()",
	"max_over_time(vllm:num_requests_running[5m] @ start())",
	"predict_linear((sum(vllm:num_requests_running))[10m:30s], 120)",
	"vllm:num_requests_running / 0",
	"histogram_count(odd)",
	"no_such_series",
	"label_replace(odd, \"x\", \"$1\", \"model_name\", \"(\")", // refused at every time
	"sum(",
}

// outcomeOf is an answer, in the order of its metrics, or why there is none.
func outcomeOf(vector model.Vector, err error) string {
	if err != nil {
		return err.Error()
	}
	lines := make([]string, 0, len(vector))
	for _, s := range vector {
		lines = append(lines, fmt.Sprintf("%s %v %v", s.Metric, s.Timestamp, s.String()))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// TestHistoryAnswersAsInstantQueries compares every kind of expression at every step.
func TestHistoryAnswersAsInstantQueries(t *testing.T) {
	engine := randomHistory(t, 1, shortHistory)
	kinds := map[string]bool{}
	for _, chunk := range []int{7, 64} {
		history := historyOf(engine, chunk)
		for i := range replaySteps {
			at := replayFrom.Add(time.Duration(i) * time.Minute)
			history.Advance(t.Context(), at)
			for _, expr := range exactExprs {
				want := outcomeOf(engine.Query(t.Context(), expr, at))
				got := outcomeOf(history.Query(t.Context(), expr, at))
				require.Equal(t, want, got, "%s at %s, %d steps at once", expr, at, chunk)
				kinds[strings.SplitN(want, ":", 2)[0]] = true
			}
		}
		history.Wait()
		require.NoError(t, history.Err())
	}
	for _, kind := range []string{"warnings", "execution", "wrong_type", "bad_query"} {
		assert.True(t, kinds[kind], "no answer was %s", kind)
	}
}

// exactConfigs hold every form of a signal, forecasts, headroom, budgets and sources of quantities.
var exactConfigs = map[string]string{
	"presets": `
prometheus: {url: http://prometheus.example}
energy_price: price
defaults: {headroom: auto, scale_up_window: 1m, forecast: {method: linear}}
budgets: [{name: power, unit: watts, limit: '3000 + 0 * price'}]
signals: {wake: {unit: requests, demand: wake, on_missing: zero, alive: 'count(odd)'}}
models:
  - name: m
    namespace: llm
    presets: [vllm]
    slo: {ttft: 500ms, itl: 40ms, quantile: 0.95}
    replicas: {min: 0}
    variants:
      - {name: big, cost: 4, startup: 2m, uses: {power: 700}, capacity: {concurrency: 64, wake: 64}, replicas: {max: 9},
         profile: {alpha: 8ms, beta: 0.02ms, gamma: 0.0004ms, max_batch: 128, correct: true}}
      - {name: small, cost: '0.5 + 10 * price', startup: 1m, uses: {power: 300}, capacity: {concurrency: 20, wake: 20}, replicas: {max: 20},
         profile: {alpha: 16ms, beta: 0.04ms, gamma: 0.0008ms, max_batch: 64}}
`,
	"seasonal": `
prometheus: {url: http://prometheus.example}
defaults:
  forecast: {method: seasonal}
  scale_down_window: 10m
  provision_timeout: 3m
  scale_up_limit: {replicas: 2, percent: 50, per: 3m}
  scale_down_limit: {replicas: 1, per: 5m}
max_age: 2m
models:
  - name: m
    namespace: llm
    presets: [vllm]
    signals: [kv_tokens, prompt_tokens]
    variants:
      - {name: big, cost: 4, startup: 2m, capacity: {prompt_tokens: 4000}, failsafe: {after: 5m, replicas: 3}}
      - {name: small, cost: 1, startup: 1m, capacity: {prompt_tokens: 1000}, scale_target: {name: small}}
`,
	"odd": `
prometheus: {url: http://prometheus.example}
defaults: {headroom: auto, scale_down_window: 0s}
signals:
  odd: {unit: requests, demand: 'odd'}
  twice: {unit: requests, demand: 'sum without (half) (twice)', on_missing: zero, alive: 'count by (model_name) (odd)'}
  clash: {unit: requests, demand: 'odd + on (namespace, model_name) twice', on_missing: ignore}
  rated: {unit: requests, demand: 'rate({__name__=~"first_a_total|first_b_total"}[5m])'}
models:
  - name: n
    namespace: llm
    replicas: {min: 0}
    variants:
      - {name: big, cost: 'sum(odd)', capacity: {odd: 10, twice: 20, clash: 20, rated: 100}}
      - {name: small, cost: 1, capacity: {odd: 10, twice: 'vector(scalar(price))', clash: 20, rated: 100}}
`,
}

func loadConfig(t *testing.T, text string) *config.Config {
	t.Helper()
	c, found := config.Load("replay.yml", text)
	require.NotNil(t, c, "%v", found)
	return c
}

// sameSnapshots ignores how long things took, and what depends on the order of an answer only.
func sameSnapshots(want, got *collector.Snapshot) string {
	return cmp.Diff(want, got,
		cmpopts.IgnoreFields(collector.Snapshot{}, "Duration"),
		cmpopts.IgnoreFields(collector.Input{}, "Duration", "Stray"),
		cmpopts.EquateNaNs(),
		cmp.Transformer("error", func(err error) string { return fmt.Sprint(err) }),
	)
}

// otherFleet runs so many replicas of everything, and half or twice as many before.
type otherFleet int

func (n otherFleet) Replicas(_, _ string) match.Replicas {
	current, ready := int(n), int(n)/2
	past := match.Past{History: forecast.History{Step: time.Minute, Values: []float64{float64(n / 2), float64(2 * n), float64(n)}}}
	return match.Replicas{Current: match.Count{N: &current}, Ready: match.Count{N: &ready}, Limits: past}
}

// TestReplayDecidesAsThen holds the snapshots of a replay to those that instant queries give at every step.
func TestReplayDecidesAsThen(t *testing.T) {
	engine := randomHistory(t, 2, longHistory)
	for name, text := range exactConfigs {
		t.Run(name, func(t *testing.T) {
			cfg := loadConfig(t, text)
			history := historyOf(engine, 16)
			evaluator := func(q promapi.RangeQuerier) *collector.Evaluator {
				e, err := collector.NewEvaluator(cfg, q, collector.EvaluatorOptions{
					Concurrency: 4, Now: time.Now, Logger: slog.New(slog.DiscardHandler),
				})
				require.NoError(t, err)
				return e
			}
			then, replayed := evaluator(engine), evaluator(history)
			decided := 0
			for i := range someSteps() {
				at := replayFrom.Add(time.Duration(i) * time.Minute)
				history.Advance(t.Context(), at)
				want, got := then.Evaluate(t.Context(), at), replayed.Evaluate(t.Context(), at)
				require.Empty(t, sameSnapshots(want, got), "%s", at)
				if i%10 == 0 {
					others := otherFleet(i)
					require.Empty(t, sameSnapshots(then.EvaluateFleet(t.Context(), at, others), replayed.EvaluateFleet(t.Context(), at, others)), "%s", at)
				}
				for _, v := range want.Models[0].Variants {
					if v.Desired != nil {
						decided++
					}
				}
			}
			history.Wait()
			require.NoError(t, history.Err())
			assert.Positive(t, decided, "nothing was ever decided")
			t.Logf("%d of %d decided", decided, 2*someSteps())
		})
	}
}
