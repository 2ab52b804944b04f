package embedded_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/embedded"
)

// told are the metrics of an engine, by name and limit.
func told(t *testing.T, engine *embedded.Engine) map[string]float64 {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(engine)
	families, err := registry.Gather()
	require.NoError(t, err)
	values := map[string]float64{}
	for _, f := range families {
		for _, m := range f.Metric {
			name := f.GetName()
			if len(m.Label) > 0 {
				name += " " + m.Label[0].GetValue()
			}
			values[name] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	return values
}

// log is a log that several write to.
type log struct {
	mu sync.Mutex
	bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.Write(p)
}

func (l *log) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.String(), text)
}

// newChurning is the address of a target with so many series whose labels are new at each scrape. It counts the scrapes.
func newChurning(t *testing.T, series int) (address string, scrapes *atomic.Int64) {
	t.Helper()
	scrapes = new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n := scrapes.Add(1)
		for i := range series {
			fmt.Fprintf(w, "load{a=\"%d-%d\"} 1\n", n, i)
		}
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://"), scrapes
}

// TestNewSeriesAreBounded scrapes a target whose labels are new each time. From some time on its scrapes fail, and one that was known before
// goes on.
func TestNewSeriesAreBounded(t *testing.T) {
	const most = 300
	churning, scrapes := newChurning(t, 100)
	calm := newTarget(t, "calm 1\n")
	var said log
	engine := open(t, embedded.Config{MaxSeries: most, Logger: slog.New(slog.NewTextHandler(&said, nil)), Scrape: load(t, scrapeEverySecond+`
- {job_name: calm, static_configs: [{targets: [%s]}]}
- {job_name: churning, static_configs: [{targets: [%s]}]}
`, calm.address(), churning)})
	run(t, engine)
	up := func(job, is string) string {
		return fmt.Sprintf(`up{instance=%q, job=%q} %s`, map[string]string{
			"calm": calm.address(), "churning": churning,
		}[job], job, is)
	}
	eventually(t, engine, `up{job="churning"}`, up("churning", "0"))
	before := scrapes.Load()
	require.Eventually(t, func() bool { return scrapes.Load() > before+2 }, waitFor, 20*time.Millisecond)
	eventually(t, engine, "up == 1", up("calm", "1"))
	eventually(t, engine, "up == 0", up("churning", "0"))
	values := told(t, engine)
	require.LessOrEqual(t, values["variant_exporter_scraped_series"], most*5/4.)
	require.Positive(t, values["variant_exporter_refused_scrapes_total series"])
	require.Equal(t, 1, said.count("A scrape was refused"))
}

// TestFullMemoryTakesANewPod: while one target fills the memory, another that is new and has few series is scraped.
func TestFullMemoryTakesANewPod(t *testing.T) {
	churning, _ := newChurning(t, 500)
	jobs := fmt.Sprintf(scrapeEverySecond+"- {job_name: churning, static_configs: [{targets: [%s]}]}\n", churning)
	engine := open(t, embedded.Config{MaxSeries: 1000, Scrape: load(t, "%s", jobs)})
	run(t, engine)
	require.Eventually(t, func() bool {
		return told(t, engine)["variant_exporter_refused_scrapes_total series"] > 1
	}, waitFor, 20*time.Millisecond)
	calm := newTarget(t, "calm 1\n")
	require.NoError(t, engine.ApplyConfig(load(t, "%s- {job_name: calm, static_configs: [{targets: [%s]}]}", jobs, calm.address())))
	eventually(t, engine, "sum(calm)", "{} 1")
	values := told(t, engine)
	require.Less(t, values["variant_exporter_scraped_series"], 1000*5/4.)
}

// TestRefusedScrapesAreTold: a scrape that hits a limit of its job is counted, and logged without the parameters of the target.
func TestRefusedScrapesAreTold(t *testing.T) {
	large := newTarget(t, "a 1\nb 1\nc 1\n")
	var said log
	engine := open(t, embedded.Config{Logger: slog.New(slog.NewTextHandler(&said, nil)), Scrape: load(t, scrapeEverySecond+`
- {job_name: bytes, body_size_limit: 5B, params: {token: [hunter2]}, static_configs: [{targets: [%[1]s]}]}
- {job_name: samples, sample_limit: 2, params: {token: [hunter2]}, static_configs: [{targets: [%[1]s]}]}
`, large.address())})
	run(t, engine)
	require.Eventually(t, func() bool {
		values := told(t, engine)
		return values["variant_exporter_refused_scrapes_total body_size"] > 1 && values["variant_exporter_refused_scrapes_total samples"] > 1
	}, waitFor, 20*time.Millisecond)
	for job, limit := range map[string]string{"bytes": "body_size_limit", "samples": "sample_limit"} {
		require.Equal(t, 1, said.count(limit), "a line a minute")
		require.Equal(t, 1, said.count("scrape_pool="+job))
	}
	require.Zero(t, said.count("hunter2"))
}

// TestFullMemoryIsRelieved: series that were not scraped lately leave a memory that is full, and can still be asked for.
func TestFullMemoryIsRelieved(t *testing.T) {
	engine := open(t, embedded.Config{MaxSeries: 100})
	now := time.Now()
	var old model.Vector
	for i := range 100 {
		old = append(old, sample("load", strconv.Itoa(i), now.Add(-30*time.Minute), 1))
	}
	require.NoError(t, engine.Append(t.Context(), old))
	require.NoError(t, engine.Append(t.Context(), model.Vector{sample("load", "new", now, 1)}))
	require.Greater(t, told(t, engine)["variant_exporter_scraped_series"], 100.)
	target := newTarget(t, "other 1\n")
	require.NoError(t, engine.ApplyConfig(load(t, scrapeEverySecond+"- {job_name: a, static_configs: [{targets: [%s]}]}", target.address())))
	run(t, engine)
	eventually(t, engine, "sum(other)", "{} 1")
	require.Eventually(t, func() bool { return told(t, engine)["variant_exporter_scraped_series"] < 20 }, waitFor, 20*time.Millisecond)
	require.Equal(t, []string{"{} 100"}, ask(t, engine, "sum(load)", now.Add(-30*time.Minute)))
}
