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

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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
	require.NoError(t, os.WriteFile(lt.file, []byte(text), 0o600))
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
	require.EventuallyWithT(t, func(c *assert.CollectT) { require.Equal(c, want, desired(t, e)) }, waitFor, 5*time.Millisecond)
}

func release(t *testing.T, l server.Loaded) {
	t.Helper()
	assert.NoError(t, l.Release())
}

func TestLoaderAsksPrometheus(t *testing.T) {
	lt := newLoader(t)
	lt.write(t, asking(prometheus(t), 25))
	loaded, err := lt.loader.Load(t.Context())
	require.NoError(t, err)
	defer release(t, loaded)
	assert.Equal(t, 3, desired(t, loaded), "60/25, rounded up")
}

func TestLoaderReportsEveryMistake(t *testing.T) {
	lt := newLoader(t)
	_, err := lt.loader.Load(t.Context())
	require.ErrorIs(t, err, fs.ErrNotExist)
	lt.write(t, "prometheus: {url: 'http://127.0.0.1:1', http_config: {basic_auth: {username: u, password: s3cret}, nonsense: 1}}\n"+
		strings.Replace(fmt.Sprintf(models, 25), "cost: 1,", "price: 1,", 1))
	_, err = lt.loader.Load(t.Context())
	invalid, ok := errors.AsType[*config.InvalidError](err)
	require.True(t, ok, err)
	for _, d := range invalid.Diagnostics {
		assert.Contains(t, lt.logs.String(), fmt.Sprintf("line=%d column=%d", d.Line, d.Column), d.Message)
		assert.Empty(t, d.Snippet, "no line of the file goes to the client that asks for a reload")
	}
	assert.Equal(t, len(invalid.Diagnostics), strings.Count(lt.logs.String(), "\n"), "one line each")
	assert.GreaterOrEqual(t, len(invalid.Diagnostics), 3, "the unknown nonsense and price, the missing cost")
	for place, text := range map[string]string{"the error": err.Error(), "the log": lt.logs.String()} {
		assert.NotContains(t, text, "s3cret", place)
	}
}

func TestLoaderCountsWhatIsToDo(t *testing.T) {
	lt := newLoader(t)
	lt.write(t, "# TODO: this\n# TODO: that\n"+asking(prometheus(t), 25))
	loaded, err := lt.loader.Load(t.Context())
	require.NoError(t, err)
	defer release(t, loaded)
	logs := lt.logs.String()
	assert.LessOrEqual(t, strings.Count(logs, "to be done"), 1, "one line counts two things")
	assert.Contains(t, logs, "things=2", "one line counts two things")
	assert.NotContains(t, logs, "to do: ", "one line counts two things")
}

func TestLoaderKeepsTheSamplesOverAReload(t *testing.T) {
	lt := newLoader(t)
	address, scrapes := target(t)
	lt.write(t, scraping(address, 25))
	first, err := lt.loader.Load(t.Context())
	require.NoError(t, err)
	eventuallyDesired(t, first, 3)

	gone := strings.Replace(scraping(address, 20), "scrape_interval: 50ms", "scrape_interval: 15s", 1) // Hardly a new sample from here on.
	lt.write(t, gone)
	second, err := lt.loader.Load(t.Context())
	require.NoError(t, err)
	release(t, first)
	assert.Equal(t, 3, desired(t, second), "60/20, from the samples before the reload")

	lt.write(t, strings.Replace(scraping(address, 20), "static_configs", "dns_sd_configs: [{names: [x]}], static_configs", 1))
	_, err = lt.loader.Load(t.Context())
	require.Error(t, err, "a discovery that the embedded engine does not have was accepted")
	assert.Equal(t, 3, desired(t, second), "after a reload that failed")

	lt.write(t, asking(prometheus(t), 10))
	third, err := lt.loader.Load(t.Context())
	require.NoError(t, err)
	release(t, second)
	assert.Equal(t, 6, desired(t, third), "60/10, from the Prometheus")
	seen := scrapes.Load()
	lt.write(t, scraping(address, 60))
	fourth, err := lt.loader.Load(t.Context())
	require.NoError(t, err)
	release(t, third)
	eventuallyDesired(t, fourth, 1)
	assert.NotEqual(t, seen, scrapes.Load(), "the new engine answers without a scrape")
	release(t, fourth)
}
