package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	promconfig "github.com/prometheus/prometheus/config"
	"golang.org/x/sync/semaphore"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/embedded"
	"github.com/variant-exporter/variant-exporter/collector/past"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

// LoaderOptions are what a Loader needs besides the configuration file. Timeout, MaxBodyBytes and Retention may be zero for the
// defaults of the packages that they concern.
type LoaderOptions struct {
	ConfigFile   string
	Timeout      time.Duration // of one query
	Concurrency  int           // queries at once
	MaxBodyBytes int64         // of one answer
	UserAgent    string
	StoragePath  string        // of the embedded engine's samples; empty: a temporary directory
	Retention    time.Duration // of the embedded engine's samples
	Logger       *slog.Logger  // required
	Now          func() time.Time
	// Failed, which is required, is told when the embedded engine stops scraping without having been asked to.
	Failed func(error)
}

// Loader makes an Evaluator of a configuration file. The embedded engine, and with it its samples, is handed on from one
// configuration to the next.
type Loader struct {
	opts  LoaderOptions
	slots *semaphore.Weighted // of the queries of all configurations

	mu     sync.Mutex
	engine *sharedEngine // nil unless a configuration uses it

	told atomic.Pointer[sharedEngine] // the same, for those who do not wait for a reload
}

// sharedEngine is an embedded engine and the number of configurations that have it.
type sharedEngine struct {
	*embedded.Engine
	users int
	stop  context.CancelFunc
	ended chan struct{} // closed when scraping has ended
}

// NewLoader returns a Loader. It reads nothing yet.
func NewLoader(opts LoaderOptions) *Loader {
	return &Loader{opts: opts, slots: semaphore.NewWeighted(int64(max(1, opts.Concurrency)))}
}

// Describe implements prometheus.Collector.
func (*Loader) Describe(ch chan<- *prometheus.Desc) { (*embedded.Engine)(nil).Describe(ch) }

// Collect implements prometheus.Collector: the metrics of the embedded engine, if there is one.
func (l *Loader) Collect(ch chan<- prometheus.Metric) {
	if engine := l.told.Load(); engine != nil {
		engine.Collect(ch)
	}
}

