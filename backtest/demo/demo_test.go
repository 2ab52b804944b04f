package demo

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/variant-exporter/variant-exporter/backtest/fleet"
	"github.com/variant-exporter/variant-exporter/collector/config"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConfigIsAccepted(t *testing.T) {
	text, err := Config(fleet.Demo(), "/tmp/targets.json")
	require.NoError(t, err)
	c, found := config.Load("variant_exporter.yml", string(text))
	require.Empty(t, found)
	require.Len(t, c.Models, 2)
	require.NotNil(t, c.Embedded(), "the demo asks no Prometheus")
	require.Equal(t, "epp.concurrency", c.Models[0].ActiveSignals()[0].Key())
	require.InDelta(t, 96, c.Models[0].Variants[0].Capacity["concurrency"].Number, 0)
}

func TestScrape(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/metrics" {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, "# TYPE variant_desired_replicas gauge\nvariant_desired_replicas{variant=\"a\",model=\"m\"} 3\nvariant_desired_replicas{variant=\"b\"} 0\nother 1\n")
	}))
	defer server.Close()
	got, err := scrape(t.Context(), server.Client(), server.URL+"/metrics")
	require.NoError(t, err)
	require.Equal(t, map[string]float64{"a": 3, "b": 0}, got.desired)
	require.Empty(t, got.planned)
	_, err = scrape(t.Context(), server.Client(), server.URL+"/other")
	require.ErrorContains(t, err, "503")
}

func TestTable(t *testing.T) {
	s := fleet.Status{
		Models: []fleet.ModelStatus{{Name: "m", Queued: 2, Waiting: 3, Running: 100}},
		Variants: []fleet.VariantStatus{
			{Name: "m-h100", Model: "m", CostPerReplica: 4.1, Current: 2, Ready: 1, Terminating: 1},
			{Name: "m-l4", Model: "m", CostPerReplica: 0.8},
		},
		Cost: fleet.Cost{PerHour: 12.3},
	}
	var b strings.Builder
	writeTable(&b, s, map[string]float64{"m-h100": 2}, fleet.Cost{PerHour: 8.2})
	require.Equal(t, strings.TrimPrefix(`
model  requests  variant  current  ready  stopping  desired  cost/h
m           105  m-h100         2      1         1        2   12.30
                 m-l4           0      0         0        -    0.00
-: held, for the exporter has not watched for long enough to take anything away
cost per hour: 12.30; all on the largest accelerator: 8.20
`, "\n"), b.String())
}

// TestFollows runs the whole demo but the exporter, which is played by a fixed gauge.
func TestFollows(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "# TYPE variant_desired_replicas gauge\nvariant_desired_replicas{variant=\"llama-8b-h100\"} 3\n")
	}))
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	out := &stoppingWriter{until: "llama-8b-h100           3", stop: cancel}
	d, err := New(ctx, Options{
		Fleet: fleet.Demo(), Seed: 1, Dir: t.TempDir(), Clock: time.Now, Out: out, Every: 50 * time.Millisecond,
	})
	require.NoError(t, err)
	require.NoError(t, d.Run(ctx, server.URL))
	text := out.String()
	require.Contains(t, text, "llama-8b-h100           3", "the gauge was applied")
	require.Regexp(t, `In \d+ seconds:`, text)
	require.Contains(t, text, "with their first token in time")
}

// stoppingWriter ends a run once it has shown something.
type stoppingWriter struct {
	mu    sync.Mutex
	text  bytes.Buffer
	until string
	stop  func()
}

func (w *stoppingWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text.Write(p)
	if strings.Contains(w.text.String(), w.until) {
		w.stop()
	}
	return len(p), nil
}

func (w *stoppingWriter) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}
