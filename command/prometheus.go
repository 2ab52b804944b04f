package command

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/alecthomas/units"
	"github.com/prometheus/common/version"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

// errNoPrometheus refuses a configuration whose samples are in the memory of the running exporter only.
var errNoPrometheus = errors.New("prometheus.url is not set, so there is no Prometheus to query")

// queries are the limits on the queries of a command. Each command has flags for those that its users may change.
type queries struct {
	timeout     time.Duration
	concurrency int
	maxBody     units.Base2Bytes
}

func (q *queries) addTimeoutFlag(cmd *kingpin.CmdClause, c *checks, longest, help string) {
	cmd.Flag("query.timeout", help).Default(longest).DurationVar(&q.timeout)
	c.require("query.timeout", "be above zero", func() bool { return q.timeout > 0 })
}

func (q *queries) addConcurrencyFlag(cmd *kingpin.CmdClause, c *checks) {
	cmd.Flag("query.max-concurrency", "Queries sent at once.").Default("8").IntVar(&q.concurrency)
	c.require("query.max-concurrency", "be at least 1", func() bool { return q.concurrency >= 1 })
}

func (q *queries) addMaxBodyFlag(cmd *kingpin.CmdClause, c *checks, largest units.Base2Bytes, help string) {
	cmd.Flag("query.max-body-bytes", help).Default(largest.String()).BytesVar(&q.maxBody)
	c.require("query.max-body-bytes", "be at least 1", func() bool { return q.maxBody >= 1 })
}

// open loads a configuration and returns it with a client for its Prometheus.
func (q *queries) open(file string) (*config.Config, *promapi.Client, error) {
	cfg, err := loadConfig(file)
	if err != nil {
		return nil, nil, err
	}
	client, err := q.connect(cfg)
	return cfg, client, err
}

// connect returns a client for the Prometheus of a configuration.
func (q *queries) connect(cfg *config.Config) (*promapi.Client, error) {
	if cfg.Prometheus == nil {
		return nil, errNoPrometheus
	}
	return promapi.New(promapi.Config{
		URL: cfg.Prometheus.URL, HTTPConfig: cfg.Prometheus.HTTPConfig.HTTPClientConfig,
		Timeout: q.timeout, MaxBodyBytes: int64(q.maxBody), UserAgent: userAgent(),
	})
}

// evaluator returns an evaluator for a command that reports failures itself.
func (q *queries) evaluator(cfg *config.Config, client *promapi.Client) (*collector.Evaluator, error) {
	return collector.NewEvaluator(cfg, client, collector.EvaluatorOptions{
		Concurrency: q.concurrency, Now: time.Now, Logger: slog.New(slog.DiscardHandler),
	})
}

// loadConfig reads a configuration that has no errors. Only check and serve report its warnings.
func loadConfig(file string) (*config.Config, error) {
	cfg, found, err := config.LoadFile(file)
	if err != nil {
		return nil, err
	}
	if cfg == nil {
		return nil, fmt.Errorf("%s cannot be used:\n%w", file, found.Err())
	}
	return cfg, nil
}

// userAgent is how the program names itself to servers.
func userAgent() string { return "variant_exporter/" + version.Version }
