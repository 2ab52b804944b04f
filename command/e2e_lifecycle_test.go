package command

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fakePrometheus answers every query with a demand of 100. While it is held, it does not answer.
type fakePrometheus struct {
	*httptest.Server
	entered chan struct{} // gets a value for each query that is held
	mu      sync.RWMutex  // locked: held
}

func newFakePrometheus(t *testing.T) *fakePrometheus {
	f := &fakePrometheus{entered: make(chan struct{}, 1000)}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !f.mu.TryRLock() {
			f.entered <- struct{}{}
			f.mu.RLock()
		}
		defer f.mu.RUnlock()
		if strings.Contains(r.FormValue("query"), "up == 0") { // all targets answer
			fmt.Fprint(w, `{"status":"success","data":{"resultType":"vector","result":[]}}`)
			return
		}
		fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"namespace":"llm","model_name":"llama"},"value":[%s,"100"]}]}}`,
			r.FormValue("time"))
	}))
	t.Cleanup(f.Close)
	return f
}

// demanding needs ceil(100/capacity) replicas.
func demanding(prometheus string, capacity int) string {
	return fmt.Sprintf(`
prometheus: {url: '%s'}
scale_targets: {disabled: true}
defaults: {headroom: 0, scale_down_window: 0s}
signals:
  load: {unit: requests, demand: 'sum by (namespace, model_name) (vllm:num_requests_running)'}
models:
  - {name: llama, namespace: llm, variants: [{name: v, cost: 1, capacity: {load: %d}}]}
`, prometheus, capacity)
}

func testReload(t *testing.T, binary string) {
	fake := newFakePrometheus(t)
	file := write(t, filepath.Join(t.TempDir(), "variant_exporter.yml"), demanding(fake.URL, 50))
	exp := startExporter(t, binary, file, "--web.enable-lifecycle")
	wantMetrics := func(desired, successful int) {
		t.Helper()
		eventually(t, fmt.Sprintf("desired replicas are %d and the last reload's success is %d", desired, successful), func() bool {
			_, body := get(t, exp.url+"/metrics")
			return strings.Contains(body, fmt.Sprintf("variant_desired_replicas{model=\"llama\",target_namespace=\"llm\",variant=\"v\"} %d\n", desired)) &&
				strings.Contains(body, fmt.Sprintf("variant_exporter_config_last_reload_successful %d\n", successful))
		})
	}
	post := func() (int, string) {
		t.Helper()
		status, body, err := fetch(t, http.MethodPost, exp.url+"/-/reload")
		require.NoError(t, err)
		return status, body
	}
	wantMetrics(2, 1)

	write(t, file, demanding(fake.URL, 25))
	exp.signal(t, syscall.SIGHUP)
	wantMetrics(4, 1)

	write(t, file, demanding(fake.URL, 20))
	status, body := post()
	assert.Equal(t, http.StatusOK, status, body)
	wantMetrics(5, 1)

	write(t, file, strings.Replace(demanding(fake.URL, 10), "cost: 1", "price: 1", 1))
	status, body = post()
	assert.Equal(t, http.StatusInternalServerError, status, "reload of a bad file")
	assert.Contains(t, body, file+":8:", "reload of a bad file")
	wantMetrics(5, 0)
	write(t, file, demanding(fake.URL, 10))
	exp.signal(t, syscall.SIGHUP)
	wantMetrics(10, 1)

	exp.signal(t, syscall.SIGINT)
	assert.Zero(t, exp.exit(t), "exit code after an interrupt")
}

// testTerminate stops an exporter while a scrape waits for a slow Prometheus.
func testTerminate(t *testing.T, binary string) {
	fake := newFakePrometheus(t)
	exp := startExporter(t, binary, write(t, filepath.Join(t.TempDir(), "variant_exporter.yml"), demanding(fake.URL, 50)))
	eventually(t, "the exporter is ready", func() bool {
		status, _ := get(t, exp.url+"/-/ready")
		return status == http.StatusOK
	})
	fake.mu.Lock()
	type answer struct {
		status int
		body   string
		err    error
	}
	scrape := make(chan answer, 1)
	go func() {
		var a answer
		a.status, a.body, a.err = fetch(t, http.MethodGet, exp.url+"/metrics")
		scrape <- a
	}()
	select {
	case <-fake.entered:
	case <-time.After(patience):
		t.Fatal("the scrape has asked nothing")
	}
	exp.signal(t, syscall.SIGTERM)
	eventually(t, "the exporter is not ready any more", func() bool {
		status, _, err := fetch(t, http.MethodGet, exp.url+"/-/ready")
		return err == nil && status == http.StatusServiceUnavailable
	})
	select {
	case <-exp.exited:
		t.Fatal("the exporter has ended with a scrape under way")
	case a := <-scrape:
		t.Fatalf("the scrape was answered (%d, %v) before Prometheus was", a.status, a.err)
	default:
	}
	fake.mu.Unlock()
	a := <-scrape
	require.NoError(t, a.err)
	assert.Equal(t, http.StatusOK, a.status, "the scrape under way")
	assert.Contains(t, a.body, `variant="v"} 2`, "the scrape under way")
	assert.Zero(t, exp.exit(t), "exit code")
}
