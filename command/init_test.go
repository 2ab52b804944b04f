package command

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/backtest/scenario"
	"github.com/variant-exporter/variant-exporter/collector/config"
)

// runs is a command as its users run it.
func runs(t *testing.T, args ...string) (code int, out, problems string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = Run(t.Context(), args, Streams{nil, &stdout, &stderr})
	return code, stdout.String(), stderr.String()
}

// TestInit goes the way of a new user: from a Prometheus to a configuration that passes, and to what it would have saved.
func TestInit(t *testing.T) {
	fleet := newMadeFleet(t)
	for _, source := range []struct {
		name string
		of   func(*testing.T, model.Vector) string
	}{{"engine", engineWith}, {"prometheus", prometheusWith}} {
		t.Run(source.name, func(t *testing.T) {
			url := source.of(t, fleet.samples)
			file := filepath.Join(t.TempDir(), "variant_exporter.yml")
			code, out, problems := runs(t, "init", "--prometheus.url="+url, "--from=6h", "--output="+file)
			require.Zero(t, code, problems)
			assert.Empty(t, out)
			assert.Contains(t, problems, "Found 2 models with 3 variants, by ")
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			t.Logf("%s%s", text, problems)
			saysWhatIsThere(t, file)

			code, out, problems = runs(t, "check", file)
			require.Zero(t, code, problems)
			assert.Equal(t, strings.Count(string(text), "TODO:"), strings.Count(out, "warning: to do: "), "check lists what is to do")
			code, out, problems = runs(t, "check", "--online", "--online.timeout=30s", file)
			require.Zero(t, code, "%s%s", out, problems)
			code, out, problems = runs(t, "replay", "--config.file="+file, "--from=2h", "--step=5m")
			require.Zero(t, code, problems)
			assert.Contains(t, out, "TOTAL")
			becomesAScenario(t, file)

			code, _, problems = runs(t, "init", "--prometheus.url="+url, "--output="+file)
			require.Equal(t, exitFailure, code)
			assert.Contains(t, problems, "already exists")
			showsChanges(t, file, string(text))
		})
	}
}

// becomesAScenario replays the configuration as a scenario, which only lacks what no history says.
func becomesAScenario(t *testing.T, file string) {
	t.Helper()
	code, out, problems := runs(t, "replay", "--config.file="+file, "--from=2h", "--step=5m", "--format=scenario")
	require.Zero(t, code, problems)
	_, found := scenario.Load("s.yml", out)
	for _, f := range found {
		assert.Contains(t, f.Message, "profile", "%s", out)
	}
	// Three servers of a profile, then two of the other, each at the shares that newMadeFleet gives them.
	assert.Regexp(t, `"llm/meta-llama/Llama-3.1-8B-Instruct", shape: steps, points: \{0s: [1-9]\d*(\.\d+)?, `, out)
	assert.Contains(t, out, "input_tokens: 600, output_tokens: 200}")
	assert.NotContains(t, out, "#   - input_tokens of")
}

