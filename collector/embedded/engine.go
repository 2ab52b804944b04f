// Package embedded answers PromQL without a Prometheus server: Prometheus' own scrape manager, TSDB and engine in process.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	promconfig "github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/util/compression"
)

// What a Config that does not say gets. Lookback is Prometheus' own; the number of samples is a tenth of Prometheus', which
// is what a small pod can hold.
const (
	DefaultRetention  = 24 * time.Hour
	DefaultLookback   = 5 * time.Minute
	DefaultTimeout    = 10 * time.Second
	DefaultMaxSamples = 5_000_000
)

// Config says what to scrape, what to keep and what a query may cost. The zero value scrapes nothing.
type Config struct {
	// Scrape is a configuration as prometheus/config.Load returns it, of which global and scrape_configs are used. Targets
	// come from static_configs and file_sd_configs.
	Scrape *promconfig.Config
	// Dir holds the TSDB across restarts. Left empty, the data lives in a temporary directory that Close removes.
	Dir string
	// Retention is how long samples are kept, at least: they are dropped a block at a time.
	Retention time.Duration
	// LookbackDelta is how old the newest sample of a series without a staleness marker may be to count.
	LookbackDelta time.Duration
	// Timeout bounds one query. A context that ends earlier comes first.
	Timeout time.Duration
	// MaxSamples is how many samples one query may hold in memory.
	MaxSamples int
	// MaxSeries is how many series may be in memory. Left 0, they may take half of Go's memory limit.
	MaxSeries int
	// Logger takes what Prometheus' parts log. Left nil, it is dropped.
	Logger *slog.Logger
}

// Engine is a small Prometheus in process. It answers from New until Close, and scrapes while Run runs. It is safe for
// concurrent use.
type Engine struct {
	logger       *slog.Logger
	promql       *promql.Engine
	subqueryStep atomic.Int64 // the step of a subquery that names none, in milliseconds
	scraper      scraper
	bounded      *bounded // what scrapes write to; nil for an engine over another's store
	refused      *refused

	mu    sync.RWMutex      // read-locked while store or db is used
	store storage.Queryable // what is asked; nil once closed
	db    *tsdb.DB          // where samples go; nil once closed, and for an engine over another's store
	temp  string            // what Close removes, if anything
}

// New opens the TSDB and checks the scrape configuration. Nothing is scraped before Run.
func New(cfg Config) (*Engine, error) {
	setDefaults(&cfg)
	if cfg.Scrape == nil {
		var err error
		if cfg.Scrape, err = promconfig.Load("", cfg.Logger); err != nil {
			return nil, fmt.Errorf("load an empty scrape configuration: %w", err)
		}
	}
	if err := checkScrape(cfg.Scrape); err != nil {
		return nil, err
	}
	e := &Engine{logger: cfg.Logger, refused: newRefused()}
	if err := e.openStorage(cfg); err != nil {
		return nil, err
	}
	e.openEngine(cfg)
	e.setConfig(cfg.Scrape)
	return e, nil
}

// Over returns an engine that answers from a store that is filled by someone else. It has nothing to scrape, and takes no samples.
func Over(store storage.Queryable, cfg Config) *Engine {
	setDefaults(&cfg)
	e := &Engine{logger: cfg.Logger, store: store}
	e.openEngine(cfg)
	e.subqueryStep.Store(time.Minute.Milliseconds())
	return e
}

func (e *Engine) openEngine(cfg Config) {
	e.promql = promql.NewEngine(promql.EngineOpts{
		Logger:                   cfg.Logger,
		MaxSamples:               cfg.MaxSamples,
		Timeout:                  cfg.Timeout,
		LookbackDelta:            cfg.LookbackDelta,
		NoStepSubqueryIntervalFn: func(int64) int64 { return e.subqueryStep.Load() },
		EnableAtModifier:         true,
		EnableNegativeOffset:     true,
		Parser:                   parser.NewParser(parser.Options{}),
	})
}

