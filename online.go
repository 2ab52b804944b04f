package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/version"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

// onlineFlags are the flags of check --online.
type onlineFlags struct {
	enabled     bool
	timeout     time.Duration
	concurrency int
}

func (f *onlineFlags) add(cmd *kingpin.CmdClause) {
	cmd.Flag("online", "Also ask the configured Prometheus each input once, and report what it found. "+
		"The exit code is 1 when a variant cannot be decided.").BoolVar(&f.enabled)
	cmd.Flag("online.timeout", "What a scrape would leave for the evaluation: its timeout less the offset.").
		Default("9.75s").DurationVar(&f.timeout)
	cmd.Flag("query.max-concurrency", "Queries sent at once.").Default("8").IntVar(&f.concurrency)
}

// report asks each input once.
func (f *onlineFlags) report(ctx context.Context, cfg *config.Config) (*collector.OnlineReport, error) {
	if cfg.Prometheus == nil {
		return nil, errors.New("check --online needs prometheus.url: without it there is no Prometheus to ask")
	}
	evaluator, closeClient, err := newEvaluator(cfg, f.timeout, f.concurrency)
	if err != nil {
		return nil, err
	}
	defer closeClient()
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	return collector.CheckOnline(ctx, evaluator, time.Now(), f.timeout), nil
}

// newEvaluator returns an evaluator that asks the configured Prometheus, for a command that says itself what went wrong, and what
// closes its connections. A query may take as long as timeout.
func newEvaluator(cfg *config.Config, timeout time.Duration, concurrency int) (*collector.Evaluator, func(), error) {
	client, err := promapi.New(promapi.Config{
		URL: cfg.Prometheus.URL, HTTPConfig: cfg.Prometheus.HTTPConfig.HTTPClientConfig,
		Timeout: timeout, UserAgent: "variant_exporter/" + version.Version,
	})
	if err != nil {
		return nil, nil, err
	}
	evaluator, err := collector.NewEvaluator(cfg, client, collector.EvaluatorOptions{
		Concurrency: concurrency, Now: time.Now, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		client.Close()
		return nil, nil, err
	}
	return evaluator, client.Close, nil
}
