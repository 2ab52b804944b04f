package config_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/util/teststorage"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// presetConfigs are what preset has loaded, by its arguments: reading presets takes most of the time of their tests.
var presetConfigs sync.Map

// preset loads a configuration that uses a preset's signals and returns it.
func preset(t *testing.T, name, signals string) *config.Config {
	t.Helper()
	key := name + " " + signals
	if c, ok := presetConfigs.Load(key); ok {
		return c.(*config.Config)
	}
	c, found := config.Load("test.yml", fmt.Sprintf(`
prometheus: {url: http://prometheus:9090}
rate_window: 2m # the series here are scraped every 30 s
models:
  - name: llama
    namespace: llm
    presets: [%s]
    signals: [%s]
    variants: [{name: llama, cost: 1, capacity: {%s: 1}}]
  - name: qwen
    namespace: chat
    presets: [%[1]s]
    variants: [{name: qwen, cost: 1, capacity: {%[3]s: 1}}]
`, name, signals, strings.Split(signals, ",")[0]))
	require.NotNil(t, c, "%s", found)
	presetConfigs.Store(key, c)
	return c
}

// signalOf returns a signal of the first model.
func signalOf(t *testing.T, c *config.Config, name string) config.ActiveSignal {
	t.Helper()
	for _, s := range c.Models[0].ActiveSignals() {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("no signal %s", name)
	return config.ActiveSignal{}
}

// presetCase is what one expression of a preset says of an exposition, ten minutes after it began.
type presetCase struct {
	signal, part string
	series       string
	want         []string
}

func runPresetCases(t *testing.T, name string, cases map[string]presetCase) {
	t.Helper()
	for title, c := range cases {
		t.Run(title, func(t *testing.T) {
			s := signalOf(t, preset(t, name, c.signal), c.signal)
			e, ok := map[string]config.Expr{
				"demand": s.Demand, "usage": s.Usage, "queued": s.Queued, "capacity": s.Capacity.Query,
				"latency": s.Latency, "input_tokens": s.InputTokens, "output_tokens": s.OutputTokens,
				"observed_itl": s.ObservedITL, "observed_running": s.ObservedRunning,
				"input_cv": s.InputCV, "output_cv": s.OutputCV, "observed_load": s.ObservedLoad, "observed_ttft_buckets": quantileOf(s.ObservedTTFT), "observed_itl_buckets": quantileOf(s.ObservedITLs), "observed_queue": s.ObservedQueue,
				"alive": s.Alive, "sources": s.Sources, "silent": s.Silent, "frozen": s.Frozen,
			}[c.part]
			require.True(t, ok && !e.IsZero(), "no %s", c.part)
			require.ElementsMatch(t, c.want, evaluateAt(t, 10*time.Minute, c.series, e.String()))
		})
	}
}

// evaluate asks Prometheus' own engine one minute after the series began, and returns the result as sorted lines.
func evaluate(t *testing.T, series, expr string) []string {
	t.Helper()
	return evaluateAt(t, time.Minute, series, expr)
}

// evaluateAt asks some time after the series began. They have a sample every 30 seconds. Numbers come with nine digits.
func evaluateAt(t *testing.T, after time.Duration, series, expr string) []string {
	t.Helper()
	return evaluateIn(t, after, loaded(t, series), expr)
}

// loaded stores series, told every 30 seconds. It is promqltest.LoadedStorage without a log, and without memory for many series and
// exemplars: clearing that takes longer than loading the series of these tests.
func loaded(t *testing.T, series string) *teststorage.TestStorage {
	t.Helper()
	store := teststorage.New(t, func(o *tsdb.Options) { o.StripeSize, o.WALSegmentSize, o.EnableExemplarStorage = 16, -1, false })
	read := parser.NewParser(promqltest.TestParserOpts)
	add := store.AppenderV2(t.Context())
	for line := range strings.Lines(series) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		metric, values, err := read.ParseSeriesDesc(line)
		require.NoError(t, err, line)
		for i, v := range values {
			if at := int64(i) * 30_000; !v.Omitted {
				_, err := add.Append(0, metric, 0, at, v.Value, nil, v.Histogram, storage.AppendV2Options{})
				require.NoError(t, err, line)
			}
		}
	}
	require.NoError(t, add.Commit())
	return store
}

