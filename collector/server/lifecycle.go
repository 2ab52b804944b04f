package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/exporter-toolkit/web"
)

// warmUpPause lies between the attempts at a first answered evaluation.
const warmUpPause = 5 * time.Second

// Start begins to serve and to evaluate, once: from its first answer on the server is ready. It does not wait for that.
func (s *Server) Start() {
	s.tasks.Go(s.handleReloads)
	s.tasks.Go(s.warmUp)
	if s.health != nil {
		s.tasks.Go(func() {
			if err := s.health.serve(); err != nil {
				s.failed <- err
			}
		})
	}
	for i, srv := range s.servers {
		s.tasks.Go(func() {
			err := web.Serve(s.listeners[i], srv, s.opts.Web, s.logger)
			if !errors.Is(err, http.ErrServerClosed) {
				s.failed <- fmt.Errorf("serve on %s: %w", s.listeners[i].Addr(), err)
			}
		})
	}
}

// Failed yields the error of a listener that has stopped serving without having been asked to.
func (s *Server) Failed() <-chan error { return s.failed }

// Stop ends the server: from here on it is not ready and takes no new scrapes, those under way are answered, then the listeners
// close and what was loaded is released. When ctx ends first, connections are cut, and what still uses the configuration is left
// behind. Stop can be called before Start, and more than once.
func (s *Server) Stop(ctx context.Context) error { return s.stop(ctx) }

func (s *Server) stopNow(ctx context.Context) error {
	s.stopping.Store(true)
	var errs []error
	// The goroutine that holds all of a semaphore has waited for the requests under way, and lets no new ones in.
	if err := errors.Join(s.scrapes.Acquire(ctx, s.capacity), s.pages.Acquire(ctx, max(1, s.capacity/2))); err != nil {
		errs = append(errs, fmt.Errorf("wait for scrapes: %w", err))
	}
	for _, srv := range s.servers {
		if err := srv.Shutdown(ctx); err != nil {
			errs = append(errs, fmt.Errorf("close connections: %w", err), srv.Close())
		}
	}
	errs = append(errs, closeAll(s.listeners), s.health.stop(ctx))
	s.cancel()

	done := make(chan struct{})
	go func() {
		defer close(done)
		s.tasks.Wait()
		s.active.swap(nil).release(s.logger)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		errs = append(errs, fmt.Errorf("release the configuration: %w", ctx.Err()))
	}
	return errors.Join(errs...)
}

// warmUp evaluates until there has been an answer, here or in a scrape.
func (s *Server) warmUp() {
	pause := time.NewTimer(0)
	defer pause.Stop()
	for !s.answered.Load() {
		select {
		case <-pause.C:
		case <-s.flights.base.Done():
			return
		}
		_, _ = s.evaluate(s.flights.base, ask{budget: s.opts.MaxTimeout, background: true}) // What it says is of no interest here, only whether it answered.
		pause.Reset(warmUpPause)
	}
	s.logger.Info("Ready: a first evaluation has been answered.")
}