// saysWhatIsThere holds the configuration to the fleet.
func saysWhatIsThere(t *testing.T, file string) {
	t.Helper()
	c := loaded(t, file)
	require.Len(t, c.Models, 2)
	qwen, llama := &c.Models[0], &c.Models[1]
	assert.Equal(t, []string{"chat", madeQwen, "llm", madeLlama}, []string{qwen.Namespace, qwen.Name, llama.Namespace, llama.Name})
	assert.Equal(t, []string{"vllm"}, qwen.Presets)
	assert.Equal(t, []string{"vllm", "epp"}, llama.Presets)
	assert.Equal(t, config.Strings{"llama-pool"}, llama.Match["inference_pool"])
	limits := map[string]float64{}
	for _, b := range c.Budgets {
		limits[b.Name] = b.Limit[0].Number
	}
	assert.Equal(t, map[string]float64{"h100": 16, "l4": 8}, limits)
	require.Len(t, llama.Variants, 2)
	group, h100, l4 := &qwen.Variants[0], &llama.Variants[0], &llama.Variants[1]
	for _, v := range []struct {
		*config.Variant
		name, accelerator, startup string
		kind                       config.TargetKind
		uses, cost                 float64
		most                       int
	}{
		{group, "qwen", "H100", "4m", config.KindLeaderWorkerSet, 4, 27.6, 4},
		{h100, "llama-8b-h100", "H100", "1m45s", config.KindDeployment, 1, 6.9, 8},
		{l4, "llama-8b-l4", "L4", "1m15s", config.KindDeployment, 1, 0.8, 12},
	} {
		assert.Equal(t, v.name, v.Name)
		assert.Equal(t, v.kind, v.ScaleTarget.Kind, v.name)
		assert.Equal(t, v.accelerator, v.Accelerator, v.name)
		assert.Equal(t, v.startup, v.Startup.String(), v.name)
		assert.InDelta(t, v.uses, v.Uses[strings.ToLower(v.accelerator)].Number, 1e-9, v.name)
		assert.InDelta(t, v.cost, v.Cost.Number, 1e-9, v.name)
		assert.Equal(t, v.most, *v.Replicas.Max, v.name)
		assert.Greater(t, v.Capacity["generation_tokens"].Number, 50., v.name)
		assert.Greater(t, v.Capacity["concurrency"].Number, 1., v.name)
	}
	assert.Equal(t, []int{0, 0, 2}, []int{group.Replicas.Min.Least(), h100.Replicas.Min.Least(), l4.Replicas.Min.Least()}, "an HPA's 1 is no wish")
	assert.Equal(t, config.DefaultRateWindow(), *c.RateWindow, "scrapes every 15 s need no other")
	assert.Greater(t, h100.Capacity["generation_tokens"].Number, 2*l4.Capacity["generation_tokens"].Number)
}

func loaded(t *testing.T, file string) *config.Config {
	t.Helper()
	c, found, err := config.LoadFile(file)
	require.NoError(t, err)
	require.NotNil(t, c, "%v", found)
	return c
}

// showsChanges edits the file as time would, and looks at what --update says.
func showsChanges(t *testing.T, file, text string) {
	t.Helper()
	code, out, problems := runs(t, "init", "--update", "--from=6h", "--output="+file)
	require.Zero(t, code, problems)
	assert.Contains(t, out, "nothing has changed")
	write(t, file, strings.Replace(text, "min: 2 ", "min: 1 ", 1))
	_, out, _ = runs(t, "init", "--update", "--from=6h", "--output="+file)
	assert.Contains(t, out, "~ variant llm/llama-8b-l4: replicas.min: 1 -> 2\n")
	edited := strings.NewReplacer("max: 8 ", "max: 6 ", "llama-8b-l4", "llama-8b-t4", "limit: 16", "limit: 32").Replace(text)
	write(t, file, edited)
	code, out, problems = runs(t, "init", "--update", "--from=6h", "--output="+file)
	require.Zero(t, code, problems)
	for _, line := range []string{
		"~ budget h100: limit: 32 -> 16\n", "~ variant llm/llama-8b-h100: replicas.max: 6 -> 8\n",
		"+ variant llm/llama-8b-l4: Deployment llama-8b-l4, accelerator \"L4\", replicas.max 12\n", "- variant llm/llama-8b-t4: ",
	} {
		assert.Contains(t, out, line)
	}
	after, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, edited, string(after), "--update writes nothing")
}

