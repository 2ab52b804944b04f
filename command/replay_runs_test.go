package command

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/value"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/backtest/replay"
	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/embedded"
	"github.com/variant-exporter/variant-exporter/collector/past"
	"github.com/variant-exporter/variant-exporter/internal/long"
	"github.com/variant-exporter/variant-exporter/internal/promtest"
	"github.com/variant-exporter/variant-exporter/internal/recorded"
)

// recordedRun is a run of real vLLM pods under a staircase of load.
type recordedRun struct{ *recorded.Run }

// samples are the run's as Prometheus would have scraped them: a pod that is gone misses its next scrape and is marked stale.
func (r *recordedRun) samples() model.Vector {
	var all model.Vector
	add := func(t, v float64, name string, labels ...string) {
		m := model.Metric{model.MetricNameLabel: model.LabelValue(name), "namespace": "llm"}
		for i := 0; i < len(labels); i += 2 {
			m[model.LabelName(labels[i])] = model.LabelValue(labels[i+1])
		}
		all = append(all, &model.Sample{Metric: m, Value: model.SampleValue(v), Timestamp: model.Time(t * 1000)})
	}
	end := r.Replicas[len(r.Replicas)-1].T
	for pod, p := range r.Pods {
		labels := []string{"model_name", "llama-8b", "pod", "llama-h100-6d4cf56db6-xxxx" + string("bcdfghjklm"[pod[len(pod)-1]-'0'])}
		for _, s := range p.Series {
			add(s.T, s.Running, "vllm:num_requests_running", labels...)
			add(s.T, s.Waiting, "vllm:num_requests_waiting", labels...)
		}
		if last := p.Series[len(p.Series)-1].T; last+16 < end {
			gone := math.Float64frombits(value.StaleNaN)
			add(last+16, gone, "vllm:num_requests_running", labels...)
			add(last+16, gone, "vllm:num_requests_waiting", labels...)
		}
	}
	for _, x := range r.Replicas {
		add(x.T, x.Desired, "kube_deployment_spec_replicas", "deployment", "llama-h100")
		add(x.T, x.Ready, "kube_deployment_status_replicas_ready", "deployment", "llama-h100")
	}
	return all
}

// prometheusWith runs a real Prometheus that knows some samples, and returns where it is.
func prometheusWith(t *testing.T, samples model.Vector) string {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	engine, err := embedded.New(embedded.Config{Dir: data})
	require.NoError(t, err)
	require.NoError(t, engine.Append(t.Context(), samples))
	require.NoError(t, engine.Close())
	return prometheusOn(t, data)
}

// engineWith serves samples from the embedded engine, as Prometheus' API does, and returns where it is.
func engineWith(t *testing.T, samples model.Vector) string {
	t.Helper()
	engine, err := embedded.New(embedded.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, engine.Close()) })
	require.NoError(t, engine.Append(t.Context(), samples))
	seconds := func(r *http.Request, name string) time.Time {
		at, err := past.ParseTime(r.FormValue(name), time.Time{})
		assert.NoError(t, err)
		return at
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kind := "vector"
		var result any
		var err error
		if r.URL.Path == "/api/v1/query" {
			result, err = engine.Query(r.Context(), r.FormValue("query"), seconds(r, "time"))
		} else {
			kind = "matrix"
			step := seconds(r, "step").Sub(time.Unix(0, 0))
			result, err = engine.QueryRange(r.Context(), r.FormValue("query"), v1.Range{Start: seconds(r, "start"), End: seconds(r, "end"), Step: step})
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		assert.NoError(t, writeJSON(w, map[string]any{"status": "success", "data": map[string]any{"resultType": kind, "result": result}}))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// prometheusOn runs a real Prometheus on a folder of samples.
func prometheusOn(t testing.TB, data string) string {
	t.Helper()
	return promtest.Start(t, promtest.Server{Data: data, Flags: []string{"--storage.tsdb.retention.time=100y"}})
}

// TestReplayRecordedRuns says what following the exporter would have cost and missed where real pods were scaled by the autoscaler
// of that time. 90 requests is what one replica held in run a, see TestRecordedRuns in collector.
//
// The golden files are by the embedded engine: of what lies at the very start of a window, Prometheus 2 takes account and
// Prometheus 3 does not. A real Prometheus is held to its own answers.
func TestReplayRecordedRuns(t *testing.T) {
	for _, name := range []string{"a", "b"} {
		r := &recordedRun{recorded.Staircase(t, "h100-staircase-"+name)}
		t.Run(name+"/engine", func(t *testing.T) {
			file, args := r.question(t, engineWith(t, r.samples()))
			page := filepath.Join(t.TempDir(), "replay.html")
			code, out, problems := replayRun(t, append(args, "--output.html="+page)...)
			require.Zero(t, code, problems)
			golden(t, filepath.Join("testdata", "replay", "h100-staircase-"+name+".txt"), out)
			drawn, err := os.ReadFile(page)
			require.NoError(t, err)
			assert.Equal(t, 4, strings.Count(string(drawn), "<figure"))
			decidesAsScrapes(t, file, args)
		})
		t.Run(name+"/prometheus", func(t *testing.T) {
			long.Test(t)
			file, args := r.question(t, prometheusWith(t, r.samples()))
			code, out, problems := replayRun(t, args...)
			require.Zero(t, code, problems)
			t.Log(out)
			decidesAsScrapes(t, file, args)
		})
	}
}

// question is a configuration file for the run, and the arguments to replay all of it.
func (r *recordedRun) question(t *testing.T, url string) (file string, args []string) {
	t.Helper()
	file = write(t, filepath.Join(t.TempDir(), "config.yml"), `
prometheus: {url: "`+url+`"}
models:
  - name: llama-8b
    namespace: llm
    presets: [vllm]
    scale_down_limit: {percent: 100, per: 1m}
    variants:
      - {name: llama-h100, accelerator: H100, cost: 4.10, startup: 85s, uses: {power: 700}, capacity: {concurrency: 90}, replicas: {max: 10}}
`)
	return file, []string{
		"--config.file=" + file, "--step=15s",
		fmt.Sprintf("--from=%.0f", r.Replicas[0].T), fmt.Sprintf("--to=%.0f", r.Replicas[len(r.Replicas)-1].T),
	}
}

// decidesAsScrapes holds what would have been desired, given what ran, to what a scrape at every step says, by instant queries.
func decidesAsScrapes(t *testing.T, file string, args []string) {
	t.Helper()
	code, out, problems := replayRun(t, append(args, "--format=json")...)
	require.Zero(t, code, problems)
	var got replay.Result
	require.NoError(t, json.Unmarshal([]byte(out), &got))
	cfg, found, err := config.LoadFile(file)
	require.NoError(t, err)
	require.NotNil(t, cfg, "%v", found)
	q := queries{timeout: patience, concurrency: 4}
	client, err := q.connect(cfg)
	require.NoError(t, err)
	defer client.Close()
	evaluator, err := q.evaluator(cfg, client)
	require.NoError(t, err)
	decided := 0
	for i := range got.Steps {
		at := got.From.Add(time.Duration(i) * 15 * time.Second)
		v := evaluator.Evaluate(t.Context(), at).Models[0].Variants[0]
		replayed := got.Models[0].Variants[0]
		require.Equal(t, v.Desired, replayed.Desired[i], "desired at %s", at)
		require.Equal(t, v.Current, replayed.Current[i], "current at %s", at)
		require.Equal(t, v.Ready, replayed.Ready[i], "ready at %s", at)
		if v.Desired != nil {
			decided++
		}
	}
	require.Greater(t, decided, got.Steps/2)
}
