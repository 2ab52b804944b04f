package diagnose_test

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/embedded"
)

// at is the moment of every evaluation here; series are stored from twelve minutes before.
var at = time.Unix(1767225600, 0)

const step = 15 * time.Second

// counting counts the instant queries that an engine is asked.
type counting struct {
	*embedded.Engine
	asked atomic.Int32
	last  model.Vector // the newest samples
}

// again scrapes everything once more, unchanged.
func (c *counting) again(t *testing.T, when time.Time) {
	t.Helper()
	for i := range c.last {
		c.last[i].Timestamp = model.TimeFromUnix(when.Unix())
	}
	require.NoError(t, c.Append(t.Context(), c.last))
}

func (c *counting) Query(ctx context.Context, expr string, at time.Time) (model.Vector, error) {
	c.asked.Add(1)
	return c.Engine.Query(ctx, expr, at)
}

// stored is an engine with series, each a line in the notation of promtool: metric{labels} 5x48, or 0+30x48 for a counter.
func stored(t *testing.T, series string) *counting {
	t.Helper()
	engine, err := embedded.New(embedded.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, engine.Close()) })
	var all model.Vector
	for line := range strings.Lines(series) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		labels, values, err := parser.NewParser(parser.Options{}).ParseSeriesDesc(line)
		require.NoError(t, err, line)
		metric := model.Metric{}
		for name, value := range labels.Map() {
			metric[model.LabelName(name)] = model.LabelValue(value)
		}
		for i, v := range values {
			if v.Omitted {
				continue
			}
			when := at.Add(-time.Duration(len(values)-1-i) * step)
			all = append(all, &model.Sample{Metric: metric, Value: model.SampleValue(v.Value), Timestamp: model.TimeFromUnix(when.Unix())})
		}
	}
	require.NoError(t, engine.Append(t.Context(), all))
	last := model.Vector{}
	for _, s := range all {
		if s.Timestamp == model.TimeFromUnix(at.Unix()) {
			last = append(last, s)
		}
	}
	return &counting{Engine: engine, last: last}
}