// TestInitNothing is about a Prometheus without any known server, and one whose servers say too little.
func TestInitNothing(t *testing.T) {
	now := model.Now()
	of := func(name string, pairs ...string) model.Vector {
		return model.Vector{{Metric: metricOf(name, pairs...), Value: 1, Timestamp: now}}
	}
	for name, test := range map[string]struct {
		samples model.Vector
		args    []string
		want    []string
	}{
		"no metric like it": {of("up"), nil, []string{"looked for vllm:num_requests_running, vllm_num_requests_running, sglang:num_running_reqs", "are the servers scraped?"}},
		"others": {
			append(of("my_vllm_num_requests_running"), of("lmdeploy_queue")...), nil,
			[]string{"The nearest that there are: my_vllm_num_requests_running, lmdeploy_queue"},
		},
		"only a gateway": {of("llm_d_epp_ready_endpoints", "namespace", "llm", "name", "pool"), nil, []string{"A gateway is there", "generate podmonitor"}},
		"no namespace":   {of("vllm:num_requests_running", "pod", "p"), nil, []string{"without the labels namespace and pod", "relabel"}},
		"another namespace": {
			of("vllm:num_requests_running", "namespace", "llm", "pod", "p"), []string{"--namespace=l.m.+"}, []string{"no model server in namespaces that match", "but in llm"},
		},
		"two clusters": {
			append(of("vllm:num_requests_running", "namespace", "llm", "pod", "p", "cluster", "eu"), of("vllm:num_requests_running", "namespace", "llm", "pod", "p", "cluster", "us")...),
			nil,
			[]string{"several clusters (eu, us)", `--selector='{cluster="us"}'`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "new.yml")
			code, out, problems := runs(t, append([]string{"init", "--prometheus.url=" + engineWith(t, test.samples), "--output=" + file}, test.args...)...)
			require.Equal(t, exitFailure, code)
			assert.Empty(t, out)
			for _, want := range append(test.want, "nothing is written") {
				assert.Contains(t, problems, want)
			}
			assert.NoFileExists(t, file)
		})
	}
}

// TestInitInPart is about a Prometheus that answers some questions and not others: whatever it leaves out, nothing is written.
func TestInitInPart(t *testing.T) {
	fleet := newMadeFleet(t)
	whole := engineWith(t, fleet.samples)
	for _, broken := range []string{"kube_pod_owner", "kube_node_labels", "vllm:generation_tokens_total", "vllm:inter_token_latency_seconds_sum"} {
		for what, answer := range map[string]string{
			"an error":  `{"status":"error","errorType":"execution","error":"query processing would load too many samples into memory"}`,
			"a warning": `{"status":"success","warnings":["store eu-1 is down"],"data":{"resultType":"vector","result":[]}}`,
			"a part":    `{"status":"success","isPartial":true,"data":{"resultType":"vector","result":[]}}`,
		} {
			t.Run(broken+"/"+what, func(t *testing.T) {
				server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if !strings.Contains(r.FormValue("query"), broken) {
						http.Redirect(w, r, whole+r.URL.Path+"?"+r.Form.Encode(), http.StatusTemporaryRedirect)
						return
					}
					w.Header().Set("Content-Type", "application/json")
					_, _ = w.Write([]byte(answer))
				}))
				t.Cleanup(server.Close)
				code, out, problems := runs(t, "init", "--prometheus.url="+server.URL, "--from=6h")
				require.Equal(t, exitFailure, code, out)
				assert.Empty(t, out)
				assert.Contains(t, problems, "nothing is written: ask for ")
			})
		}
	}
}

func TestInitUsage(t *testing.T) {
	for _, args := range [][]string{
		{}, {"--prometheus.url=nonsense"}, {"--prometheus.url=http://u:p@h"}, {"--prometheus.url=http://h", "--slo.itl=0s"}, {"--update", "--force"},
	} {
		code, _, problems := runs(t, append([]string{"init"}, args...)...)
		assert.Equal(t, exitUsage, code, "%v: %s", args, problems)
	}
	code, _, problems := runs(t, "init", "--prometheus.url=http://127.0.0.1:1", "--from=5m")
	assert.Equal(t, exitFailure, code)
	assert.Contains(t, problems, "--from=5m: want a time of at least an hour")
}