// Load reads the file and makes what it describes. After an error nothing has changed, and the error tells everything that is
// wrong with the file. Every remark about the file is logged.
func (l *Loader) Load(ctx context.Context) (Loaded, error) {
	cfg, remarks, err := config.LoadFile(l.opts.ConfigFile)
	if err != nil {
		return Loaded{}, err
	}
	l.log(ctx, remarks)
	if err := withoutSnippets(remarks).Err(); err != nil {
		return Loaded{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if scrape := cfg.Embedded(); scrape != nil {
		return l.loadEmbedded(ctx, cfg, remarks, scrape)
	}
	client, err := promapi.New(promapi.Config{
		URL:          cfg.Prometheus.URL,
		HTTPConfig:   cfg.Prometheus.HTTPConfig.HTTPClientConfig,
		Timeout:      l.opts.Timeout,
		MaxBodyBytes: l.opts.MaxBodyBytes,
		UserAgent:    l.opts.UserAgent,
	})
	if err != nil {
		return Loaded{}, err
	}
	return l.loaded(cfg, remarks, client, func() error { client.Close(); return nil })
}

// loadEmbedded takes over a scrape configuration last, when nothing else can fail any more.
func (l *Loader) loadEmbedded(ctx context.Context, cfg *config.Config, remarks config.Diagnostics, scrape *promconfig.Config) (Loaded, error) {
	engine, isNew := l.engine, false
	if engine == nil {
		var err error
		if engine, err = l.newEngine(scrape); err != nil {
			return Loaded{}, err
		}
		isNew = true
	}
	loaded, err := l.loaded(cfg, remarks, engine, func() error { return l.releaseEngine(engine) })
	switch {
	case isNew && err != nil:
		return Loaded{}, errors.Join(err, engine.Close())
	case isNew:
		l.run(context.WithoutCancel(ctx), engine)
		l.engine = engine
		l.told.Store(engine)
	case err != nil:
		return Loaded{}, err
	default:
		if err := engine.ApplyConfig(scrape); err != nil {
			return Loaded{}, err
		}
	}
	engine.users++
	return loaded, nil
}

func (l *Loader) newEngine(scrape *promconfig.Config) (*sharedEngine, error) {
	engine, err := embedded.New(embedded.Config{
		Scrape:    scrape,
		Dir:       l.opts.StoragePath,
		Retention: l.opts.Retention,
		Timeout:   l.opts.Timeout,
		Logger:    l.opts.Logger.With("component", "embedded"),
	})
	if err != nil {
		return nil, err
	}
	return &sharedEngine{Engine: engine}, nil
}

// run scrapes until the engine is released.
func (l *Loader) run(ctx context.Context, engine *sharedEngine) {
	ctx, engine.stop = context.WithCancel(ctx)
	engine.ended = make(chan struct{})
	go func() {
		defer close(engine.ended)
		if err := engine.Run(ctx); err != nil && ctx.Err() == nil {
			l.opts.Failed(fmt.Errorf("scrape: %w", err))
		}
	}()
}

// releaseEngine closes the engine when no configuration has it any more.
func (l *Loader) releaseEngine(engine *sharedEngine) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	engine.users--
	if engine.users > 0 {
		return nil
	}
	l.engine = nil
	l.told.Store(nil)
	engine.stop()
	<-engine.ended
	return engine.Close()
}

// loaded makes a configuration usable with a source, which is released once nothing asks it any more.
func (l *Loader) loaded(cfg *config.Config, remarks config.Diagnostics, q promapi.RangeQuerier, release func() error) (Loaded, error) {
	q = limited{q, l.slots}
	evaluator, err := collector.NewEvaluator(cfg, q, collector.EvaluatorOptions{
		AnswerBytes: answerBytes(), Concurrency: l.opts.Concurrency,
		Logger: l.opts.Logger,
		Now:    l.opts.Now,
	})
	if err != nil {
		return Loaded{}, err
	}
	keeper, err := past.NewKeeper(cfg, q, past.Options{
		AnswerBytes: answerBytes() / 2, Concurrency: max(1, l.opts.Concurrency/4), Now: l.opts.Now,
	})
	if err != nil {
		return Loaded{}, err
	}
	return Loaded{Evaluator: evaluator, Config: cfg, Remarks: remarks, Past: keeper, Release: func() error {
		evaluator.Close()
		keeper.Close()
		return release()
	}}, nil
}

// log writes every remark as a line of its own, and how many say what is still to be done.
func (l *Loader) log(ctx context.Context, remarks config.Diagnostics) {
	toDo := 0
	defer func() {
		if toDo > 0 {
			l.opts.Logger.Log(ctx, slog.LevelInfo, "Configuration: comments say what is still to be done; variant_exporter check lists it.", "things", toDo)
		}
	}()
	for _, d := range remarks {
		if d.ToDo() {
			toDo++
			continue
		}
		level := slog.LevelError
		if d.Severity == config.SeverityWarning {
			level = slog.LevelWarn
		}
		l.opts.Logger.Log(ctx, level, "Configuration: "+d.Message,
			"file", d.File, "line", d.Line, "column", d.Column, "path", d.Path, "hint", d.Hint)
	}
}

// withoutSnippets leaves out the lines of the file, which may hold secrets, from the answer to a request for a reload.
func withoutSnippets(remarks config.Diagnostics) config.Diagnostics {
	bare := make(config.Diagnostics, len(remarks))
	for i, d := range remarks {
		d.Snippet = ""
		bare[i] = d
	}
	return bare
}

// answerBytes is what the answers of an evaluation may take together: a quarter of Go's memory limit. Matching them takes as much again,
// and one evaluation may begin before an abandoned one has ended.
func answerBytes() int64 { return min(debug.SetMemoryLimit(-1)/4, mostAnswerBytes) }

// mostAnswerBytes is for a process without a memory limit.
const mostAnswerBytes = 512 << 20
