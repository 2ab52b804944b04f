package command

import (
	"flag"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/internal/long"
)

var soakTime = flag.Duration("soak.duration", 0, "how long TestSoak scrapes; by default 6 seconds, if it may take long at all")

// TestSignalsUnderLoad reloads the real process again and again while scrapes come from all sides, and ends it in the middle of
// them. Until then each is answered; what is answered is whole.
func TestSignalsUnderLoad(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds: skipped with -short")
	}
	fake := newFakePrometheus(t)
	file := write(t, filepath.Join(t.TempDir(), "variant_exporter.yml"), demanding(fake.URL, 50))
	exp := startExporter(t, programPath(t), file, "--web.max-requests=0")
	var ending atomic.Bool
	var answered atomic.Int32
	var clients sync.WaitGroup
	for range 16 {
		clients.Go(func() {
			for {
				late := ending.Load()
				status, body, err := fetch(t, http.MethodGet, exp.url+"/metrics")
				switch {
				case err == nil && status == http.StatusOK:
					answered.Add(1)
					assert.Contains(t, []float64{2, 4}, selfMetric(t, body, "variant_desired_replicas"))
				case !late && !ending.Load():
					t.Errorf("got %d, error %v, before the end", status, err)
					return
				default:
					return
				}
			}
		})
	}
	for i := range 20 {
		write(t, file, demanding(fake.URL, []int{25, 50}[i%2]))
		exp.signal(t, syscall.SIGHUP)
		seen := answered.Load()
		eventually(t, "scrapes are answered after a reload", func() bool { return answered.Load() > seen+16 })
	}
	ending.Store(true)
	exp.signal(t, syscall.SIGTERM)
	code := exp.exit(t)
	assert.Zero(t, code, "exit code")
	clients.Wait()
}

// programPath finds the program for tests that need a process of its own. testscript.Main puts it on PATH: it is this test binary, which runs the
// program when it is called so. Linking another takes seconds.
func programPath(t *testing.T) string {
	t.Helper()
	found, err := exec.LookPath("variant_exporter")
	require.NoError(t, err)
	return found
}

// TestSoak scrapes the real process from four sides, reloads it once in a while, and holds that it comes to a rest: in the last
// three tenths of the time its heap, its goroutines and its open files are no larger than in the first.
func TestSoak(t *testing.T) {
	if *soakTime == 0 {
		long.Test(t)
		*soakTime = 6 * time.Second
	}
	fake := newFakePrometheus(t)
	file := write(t, filepath.Join(t.TempDir(), "variant_exporter.yml"), demanding(fake.URL, 50))
	exp := startExporter(t, programPath(t), file)
	var scrapes atomic.Int64
	var clients sync.WaitGroup
	begin := time.Now()
	for range 4 {
		clients.Go(func() {
			for time.Since(begin) < *soakTime {
				if status, _, err := fetch(t, http.MethodGet, exp.url+"/metrics"); err != nil || status != http.StatusOK {
					t.Errorf("got %d, error %v", status, err)
					return
				}
				scrapes.Add(1)
			}
		})
	}
	const parts = 10
	usage := make([]footprint, parts)
	for i := range usage {
		exp.signal(t, syscall.SIGHUP)
		usage[i] = measure(t, exp.url, begin.Add(*soakTime*time.Duration(i)/parts), *soakTime/parts)
		t.Logf("after %s and %d scrapes: %s", time.Since(begin).Round(time.Second), scrapes.Load(), usage[i])
	}
	clients.Wait()
	first, last := most(usage[1:4]), least(usage[parts-3:]) // What is between two collections, or two scrapes, is no growth.
	assert.LessOrEqual(t, last.heap, 1.25*first.heap+1<<20)
	assert.LessOrEqual(t, last.goroutines, first.goroutines+20)
	assert.LessOrEqual(t, last.files, first.files+20)
}

// footprint is what a process uses.
type footprint struct{ heap, goroutines, files float64 }

func (f footprint) String() string {
	return fmt.Sprintf("%.1f MB live, %g goroutines, %g open files", f.heap/(1<<20), f.goroutines, f.files)
}

func most(all []footprint) (m footprint) {
	for _, f := range all {
		m = footprint{max(m.heap, f.heap), max(m.goroutines, f.goroutines), max(m.files, f.files)}
	}
	return m
}

func least(all []footprint) footprint {
	m := all[0]
	for _, f := range all {
		m = footprint{min(m.heap, f.heap), min(m.goroutines, f.goroutines), min(m.files, f.files)}
	}
	return m
}

// measure is the least of the heap, and the most of everything else, in an exporter's own metrics over a time. What lives on the
// heap shows after each collection as the size at which the next begins, which is twice as much.
func measure(t *testing.T, url string, from time.Time, length time.Duration) footprint {
	t.Helper()
	ticker := time.NewTicker(max(length/10, 10*time.Millisecond))
	defer ticker.Stop()
	var f footprint
	for until := from.Add(length); f.heap == 0 || time.Now().Before(until); <-ticker.C {
		_, body := get(t, url+"/metrics")
		heap := selfMetric(t, body, "go_memstats_next_gc_bytes") / 2
		if f.heap == 0 || heap < f.heap {
			f.heap = heap
		}
		f.goroutines = max(f.goroutines, selfMetric(t, body, "go_goroutines"))
		f.files = max(f.files, selfMetric(t, body, "process_open_fds"))
	}
	return f
}

// selfMetric reads a gauge of one series from an exposition.
func selfMetric(t *testing.T, body, name string) float64 {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(body))
	if err != nil || len(families[name].GetMetric()) == 0 {
		t.Errorf("no %s in an exposition, error %v", name, err)
		return 0
	}
	return families[name].GetMetric()[0].GetGauge().GetValue()
}
