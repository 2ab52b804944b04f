package command

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/internal/promtest"
)

// TestEndToEnd runs the program against real Prometheis: one that it asks, and one that scrapes it.
func TestEndToEnd(t *testing.T) {
	if testing.Short() {
		t.Skip("runs Prometheus servers: skipped with -short")
	}
	binary := programPath(t)
	t.Run("Prometheus", func(t *testing.T) { testPrometheus(t, binary) })
	t.Run("Embedded", func(t *testing.T) { testEmbedded(t, binary) })
	t.Run("Reload", func(t *testing.T) { testReload(t, binary) })
	t.Run("Terminate", func(t *testing.T) { testTerminate(t, binary) })
}

// underRaceDetector says whether this test was built with -race: then the program is too.
func underRaceDetector() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// servers is a model server of two pods, and the Deployments behind them, as vLLM and kube-state-metrics expose them.
type servers struct {
	*httptest.Server
	running, waiting atomic.Int64 // requests, at each pod
}

func newServers(t *testing.T) *servers {
	s := &servers{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/kube-state-metrics" {
			fmt.Fprint(w, `# TYPE kube_deployment_spec_replicas gauge
kube_deployment_spec_replicas{namespace="llm",deployment="llama-h100"} 1
kube_deployment_spec_replicas{namespace="llm",deployment="llama-l4"} 1
# TYPE kube_deployment_status_replicas_ready gauge
kube_deployment_status_replicas_ready{namespace="llm",deployment="llama-h100"} 1
kube_deployment_status_replicas_ready{namespace="llm",deployment="llama-l4"} 1
`)
			return
		}
		fmt.Fprintf(w, `# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{model_name="llama",engine="0"} %d
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{model_name="llama",engine="0"} %d
`, s.running.Load(), s.waiting.Load())
	}))
	t.Cleanup(s.Close)
	return s
}

// scrapeConfig is a Prometheus that scrapes the two pods and the Deployments.
func (s *servers) scrapeConfig() string {
	host := s.Listener.Addr().String()
	return fmt.Sprintf(`
global: {scrape_interval: 250ms, scrape_timeout: 250ms}
scrape_configs:
  - job_name: vllm-1
    static_configs: [{targets: ['%[1]s'], labels: {namespace: llm, pod: llama-h100-5d8c7b9f64-x2x7q}}]
  - job_name: vllm-2
    static_configs: [{targets: ['%[1]s'], labels: {namespace: llm, pod: llama-l4-7f6d5c4b3-abcde}}]
  - job_name: kube-state-metrics
    metrics_path: /kube-state-metrics
    honor_labels: true
    static_configs: [{targets: ['%[1]s']}]
`, host)
}

// llamas is the part of a configuration that plans for 15 % more than what runs and waits at the two pods. Its window is short: a
// Prometheus that has just started lowers nothing until it has seen one.
const llamas = `
defaults: {headroom: 0.15, scale_down_window: 2s}
models:
  - name: llama
    namespace: llm
    presets: [vllm]
    variants:
      - {name: llama-h100, cost: 4.10, capacity: {concurrency: 96}}
      - {name: llama-l4, cost: 0.80, capacity: {concurrency: 12}}
`

func testPrometheus(t *testing.T, binary string) {
	requirePrometheus(t)
	source := newServers(t)
	source.running.Store(60)
	asked := promtest.Start(t, promtest.Server{Config: func(string) string { return source.scrapeConfig() }})
	exp := startExporter(t, binary, write(t, filepath.Join(t.TempDir(), "variant_exporter.yml"), "prometheus: {url: '"+asked+"'}"+llamas))
	scraper := promtest.Start(t, promtest.Server{Config: func(string) string {
		return fmt.Sprintf(`
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs: [{job_name: variant_exporter, static_configs: [{targets: ['%s'], labels: {namespace: monitoring}}]}]
`, strings.TrimPrefix(exp.url, "http://"))
	}})

	// Two pods with 60 requests each are 120, and 138 with headroom. One H100 (96) and four L4 (48) carry 144 for 7.30 an hour; two
	// H100 cost 8.20, twelve L4 9.60.
	wantDesired(t, scraper, map[string]string{"llama-h100": "1", "llama-l4": "4"})
	eventually(t, "the exporter is ready", func() bool {
		status, _ := get(t, exp.url+"/-/ready")
		return status == http.StatusOK
	})

	// With 120 each it is 240, and 276 with headroom. Three H100 carry 288 for 12.30; two H100 and seven L4 cost 13.80. The L4 that
	// there is stays until the H100 are ready.
	source.running.Store(120)
	wantDesired(t, scraper, map[string]string{"llama-h100": "3", "llama-l4": "1"})

	t.Run("no label is renamed", func(t *testing.T) {
		for _, s := range query(t, scraper, `{__name__=~"variant_.*"}`) {
			for label := range s.Metric {
				assert.NotRegexp(t, "^exported_", label, "%s has a label of the target", s.Metric)
			}
		}
	})
	t.Run("check --online", func(t *testing.T) { testCheckOnline(t, binary, asked) })
	t.Run("promtool", func(t *testing.T) {
		_, body := get(t, exp.url+"/metrics")
		check := exec.CommandContext(t.Context(), "promtool", "check", "metrics")
		check.Stdin = strings.NewReader(body)
		out, err := check.CombinedOutput()
		assert.NoError(t, err, "promtool check metrics\n%s", out)
	})
}

