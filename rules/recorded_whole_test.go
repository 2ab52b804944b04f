package rules_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/backtest/store"
	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/decide"
	"github.com/variant-exporter/variant-exporter/collector/embedded"
	"github.com/variant-exporter/variant-exporter/collector/query"
	"github.com/variant-exporter/variant-exporter/internal/long"
	"github.com/variant-exporter/variant-exporter/rules"
)

// everySignal is a configuration with every signal of the preset of vLLM.
const everySignal = `
prometheus: {url: http://prometheus.example}
recorded: %t
models:
  - name: m
    namespace: ns
    presets: [vllm]
    slo: {ttft: 2s, itl: 60ms}
    variants:
      - {name: a, cost: 1, startup: 2m, capacity: {concurrency: 20, prompt_tokens: 9000, generation_tokens: 2000, ttft: 2, itl: 1},
         profile: {alpha: 12ms, beta: 0.03ms, gamma: 0.0005ms, max_batch: 256}}
    signals: [concurrency, kv_tokens, prompt_tokens, generation_tokens, latency, ttft, itl]
`

func parsed(t *testing.T, recorded bool) *config.Config {
	t.Helper()
	c, found := config.Load("test.yml", fmt.Sprintf(everySignal, recorded))
	require.NotNil(t, c, "%v", found)
	return c
}

// recordingRules are the rules of what signals ask for, by how often they are evaluated.
func recordingRules(t *testing.T, c *config.Config) map[string][]rule {
	t.Helper()
	m, err := rules.Rules(c, ruleOptions())
	all := map[string][]rule{}
	for _, g := range strict[ruleFile](t, text(t, m, err))[0].Groups {
		if strings.HasSuffix(g.Name, "_demand") || strings.HasSuffix(g.Name, "_means") {
			all[g.Interval] = append(all[g.Interval], g.Rules...)
		}
	}
	return all
}

// TestRecordedIsAllThatIsAsked: where signals are read from their rules, nothing of them is asked for in another way, and there is a rule for
// each that is asked for.
func TestRecordedIsAllThatIsAsked(t *testing.T) {
	c := parsed(t, true)
	fingerprints := map[string]string{}
	for _, group := range recordingRules(t, c) {
		for _, r := range group {
			fingerprints[r.Record] = r.Labels[config.LabelRecorded]
		}
	}
	p, asked := query.Compile(c), map[string]bool{}
	check := func(name, expr, rule string) {
		if strings.HasPrefix(name, "vllm.") && !strings.Contains(name, ".observed_") {
			require.Equal(t, fingerprints[expr], rule, "%s asks for %s", name, expr)
			require.NotEmpty(t, rule, name)
			asked[expr] = true
		}
	}
	for _, q := range p.Queries {
		check(q.Name, q.Expr, q.Rule)
	}
	for _, h := range p.Histories {
		check(h.Name, h.Expr, h.Rule)
	}
	require.Len(t, asked, len(fingerprints), "every rule is of use")
	for _, q := range p.Ages {
		if !strings.Contains(q.Query.Expr, "inter_token") { // what replicas show of themselves is asked for itself
			require.NotContains(t, q.Query.Expr, "vllm:", "ages are those of the rules")
		}
	}
	for _, r := range recordingRules(t, parsed(t, false))["15s"] {
		require.Equal(t, fingerprints[r.Record], r.Labels[config.LabelRecorded], "the rules of who only looks at demand are among them")
	}
}

// recordedFleet is three pods of vLLM, a store that has their series and those that rules record of them, and the engine over it.
type recordedFleet struct {
	store    *store.Store
	engine   *embedded.Engine
	series   map[string]*store.Series
	rules    map[string][]rule
	recorded map[string]map[string]bool // by how often rules are evaluated: series that they recorded last
}

func (f *recordedFleet) add(at time.Time, value float64, l labels.Labels) {
	key := l.String()
	if f.series[key] == nil {
		f.series[key] = f.store.Add(l)
	}
	f.series[key].Append(at.UnixMilli(), value)
}

// scrape adds the samples of a moment, of so many pods, and what the rules record of them.
func (f *recordedFleet) scrape(t *testing.T, seconds float64, at time.Time, pods int) {
	t.Helper()
	for _, name := range []string{"spec_replicas", "status_replicas", "status_replicas_ready", "status_replicas_updated"} {
		f.add(at, 3, labels.FromStrings("__name__", "kube_deployment_"+name, "namespace", "ns", "deployment", "a"))
	}
	for pod := range pods {
		name := fmt.Sprintf("a-6d4cf56db6-bcd%cx", "245"[pod])
		of := []string{"namespace", "ns", "pod", name, "instance", name + ":8000", "model_name", "m", "engine", "0"}
		for metric, value := range map[string]float64{
			"num_requests_running": 10, "num_requests_waiting": 1, "kv_cache_usage_perc": 0.3, "request_success_total": 2 * seconds,
			"prompt_tokens_total": 600 * seconds, "generation_tokens_total": 150 * seconds,
			"request_prompt_tokens_sum": 600 * seconds, "request_prompt_tokens_count": 2 * seconds,
			"request_generation_tokens_sum": 150 * seconds, "request_generation_tokens_count": 2 * seconds,
			"inter_token_latency_seconds_sum": 3 * seconds, "inter_token_latency_seconds_count": 150 * seconds,
			"time_to_first_token_seconds_count": 2 * seconds,
		} {
			f.add(at, value, labels.FromStrings(append([]string{"__name__", "vllm:" + metric}, of...)...))
		}
		for _, metric := range []string{"time_to_first_token_seconds", "inter_token_latency_seconds", "request_prompt_tokens", "request_generation_tokens"} {
			for bucket, share := range map[string]float64{"0.1": 0.2, "1": 0.6, "100": 0.8, "1000": 0.99, "+Inf": 1} {
				f.add(at, share*2*seconds, labels.FromStrings(append([]string{"__name__", "vllm:" + metric + "_bucket", "le", bucket}, of...)...))
			}
		}
		f.add(at, 1, labels.FromStrings(append([]string{"__name__", "vllm:cache_config_info", "num_gpu_blocks", "25000", "block_size", "16"}, of...)...))
	}
	for every, all := range f.rules {
		if interval, err := time.ParseDuration(every); err == nil && at.Equal(at.Truncate(interval)) {
			f.recorded[every] = f.record(t, at, all, f.recorded[every])
		}
	}
}

