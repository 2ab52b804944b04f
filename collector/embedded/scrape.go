package embedded

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	promconfig "github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/discovery/file"
	"github.com/prometheus/prometheus/scrape"
	"github.com/prometheus/prometheus/util/logging"
)

// targetUpdateInterval is how often changed targets are taken over. Prometheus waits five seconds, for fleets whose targets
// change all the time.
const targetUpdateInterval = time.Second

// scraper is what Run, ApplyConfig and Close share.
type scraper struct {
	mu      sync.Mutex
	config  *promconfig.Config
	targets *discovery.Manager // nil unless scraping
	manager *scrape.Manager    // nil unless scraping
	closed  bool
	stop    context.CancelFunc // nil before Run
	stopped chan struct{}      // nil before Run, closed after it
}

// Run discovers targets and scrapes them until ctx ends or the engine is closed, and returns nil then. It can be called once.
func (e *Engine) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s := &e.scraper
	stopped, err := s.begin(cancel)
	if err != nil {
		return err
	}
	defer close(stopped)

	registry := prometheus.NewRegistry() // The managers insist on one. What they say of a target is in up and its like.
	metrics, err := discovery.CreateAndRegisterSDMetrics(registry)
	if err != nil {
		return fmt.Errorf("start target discovery: %w", err)
	}
	targets := discovery.NewManager(ctx, e.logger.With("component", "discovery manager"), registry, metrics,
		discovery.Updatert(targetUpdateInterval))
	if targets == nil {
		return errors.New("start target discovery: the manager's metrics do not register")
	}
	manager, err := scrape.NewManager(&scrape.Options{
		DiscoveryReloadInterval:  model.Duration(targetUpdateInterval),
		DiscoveryReloadOnStartup: true,
	}, slog.New(watched{e.logger.Handler(), e.refused}).With("component", "scrape manager"), logging.NewJSONFileLogger, nil, e.bounded, registry)
	if err != nil {
		return fmt.Errorf("start scraping: %w", err)
	}
	if err := s.start(targets, manager); err != nil {
		return err
	}
	discovering := make(chan struct{})
	go func() {
		defer close(discovering)
		_ = targets.Run() // It returns nothing but the context's error.
	}()
	relieved := make(chan struct{})
	go func() {
		defer close(relieved)
		e.bounded.relieve(ctx, e.logger)
	}()
	err = manager.Run(targets.SyncCh()) // It ends when discovery does.
	<-discovering
	cancel()
	<-relieved
	return errors.Join(err, s.end())
}

// ApplyConfig takes over another scrape configuration; the samples stay. After an error the old one is in force.
func (e *Engine) ApplyConfig(cfg *promconfig.Config) error {
	if err := checkScrape(cfg); err != nil {
		return err
	}
	s := &e.scraper
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.apply(cfg); err != nil {
		return errors.Join(fmt.Errorf("apply the scrape configuration: %w", err), s.apply(s.config))
	}
	e.setConfig(cfg)
	return nil
}

// setConfig remembers a configuration that is in force. As in Prometheus, the global evaluation interval is the step of a
// subquery that names none.
func (e *Engine) setConfig(cfg *promconfig.Config) {
	e.scraper.config = cfg
	e.subqueryStep.Store(time.Duration(cfg.GlobalConfig.EvaluationInterval).Milliseconds())
}

// What a job that does not say allows each of its targets. Prometheus allows everything; a small pod cannot.
const (
	DefaultBodySizeLimit = 8 << 20 // bytes, decompressed
	DefaultSampleLimit   = 50_000
)

// checkScrape finds what would fail, or be logged and left out, while a configuration is taken over. It makes jobs that send secrets
// follow no redirects, and gives limits to those that have none.
func checkScrape(cfg *promconfig.Config) error {
	if cfg == nil {
		return errors.New("no scrape configuration")
	}
	jobs, err := cfg.GetScrapeConfigs()
	if err != nil {
		return err
	}
	for _, job := range jobs {
		for _, sd := range job.ServiceDiscoveryConfigs {
			switch sd.(type) {
			case discovery.StaticConfig, *file.SDConfig:
			default:
				return fmt.Errorf("scrape job %q: %s_sd_configs is not supported here: static_configs and file_sd_configs are",
					job.JobName, sd.Name())
			}
		}
		if _, err := config.NewClientFromConfig(job.HTTPClientConfig, job.JobName); err != nil {
			return fmt.Errorf("scrape job %q: %w", job.JobName, err)
		}
		if sendsSecrets(&job.HTTPClientConfig) {
			job.HTTPClientConfig.FollowRedirects = false // A target must not send them to another host or port.
		}
		job.BodySizeLimit = cmp.Or(job.BodySizeLimit, DefaultBodySizeLimit)
		job.SampleLimit = cmp.Or(job.SampleLimit, DefaultSampleLimit)
	}
	return nil
}

// sendsSecrets reports whether a client sends credentials or headers of its own.
func sendsSecrets(c *config.HTTPClientConfig) bool {
	return c.BasicAuth != nil || c.Authorization != nil || c.OAuth2 != nil || c.HTTPHeaders != nil || c.BearerToken != "" || c.BearerTokenFile != ""
}

// begin books the one Run that an engine has.
func (s *scraper) begin(stop context.CancelFunc) (stopped chan struct{}, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil, errClosed
	case s.stop != nil:
		return nil, errors.New("the embedded engine scrapes, or has scraped, already")
	}
	s.stop, s.stopped = stop, make(chan struct{})
	return s.stopped, nil
}

// start gives the managers the configuration, and from here on each later one.
func (s *scraper) start(targets *discovery.Manager, manager *scrape.Manager) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.targets, s.manager = targets, manager
	if err := s.apply(s.config); err != nil {
		s.targets, s.manager = nil, nil
		return fmt.Errorf("apply the scrape configuration: %w", err)
	}
	return nil
}

// apply hands a configuration to the managers, if there are any.
func (s *scraper) apply(cfg *promconfig.Config) error {
	if s.manager == nil {
		return nil
	}
	if err := s.manager.ApplyConfig(cfg); err != nil {
		return err
	}
	jobs, err := cfg.GetScrapeConfigs()
	if err != nil {
		return err
	}
	discoveries := make(map[string]discovery.Configs, len(jobs))
	for _, job := range jobs {
		discoveries[job.JobName] = job.ServiceDiscoveryConfigs
	}
	return s.targets.ApplyConfig(discoveries)
}

// end stops all scrape loops. The empty configuration comes first: without it, a target update that the manager has queued
// could start loops again after Stop.
func (s *scraper) end() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	empty, err := promconfig.Load("", promslog.NewNopLogger())
	if err == nil {
		err = s.manager.ApplyConfig(empty)
	}
	s.manager.Stop()
	s.targets, s.manager = nil, nil
	return err
}

// stopAndWait ends Run for good.
func (s *scraper) stopAndWait() {
	s.mu.Lock()
	s.closed = true
	stop, stopped := s.stop, s.stopped
	s.mu.Unlock()
	if stop != nil {
		stop()
		<-stopped
	}
}