// testCheckOnline asks a Prometheus that has everything, with a configuration that fits and one that does not.
func testCheckOnline(t *testing.T, binary, prometheus string) {
	for _, tc := range []struct {
		name, config string
		code         int
		problem      string
	}{
		{"everything fits", llamas, 0, ""},
		{"another model", strings.Replace(llamas, "name: llama\n", "name: lama\n", 1), 1, "labels do not fit"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			file := write(t, filepath.Join(t.TempDir(), "variant_exporter.yml"), "prometheus: {url: '"+prometheus+"'}"+tc.config)
			p := start(t, binary, "check", file, "--online", "--format=json")
			assert.Equal(t, tc.code, p.exit(t), "exit code")
			var report struct {
				Online struct {
					Inputs   []struct{ Name string }
					Problems []string
				}
			}
			require.NoError(t, json.Unmarshal([]byte(p.log.String()), &report))
			assert.NotEmpty(t, report.Online.Inputs, "no input was asked")
			got := strings.Join(report.Online.Problems, "\n")
			assert.Equal(t, tc.problem == "", got == "", got)
			assert.Contains(t, got, tc.problem)
		})
	}
}

// testEmbedded lets the exporter scrape by itself what Prometheus scrapes in testPrometheus.
func testEmbedded(t *testing.T, binary string) {
	source := newServers(t)
	source.running.Store(60)
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	file := write(t, filepath.Join(t.TempDir(), "variant_exporter.yml"), source.scrapeConfig()+llamas)
	exp := startExporter(t, binary, file)
	eventually(t, "the desired replicas are those of testPrometheus", func() bool {
		_, body := get(t, exp.url+"/metrics")
		return strings.Contains(body, `variant_desired_replicas{model="llama",target_namespace="llm",variant="llama-h100"} 1`+"\n") &&
			strings.Contains(body, `variant_desired_replicas{model="llama",target_namespace="llm",variant="llama-l4"} 4`+"\n")
	})
	left, err := os.ReadDir(temporary)
	require.NoError(t, err)
	assert.Len(t, left, 1, "one folder of samples while it runs")
	exp.signal(t, syscall.SIGTERM)
	assert.Zero(t, exp.exit(t), "exit code")
	left, err = os.ReadDir(temporary)
	require.NoError(t, err)
	assert.Empty(t, left, "what it leaves")
}

func requirePrometheus(t *testing.T) {
	t.Helper()
	for _, program := range []string{"prometheus", "promtool"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("needs a real Prometheus: %v (Debian: apt-get install prometheus)", err)
		}
	}
}

// wantDesired waits until a Prometheus answers with these desired replicas, by variant, and these only.
func wantDesired(t *testing.T, prometheus string, want map[string]string) {
	t.Helper()
	var got map[string]string
	eventually(t, fmt.Sprintf("the desired replicas are %v", want), func() bool {
		got = map[string]string{}
		for _, s := range query(t, prometheus, "variant_desired_replicas") {
			require.Equal(t, "llama", s.Metric["model"], "%v is no series of the model", s.Metric)
			require.Equal(t, "llm", s.Metric["target_namespace"], "%v is no series of the model", s.Metric)
			got[s.Metric["variant"]] = s.Value[1].(string)
		}
		if len(got) != len(want) {
			return false
		}
		for variant, replicas := range want {
			if got[variant] != replicas {
				return false
			}
		}
		return true
	})
}

type sample struct {
	Metric map[string]string
	Value  [2]any // time and value
}

// query asks a Prometheus over HTTP, in the plainest way there is.
func query(t *testing.T, prometheus, expr string) []sample {
	t.Helper()
	_, body := get(t, prometheus+"/api/v1/query?query="+url.QueryEscape(expr))
	var answer struct {
		Status string
		Data   struct{ Result []sample }
	}
	err := json.Unmarshal([]byte(body), &answer)
	require.NoError(t, err)
	require.Equal(t, "success", answer.Status, "query %s\n%s", expr, body)
	return answer.Data.Result
}
