package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// step is how far the fleet under the program goes on at once: meanwhile its series cannot be asked for.
const step = time.Minute

var errClosed = errors.New("the demo has ended")

// Config is the configuration of the program in the demo, without a Prometheus: the fleet itself answers.
func (d *Demo) Config() *config.Config {
	c := *d.config
	c.Prometheus = nil
	return &c
}

// Query implements promapi.Querier over the series of the fleet under the program, between two steps of it.
func (d *Demo) Query(ctx context.Context, expr string, at time.Time) (v model.Vector, err error) {
	err = d.still(ctx, func() error {
		v, err = d.runs[0].Product.Source().Query(ctx, expr, at)
		return err
	})
	return v, err
}

// QueryRange implements promapi.RangeQuerier.
func (d *Demo) QueryRange(ctx context.Context, expr string, r v1.Range) (m model.Matrix, err error) {
	err = d.still(ctx, func() error {
		m, err = d.runs[0].Product.Source().QueryRange(ctx, expr, r)
		return err
	})
	return m, err
}

// still does something while the fleet under the program stands still.
func (d *Demo) still(ctx context.Context, do func() error) error {
	if err := d.turn.Acquire(ctx, 1); err != nil {
		return fmt.Errorf("wait for the simulated fleet: %w", err)
	}
	defer d.turn.Release(1)
	if d.closed {
		return errClosed
	}
	return do()
}

// walk lets the fleet under the program go on to a time, step by step.
func (d *Demo) walk(ctx context.Context, at time.Duration) error {
	for now := time.Duration(d.now.Load()); now < at; {
		now = min(at, now+step)
		if err := d.still(ctx, func() error { return d.runs[0].Sim.Until(ctx, now) }); err != nil {
			return err
		}
	}
	return nil
}
