package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/alecthomas/units"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web"
	"github.com/prometheus/exporter-toolkit/web/kingpinflag"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/embedded"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
	"github.com/variant-exporter/variant-exporter/collector/server"
)

const (
	// defaultListenAddress is on loopback, so that nobody but this machine gets at it without having been told to. The port is
	// outside 9100 to 9999, which Prometheus' list of default ports has given away, and below what systems pick from.
	defaultListenAddress = "127.0.0.1:18270"
	// stopTimeout bounds a graceful stop. It is longer than the longest evaluation by default, and Kubernetes kills after 30 seconds.
	stopTimeout = 25 * time.Second
)

// serveFlags are the flags of serve.
type serveFlags struct {
	logs   logging
	web    *web.FlagConfig
	server server.Options // what flags set directly
	loader server.LoaderOptions

	maxBody   units.Base2Bytes
	retention model.Duration
	started   func(net.Addr) // if not nil, is told the address once the server serves
}

func newServeCommand(app *kingpin.Application, logs logging) command {
	cmd := app.Command("serve", "Serve metrics: one evaluation for each scrape.").Default()
	f := &serveFlags{logs: logs}
	addConfigFileFlag(cmd, &f.loader.ConfigFile)
	f.addWebFlags(cmd)
	f.addEvaluationFlags(cmd)
	cmd.Validate(func(*kingpin.CmdClause) error { return f.validate() })
	return command{name: cmd.FullCommand(), run: f.run}
}

func addConfigFileFlag(cmd *kingpin.CmdClause, file *string) {
	cmd.Flag("config.file", "Configuration file.").Default(defaultConfigFile).StringVar(file)
}

func (f *serveFlags) addWebFlags(cmd *kingpin.CmdClause) {
	f.web = kingpinflag.AddFlags(cmd, defaultListenAddress)
	cmd.GetFlag("web.listen-address").Help("Address to listen on; repeatable. The default is reached from this machine only: " +
		"in a pod, or to be scraped from elsewhere, say :18270.")
	cmd.Flag("web.telemetry-path", "Path of the metrics.").Default("/metrics").StringVar(&f.server.TelemetryPath)
	cmd.Flag("web.max-requests", "Scrapes, and requests for the status page and the API, served at once; more get 503. 0: no limit.").Default("40").Int64Var(&f.server.MaxRequests)
	cmd.Flag("web.enable-lifecycle", "Allow to reload the configuration with POST /-/reload.").BoolVar(&f.server.EnableLifecycle)
	cmd.Flag("web.enable-pprof", "Serve profiles of the process below /debug/pprof/.").BoolVar(&f.server.EnablePprof)
	cmd.Flag("web.disable-exporter-metrics", "Leave out the metrics go_*, process_* and promhttp_*.").
		BoolVar(&f.server.DisableExporterMetrics)
}

func (f *serveFlags) addEvaluationFlags(cmd *kingpin.CmdClause) {
	cmd.Flag("scrape.timeout-offset", "Part of a scrape's timeout kept for rendering and sending, but at most half of it.").
		Default("250ms").DurationVar(&f.server.TimeoutOffset)
	cmd.Flag("scrape.max-timeout", "Longest evaluation, and the one for a client that sends no scrape timeout.").
		Default("20s").DurationVar(&f.server.MaxTimeout)
	cmd.Flag("query.timeout", "Longest single query.").
		Default(promapi.DefaultTimeout.String()).DurationVar(&f.loader.Timeout)
	cmd.Flag("query.max-concurrency", "Queries sent at once.").Default("8").IntVar(&f.loader.Concurrency)
	f.maxBody = promapi.DefaultMaxBodyBytes
	cmd.Flag("query.max-body-bytes", "Largest answer to a query, decompressed.").
		Default(f.maxBody.String()).BytesVar(&f.maxBody)
	cmd.Flag("storage.tsdb.path", "Without prometheus.url: folder for the samples that the exporter scrapes itself. "+
		"Default: a temporary one, removed at the end.").PlaceHolder("DIR").StringVar(&f.loader.StoragePath)
	cmd.Flag("storage.tsdb.retention.time", "Without prometheus.url: how long samples are kept.").
		Default(model.Duration(embedded.DefaultRetention).String()).SetValue(&f.retention)
}

// validate finds what is a duration or a number, but not a usable one.
func (f *serveFlags) validate() error {
	switch {
	case f.server.TimeoutOffset < 0:
		return errors.New("--scrape.timeout-offset must not be negative")
	case f.server.MaxTimeout <= 0:
		return errors.New("--scrape.max-timeout must be above zero")
	case f.server.MaxRequests < 0:
		return errors.New("--web.max-requests must not be negative")
	case f.loader.Timeout <= 0:
		return errors.New("--query.timeout must be above zero")
	case f.loader.Concurrency < 1:
		return errors.New("--query.max-concurrency must be at least 1")
	case f.maxBody < 1:
		return errors.New("--query.max-body-bytes must be at least 1")
	case f.retention <= 0:
		return errors.New("--storage.tsdb.retention.time must be above zero")
	}
	return nil
}

// run serves until ctx ends, which is a success, or until something that serving needs fails.
func (f *serveFlags) run(ctx context.Context, std stdio) error {
	logger, err := f.logs.logger(std.err)
	if err != nil {
		return err
	}
	logger.Info("Starting variant_exporter.", "version", version.Info(), "build_context", version.BuildContext())
	hangup := make(chan os.Signal, 1) // One is enough: signals that come during a reload ask for one more.
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)

	failed := make(chan error, 1)
	srv, err := server.New(ctx, f.options(logger, failed))
	if err != nil {
		if _, invalid := errors.AsType[*config.InvalidError](err); invalid { // Each remark has been logged.
			err = fmt.Errorf("%s is not valid; `variant_exporter check %[1]s` shows where", f.loader.ConfigFile)
		}
		logger.Error("Could not start.", "err", err)
		return errReported
	}
	srv.Start()
	if f.started != nil {
		f.started(srv.Addr())
	}
	err = wait(ctx, srv, hangup, failed)
	if err != nil {
		logger.Error("Stopping after a failure.", "err", err)
	} else {
		logger.Info("Stopping.", "cause", context.Cause(ctx))
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if stopErr := srv.Stop(stopping); stopErr != nil {
		logger.Error("Did not stop in order.", "err", stopErr)
		err = errReported
	}
	if err != nil {
		return errReported
	}
	logger.Info("Stopped.")
	return nil
}

// options completes the flags with what comes from main.
func (f *serveFlags) options(logger *slog.Logger, failed chan<- error) server.Options {
	loader := f.loader
	loader.MaxBodyBytes = int64(f.maxBody)
	loader.Retention = time.Duration(f.retention)
	loader.UserAgent = "variant_exporter/" + version.Version
	loader.Logger = logger
	loader.Now = time.Now
	loader.Failed = func(err error) {
		select {
		case failed <- err:
		default: // One failure is enough to stop.
		}
	}
	opts := f.server
	opts.Load = server.NewLoader(loader).Load
	opts.Web = f.web
	opts.Logger = logger
	opts.Now = time.Now
	return opts
}

// wait reloads on each hangup until ctx ends, or returns what has failed.
func wait(ctx context.Context, srv *server.Server, hangup <-chan os.Signal, failed <-chan error) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-srv.Failed():
			return err
		case err := <-failed:
			return err
		case <-hangup:
			_ = srv.Reload(ctx) // The server logs how it went.
		}
	}
}
