package server

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus/collectors"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/variant-exporter/variant-exporter/collector"
)

// registerSelf registers what is known without an evaluation.
func (s *Server) registerSelf() {
	s.registry.MustRegister(versioncollector.NewCollector("variant_exporter"), s.reloaded.successful, s.reloaded.successTime)
	s.registry.MustRegister(s.opts.Collectors...)
	if !s.opts.DisableExporterMetrics {
		s.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	}
}

// metricsHandler answers scrapes.
func (s *Server) metricsHandler() http.Handler {
	opts := promhttp.HandlerOpts{
		// What is wrong with an input is a metric. An error here is a mistake in the program, such as a series twice.
		ErrorHandling: promhttp.HTTPErrorOnError,
		ErrorLog:      slog.NewLogLogger(s.logger.Handler(), slog.LevelError),
	}
	if !s.opts.DisableExporterMetrics {
		opts.Registry = s.registry
	}
	handler := s.evaluated(http.Error, func(w http.ResponseWriter, r *http.Request, snapshot *collector.Snapshot) {
		// Nothing of an earlier evaluation can be in it.
		scrape, err := collector.NewHandler(snapshot, opts, s.registry)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		scrape.ServeHTTP(w, r)
	})
	if s.opts.DisableExporterMetrics {
		return handler
	}
	return promhttp.InstrumentMetricHandler(s.registry, handler)
}

// evaluated makes or joins an evaluation and has it served. Where there is none, fail tells why.
func (s *Server) evaluated(fail failure, serve func(http.ResponseWriter, *http.Request, *collector.Snapshot)) http.Handler {
	return s.admitted(s.scrapes, fail, func(w http.ResponseWriter, r *http.Request, g *generation, budget time.Duration) {
		ctx, cancel := context.WithTimeout(r.Context(), budget+s.deadlines.offset)
		defer cancel()
		snapshot, err := s.evaluateBy(ctx, g, ask{budget: budget})
		if err != nil {
			s.logUnanswered(r, err, budget)
			fail(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		serve(w, r, snapshot)
	})
}

// everyMinute lets something happen once a minute.
type everyMinute struct {
	mu   sync.Mutex
	last time.Time
}

func (e *everyMinute) due(now time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if now.Sub(e.last) < time.Minute {
		return false
	}
	e.last = now
	return true
}

func (s *Server) refusal() string {
	if s.stopping.Load() {
		return "The server is stopping."
	}
	return "Too many requests at once: see --web.max-requests."
}

// evaluate returns the outcome of an evaluation by the configuration in force.
func (s *Server) evaluate(ctx context.Context, a ask) (*collector.Snapshot, error) {
	g := s.active.use()
	if g == nil {
		return nil, errStopping
	}
	defer g.letGo()
	return s.evaluateBy(ctx, g, a)
}

// evaluateBy returns the outcome of an evaluation by a configuration that the caller uses.
func (s *Server) evaluateBy(ctx context.Context, g *generation, a ask) (*collector.Snapshot, error) {
	snapshot, err := s.flights.evaluate(ctx, g, a)
	if err != nil {
		return nil, err
	}
	if snapshot.Answered() {
		s.answered.Store(true)
	}
	return snapshot, nil
}
