package grafana_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/internal/promtest"
)

// Every wait for a process is bounded by this.
const patience = 90 * time.Second

// output is what a process has said so far.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// start runs a program until the test ends. Its output is shown when the test fails.
func start(t *testing.T, name string, args ...string) *output {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	said := &output{}
	cmd.Stdout, cmd.Stderr = said, said
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Wait() // It was killed.
		if t.Failed() {
			t.Logf("%s said:\n%s", filepath.Base(name), said)
		}
	})
	return said
}

// eventually polls until nothing is wrong.
func eventually(t *testing.T, wrong func() []string) {
	t.Helper()
	ticker := time.NewTicker(250 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(patience); ; <-ticker.C {
		found := wrong()
		if len(found) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("still after %s:\n%s", patience, strings.Join(found, "\n"))
		}
	}
}

// startExporter runs the built program, and returns where it listens, once it says so.
func startExporter(t *testing.T, says *regexp.Regexp, binary string, args ...string) (address string) {
	t.Helper()
	said := start(t, binary, append(args, "--web.listen-address=127.0.0.1:0")...)
	eventually(t, func() []string {
		if m := says.FindStringSubmatch(said.String()); m != nil {
			address = m[1]
			return nil
		}
		return []string{"the exporter does not say where it listens"}
	})
	return address
}

// startDemo runs the exporter's demo.
func startDemo(t *testing.T, binary string) (address string) {
	t.Helper()
	return startExporter(t, regexp.MustCompile(`simulated fleet: http://([^/\s]+)\n`), binary, "demo")
}

// startFaulty runs the exporter on series that lack much of what it should have.
func startFaulty(t *testing.T, binary string) (address string) {
	t.Helper()
	series, err := os.ReadFile("testdata/faults.prom")
	require.NoError(t, err)
	source := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		_, _ = w.Write(series) // Who does not get it asks again.
	}))
	t.Cleanup(source.Close)
	config, err := os.ReadFile("testdata/faults.yml")
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "variant_exporter.yml")
	text := strings.ReplaceAll(string(config), "SOURCE", source.Listener.Addr().String())
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return startExporter(t, regexp.MustCompile(`"msg":"Listening on","address":"([^"]+)"`), binary, "--config.file="+file, "--log.format=json")
}

// startPrometheus runs a real Prometheus that scrapes an exporter as if it were several.
func startPrometheus(t *testing.T, address string, instances ...string) v1.API {
	t.Helper()
	var config strings.Builder
	config.WriteString("global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n  - job_name: variant_exporter\n    static_configs:\n")
	for _, instance := range instances {
		fmt.Fprintf(&config, "      - {targets: ['%s'], labels: {instance: %s}}\n", address, instance)
	}
	url := promtest.Start(t, promtest.Server{Config: func(string) string { return config.String() }})
	client, err := api.NewClient(api.Config{Address: url})
	require.NoError(t, err)
	return v1.NewAPI(client)
}