// evaluateIn is evaluateAt for what is stored already.
func evaluateIn(t *testing.T, after time.Duration, store storage.Queryable, expr string) []string {
	t.Helper()
	engine := promqltest.NewTestEngine(t, false, 5*time.Minute, 10_000)
	query, err := engine.NewInstantQuery(t.Context(), store, nil, expr, time.Unix(0, 0).Add(after))
	require.NoError(t, err)
	defer query.Close()
	result := query.Exec(t.Context())
	require.NoError(t, result.Err)
	warnings, _ := result.Warnings.AsStrings(expr, 0, 0) // beside remarks, such as on the names of counters
	require.Empty(t, warnings)
	vector, ok := result.Value.(promql.Vector)
	require.True(t, ok)
	lines := []string{}
	for _, s := range vector {
		lines = append(lines, fmt.Sprintf("%s %.9g", s.Metric, s.F))
	}
	slices.Sort(lines)
	return lines
}

func TestPresetScaleTargets(t *testing.T) {
	c := preset(t, "vllm", "concurrency")
	series := `
		kube_deployment_spec_replicas{namespace="llm",deployment="a",instance="ksm-0"} 3x2
		kube_deployment_spec_replicas{namespace="llm",deployment="a",instance="ksm-1"} 3x2
		kube_deployment_spec_replicas{namespace="llm",deployment="zero",instance="ksm-0"} 0x2
		kube_deployment_spec_replicas{namespace="elsewhere",deployment="a",instance="ksm-0"} 9x2
		kube_deployment_status_replicas_ready{namespace="llm",deployment="a",instance="ksm-0"} 2x2
		kube_deployment_status_replicas_ready{namespace="llm",deployment="zero",instance="ksm-0"} 0x2
		kube_statefulset_replicas{namespace="chat",statefulset="a",instance="ksm-0"} 5x2
		kube_statefulset_status_replicas_ready{namespace="chat",statefulset="a",instance="ksm-0"} 4x2
		kube_statefulset_replicas{namespace="llm",statefulset="a",instance="ksm-0"} 7x2
	`
	require.Equal(t, []string{
		`{deployment="a", namespace="llm", scale_target_kind="Deployment", scale_target_name="a"} 3`,
		`{deployment="zero", namespace="llm", scale_target_kind="Deployment", scale_target_name="zero"} 0`,
		`{namespace="chat", scale_target_kind="StatefulSet", scale_target_name="a", statefulset="a"} 5`,
		`{namespace="llm", scale_target_kind="StatefulSet", scale_target_name="a", statefulset="a"} 7`,
	}, evaluate(t, series, c.ScaleTargets.Current.String()))
	require.Equal(t, []string{
		`{deployment="a", namespace="llm", scale_target_kind="Deployment", scale_target_name="a"} 2`,
		`{deployment="zero", namespace="llm", scale_target_kind="Deployment", scale_target_name="zero"} 0`,
		`{namespace="chat", scale_target_kind="StatefulSet", scale_target_name="a", statefulset="a"} 4`,
	}, evaluate(t, series, c.ScaleTargets.Ready.String()))
}

// TestPresetScaleTargetsCopies holds that one object counts once however often it is seen, and that those of two clusters stay two.
func TestPresetScaleTargetsCopies(t *testing.T) {
	c := preset(t, "vllm", "concurrency")
	for name, test := range map[string]struct {
		expr   config.Expr
		metric string
	}{
		"current": {c.ScaleTargets.Current, "kube_deployment_spec_replicas"},
		"ready":   {c.ScaleTargets.Ready, "kube_deployment_status_replicas_ready"},
	} {
		require.Equal(t, []string{`{deployment="a", namespace="llm", scale_target_kind="Deployment", scale_target_name="a"} 3`}, evaluate(t, `
			`+test.metric+`{namespace="llm",deployment="a",instance="ksm-0",prometheus="monitoring/k8s",prometheus_replica="0",container="x",job="ksm"} 3x2
			`+test.metric+`{namespace="llm",deployment="a",instance="ksm-0",prometheus="monitoring/k8s",prometheus_replica="1",container="x",job="ksm"} 3x2
			`+test.metric+`{namespace="llm",deployment="a",instance="ksm-1",pod="ksm-1",service="ksm",endpoint="http",replica="A",uid="1"} 3x2
		`, test.expr.String()), name)
		require.Equal(t, []string{
			`{cluster="eu", deployment="a", namespace="llm", scale_target_kind="Deployment", scale_target_name="a"} 3`,
			`{cluster="us", deployment="a", namespace="llm", scale_target_kind="Deployment", scale_target_name="a"} 6`,
		}, evaluate(t, `
			`+test.metric+`{namespace="llm",deployment="a",instance="ksm-0",cluster="eu"} 3x2
			`+test.metric+`{namespace="llm",deployment="a",instance="ksm-0",cluster="us"} 6x2
		`, test.expr.String()), name)
	}
	require.Equal(t, []string{
		`{deployment="a", namespace="llm", scale_target_kind="Deployment", scale_target_name="a"} 1`,
		`{namespace="llm", scale_target_kind="StatefulSet", scale_target_name="b", statefulset="b"} 1`,
	}, evaluate(t, `
		kube_deployment_status_replicas_updated{namespace="llm",deployment="a",instance="ksm-0"} 1x2
		kube_deployment_status_replicas{namespace="llm",deployment="a",instance="ksm-0"} 3x2
		kube_deployment_status_replicas_updated{namespace="llm",deployment="a",instance="ksm-1"} 1x2
		kube_deployment_status_replicas{namespace="llm",deployment="a",instance="ksm-1"} 3x2
		kube_deployment_status_replicas_updated{namespace="llm",deployment="done",instance="ksm-0"} 3x2
		kube_deployment_status_replicas{namespace="llm",deployment="done",instance="ksm-0"} 3x2
		kube_statefulset_status_update_revision{namespace="llm",statefulset="b",instance="ksm-0",revision="b-2"} 1x2
		kube_statefulset_status_current_revision{namespace="llm",statefulset="b",instance="ksm-0",revision="b-1"} 1x2
	`, c.ScaleTargets.Rolling.String()))
}

