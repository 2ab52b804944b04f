// Package server serves an exporter over HTTP: the metrics of shared evaluations, health, reload, the console and the JSON API. Its life
// is New, Start, Stop, as in Alertmanager.
package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/exporter-toolkit/web"
	"golang.org/x/sync/semaphore"
)

// Options are what a Server is made of. Load, Web, TelemetryPath, MaxTimeout, Logger and Now are required.
type Options struct {
	// Load makes the configuration usable: New calls it once, and each reload again. All that can fail, fails here: after an
	// error everything is as it was.
	Load func(context.Context) (Loaded, error)
	// Web says where to listen, and names the file with TLS and authentication.
	Web *web.FlagConfig
	// HealthAddress, if not empty, serves /-/healthy and /-/ready and nothing else, without TLS and authentication: for probes of an
	// exporter that has them.
	HealthAddress string
	// TelemetryPath is where the metrics are, such as /metrics.
	TelemetryPath string
	// ExternalURL is where clients reach the exporter, as through a proxy: a URL, or its path alone. Its path is what all paths begin with,
	// unless RoutePrefix says otherwise. Empty: no prefix.
	ExternalURL string
	// RoutePrefix is what all paths begin with, also that of the metrics; / for none. Empty: the path of ExternalURL.
	RoutePrefix string
	// TimeoutOffset is left of a scrape's timeout for rendering and sending.
	TimeoutOffset time.Duration
	// MaxTimeout bounds every evaluation.
	MaxTimeout time.Duration
	// MaxRequests is how many scrapes are served at once; others get 503. The API and the pages have half as many of their own.
	// 0: no limit.
	MaxRequests int64
	// HistoryRange is how far pages and the API look back by default, by the names of past.Ranges; empty stands for 6h.
	HistoryRange string
	// EnableLifecycle allows POST /-/reload.
	EnableLifecycle bool
	// EnablePprof serves net/http/pprof below /debug/pprof/.
	EnablePprof bool
	// DisableExporterMetrics leaves out the metrics of the Go runtime, the process and the HTTP handler.
	DisableExporterMetrics bool
	// Collectors are served with the metrics of an evaluation.
	Collectors []prometheus.Collector
	Logger     *slog.Logger
	Now        func() time.Time
}

// Server serves one exporter.
type Server struct {
	opts       Options
	logger     *slog.Logger
	registry   *prometheus.Registry // metrics of the exporter itself
	listeners  []net.Listener
	servers    []*http.Server
	health     *healthServer // nil without an address of its own
	deadlines  deadlines
	capacity   int64               // scrapes at once
	scrapes    *semaphore.Weighted // of size capacity
	pages      *semaphore.Weighted // of half that size, for everything but scrapes
	bodies     *semaphore.Weighted // bodies of requests that are being read
	sending    sending
	unanswered everyMinute // when a request without an answer was last logged
	reloads    chan chan error
	reloaded   reloadMetrics
	refused    atomic.Pointer[string] // why the file on disk is not in force; nil where it is
	active     active
	flights    flights
	whatIfs    *semaphore.Weighted // what-if questions under way
	answered   atomic.Bool         // some evaluation has had an answer
	stopping   atomic.Bool

	cancel context.CancelFunc // ends what runs in the background
	tasks  sync.WaitGroup     // what runs in the background
	failed chan error         // a listener that no longer serves
	stop   func(context.Context) error
}

// New binds the listeners, loads the configuration and prepares everything else, but does not serve yet. Without an error, the
// caller owes the server a Stop.
func New(ctx context.Context, opts Options) (*Server, error) {
	if err := opts.validate(); err != nil {
		return nil, err
	}
	s := newServer(opts)
	s.registerSelf()
	prefix, err := opts.prefix()
	if err != nil {
		return nil, err
	}
	handler := below(prefix, s.routes())
	if s.listeners, err = listen(ctx, opts.Web); err != nil {
		return nil, err
	}
	if s.health, err = s.newHealth(ctx, opts.HealthAddress); err != nil {
		return nil, errors.Join(err, closeAll(s.listeners))
	}
	loaded, err := opts.Load(ctx)
	if err != nil {
		return nil, errors.Join(err, closeAll(s.listeners), s.health.stop(ctx))
	}
	s.reloaded.succeeded(opts.Now())
	s.active.now = &generation{Loaded: loaded}
	for range s.listeners {
		s.servers = append(s.servers, s.newHTTPServer(handler))
	}
	s.failed = make(chan error, len(s.servers)+1)

	base, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s.cancel = cancel
	s.flights = flights{base: base, now: opts.Now}
	s.stop = onceWith(s.stopNow)
	return s, nil
}

