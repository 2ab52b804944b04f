package server

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/collectors"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/variant-exporter/variant-exporter/collector"
)

// registerSelf registers what is known without an evaluation.
func (s *Server) registerSelf() {
	s.registry.MustRegister(versioncollector.NewCollector("variant_exporter"), s.reloaded.successful, s.reloaded.successTime)
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

// evaluated makes or joins an evaluation and has it served: scrapes, the API and the status page share evaluations, the time that
// they may take, and the limit on how many are served at once. Where there is no evaluation, fail tells why.
func (s *Server) evaluated(
	fail func(w http.ResponseWriter, text string, status int), serve func(http.ResponseWriter, *http.Request, *collector.Snapshot),
) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.scrapes.TryAcquire(1) {
			fail(w, s.refusal(), http.StatusServiceUnavailable)
			return
		}
		defer s.scrapes.Release(1)
		budget := s.deadlines.budget(r.Header)
		ctx, cancel := context.WithTimeout(r.Context(), budget+s.deadlines.offset)
		defer cancel()
		snapshot, err := s.evaluate(ctx, budget)
		if err != nil {
			level := slog.LevelWarn
			if r.Context().Err() != nil {
				level = slog.LevelDebug // The client has left; there is nobody to answer.
			}
			s.logger.Log(ctx, level, "A request was not answered.", "path", r.URL.Path, "err", err, "budget", budget)
			fail(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		serve(w, r, snapshot)
	})
}

func (s *Server) refusal() string {
	if s.stopping.Load() {
		return "The server is stopping."
	}
	return "Too many requests at once: see --web.max-requests."
}

// evaluate returns the outcome of an evaluation by the configuration in force.
func (s *Server) evaluate(ctx context.Context, budget time.Duration) (*collector.Snapshot, error) {
	g := s.active.use()
	if g == nil {
		return nil, errStopping
	}
	defer g.letGo()
	snapshot, err := s.flights.evaluate(ctx, g, budget)
	if err == nil && snapshot.Answered() {
		s.answered.Store(true)
	}
	return snapshot, err
}
