package embedded_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/embedded"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

// steps is how many scrapes the samples below stand for, step their interval.
const (
	steps = 160
	step  = 15 * time.Second
)

// outcome is what a caller sees of an answer: its reason if it failed, else its values by series.
type outcome struct {
	Reason promapi.Reason
	Values map[string]float64
}

func outcomeOf(t *testing.T, q promapi.Querier, expr string, at time.Time) outcome {
	t.Helper()
	vector, err := q.Query(t.Context(), expr, at)
	if err != nil {
		return outcome{Reason: promapi.ReasonOf(err)}
	}
	out := outcome{Values: make(map[string]float64, len(vector))}
	for _, s := range vector {
		require.Equal(t, at.UnixMilli(), int64(s.Timestamp), expr)
		out.Values[s.Metric.String()] = float64(s.Value)
	}
	require.Len(t, out.Values, len(vector), "%s answers one series twice", expr)
	return out
}

// Sums may be added up in another order, so the last digits may differ.
func assertSame(t *testing.T, want, got outcome) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateApprox(1e-12, 0), cmpopts.EquateNaNs()); diff != "" {
		t.Errorf("Prometheus (-) and the embedded engine (+) differ:\n%s", diff)
	}
}

// TestSameAnswersFromHistory gives the embedded engine and a Prometheus server one history of vLLM and gateway series, by
// starting the server on a copy of the engine's directory, and asks both the kinds of question that this project asks.
func TestSameAnswersFromHistory(t *testing.T) {
	t.Parallel()
	// Scrapes fall between the whole minutes at which subqueries look, and questions are asked between scrapes: of a sample at
	// the very start of a window, Prometheus 2 takes account and Prometheus 3 does not.
	begin := time.Now().Add(-steps * step).Truncate(time.Minute).Add(4 * time.Second)
	dir := t.TempDir()
	engine := open(t, embedded.Config{Dir: dir})
	for i := range steps {
		require.NoError(t, engine.Append(t.Context(), scrapeAt(begin.Add(time.Duration(i)*step), i)))
	}
	require.NoError(t, engine.Close())
	server := startPrometheus(t, copyOf(t, dir), "")
	engine = open(t, embedded.Config{Dir: dir})

	answered := 0
	for _, expr := range parityExprs {
		t.Run(expr, func(t *testing.T) {
			for _, at := range []time.Duration{2*step + 7*time.Second, 70*step + 7*time.Second, (steps-1)*step + 4321*time.Millisecond} {
				want := outcomeOf(t, server, expr, begin.Add(at))
				assertSame(t, want, outcomeOf(t, engine, expr, begin.Add(at)))
				if len(want.Values) > 0 {
					answered++
				}
			}
		})
	}
	assert.Greater(t, answered, len(parityExprs), "most expressions must have an answer, or the test shows nothing")
}

// TestSameReasonsForMistakes names the reasons, so that being wrong alike is seen too.
func TestSameReasonsForMistakes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	engine := open(t, embedded.Config{Dir: dir})
	at := time.Now().Truncate(step)
	require.NoError(t, engine.Append(t.Context(), scrapeAt(at, 0)))
	require.NoError(t, engine.Close())
	server := startPrometheus(t, copyOf(t, dir), "")
	engine = open(t, embedded.Config{Dir: dir})

	for expr, want := range map[string]promapi.Reason{
		"sum by (model_name) (vllm:num_requests_running": promapi.ReasonBadQuery,
		"rate(vllm:num_requests_running)":                promapi.ReasonBadQuery,
		"no_such_function(vllm:num_requests_running)":    promapi.ReasonBadQuery,
		"{}":     promapi.ReasonBadQuery,
		"":       promapi.ReasonBadQuery,
		"sum(1)": promapi.ReasonBadQuery,
		`label_replace(vllm:num_requests_running, "x", "$1", "pod", "(")`:             promapi.ReasonExecution,
		`label_replace(vllm:num_requests_running, "engine", "", "engine", ".*")`:      promapi.ReasonExecution,
		"vllm:num_requests_running * on (model_name) vllm:num_requests_waiting":       promapi.ReasonExecution,
		"vllm:kv_cache_usage_perc * on (pod) group_left () vllm:num_requests_running": promapi.ReasonExecution,
		"scalar(sum(vllm:num_requests_running))":                                      promapi.ReasonWrongType,
		"4.10":                                                                        promapi.ReasonWrongType,
		"time()":                                                                      promapi.ReasonWrongType,
		`"llama"`:                                                                     promapi.ReasonWrongType,
		"vllm:num_requests_running[5m]":                                               promapi.ReasonWrongType,
		"vllm:num_requests_running[5m:15s]":                                           promapi.ReasonWrongType,
	} {
		t.Run(expr, func(t *testing.T) {
			assert.Equal(t, outcome{Reason: want}, outcomeOf(t, server, expr, at), "Prometheus")
			assert.Equal(t, outcome{Reason: want}, outcomeOf(t, engine, expr, at), "embedded")
		})
	}
}

// TestSameSeriesFromScraping lets both scrape one target whose values stand still.
func TestSameSeriesFromScraping(t *testing.T) {
	t.Parallel()
	target := newTarget(t, vllmExposition)
	config := `
global: {scrape_interval: 1s}
scrape_configs:
- job_name: vllm
  static_configs: [{targets: [` + target.address() + `], labels: {namespace: llm, pod: llama-h100-0}}]
  metric_relabel_configs: [{source_labels: [__name__], regex: vllm:dropped, action: drop}]
- job_name: gone
  static_configs: [{targets: [127.0.0.1:1]}]
`
	server := startPrometheus(t, t.TempDir(), config)
	engine := open(t, embedded.Config{Scrape: load(t, "%s", config)})
	run(t, engine)
	const scraped = "sum(up) + count(up) == 3 and count(vllm:num_requests_running) == 2"
	eventually(t, server, "count("+scraped+")", "{} 1")
	eventually(t, engine, "count("+scraped+")", "{} 1")

	at := time.Now()
	for _, expr := range []string{
		`{job=~".+", __name__!~"scrape_.*"}`,
		`scrape_samples_scraped or scrape_samples_post_metric_relabeling`,
		`sum by (namespace, model_name) (vllm:num_requests_running + vllm:num_requests_waiting)`,
		`histogram_quantile(0.95, sum by (le) (vllm:time_to_first_token_seconds_bucket))`,
		`vllm:cache_config_info * on (pod) group_left () sum by (pod) (vllm:kv_cache_usage_perc)`,
		`absent(vllm:dropped)`,
	} {
		t.Run(expr, func(t *testing.T) {
			want := outcomeOf(t, server, expr, at)
			assert.NotEmpty(t, want.Values)
			assertSame(t, want, outcomeOf(t, engine, expr, at))
		})
	}
}