// check is what check --online says of a configuration and series, in lines.
func check(t *testing.T, text, series string) (*collector.OnlineReport, string, int) {
	t.Helper()
	c, found := config.Load("test.yml", text)
	require.NotNil(t, c, "%s", found)
	querier := stored(t, series)
	e, err := collector.NewEvaluator(c, querier, collector.EvaluatorOptions{
		Concurrency: 4, Now: func() time.Time { return at }, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	e.Evaluate(t.Context(), at)
	plain := querier.asked.Swap(0)
	r := collector.CheckOnline(t.Context(), e, at, 10*time.Second)
	var b strings.Builder
	require.NoError(t, r.WriteText(&b))
	_, said, _ := strings.Cut(b.String(), "\n\n")
	return r, said, int(querier.asked.Load() - plain)
}

const chat = `
prometheus: {url: http://prometheus.example}
models:
  - name: chat
    namespace: llm
    presets: [vllm]
    variants: [{name: chat-h100, cost: 4, capacity: {concurrency: 96}, replicas: {max: 8}}]
`

// replicas are kube-state-metrics' series about chat-h100.
func replicas(n, labels string) string {
	var b strings.Builder
	for _, name := range []string{"kube_deployment_spec_replicas", "kube_deployment_status_replicas", "kube_deployment_status_replicas_ready", "kube_deployment_status_replicas_updated"} {
		b.WriteString(name + `{deployment="chat-h100",` + labels + `} ` + n + "x48\n")
	}
	return b.String()
}

// pod are the series of one busy vLLM.
func pod(labels string) string {
	return `vllm:num_requests_running{` + labels + `} 40x48
		vllm:num_requests_waiting{` + labels + `} 0x48
		vllm:prompt_tokens_total{` + labels + `} 0+100x48
		vllm:generation_tokens_total{` + labels + `} 0+100x48
	`
}

const (
	here = `namespace="llm"`
	ours = `namespace="llm",pod="chat-h100-6d9f8b7c5d-bcd2x",instance="10.0.0.1:8000",engine="0"`
)

// TestNothingToSay is about a fleet that is as its configuration says: no diagnosis is asked for and none is made.
func TestNothingToSay(t *testing.T) {
	r, said, asked := check(t, chat, replicas("1", here)+pod(ours+`,model_name="chat"`))
	require.True(t, r.OK(), said)
	require.Empty(t, r.Doubts, said)
	require.Equal(t, 5, asked, "whether anything is frozen or of two clusters, what replicas had to do, and whether the exporter is scraped")
	require.Len(t, r.Hints, 1)
	require.Contains(t, said, "next: variant_desired_replicas is not in this Prometheus yet: ")
	r, said, _ = check(t, chat, replicas("1", here)+pod(ours+`,model_name="chat"`)+`variant_desired_replicas{variant="chat-h100"} 1x48`)
	require.Empty(t, r.Hints, said)
}

func TestDiagnosis(t *testing.T) {
	named := ours + `,model_name="chat"`
	other := strings.NewReplacer("bcd2x", "fgh4z", "10.0.0.1", "10.0.0.2")
	for name, test := range map[string]struct {
		config, series string
		want           []string
		ok             bool
	}{
		"the model in another label": {chat, replicas("1", here) + pod(ours+`,model="vllm_model"`), []string{
			`note: vllm.concurrency.demand: expected model_name="chat", found model="vllm_model" on vllm:num_requests_running`,
		}, false},
		"no label that is like one": {chat, replicas("1", here) + pod(ours), []string{
			`note: vllm.concurrency.demand: expected model_name="chat", found no such label on vllm:num_requests_running{engine="0", instance=`,
		}, false},
		"a model by another name": {chat, replicas("1", here) + pod(ours+`,model_name="org/chat"`), []string{
			`note: vllm.concurrency.demand: expected model_name="chat", found model_name="org/chat" on vllm:num_requests_running`,
			`note: model llm/chat: signal concurrency: there is model_name="org/chat", which is no model's`,
		}, false},
		"another namespace": {chat, replicas("1", here) + pod(strings.ReplaceAll(named, `"llm"`, `"llms"`)), []string{
			`note: vllm.concurrency.demand: expected namespace="llm", found namespace="llms" on vllm:num_requests_running`,
		}, false},
		"servers without honor_labels": {chat, replicas("1", here) + pod(strings.ReplaceAll(named, `"llm"`, `"monitoring",exported_namespace="llm"`)), []string{
			`found namespace="monitoring" and exported_namespace="llm" on vllm:num_requests_running: scrape it with honor_labels (honorLabels: true), or set labels: {namespace: exported_namespace}`,
		}, false},
		"kube-state-metrics without honorLabels": {chat, replicas("1", `namespace="monitoring",exported_namespace="llm"`) + pod(named), []string{
			`note: scale_targets.current: expected namespace="llm", found namespace="monitoring" and exported_namespace="llm" on kube_deployment_spec_replicas: ` +
				`scrape it with honor_labels (honorLabels: true), or set scale_targets: {labels: {namespace: exported_namespace}}`,
		}, false},
		"and its cure": {
			chat + "scale_targets: {labels: {namespace: exported_namespace}}\n",
			replicas("1", `namespace="monitoring",exported_namespace="llm"`) + pod(named), nil, true,
		},
		"another Deployment": {chat, strings.ReplaceAll(replicas("1", here), "chat-h100", "chat-h200") + pod(named), []string{
			`note: variant llm/chat-h100: there is no Deployment chat-h100, but Deployment chat-h200`,
		}, false},
		"replicas that do not tell": {chat, replicas("3", here) + strings.ReplaceAll(pod(named), "vllm:", "vllm_"), []string{
			`problem: model llm/chat: signal concurrency is partial: 1 of 3 ready replicas of chat-h100 tell it`,
			`note: model llm/chat: signal concurrency: what tells it is vllm_num_requests_running (1 series), vllm_num_requests_waiting (1 series)`,
		}, false},
		"two clusters": {chat, replicas("1", here+`,cluster="eu"`) + replicas("6", here+`,cluster="us"`) + pod(named+`,cluster="eu"`), []string{
			`problem: scale_targets.current: 1 series cannot be used: duplicate`,
			`note: scale_targets.current, scale_targets.ready: two series for one place differ in cluster ("eu" and "us"): choose one, such as with selector: '{cluster="us"}'`,
		}, false},
		"and its cure, selector": {
			chat + "selector: '{cluster=\"eu\"}'\n", replicas("1", here+`,cluster="eu"`) + replicas("6", here+`,cluster="us"`) +
				pod(named+`,cluster="eu"`) + pod(strings.ReplaceAll(named, "10.0.0.1", "10.9.9.9")+`,cluster="us"`), nil, true,
		},
		"servers in two clusters, one of which has kube-state-metrics": {
			chat, replicas("1", here+`,cluster="eu"`) + pod(named+`,cluster="eu"`) + pod(strings.ReplaceAll(named, "10.0.0.1", "10.9.9.9")+`,cluster="us"`), []string{
				`signal concurrency is missing: vllm.concurrency.sources: duplicate: sources in two clusters tell it, cluster="eu" and cluster="us": choose one, such as with selector: '{cluster="eu"}'`,
			}, false,
		},
		"servers that another label tells apart": {
			chat, replicas("1", here) + pod(named+`,region="eu"`) + pod(strings.ReplaceAll(named, "10.0.0.1", "10.9.9.9")+`,region="us"`), []string{
				`note: model llm/chat: signal concurrency: its series come from region="eu" and region="us", and are added up: if those are two fleets, choose one with selector: '{region="eu"}'`,
			}, true,
		},
		"servers of a Deployment of another name": {
			chat, strings.ReplaceAll(replicas("1", here), "chat-h100", "talk-predictor") + pod(strings.ReplaceAll(named, "chat-h100", "talk-predictor")), []string{
				`note: model llm/chat: signal concurrency: servers of talk-predictor tell it, which are of no scale target of the model: name it under scale_target`,
			}, false,
		},
		"servers without a pod": {
			chat, replicas("1", here) + pod(`namespace="llm",instance="10.0.0.1:8000",engine="0",model_name="chat"`), []string{
				`note: model llm/chat: signal concurrency: servers have no label pod (10.0.0.1:8000): they count by their addresses, and for no variant; relabel __meta_kubernetes_pod_name to pod`,
			}, true,
		},
		"a value of a label that was dropped": {
			strings.ReplaceAll(chat, "vllm", "triton"), replicas("1", here) + `nv_trt_llm_request_metrics{` + ours + `,model="m",version="1",request_type="scheduled"} 5x48`, []string{
				`note: model llm/chat: signal concurrency: it needs nv_trt_llm_request_metrics{request_type="waiting"}, which no series is: does a relabelling drop them?`,
			}, false,
		},
		"a sum of two things, which nothing witnesses": {
			"signals: {load: {unit: requests, demand: 'vllm:num_requests_running + on (namespace, model_name) vllm:num_requests_waiting', labels: {model: model_name}}}\n" +
				strings.ReplaceAll(strings.Replace(chat, "    presets: [vllm]\n", "", 1), "concurrency", "load"), replicas("1", here) + pod(named), []string{
				`note: model llm/chat: signal load: nothing witnesses it: that a source is missing from it would not be noticed; say who tells it with sources: of the signal`,
			}, true,
		},
		"more pods than were asked for, in two clusters of which one has kube-state-metrics": {
			chat, replicas("1", here) + pod(named+`,site="eu"`) + other.Replace(pod(named+`,site="us"`)), []string{
				"problem: model llm/chat: signal concurrency is missing: vllm.concurrency.sources: duplicate: 2 pods of chat-h100 tell it, and no more than 1 were asked for",
				"note: model llm/chat: signal concurrency: its series differ in site (eu, us)",
			}, false,
		},
		"a pod without the model's label": {
			chat, replicas("2", here) + pod(named) + other.Replace(pod(ours)), []string{
				"problem: model llm/chat: signal concurrency is partial: 1 of 2 ready replicas of chat-h100 tell it",
				`note: model llm/chat: signal concurrency: expected model_name="chat", found no such label on vllm:num_requests_running{`,
			}, false,
		},
		"a pod with another label for the model": {
			chat, replicas("2", here) + pod(named) + other.Replace(pod(ours+`,model="chat"`)), []string{
				`note: model llm/chat: signal concurrency: expected model_name="chat", found model="chat" on vllm:num_requests_running`,
			}, false,
		},
		"a pod whose namespace was renamed": {
			chat, replicas("2", here) + pod(named) + other.Replace(pod(strings.Replace(named, "namespace=", `namespace="monitoring",exported_namespace=`, 1))), []string{
				`note: model llm/chat: signal concurrency: expected namespace="llm", found namespace="monitoring" and exported_namespace="llm" on vllm:num_requests_running`,
			}, false,
		},
		"gauges that are frozen": {
			chat, replicas("1", here) + strings.ReplaceAll(pod(named), "0+100x48", "700x48"), []string{
				`note: model llm/chat: signal concurrency: requests in progress, and no progress, at pod chat-h100-6d9f8b7c5d-bcd2x: `, "vllm:generation_tokens_total",
			}, true,
		},
		"prompts are read, no token yet": {
			chat, replicas("1", here) + strings.Replace(pod(named), "generation_tokens_total{"+named+"} 0+100x48", "generation_tokens_total{"+named+"} 700x48", 1), nil, true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, said, asked := check(t, test.config, test.series)
			require.Equal(t, test.ok, r.OK(), said)
			for _, want := range test.want {
				require.Contains(t, said, want)
			}
			require.NotContains(t, said, "there is no Deployment chat-h100, but Deployment chat-h100")
			if test.want == nil {
				require.Empty(t, r.Doubts)
			}
			require.LessOrEqual(t, asked, 11, "few questions")
		})
	}
}

// TestPreconditions is about what must be there before a plan can act, with the cure.
func TestPreconditions(t *testing.T) {
	_, said, _ := check(t, chat, pod(ours+`,model_name="chat"`))
	require.Contains(t, said, "problem: kube-state-metrics is not in this Prometheus, and without it the running replicas are unknown: install it")
	_, said, _ = check(t, chat, strings.ReplaceAll(replicas("1", here), "chat-h100", "other")+pod(ours+`,model_name="chat"`))
	require.NotContains(t, said, "kube-state-metrics is not in this Prometheus")
	_, said, _ = check(t, chat, replicas("1", here)+pod(strings.ReplaceAll(ours, `namespace="llm",`, "")+`,model_name="chat"`))
	require.Contains(t, said, "expected the label namespace, found none on ")
	require.Contains(t, said, "or relabel __meta_kubernetes_namespace to namespace")

	sleepy := strings.NewReplacer("[vllm]", "[vllm, epp]\n    replicas: {min: 0}").Replace(chat)
	const gateway = "llm_d_epp_ready_endpoints{namespace=\"llm\",pod=\"epp-0\",name=\"chat\"} 1x48\n"
	const warning = "note: model llm/chat: it may have no replica, and no gateway here shows series of flow control"
	_, said, _ = check(t, sleepy, replicas("1", here)+pod(ours+`,model_name="chat"`)+gateway)
	require.Contains(t, said, warning)
	_, said, _ = check(t, sleepy, replicas("1", here)+pod(ours+`,model_name="chat"`)+gateway+`llm_d_epp_flow_control_pool_saturation{namespace="llm",inference_pool="chat"} 0x48`)
	require.NotContains(t, said, warning)
	_, said, _ = check(t, strings.Replace(sleepy, "min: 0", "min: 1", 1), replicas("1", here)+pod(ours+`,model_name="chat"`)+gateway)
	require.NotContains(t, said, warning)
}

// TestSeveralPrices is about a cost for which there are several series: it says how many, and what to do.
func TestSeveralPrices(t *testing.T) {
	priced := strings.Replace(chat, "cost: 4,", "cost: price,", 1)
	_, said, _ := check(t, priced, replicas("1", here)+pod(ours+`,model_name="chat"`)+"price{zone=\"a\"} 4x48\nprice{zone=\"b\"} 5x48\nprice{zone=\"c\"} 5x48\n")
	require.Contains(t, said, "cost: duplicate: 3 series, where one is needed: aggregate them, such as max(...), or select one of them")
}

// TestDoubts is about what explain adds: for the models it is asked about.
func TestDoubts(t *testing.T) {
	c, found := config.Load("test.yml", chat+"  - {name: other, namespace: llm, presets: [vllm], variants: [{name: o, cost: 1, capacity: {concurrency: 1}}]}\n")
	require.NotNil(t, c, "%s", found)
	querier := stored(t, replicas("1", here)+strings.ReplaceAll(pod(ours+`,model_name="chat"`), "0+100x48", "700x48"))
	e, err := collector.NewEvaluator(c, querier, collector.EvaluatorOptions{Concurrency: 4, Now: func() time.Time { return at }, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	s := e.Evaluate(t.Context(), at)
	doubts := e.Doubts(t.Context(), s, []string{"llm/chat", "llm/other"})
	require.Len(t, doubts, 1)
	require.Contains(t, doubts[0], "model llm/chat: signal concurrency: requests in progress, and no progress, at pod chat-h100-6d9f8b7c5d-bcd2x: ")
	require.Empty(t, e.Doubts(t.Context(), s, []string{"llm/other"}))
}

const own = `
prometheus: {url: http://prometheus.example}
scale_targets: {disabled: true}
signals: {load: {unit: requests, demand: app:load_requests}}
models: [{name: m, namespace: llm, variants: [{name: a, cost: 1, capacity: {load: 10}}]}]
`

// TestNames is about a signal whose metric has another name here.
func TestNames(t *testing.T) {
	for name, test := range map[string]struct{ series, want string }{
		"none like it":       {`other{namespace="llm"} 1x48`, "load.demand: no series; it looks for app:load_requests; no metric has a name like that: is the source scraped?"},
		"the other spelling": {`app_load_requests{namespace="llm"} 1x48`, "with _ instead of : there is app_load_requests (1 series): write that name"},
		"a name like it":     {"app:load_request{namespace=\"llm\"} 1x48\napp:a{namespace=\"llm\"} 1x48", "of such names there is app:load_request (1 series), app:a (1 series)"},
		"like it, with _":    {`app_load_request{namespace="llm"} 1x48`, "of such names there is app_load_request (1 series)"},
		"no namespace":       {`app:load_requests{model_name="m"} 1x48`, `load.demand: expected the label namespace, found none on app:load_requests{model_name="m"}`},
		"a duplicate":        {"app:load_requests{namespace=\"llm\",model_name=\"m\",service=\"x\"} 1x48\napp:load_requests{namespace=\"llm\",model_name=\"m\",service=\"y\"} 1x48", `two series for one place differ in service ("x" and "y"): one thing is scraped twice`},
	} {
		t.Run(name, func(t *testing.T) {
			r, said, _ := check(t, own, test.series)
			require.False(t, r.OK())
			require.Contains(t, said, test.want)
		})
	}
}

// TestFewQuestions holds that what is asked does not grow with the models: most of them misspelt, and each named in two presets.
func TestFewQuestions(t *testing.T) {
	var text strings.Builder
	text.WriteString("prometheus: {url: http://prometheus.example}\nmodels:\n")
	for i := range 60 {
		name := "m" + strings.Repeat("x", i)
		text.WriteString("  - {name: " + name + ", namespace: llm, presets: [vllm], variants: [{name: v" + strings.Repeat("x", i) +
			", cost: 1, capacity: {concurrency: 1, kv_tokens: 1, prompt_tokens: 1, generation_tokens: 1}}]}\n")
	}
	_, _, asked := check(t, text.String(), pod(ours+`,model="vllm_model"`))
	require.LessOrEqual(t, asked, 24)
}

// TestSeldomScraped: rates need four scrapes.
func TestSeldomScraped(t *testing.T) {
	const text = `
prometheus: {url: http://prometheus.example}
scale_targets: {disabled: true}
%s
signals:
  rate: {unit: requests per second, demand: 'sum by (namespace, model_name) (rate(requests_total[$rate_window]))'}
  fixed: {unit: requests per second, demand: 'sum by (namespace, model_name) (rate(requests_total[90s]))'}
models: [{name: chat, namespace: llm, variants: [{name: chat-h100, cost: 4, capacity: {rate: 9, fixed: 9}}]}]
`
	every := func(seconds int) string {
		values := strings.Repeat(" 1"+strings.Repeat(" _", seconds/15-1), 48/(seconds/15))
		return `requests_total{namespace="llm",model_name="chat",pod="a"}` + values + "\nyoung{}" + " 1"
	}
	for name, c := range map[string]struct {
		settings string
		seconds  int
		want     []string
	}{
		"every 15 s": {seconds: 15},
		"every 30 s": {seconds: 30, want: []string{
			"signal rate: its sources are scraped about every 30s, and it measures rates over rate_window, 1m: one missed scrape leaves a rate without an answer. " +
				"Scrape more often, or set rate_window to at least 2m",
			"signal fixed: its sources are scraped about every 30s, and it measures rates over a range of 1m30s: one missed scrape leaves a rate without an answer. " +
				"Scrape more often, or make the range at least 2m",
		}},
		"every 30 s, and a window of 2m": {settings: "rate_window: 2m", seconds: 30, want: []string{"signal fixed: its sources are scraped about every 30s"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, said, _ := check(t, strings.Replace(text, "%s", c.settings, 1), every(c.seconds))
			for _, want := range c.want {
				require.Contains(t, said, want)
			}
			require.Equal(t, len(c.want), strings.Count(said, "are scraped about every"), said)
		})
	}
}

// TestTakenForGateways: whose pods tell an own signal is said where their names belong to no variant.
func TestTakenForGateways(t *testing.T) {
	const text = `
prometheus: {url: http://prometheus.example}
signals:
  load: {unit: requests, demand: 'sum by (namespace, model_name) (load)'}
models: [{name: chat, namespace: llm, variants: [{name: chat-h100, cost: 4, capacity: {load: 9}}]}]
`
	const said = "note: model llm/chat: signal load: what tells it counts as a gateway ("
	load := func(labels string) string { return `load{namespace="llm"` + labels + "} 5x48\n" }
	for name, c := range map[string]struct{ series, want string }{
		"pods of the variant":             {load(`,model_name="chat",pod="chat-h100-7c9d8f6b5-bcdfg"`), ""},
		"pods of any name":                {load(`,model_name="chat",pod="envoy-x"`) + load(`,model_name="chat",pod="front-0"`), said + "StatefulSet front, envoy-x)"},
		"servers without a pod":           {load(`,model_name="chat",instance="10.0.0.1:80"`), said + "10.0.0.1:80)"},
		"which of them is not said twice": {load(`,model_name="chat",pod="chat-h100-7c9d8f6b5-bcdfg"`) + load(`,model_name="chat",pod="envoy-x"`), ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, got, _ := check(t, text, replicas("1", here)+c.series)
			if c.want == "" {
				require.NotContains(t, got, said)
			} else {
				require.Contains(t, got, c.want)
			}
		})
	}
}

// TestUnplannedModel: a gateway shows a model that is not planned, as one that was just loaded. Idle, it is a remark, and the models that are
// planned may be idle too. With demand, nobody knows whose that is.
func TestUnplannedModel(t *testing.T) {
	const text = `
prometheus: {url: http://prometheus.example}
defaults: {scale_down_window: 2m, headroom: 0}
models: [{name: chat, namespace: llm, presets: [epp], signals: [concurrency], variants: [{name: chat-h100, cost: 4, capacity: {concurrency: 9}}]}]
`
	const gateway = "llm_d_epp_ready_endpoints{namespace=\"llm\",pod=\"epp-0\",instance=\"epp-0:9090\",name=\"chat\"} 1x48\n"
	other := func(running, queued string) string {
		const labels = `{namespace="llm",pod="epp-0",instance="epp-0:9090",model_name="new",target_model_name="new",fairness_id="x",priority="0"`
		return gateway + "llm_d_epp_request_running" + labels + "} " + running + "x48\nllm_d_epp_flow_control_queue_size" + labels + `,inference_pool="chat"} ` + queued + "x48\n"
	}
	for name, c := range map[string]struct {
		series string
		ok     bool
		want   string
	}{
		"idle":        {other("0", "0"), true, `note: epp.concurrency.demand: 1 series, all of them 0, belong to nothing configured, for example {model_name="new", namespace="llm"}`},
		"with demand": {other("3", "0"), false, "there is demand that belongs to no model"},
		"queued":      {other("0", "3"), false, "there is demand that belongs to no model"},
	} {
		t.Run(name, func(t *testing.T) {
			r, said, _ := check(t, text, replicas("1", here)+c.series)
			require.Equal(t, c.ok, r.OK(), said)
			require.Contains(t, said, c.want)
		})
	}
}

// TestRuleThatIsNotLoaded: a signal reads a recorded series that nothing records.
func TestRuleThatIsNotLoaded(t *testing.T) {
	text := strings.Replace(own, "app:load_requests", "'model:load_demand:sum'", 1)
	_, said, _ := check(t, text, `other{namespace="llm"} 1x48`)
	require.Contains(t, said, "it looks for model:load_demand:sum; no metric has a name like that: is its rule loaded? variant_exporter generate rules makes it")
}
