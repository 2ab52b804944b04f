package fleet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"reflect"
	"sync"
	"time"
)

const (
	// tick is how often a runner advances its fleet, in real time.
	tick = 100 * time.Millisecond
	// stopTimeout bounds the wait for scrapes in flight when a runner stops.
	stopTimeout = 2 * time.Second
)

// Runner ties a fleet to real time and, where it is given a listener, to HTTP.
type Runner struct {
	Fleet *Fleet
	// Clock tells the real time.
	Clock func() time.Time
	// Speed is how many simulated seconds pass in a real one. Metrics carry no timestamps, so rates appear multiplied by it.
	// 0 means 1.
	Speed float64
	// Listener, if there is one, serves [Handler]. Run closes it.
	Listener net.Listener
	// TargetsFile, if not empty, is kept up to date with the targets at the listener's address, for Prometheus' file_sd.
	TargetsFile string
	// Autoscaler, if there is one, is synced every SyncPeriod of simulated time (0 means 15 seconds, Kubernetes' default).
	Autoscaler *Autoscaler
	SyncPeriod time.Duration
	// OnError, if not nil, is told of each failed sync. Nothing else is done about them: autoscalers try again.
	OnError func(error)
}

// Listen opens a listener on a free port of the loopback interface.
func Listen(ctx context.Context) (net.Listener, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for scrapes of the simulated fleet: %w", err)
	}
	return listener, nil
}

// Run runs the fleet until the context is done, which is not an error, or until targets can no longer be served or listed.
func (r *Runner) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	failures := make(chan error, 2)
	var running sync.WaitGroup
	start := func(run func(context.Context) error) {
		running.Go(func() {
			defer cancel()
			if err := run(ctx); err != nil {
				failures <- err
			}
		})
	}
	start(r.advance)
	if r.Listener != nil {
		start(r.serve)
	}
	if r.Autoscaler != nil {
		running.Go(func() { r.autoscale(ctx) })
	}
	running.Wait()
	close(failures)
	var errs []error
	for err := range failures {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// speed is Speed with its default.
func (r *Runner) speed() float64 {
	if r.Speed > 0 {
		return r.Speed
	}
	return 1
}

// advance lets simulated time follow real time, and keeps the targets listed.
func (r *Runner) advance(ctx context.Context) error {
	realStart, simulatedStart := r.Clock(), r.Fleet.Status().Time
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	var listed []TargetGroup
	for {
		if r.Listener != nil && r.TargetsFile != "" {
			targets := r.Fleet.Status().Targets(r.Listener.Addr().String())
			if !reflect.DeepEqual(targets, listed) {
				if err := WriteTargets(r.TargetsFile, targets); err != nil {
					return err
				}
				listed = targets
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			passed := float64(r.Clock().Sub(realStart)) * r.speed()
			r.Fleet.Advance(simulatedStart.Add(time.Duration(passed)))
		}
	}
}

// serve answers scrapes.
func (r *Runner) serve(ctx context.Context) error {
	server := &http.Server{Handler: Handler(r.Fleet), ReadHeaderTimeout: 5 * time.Second}
	var stopping sync.WaitGroup
	defer stopping.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stopping.Go(func() {
		<-ctx.Done()
		graceful, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		if server.Shutdown(graceful) != nil {
			_ = server.Close() // what is still in flight has had its time
		}
	})
	if err := server.Serve(r.Listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the simulated fleet's metrics: %w", err)
	}
	return nil
}

// autoscale syncs the autoscaler, each time within one period.
func (r *Runner) autoscale(ctx context.Context) {
	period := 15 * time.Second
	if r.SyncPeriod > 0 {
		period = r.SyncPeriod
	}
	period = max(time.Duration(float64(period)/r.speed()), time.Millisecond)
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			syncCtx, cancel := context.WithTimeout(ctx, period)
			err := r.Autoscaler.Sync(syncCtx)
			cancel()
			if err != nil && r.OnError != nil && ctx.Err() == nil {
				r.OnError(err)
			}
		}
	}
}