// TestInitSeldomScraped is about kube-prometheus-stack's usual interval, for which the usual window of rates is too short, and about a
// history that is shorter than what is asked for.
func TestInitSeldomScraped(t *testing.T) {
	now := time.Now().Truncate(time.Minute)
	var samples model.Vector
	for at := now.Add(-2 * time.Hour); !at.After(now); at = at.Add(30 * time.Second) {
		samples = append(samples, &model.Sample{
			Metric: metricOf("vllm:num_requests_running", "namespace", "llm", "pod", "a-0", "model_name", "m"), Value: 1, Timestamp: model.TimeFromUnixNano(at.UnixNano()),
		})
	}
	file := filepath.Join(t.TempDir(), "variant_exporter.yml")
	url := engineWith(t, samples)
	code, _, problems := runs(t, "init", "--prometheus.url="+url, "--from=2d", "--output="+file)
	require.Zero(t, code, problems)
	require.Equal(t, "2m", loaded(t, file).RateWindow.String())
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Contains(t, string(text), "and in the 2d before (the servers' series go back only 2h).")
	code, _, problems = runs(t, "init", "--prometheus.url="+url, "--from=2h", "--output="+file, "--force")
	require.Zero(t, code, problems)
	text, err = os.ReadFile(file)
	require.NoError(t, err)
	require.NotContains(t, string(text), "go back only")
	require.NotContains(t, string(text), "accelerator:", "none is known")
}

// TestInitHTTPConfig holds that settings for the connection arrive in the configuration, with the names of files as they are found from
// anywhere.
func TestInitHTTPConfig(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "token"), "secret")
	settings := "authorization:\n  type: Bearer\n  credentials_file: token\n"
	file := write(t, filepath.Join(dir, "http.yml"), settings)
	text, err := httpConfigText(file, []byte(settings))
	require.NoError(t, err)
	assert.Equal(t, "authorization:\n  type: Bearer\n  credentials_file: "+filepath.Join(dir, "token")+"\n", text)

	fleet := newMadeFleet(t)
	whole := engineWith(t, fleet.samples)
	behind, err := url.Parse(whole)
	require.NoError(t, err)
	proxy := httputil.NewSingleHostReverseProxy(behind)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer secret" {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	out := filepath.Join(t.TempDir(), "new.yml")
	code, _, problems := runs(t, "init", "--prometheus.url="+server.URL, "--http.config.file="+file, "--from=6h", "--output="+out, "--namespace=chat")
	require.Zero(t, code, problems)
	require.Equal(t, filepath.Join(dir, "token"), loaded(t, out).Prometheus.HTTPConfig.Authorization.CredentialsFile)
}

// TestInitKubeStateMetrics is about kube-state-metrics scraped without honorLabels, and about none.
func TestInitKubeStateMetrics(t *testing.T) {
	moved := func(m model.Metric) model.Metric {
		if !strings.HasPrefix(string(m[model.MetricNameLabel]), "kube_") {
			return m
		}
		m = m.Clone()
		for _, label := range []model.LabelName{"namespace", "pod", "node"} {
			if v, ok := m[label]; ok {
				m["exported_"+label] = v
			}
			m[label] = "of-the-scrape"
		}
		return m
	}
	t.Run("without honorLabels", func(t *testing.T) {
		fleet := newMadeFleet(t)
		renamed := map[string]model.Metric{}
		for _, s := range fleet.samples {
			key := s.Metric.String()
			if renamed[key] == nil {
				renamed[key] = moved(s.Metric)
			}
			s.Metric = renamed[key]
		}
		url := engineWith(t, fleet.samples)
		file := filepath.Join(t.TempDir(), "variant_exporter.yml")
		code, _, problems := runs(t, "init", "--prometheus.url="+url, "--from=6h", "--output="+file)
		require.Zero(t, code, problems)
		saysWhatIsThere(t, file)
		require.Equal(t, "exported_namespace", loaded(t, file).ScaleTargets.Labels.Namespace)
		// The gateway's preset asks for kube_pod_status_ready by the labels of the servers, which these are not.
		code, out, problems := runs(t, "check", "--online", "--online.timeout=30s", file)
		require.Zero(t, code, "%s%s", out, problems)
	})
	t.Run("none", func(t *testing.T) {
		fleet := newMadeFleet(t)
		fleet.samples = slices.DeleteFunc(fleet.samples, func(s *model.Sample) bool { return strings.HasPrefix(string(s.Metric[model.MetricNameLabel]), "kube_") })
		url := engineWith(t, fleet.samples)
		file := filepath.Join(t.TempDir(), "variant_exporter.yml")
		code, _, problems := runs(t, "init", "--prometheus.url="+url, "--from=6h", "--output="+file)
		require.Zero(t, code, problems)
		c := loaded(t, file)
		require.True(t, c.ScaleTargets.Disabled)
		require.Equal(t, "llama-8b-h100", c.Models[1].Variants[0].Name)
		code, out, problems := runs(t, "check", file)
		require.Zero(t, code, problems)
		require.Contains(t, out, "to do: kube-state-metrics shows no pod")
		require.Contains(t, out, "to do: the workload is a guess from the names of pods")
	})
}

