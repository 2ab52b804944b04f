package command

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/variant-exporter/variant-exporter/internal/long"
)

// hostileTargets are what targets expose, by their path, to an exporter that scrapes by itself.
var hostileTargets = map[string]func(w io.Writer){
	"text":  func(w io.Writer) { repeat(w, 1<<34, "", same("a 1\n", "")) },
	"label": func(w io.Writer) { repeat(w, 1<<34, "", same(block, "")) },
	"series": func(w io.Writer) {
		repeat(w, 7<<20, "", func(i int) string { return fmt.Sprintf("a{b=\"%d\"} 1\n", i) })
	},
	"churn": func(w io.Writer) {
		begun := time.Now().UnixNano() // labels that are new each time
		for i := range 30_000 {
			fmt.Fprintf(w, "a{b=\"%d-%d\"} 1\n", begun, i)
		}
	},
}

// newHostileTargets serves the hostile kinds, each also compressed, and /calm. It counts their scrapes.
func newHostileTargets(t *testing.T) (address string, scrapes *atomic.Int64) {
	scrapes = new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		if r.URL.Path == "/calm" {
			fmt.Fprint(w, "calm{namespace=\"ns\",model_name=\"calm\"} 25\n")
			return
		}
		scrapes.Add(1)
		kind, zipped := strings.CutSuffix(r.URL.Path[1:], ".gz")
		if !zipped {
			hostileTargets[kind](w)
			return
		}
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		hostileTargets[kind](z)
		_ = z.Close()
	}))
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)
	return strings.TrimPrefix(server.URL, "http://"), scrapes
}

// TestHostileTargets lets the built program scrape targets that expose too much, and one that is calm, under the memory limit that the
// manifests set.
func TestHostileTargets(t *testing.T) {
	long.Test(t)
	if underRaceDetector() || runtime.GOOS != "linux" {
		t.Skip("reads the memory of the program from Linux' /proc")
	}
	binary := build(t)
	t.Setenv("GOMEMLIMIT", strings.TrimPrefix(memoryLimit, "GOMEMLIMIT="))
	address, scrapes := newHostileTargets(t)
	var jobs strings.Builder
	for _, path := range []string{"calm", "text", "text.gz", "label", "series", "churn"} {
		fmt.Fprintf(&jobs, "- {job_name: %s, metrics_path: /%[1]s, honor_labels: true, static_configs: [{targets: ['%s']}]}\n", path, address)
	}
	exp := startExporter(t, binary, write(t, filepath.Join(t.TempDir(), "variant_exporter.yml"), `
scale_targets: {disabled: true}
defaults: {headroom: 0, scale_down_window: 0s}
signals: {calm: {unit: requests, demand: calm}}
models: [{name: calm, namespace: ns, variants: [{name: calm, cost: 1, capacity: {calm: 10}}]}]
global: {scrape_interval: 2s, scrape_timeout: 2s}
scrape_configs:
`+jobs.String()))
	eventually(t, "five targets were scraped several times", func() bool { return scrapes.Load() > 30 })
	// A scrape of the calm target may time out on a busy machine, so one look without a number is no failure.
	eventually(t, "the calm model has its number", func() bool {
		_, body := get(t, exp.url+"/metrics")
		return strings.Contains(body, calmNumber)
	})
	peak := exp.memory(t, "VmHWM")
	t.Logf("peak %d MB", peak>>10)
	assert.LessOrEqual(t, peak, containerLimit)
}
