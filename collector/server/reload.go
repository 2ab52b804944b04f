package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// errStopping is a request that comes while the server stops.
var errStopping = errors.New("the server is stopping")

// Reload loads the configuration again and puts it in force. After an error the one before is in force as if nothing had
// happened. A ctx that ends first does not stop a reload that has begun.
func (s *Server) Reload(ctx context.Context) error {
	reply := make(chan error, 1) // Buffered, so that a caller who has left does not block the loader.
	select {
	case s.reloads <- reply:
	case <-ctx.Done():
		return fmt.Errorf("wait for another reload: %w", ctx.Err())
	case <-s.flights.base.Done():
		return errStopping
	}
	select {
	case err := <-reply:
		return err
	case <-ctx.Done():
		return fmt.Errorf("wait for the reload: %w", ctx.Err())
	}
}

// handleReloads makes one reload after the other, from signals and from requests.
func (s *Server) handleReloads() {
	for {
		select {
		case reply := <-s.reloads:
			reply <- s.reload()
		case <-s.flights.base.Done():
			return
		}
	}
}

func (s *Server) reload() error {
	loaded, err := s.opts.Load(s.flights.base)
	if err != nil {
		s.reloaded.successful.Set(0)
		s.refused.Store(new(refusalOf(err, s.opts.Now())))
		s.logger.Error("The configuration was not reloaded; the one before stays in force.", "err", summary(err))
		return err
	}
	previous := s.active.swap(&generation{Loaded: loaded})
	s.reloaded.succeeded(s.opts.Now())
	s.refused.Store(nil)
	s.logger.Info("The configuration was reloaded.")
	s.tasks.Go(func() { previous.release(s.logger) })
	return nil
}

// summary is an error in one line: the remarks about a file have been logged one by one.
func summary(err error) string {
	if invalid, ok := errors.AsType[*config.InvalidError](err); ok {
		return fmt.Sprintf("the file is not valid (%d remarks)", len(invalid.Diagnostics))
	}
	return err.Error()
}

// refusalOf says for the pages why a reload failed: by the first error of a file.
func refusalOf(err error, at time.Time) string {
	why := err.Error()
	if invalid, ok := errors.AsType[*config.InvalidError](err); ok {
		all := slices.DeleteFunc(slices.Clone(invalid.Diagnostics), func(d config.Diagnostic) bool { return d.Severity != config.SeverityError })
		if len(all) > 0 {
			d := all[0]
			why = strings.Join(slices.DeleteFunc([]string{fmt.Sprintf("line %d", d.Line), d.Path, d.Message, d.Hint}, func(part string) bool { return part == "" }), ": ")
		}
		if len(all) > 1 {
			why += fmt.Sprintf(" (and %d more)", len(all)-1)
		}
	}
	return fmt.Sprintf("The file on disk is not in force. It was refused at %s: %s", at.UTC().Format("15:04 UTC"), why)
}

// reloadMetrics tell how the last reload went.
type reloadMetrics struct {
	successful, successTime prometheus.Gauge
}

func newReloadMetrics() reloadMetrics {
	return reloadMetrics{
		successful: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "variant_exporter_config_last_reload_successful",
			Help: "Whether the last attempt to load the configuration succeeded (1) or left the one before in force (0).",
		}),
		successTime: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "variant_exporter_config_last_reload_success_timestamp_seconds",
			Help: "When the configuration in force was loaded, in seconds since the epoch.",
		}),
	}
}

func (m reloadMetrics) succeeded(at time.Time) {
	m.successful.Set(1)
	m.successTime.Set(float64(at.UnixNano()) / 1e9)
}