// TestExplainBeforeAllData fails with a line, and not with a page of holds.
func TestExplainBeforeAllData(t *testing.T) {
	url := engineWith(t, model.Vector{{Metric: metricOf("vllm:num_requests_running", "namespace", "llm", "model_name", "m", "pod", "a-0"), Value: 1, Timestamp: model.Now()}})
	file := write(t, filepath.Join(t.TempDir(), "config.yml"), `
prometheus: {url: "`+url+`"}
models: [{name: m, namespace: llm, presets: [vllm], variants: [{name: a, cost: 1, capacity: {concurrency: 1, generation_tokens: 1}}]}]
`)
	code, out, problems := runs(t, "explain", "--config.file="+file, "--at=2026-01-01T00:00:00Z")
	require.Equal(t, exitFailure, code, out)
	assert.Empty(t, out)
	assert.Contains(t, problems, "nothing is known at 2026-01-01T00:00:00Z")
	code, out, problems = runs(t, "explain", "--config.file="+file)
	require.Zero(t, code, problems)
	assert.NotContains(t, out, "optimal and costs", "nothing is decided, so there is no cost of it")
}

// TestInitSelector chooses one of two clusters in a store, for every question.
func TestInitSelector(t *testing.T) {
	fleet := newMadeFleet(t)
	var both model.Vector
	clusters := map[string]map[string]model.Metric{"eu": {}, "us": {}}
	for cluster, known := range clusters {
		for _, s := range fleet.samples {
			key := s.Metric.String()
			if known[key] == nil {
				known[key] = s.Metric.Clone()
				known[key]["cluster"] = model.LabelValue(cluster)
			}
			value := s.Value
			if name := s.Metric[model.MetricNameLabel]; cluster == "us" && (name == "kube_horizontalpodautoscaler_spec_max_replicas" || name == "kube_node_status_allocatable") {
				value += 100
			}
			both = append(both, &model.Sample{Metric: known[key], Value: value, Timestamp: s.Timestamp})
		}
	}
	url := engineWith(t, both)
	file := filepath.Join(t.TempDir(), "variant_exporter.yml")
	code, _, problems := runs(t, "init", "--prometheus.url="+url, "--from=6h", "--output="+file)
	require.Equal(t, exitFailure, code)
	require.Contains(t, problems, "several clusters (eu, us)")
	code, _, problems = runs(t, "init", "--prometheus.url="+url, "--from=6h", "--output="+file, `--selector={cluster="eu"}`)
	require.Zero(t, code, problems)
	saysWhatIsThere(t, file)
	require.Equal(t, `{cluster="eu"}`, loaded(t, file).Selector.String())
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Contains(t, string(text), "low end of ", "latency of the one cluster was found too")
	code, _, problems = runs(t, "init", "--prometheus.url="+url, `--selector={cluster!="eu"}`)
	require.Equal(t, exitFailure, code)
	require.Contains(t, problems, "--selector: ")
}