func TestPresetText(t *testing.T) {
	require.Equal(t, []string{"dcgm", "epp", "kube-state-metrics", "opencost", "sglang", "tgi", "triton", "trtllm", "vllm"}, config.PresetNames())
	_, err := config.PresetText("vlm", config.PresetOptions{Labels: config.LabelNames{}})
	require.EqualError(t, err, `no preset "vlm"; there are dcgm, epp, kube-state-metrics, opencost, sglang, tgi, triton, trtllm, vllm`)
	names := config.LabelNames{Namespace: "kubernetes_namespace", Model: "model", Variant: "flavour"}
	for _, name := range config.PresetNames() {
		text, err := config.PresetText(name, config.PresetOptions{Labels: names, Namespaces: []string{"b", "a.x", "b"}})
		require.NoError(t, err)
		require.NotContains(t, text, "$namespace")
		require.NotContains(t, text, "$variant")
		if name == "kube-state-metrics" {
			require.Contains(t, text, `{kubernetes_namespace=~"a\\.x|b"}`)
			require.Contains(t, text, `"$1"`, "what belongs to PromQL stays")
		}
	}
	text, err := config.PresetText("kube-state-metrics", config.PresetOptions{Labels: names})
	require.NoError(t, err)
	require.Contains(t, text, `{kubernetes_namespace=~".*"}`)
}

// TestPresetsObeyTheRules writes the signals of every preset into a configuration as a user would, where all checks are made.
func TestPresetsObeyTheRules(t *testing.T) {
	names := config.LabelNames{Namespace: "namespace", Model: "model_name", Variant: "llm_d_ai_variant"}
	for _, name := range config.PresetNames() {
		text, err := config.PresetText(name, config.PresetOptions{Labels: names})
		require.NoError(t, err)
		var p struct {
			Signals map[string]yaml.Node `yaml:"signals"`
			Uses    map[string]yaml.Node `yaml:"uses"`
		}
		require.NoError(t, yaml.Unmarshal([]byte(text), &p))
		variant := map[string]any{"name": "x", "cost": 1, "capacity": map[string]int{}, "uses": p.Uses}
		for signal := range p.Signals {
			variant["capacity"].(map[string]int)[signal] = 1
		}
		model := map[string]any{"name": "m", "namespace": "llm", "presets": []string{"vllm"}, "variants": []any{variant}}
		if len(p.Signals) == 0 {
			variant["capacity"] = map[string]int{"generation_tokens": 1}
		}
		document := map[string]any{"models": []any{model}, "prometheus": map[string]string{"url": "http://prometheus:9090"}}
		if len(p.Signals) > 0 {
			document["signals"] = p.Signals
		}
		written, err := yaml.Marshal(document)
		require.NoError(t, err)
		_, found := config.Load(name+".yml", string(written))
		require.Empty(t, found, "%s", found)
	}
}

// TestPresetsPage holds that the page on presets describes every preset and every signal.
func TestPresetsPage(t *testing.T) {
	page := read(t, filepath.Join("..", "..", "docs", "presets.md"))
	names := config.LabelNames{Namespace: "namespace", Model: "model_name", Variant: "llm_d_ai_variant"}
	for _, name := range config.PresetNames() {
		require.Contains(t, page, "\n## "+name+"\n")
		text, err := config.PresetText(name, config.PresetOptions{Labels: names})
		require.NoError(t, err)
		var p struct {
			Signals map[string]yaml.Node `yaml:"signals"`
		}
		require.NoError(t, yaml.Unmarshal([]byte(text), &p))
		for signal := range p.Signals {
			require.Contains(t, page, "`"+signal+"`", name)
		}
	}
}