// record adds what rules record at a moment. A series that they recorded before and record no more ends, as in Prometheus.
func (f *recordedFleet) record(t *testing.T, at time.Time, all []rule, ended map[string]bool) (recorded map[string]bool) {
	t.Helper()
	recorded = map[string]bool{}
	for _, r := range all {
		found, err := f.engine.Query(t.Context(), r.Expr, at)
		require.NoError(t, err, r.Record)
		for _, x := range found {
			l := labels.NewBuilder(labels.EmptyLabels())
			for name, value := range x.Metric {
				l.Set(string(name), string(value))
			}
			key := l.Set(config.LabelRecorded, r.Labels[config.LabelRecorded]).Set(model.MetricNameLabel, r.Record).Labels()
			f.add(at, float64(x.Value), key)
			recorded[key.String()] = true
			delete(ended, key.String())
		}
	}
	for key := range ended {
		f.series[key].End(at.UnixMilli())
		delete(f.series, key)
	}
	return recorded
}

// decisions is what is decided of the fleet, with signals read from their rules and without.
func (f *recordedFleet) decisions(t *testing.T, at time.Time) (plain, recorded *decide.Model) {
	t.Helper()
	decided := func(recorded bool) *decide.Model {
		e, err := collector.NewEvaluator(parsed(t, recorded), f.engine, collector.EvaluatorOptions{
			Concurrency: 1, Now: time.Now, Logger: slog.New(slog.DiscardHandler),
		})
		require.NoError(t, err)
		return &e.Evaluate(t.Context(), at).Models[0]
	}
	return decided(false), decided(true)
}

// told is a decision as the API tells it.
func told(t *testing.T, m *decide.Model) string {
	t.Helper()
	text, err := json.MarshalIndent(m, "", " ")
	require.NoError(t, err)
	return string(text)
}

// runRecorded decides about three pods, of which so many tell at the end, without one of the rules.
func runRecorded(t *testing.T, pods int, without string) (plain, recorded *decide.Model) {
	t.Helper()
	const steps = 56
	st := store.New(time.Hour)
	f := &recordedFleet{
		store: st, engine: embedded.Over(st, embedded.Config{}), series: map[string]*store.Series{},
		rules: recordingRules(t, parsed(t, true)), recorded: map[string]map[string]bool{},
	}
	for every, all := range f.rules {
		f.rules[every] = slices.DeleteFunc(all, func(r rule) bool { return r.Record == without })
	}
	begun := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	at := begun
	for step := range steps {
		at = begun.Add(time.Duration(step) * 15 * time.Second)
		tell := 3
		if step > steps/2 {
			tell = pods
		}
		f.scrape(t, at.Sub(begun).Seconds(), at, tell)
	}
	return f.decisions(t, at)
}

// TestEachRuleIsMissed: whichever rule was not loaded, some signal is known not to be whole, so nothing is lowered.
func TestEachRuleIsMissed(t *testing.T) {
	long.Test(t)
	for every, all := range recordingRules(t, parsed(t, true)) {
		if every != "15s" && every != "1m" {
			continue
		}
		for _, r := range all {
			t.Run(r.Record, func(t *testing.T) {
				t.Parallel()
				_, recorded := runRecorded(t, 3, r.Record)
				missed := func(s decide.Signal) bool { return s.Missing != "" || s.Partial != "" }
				require.True(t, slices.ContainsFunc(recorded.Signals, missed), "%+v", recorded.Signals)
			})
		}
	}
}

// TestRecordedDecidesTheSame: a fleet is decided alike whether its signals are read from their rules or not, and a rule that is not there is
// missed.
func TestRecordedDecidesTheSame(t *testing.T) {
	for name, c := range map[string]struct {
		pods    int    // that tell at the end; three are ready
		without string // a rule that was not loaded
		missing string // an input of a signal that is not known
	}{
		"whole":                    {pods: 3},
		"a pod tells no more":      {pods: 2},
		"nobody knows the lengths": {pods: 3, without: "model:vllm_latency_input_tokens:sum", missing: "vllm.latency.input_tokens"},
		"nobody knows the silent":  {pods: 3, without: "pod:vllm_latency_silent:group", missing: "vllm.latency.silent"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plain, recorded := runRecorded(t, c.pods, c.without)
			require.NotNil(t, plain.Variants[0].Desired)
			if c.missing == "" {
				require.Equal(t, told(t, plain), told(t, recorded))
				require.Equal(t, c.pods == 3, recorded.Signals[0].Partial == "", recorded.Signals[0].Partial)
				return
			}
			i := slices.IndexFunc(recorded.Signals, func(s decide.Signal) bool { return s.Name == "latency" })
			require.Contains(t, recorded.Signals[i].Missing+recorded.Signals[i].Partial, c.missing)
		})
	}
}