func setDefaults(cfg *Config) {
	if cfg.Retention <= 0 {
		cfg.Retention = DefaultRetention
	}
	if cfg.LookbackDelta <= 0 {
		cfg.LookbackDelta = DefaultLookback
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = DefaultTimeout
	}
	if cfg.MaxSamples <= 0 {
		cfg.MaxSamples = DefaultMaxSamples
	}
	if cfg.MaxSeries <= 0 {
		cfg.MaxSeries = defaultMaxSeries()
	}
	if cfg.Logger == nil {
		cfg.Logger = promslog.NewNopLogger()
	}
	cfg.Logger = throttled(cfg.Logger)
}

// openStorage opens the TSDB with buffers for thousands of series rather than the millions that Prometheus prepares for.
func (e *Engine) openStorage(cfg Config) error {
	opts := tsdb.DefaultOptions()
	opts.RetentionDuration = cfg.Retention.Milliseconds()
	opts.MinBlockDuration = min(max(cfg.Retention, 5*time.Minute), 2*time.Hour).Milliseconds()
	opts.MaxBlockDuration = max(opts.MinBlockDuration, opts.RetentionDuration/10)
	opts.StripeSize = 512
	opts.HeadChunksWriteBufferSize = 64 << 10
	opts.WALCompression = compression.Snappy
	dir := cfg.Dir
	if dir == "" {
		removeLeftovers(cfg.Logger)
		temp, err := os.MkdirTemp("", tempPrefix)
		if err != nil {
			return fmt.Errorf("create a directory for samples: %w", err)
		}
		dir, e.temp = temp, temp
		opts.WALSegmentSize = -1 // It is never replayed.
	}
	db, err := tsdb.Open(dir, cfg.Logger.With("component", "tsdb"), nil, opts, nil)
	if err != nil {
		return errors.Join(fmt.Errorf("open the TSDB in %s: %w", dir, err), os.RemoveAll(e.temp))
	}
	e.db, e.store, e.bounded = db, db, newBounded(db, cfg.MaxSeries)
	return nil
}

// Append stores samples as if they had been scraped at the times they carry, all or none. A sample may be a staleness
// marker, but not a native histogram. The TSDB takes samples in the order of time: none for a series before its newest, and
// none much older than the newest of all.
func (e *Engine) Append(ctx context.Context, samples model.Vector) error {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.db == nil {
		return errClosed
	}
	ordered := slices.Clone(samples)
	slices.SortStableFunc(ordered, func(a, b *model.Sample) int { return int(a.Timestamp - b.Timestamp) })
	app := e.db.Appender(ctx)
	for _, s := range ordered {
		if s.Histogram != nil {
			return errors.Join(fmt.Errorf("append %s: native histograms can only be scraped", s.Metric), app.Rollback())
		}
		if _, err := app.Append(0, toLabels(s.Metric), int64(s.Timestamp), float64(s.Value)); err != nil {
			return errors.Join(fmt.Errorf("append %s at %s: %w", s.Metric, s.Timestamp, err), app.Rollback())
		}
	}
	if err := app.Commit(); err != nil {
		return fmt.Errorf("commit samples: %w", err)
	}
	return nil
}

func toLabels(m model.Metric) labels.Labels {
	b := labels.NewScratchBuilder(len(m))
	for name, value := range m {
		b.Add(string(name), string(value))
	}
	b.Sort()
	return b.Labels()
}

// Close ends Run, waits for queries under way and closes the TSDB. It may take as long as a scrape may. Closing twice is
// harmless.
func (e *Engine) Close() error {
	e.scraper.stopAndWait()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.store = nil
	if e.db == nil {
		return nil
	}
	err := e.db.Close()
	e.db = nil
	if e.temp != "" {
		err = errors.Join(err, os.RemoveAll(e.temp))
	}
	if err != nil {
		return fmt.Errorf("close the TSDB: %w", err)
	}
	return nil
}
