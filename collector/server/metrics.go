package server

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/semaphore"

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
	handler := s.evaluated(s.scrapes, http.Error, func(w http.ResponseWriter, r *http.Request, snapshot *collector.Snapshot) {
		// Nothing of an earlier evaluation can be in it.
		promhttp.HandlerFor(prometheus.Gatherers{s.registry, collector.NewGatherer(snapshot)}, opts).ServeHTTP(w, r)
	})
	if s.opts.DisableExporterMetrics {
		return handler
	}
	return promhttp.InstrumentMetricHandler(s.registry, handler)
}

// evaluated makes or joins an evaluation and has it served: scrapes, the API and the status page share evaluations, the time that
// they may take, and the limit on how many are served at once. Where there is no evaluation, fail tells why.
func (s *Server) evaluated(
	slots *semaphore.Weighted,
	fail func(w http.ResponseWriter, text string, status int), serve func(http.ResponseWriter, *http.Request, *collector.Snapshot),
) http.Handler {
	answer := func(w http.ResponseWriter, r *http.Request) {
		if !slots.TryAcquire(1) {
			fail(w, s.refusal(), http.StatusServiceUnavailable)
			return
		}
		defer slots.Release(1)
		budget := s.deadlines.budget(r.Header)
		ctx, cancel := context.WithTimeout(r.Context(), budget+s.deadlines.offset)
		defer cancel()
		snapshot, err := s.evaluate(ctx, ask{budget: budget, anyBudget: slots == s.pages})
		if err != nil {
			level := slog.LevelDebug // Of a client that has left, there is nobody to answer.
			if r.Context().Err() == nil && s.unanswered.due(s.opts.Now()) {
				level = slog.LevelWarn
			}
			s.logger.Log(ctx, level, "A request was not answered.", "path", r.URL.Path, "err", err, "budget", budget)
			fail(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		serve(w, r, snapshot)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answered := &held{header: http.Header{}}
		answer(answered, r)
		s.sending.send(w, answered) // The slot has been given back.
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
	snapshot, err := s.flights.evaluate(ctx, g, a)
	if err == nil && snapshot.Answered() {
		s.answered.Store(true)
	}
	return snapshot, err
}