// TestInitOtherServers is about servers that do not say what they serve, and some that have run but do not now.
func TestInitOtherServers(t *testing.T) {
	now := time.Now().Truncate(time.Minute)
	var samples model.Vector
	for at := now.Add(-2 * time.Hour); !at.After(now); at = at.Add(15 * time.Second) {
		put := func(v float64, name string, pairs ...string) {
			samples = append(samples, &model.Sample{Metric: metricOf(name, pairs...), Value: model.SampleValue(v), Timestamp: model.TimeFromUnixNano(at.UnixNano())})
		}
		scraped := []string{"namespace", "llm", "pod", "falcon-59bd75cc8f-xxxxb", "instance", "10.0.0.1:80", "job", "tgi"}
		put(12, "tgi_batch_current_size", scraped...)
		put(0, "tgi_queue_size", scraped...)
		put(1, "kube_pod_owner", "namespace", "llm", "pod", "falcon-59bd75cc8f-xxxxb", "owner_is_controller", "true", "owner_kind", "ReplicaSet", "owner_name", "falcon-59bd75cc8f")
		put(1, "kube_replicaset_owner", "namespace", "llm", "replicaset", "falcon-59bd75cc8f", "owner_is_controller", "true", "owner_kind", "Deployment", "owner_name", "falcon")
		for _, series := range []string{"kube_deployment_spec_replicas", "kube_deployment_status_replicas_ready"} {
			put(1, series, "namespace", "llm", "deployment", "falcon")
		}
		if now.Sub(at) > time.Hour {
			put(3, "sglang:num_running_reqs", "namespace", "night", "pod", "sleepy-0", "instance", "10.0.0.2:80", "model_name", "org/sleepy")
			put(1, "kube_pod_owner", "namespace", "night", "pod", "sleepy-0", "owner_is_controller", "true", "owner_kind", "StatefulSet", "owner_name", "sleepy")
			put(1, "kube_pod_owner", "namespace", "night", "pod", "batch-0", "owner_is_controller", "true", "owner_kind", "Job", "owner_name", "batch")
			put(3, "sglang:num_running_reqs", "namespace", "night", "pod", "batch-0", "instance", "10.0.0.3:80", "model_name", "org/batch")
		}
	}
	file := filepath.Join(t.TempDir(), "variant_exporter.yml")
	code, _, problems := runs(t, "init", "--prometheus.url="+engineWith(t, samples), "--from=3h", "--output="+file)
	require.Zero(t, code, problems)
	c := loaded(t, file)
	require.Len(t, c.Models, 2)
	falcon, sleepy := &c.Models[0], &c.Models[1]
	require.Equal(t, []string{"falcon", "org/sleepy"}, []string{falcon.Name, sleepy.Name})
	require.Equal(t, []string{"tgi"}, falcon.Presets)
	require.InDelta(t, 12, falcon.Variants[0].Capacity["concurrency"].Number, 1e-9, "the most that was seen")
	require.NotContains(t, falcon.Variants[0].Capacity, "generation_tokens", "this preset has no such signal")
	require.Equal(t, []string{"sglang"}, sleepy.Presets)
	require.Equal(t, config.KindStatefulSet, sleepy.Variants[0].ScaleTarget.Kind)
	require.InDelta(t, 3, sleepy.Variants[0].Capacity["concurrency"].Number, 1e-9)
	code, out, problems := runs(t, "check", file)
	require.Zero(t, code, problems)
	for _, want := range []string{"to do: the model's name", "to do: the pods of Job batch in night are no Deployment's", "to do: how many may it run?", "to do: what a replica costs"} {
		require.Contains(t, strings.ToLower(out), strings.ToLower(want))
	}
}