// newServer is a server that neither listens nor has a configuration yet.
func newServer(opts Options) *Server {
	capacity := int64(math.MaxInt64)
	if opts.MaxRequests > 0 {
		capacity = opts.MaxRequests
	}
	return &Server{
		opts:      opts,
		logger:    opts.Logger,
		registry:  prometheus.NewRegistry(),
		deadlines: deadlines{offset: opts.TimeoutOffset, limit: opts.MaxTimeout},
		capacity:  capacity,
		scrapes:   semaphore.NewWeighted(capacity),
		pages:     semaphore.NewWeighted(max(1, capacity/2)),
		bodies:    semaphore.NewWeighted(maxBodies),
		whatIfs:   semaphore.NewWeighted(maxWhatIfs),
		reloads:   make(chan chan error),
		reloaded:  newReloadMetrics(),
		sending:   sending{timeout: sendTimeout},
	}
}

// Addr is the first address that the server listens on.
func (s *Server) Addr() net.Addr { return s.listeners[0].Addr() }

// telemetryPath is what TelemetryPath may be: no pattern of net/http, and nothing that cleaning would change.
var telemetryPath = regexp.MustCompile(`^/$|^(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+$`)

// defaultRange is how far is looked back by default.
func (o *Options) defaultRange() string { return cmp.Or(o.HistoryRange, defaultRange) }

func (o *Options) validate() error {
	switch {
	case o.Load == nil || o.Web == nil || o.Logger == nil || o.Now == nil:
		return errors.New("server: Load, Web, Logger and Now are required")
	case o.MaxTimeout <= 0:
		return fmt.Errorf("the longest evaluation must take some time, not %s", o.MaxTimeout)
	case o.TimeoutOffset < 0:
		return fmt.Errorf("the timeout offset must not be negative: %s", o.TimeoutOffset)
	case o.MaxRequests < 0:
		return fmt.Errorf("the number of scrapes at once must not be negative: %d", o.MaxRequests)
	case !telemetryPath.MatchString(o.TelemetryPath) || taken(o.TelemetryPath):
		return fmt.Errorf("metrics cannot be served at %q: want a path such as /metrics, that is not a page and not below /-/, /api/, /assets/ or /debug/", o.TelemetryPath)
	}
	if err := regularWeb(*o.Web.WebConfigFile); err != nil {
		return fmt.Errorf("web configuration %s: %w", *o.Web.WebConfigFile, err)
	}
	if err := web.Validate(*o.Web.WebConfigFile); err != nil {
		return fmt.Errorf("web configuration %s: %w", *o.Web.WebConfigFile, err)
	}
	return nil
}

// taken reports whether something else than metrics is served at a path.
func taken(path string) bool {
	first, _, below := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch first {
	case "-", "api", "assets", "debug":
		return below
	case "model", "inputs", "configuration", "what-if":
		return !below
	}
	return false
}

// newHTTPServer returns a server of its own for each listener, because exporter-toolkit wraps the handler of the one it gets.
func (s *Server) newHTTPServer(handler http.Handler) *http.Server {
	conns := newConnections(maxConnections)
	return &http.Server{
		Handler:           handler,
		ErrorLog:          slog.NewLogLogger(s.logger.Handler(), slog.LevelWarn),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      s.opts.MaxTimeout + s.opts.TimeoutOffset + 30*time.Second, // also above what a CPU profile takes
		IdleTimeout:       3 * time.Minute,                                           // longer than scrape intervals are
		ConnState:         conns.changed,
		ConnContext:       conns.remember,
	}
}

// onceWith returns stop in a form that can be called any number of times: later calls wait for the first and return what it did.
func onceWith(stop func(context.Context) error) func(context.Context) error {
	var once sync.Once
	var err error
	return func(ctx context.Context) error {
		once.Do(func() { err = stop(ctx) })
		return err
	}
}
