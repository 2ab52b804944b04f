package server_test

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/server"
)

// models is the part of a configuration that needs the demand of the last minute over capacity, rounded up, in replicas.
const models = `
scale_targets: {disabled: true}
defaults: {headroom: 0, scale_down_window: 0s}
signals:
  load: {unit: requests, demand: 'sum by (namespace, model_name) (max_over_time(vllm:num_requests_running[1m]))'}
models:
  - name: m
    namespace: llm
    variants:
      - {name: v, cost: 1, capacity: {load: %d}}
`

// metric is a series that the demand of models is asked of.
const metric = `vllm:num_requests_running{namespace="llm",model_name="m",pod="v-1"} 60` + "\n"

type loaderTest struct {
	file   string
	logs   *buffer
	loader *server.Loader
}

func newLoader(t *testing.T) *loaderTest {
	lt := &loaderTest{file: filepath.Join(t.TempDir(), "variant_exporter.yml"), logs: &buffer{}}
	lt.loader = server.NewLoader(server.LoaderOptions{
		ConfigFile:  lt.file,
		Concurrency: 4,
		Logger:      slog.New(slog.NewTextHandler(lt.logs, nil)),
		Now:         time.Now,
		Failed:      func(err error) { t.Errorf("the embedded engine has failed: %v", err) },
	})
	return lt
}

func (lt *loaderTest) write(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(lt.file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// prometheus answers every query with demand 60 for model m, at the time that was asked for. It knows nothing of the past.
func prometheus(t *testing.T) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/query_range") {
			fmt.Fprint(w, `{"status":"success","data":{"resultType":"matrix","result":[]}}`)
			return
		}
		if strings.Contains(r.FormValue("query"), "up == 0") { // all targets answer
			fmt.Fprint(w, `{"status":"success","data":{"resultType":"vector","result":[]}}`)
			return
		}
		fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"namespace":"llm","model_name":"m"},"value":[%s,"60"]}]}}`,
			r.FormValue("time"))
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

// target exposes the metric and counts the scrapes.
func target(t *testing.T) (address string, scrapes *atomic.Int32) {
	t.Helper()
	scrapes = &atomic.Int32{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		scrapes.Add(1)
		fmt.Fprint(w, metric)
	}))
	t.Cleanup(srv.Close)
	return srv.Listener.Addr().String(), scrapes
}

func scraping(address string, capacity int) string {
	return fmt.Sprintf("global: {scrape_interval: 50ms, scrape_timeout: 50ms}\n"+
		"scrape_configs:\n  - {job_name: vllm, static_configs: [{targets: ['%s']}]}\n", address) + fmt.Sprintf(models, capacity)
}

func asking(url string, capacity int) string {
	return "prometheus: {url: '" + url + "'}\n" + fmt.Sprintf(models, capacity)
}

// desired is what an evaluation wants of the one variant, or -1.
func desired(t *testing.T, e server.Evaluator) int {
	t.Helper()
	snapshot := e.Evaluate(t.Context(), time.Now())
	if got := snapshot.Models[0].Variants[0].Desired; got != nil {
		return *got
	}
	return -1
}

func eventuallyDesired(t *testing.T, e server.Evaluator, want int) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for got := -1; got != want; got = desired(t, e) {
		if time.Now().After(deadline) {
			t.Fatalf("desired replicas are %d, want %d", got, want)
		}
	}
}

func release(t *testing.T, l server.Loaded) {
	t.Helper()
	if err := l.Release(); err != nil {
		t.Error(err)
	}
}

func TestLoaderAsksPrometheus(t *testing.T) {
	lt := newLoader(t)
	lt.write(t, asking(prometheus(t), 25))
	loaded, err := lt.loader.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer release(t, loaded)
	if got := desired(t, loaded); got != 3 {
		t.Errorf("desired replicas are %d, want 60/25 rounded up: 3", got)
	}
}

func TestLoaderReportsEveryMistake(t *testing.T) {
	lt := newLoader(t)
	if _, err := lt.loader.Load(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want that there is no file", err)
	}
	lt.write(t, "prometheus: {url: 'http://127.0.0.1:1', http_config: {basic_auth: {username: u, password: s3cret}, nonsense: 1}}\n"+
		strings.Replace(fmt.Sprintf(models, 25), "cost: 1,", "price: 1,", 1))
	_, err := lt.loader.Load(t.Context())
	invalid, ok := errors.AsType[*config.InvalidError](err)
	if !ok {
		t.Fatalf("got %v, want an invalid configuration", err)
	}
	for _, d := range invalid.Diagnostics {
		if line := fmt.Sprintf("line=%d column=%d", d.Line, d.Column); !strings.Contains(lt.logs.String(), line) {
			t.Errorf("the log lacks %s, %s", line, d.Message)
		}
		if d.Snippet != "" {
			t.Errorf("whoever asks for a reload is shown a line of the file: %s", d.Snippet)
		}
	}
	if n := strings.Count(lt.logs.String(), "\n"); n != len(invalid.Diagnostics) || n < 3 {
		t.Errorf("%d log lines for %d remarks, want one each: the unknown nonsense and price, the missing cost", n, len(invalid.Diagnostics))
	}
	for place, text := range map[string]string{"the error": err.Error(), "the log": lt.logs.String()} {
		if strings.Contains(text, "s3cret") {
			t.Errorf("%s shows the password:\n%s", place, text)
		}
	}
}

func TestLoaderCountsWhatIsToDo(t *testing.T) {
	lt := newLoader(t)
	lt.write(t, "# TODO: this\n# TODO: that\n"+asking(prometheus(t), 25))
	loaded, err := lt.loader.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer release(t, loaded)
	if logs := lt.logs.String(); strings.Count(logs, "to be done") > 1 || !strings.Contains(logs, "things=2") || strings.Contains(logs, "to do: ") {
		t.Errorf("want one line that counts two things, got:\n%s", logs)
	}
}

func TestLoaderKeepsTheSamplesOverAReload(t *testing.T) {
	lt := newLoader(t)
	address, scrapes := target(t)
	lt.write(t, scraping(address, 25))
	first, err := lt.loader.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	eventuallyDesired(t, first, 3)

	gone := strings.Replace(scraping(address, 20), "scrape_interval: 50ms", "scrape_interval: 15s", 1) // Hardly a new sample from here on.
	lt.write(t, gone)
	second, err := lt.loader.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	release(t, first)
	if got := desired(t, second); got != 3 {
		t.Errorf("desired replicas are %d right after the reload, want 60/20 = 3 from the samples of before", got)
	}

	lt.write(t, strings.Replace(scraping(address, 20), "static_configs", "dns_sd_configs: [{names: [x]}], static_configs", 1))
	if _, err := lt.loader.Load(t.Context()); err == nil {
		t.Error("a discovery that the embedded engine does not have was accepted")
	}
	if got := desired(t, second); got != 3 {
		t.Errorf("desired replicas are %d after a reload that failed, want 3 as before", got)
	}

	lt.write(t, asking(prometheus(t), 10))
	third, err := lt.loader.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	release(t, second)
	if got := desired(t, third); got != 6 {
		t.Errorf("desired replicas are %d from the Prometheus, want 60/10 = 6", got)
	}
	seen := scrapes.Load()
	lt.write(t, scraping(address, 60))
	fourth, err := lt.loader.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	release(t, third)
	eventuallyDesired(t, fourth, 1)
	if scrapes.Load() == seen {
		t.Error("the new engine answers without a scrape")
	}
	release(t, fourth)
}
