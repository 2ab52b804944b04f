package collector_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/config"
)

// scraper makes scrapes as the server answers them, from the queries to the compressed body.
type scraper struct {
	evaluator *collector.Evaluator
	request   *http.Request
	at        time.Time
}

func newScraper(tb testing.TB, models int) *scraper {
	tb.Helper()
	return &scraper{newFleetEvaluator(tb, models, newFleetServer(tb, models).URL), scrapeRequest(), fleetAt}
}

// scrapeRequest is what Prometheus sends.
func scrapeRequest() *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	r.Header.Set("Accept", "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.4,*/*;q=0.1")
	r.Header.Set("Accept-Encoding", "gzip")
	return r
}

// scrape scrapes 15 seconds after the time before. It returns the length of the body.
func (s *scraper) scrape(ctx context.Context) (int, error) {
	s.at = s.at.Add(15 * time.Second)
	return s.render(s.evaluator.Evaluate(ctx, s.at))
}

func (s *scraper) render(snapshot *collector.Snapshot) (int, error) {
	var w countingWriter
	handler, err := collector.NewHandler(snapshot, promhttp.HandlerOpts{}, prometheus.NewRegistry())
	if err != nil {
		return 0, err
	}
	handler.ServeHTTP(&w, s.request)
	if w.header.Get("Content-Encoding") != "gzip" {
		return 0, errors.New("not compressed")
	}
	if w.status != http.StatusOK {
		return 0, fmt.Errorf("status %d", w.status)
	}
	return w.bytes, nil
}

// countingWriter is a client that reads everything and keeps nothing.
type countingWriter struct {
	header http.Header
	status int
	bytes  int
}

func (w *countingWriter) Header() http.Header {
	if w.header == nil {
		w.header = http.Header{}
	}
	return w.header
}

func (w *countingWriter) WriteHeader(status int) { w.status = status }

func (w *countingWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	w.bytes += len(b)
	return len(b), nil
}

// BenchmarkScrape is a whole scrape but for Prometheus' own time: the queries through the real client over HTTP to a server that
// answers from memory, the decision, and the rendering.
func BenchmarkScrape(b *testing.B) {
	for _, variants := range []int{4, 12, 100, 1000} {
		b.Run(fmt.Sprintf("variants=%d", variants), func(b *testing.B) {
			s := newScraper(b, variants/variantsPerModel)
			b.ReportAllocs()
			var length int
			before := processorTime(b)
			for b.Loop() {
				var err error
				length, err = s.scrape(b.Context())
				require.NoError(b, err)
			}
			b.ReportMetric(float64(processorTime(b)-before)/float64(b.N)/1e6, "cpu-ms/op")
			b.ReportMetric(float64(length), "body-bytes")
		})
	}
}

// processorTime is what all cores together have spent on this process, the server that answers from memory included. Unlike the
// time that passes, it does not depend on what else the machine does.
func processorTime(tb testing.TB) time.Duration {
	tb.Helper()
	var usage syscall.Rusage
	require.NoError(tb, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkEvaluate is a scrape without the rendering.
func BenchmarkEvaluate(b *testing.B) {
	s := newScraper(b, 250)
	b.ReportAllocs()
	for b.Loop() {
		require.Empty(b, failures(s.evaluator.Evaluate(b.Context(), fleetAt)))
	}
}

// BenchmarkRender is the rendering of a snapshot, compressed.
func BenchmarkRender(b *testing.B) {
	s := newScraper(b, 250)
	snapshot := s.evaluator.Evaluate(b.Context(), fleetAt)
	b.ReportAllocs()
	for b.Loop() {
		_, err := s.render(snapshot)
		require.NoError(b, err)
	}
}

// BenchmarkIdleFleet is an evaluation, without a network, of 250 models behind gateways whose series have vanished because the
// models are idle. Whether each gateway is up is asked once and matched to every model.
func BenchmarkIdleFleet(b *testing.B) {
	gateway := strings.NewReplacer("presets: [vllm]\n", "presets: [epp]\n    replicas: {min: 0}\n")
	var up model.Vector
	for m := range 250 {
		pool := model.LabelValue(fmt.Sprintf("pool-%d", m))
		up = append(up, &model.Sample{Metric: model.Metric{"inference_pool": pool}, Value: 1})
	}
	text := unseen + gateway.Replace(fleetConfig(250))
	for m := range 250 {
		text = strings.Replace(text, "    presets:", fmt.Sprintf("    match: {inference_pool: pool-%d}\n    Presets:", m), 1)
	}
	c, found := config.Load("idle.yml", strings.ReplaceAll(text, "Presets:", "presets:"))
	require.NotNil(b, c, "%v", found)
	e, err := collector.NewEvaluator(c, querierFunc(func(_ context.Context, expr string, _ time.Time) (model.Vector, error) {
		if strings.Contains(expr, "ready_endpoints") && !strings.Contains(expr, "timestamp(") && !strings.Contains(expr, "last_over_time(") {
			return up, nil
		}
		return nil, nil
	}), collector.EvaluatorOptions{Concurrency: 4, Now: time.Now, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		s := e.Evaluate(b.Context(), fleetAt)
		require.Equal(b, 0, *s.Models[249].Variants[0].Desired)
	}
}
