package embedded

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// The limits by which a scrape is refused, as the label of a metric.
const (
	limitBody    = "body_size"
	limitSamples = "samples"
	limitSeries  = "series"
)

// refused counts the scrapes that hit a limit. Prometheus' scrape loop says so nowhere but in its log, and there only to those who debug.
type refused struct {
	mu    sync.Mutex
	count map[string]float64
}

func newRefused() *refused {
	return &refused{count: map[string]float64{limitBody: 0, limitSamples: 0, limitSeries: 0}}
}

// limitOf is the limit that a failure is about, or nothing.
func limitOf(err error) string {
	switch text := err.Error(); {
	case errors.Is(err, errFull):
		return limitSeries
	case strings.Contains(text, "sample limit exceeded"):
		return limitSamples
	case strings.Contains(text, "body size limit exceeded"):
		return limitBody
	}
	return ""
}

// watched makes a warning of what a scrape loop says of a limit, and counts it. It takes the parameters, which may be secrets, out of the
// addresses of targets.
type watched struct {
	slog.Handler
	refused *refused
}

// Enabled implements slog.Handler.
func (w watched) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelDebug }

// Handle implements slog.Handler.
func (w watched) Handle(ctx context.Context, r slog.Record) error {
	if limit := w.limit(r); limit != "" {
		w.refused.mu.Lock()
		w.refused.count[limit]++
		w.refused.mu.Unlock()
		r = slog.NewRecord(r.Time, slog.LevelWarn, "A scrape was refused: "+refusal(limit), r.PC)
	}
	if !w.Handler.Enabled(ctx, r.Level) {
		return nil
	}
	return w.Handler.Handle(ctx, r)
}

// refusal is why a scrape is refused. Each reason is logged once a minute.
func refusal(limit string) string {
	switch limit {
	case limitBody:
		return "the target exposes more bytes than the body_size_limit of its job."
	case limitSamples:
		return "the target exposes more samples than the sample_limit of its job."
	default:
		return "it has new series, and there are too many in memory. Some target exposes labels that are new each time."
	}
}

func (w watched) limit(r slog.Record) (limit string) {
	if r.Level != slog.LevelDebug || r.Message != "Scrape failed" && r.Message != "Append failed" {
		return ""
	}
	r.Attrs(func(a slog.Attr) bool {
		if err, ok := a.Value.Any().(error); ok && limit == "" {
			limit = limitOf(err)
		}
		return true
	})
	return limit
}

// WithAttrs implements slog.Handler.
func (w watched) WithAttrs(attrs []slog.Attr) slog.Handler {
	bare := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		if a.Key == "target" {
			address, _, _ := strings.Cut(a.Value.String(), "?")
			a = slog.String(a.Key, address)
		}
		bare[i] = a
	}
	return watched{w.Handler.WithAttrs(bare), w.refused}
}

// WithGroup implements slog.Handler.
func (w watched) WithGroup(name string) slog.Handler {
	return watched{w.Handler.WithGroup(name), w.refused}
}

// descriptions are those of the metrics of an engine.
func descriptions() (refused, series *prometheus.Desc) {
	return prometheus.NewDesc("variant_exporter_refused_scrapes_total",
			"Scrapes of the exporter's own targets that were refused, by the limit that they hit: body_size, samples or series.", []string{"limit"}, nil),
		prometheus.NewDesc("variant_exporter_scraped_series", "Series of the exporter's own targets that are in memory.", nil, nil)
}

// Describe implements prometheus.Collector.
func (*Engine) Describe(ch chan<- *prometheus.Desc) {
	refused, series := descriptions()
	ch <- refused
	ch <- series
}

// Collect implements prometheus.Collector: the metrics of an engine that scrapes.
func (e *Engine) Collect(ch chan<- prometheus.Metric) {
	refused, series := descriptions()
	e.refused.mu.Lock()
	for limit, n := range e.refused.count {
		ch <- prometheus.MustNewConstMetric(refused, prometheus.CounterValue, n, limit)
	}
	e.refused.mu.Unlock()
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.db != nil {
		ch <- prometheus.MustNewConstMetric(series, prometheus.GaugeValue, float64(e.db.Head().NumSeries()))
	}
}
