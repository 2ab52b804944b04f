package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/past"
)

// view is what somebody looks at: the outcome of one evaluation, of the present or of the past, by the configuration in force.
type view struct {
	snapshot   *collector.Snapshot
	at         time.Time // the moment that was asked for; zero for the present
	generation *generation
	deadline   time.Time
}

// failure answers a request that cannot be served.
type failure func(w http.ResponseWriter, text string, status int)

// viewed has a request served from a view: the present, or the moment that its parameter at names. Pages and the API have places of
// their own, and the time that a scrape may take.
func (s *Server) viewed(fail failure, serve func(http.ResponseWriter, *http.Request, *view)) http.Handler {
	return s.admitted(s.pages, fail, func(w http.ResponseWriter, r *http.Request, g *generation, budget time.Duration) {
		v := &view{generation: g}
		parameters, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil { // A question about the past must not get the present.
			fail(w, "the address is wrong: "+err.Error(), http.StatusBadRequest)
			return
		}
		if text := parameters.Get("at"); text != "" {
			at, err := s.momentOf(text, g)
			if err != nil {
				fail(w, err.Error(), http.StatusBadRequest)
				return
			}
			v.at = at
		}
		ctx, cancel := context.WithTimeout(r.Context(), budget+s.deadlines.offset)
		defer cancel()
		v.deadline, _ = ctx.Deadline()
		if v.snapshot, err = s.look(ctx, v, budget); err != nil {
			s.logUnanswered(r, err, budget)
			fail(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		serve(w, r, v)
	})
}

// look finds or makes the outcome that a view is of.
func (s *Server) look(ctx context.Context, v *view, budget time.Duration) (*collector.Snapshot, error) {
	if !v.at.IsZero() {
		evaluating, cancel := context.WithTimeout(ctx, budget)
		defer cancel()
		return v.generation.Past.At(evaluating, v.at)
	}
	return s.evaluateBy(ctx, v.generation, ask{budget: budget, anyBudget: true})
}

// momentOf reads a moment of the past; the zero time where it is the present.
func (s *Server) momentOf(text string, g *generation) (time.Time, error) {
	now := s.opts.Now()
	at, err := past.ParseTime(text, now)
	switch {
	case err != nil:
		return time.Time{}, &refusedError{"at: " + err.Error()}
	case at.Before(time.Unix(0, 0)):
		return time.Time{}, &refusedError{"at: " + at.UTC().Format(time.RFC3339) + " is before 1970"}
	case at.After(now.Add(time.Second)):
		return time.Time{}, &refusedError{"at: " + at.UTC().Format(time.RFC3339) + " is in the future"}
	case text == "now":
		return time.Time{}, nil
	case g.Past == nil:
		return time.Time{}, &refusedError{"at: this exporter cannot ask for the past"}
	}
	return at.Truncate(time.Second).UTC(), nil
}

// refusedError is a request that is wrong in itself.
type refusedError struct{ text string }

// Error implements error.
func (e *refusedError) Error() string { return e.text }

// admitted has a request served within a limit on requests, by the configuration in force. A slow reader takes the answer after the place
// has been given back.
func (s *Server) admitted(
	slots *semaphore.Weighted, fail failure, serve func(w http.ResponseWriter, r *http.Request, g *generation, budget time.Duration),
) http.Handler {
	answer := func(w http.ResponseWriter, r *http.Request) {
		if !slots.TryAcquire(1) {
			fail(w, s.refusal(), http.StatusServiceUnavailable)
			return
		}
		defer slots.Release(1)
		defer keepOpen(r)()
		g := s.active.use()
		if g == nil {
			fail(w, errStopping.Error(), http.StatusServiceUnavailable)
			return
		}
		defer g.letGo()
		serve(w, r, g, s.deadlines.budget(r.Header))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answered := &held{header: http.Header{}}
		if err := s.readBody(w, r); err != nil {
			fail(answered, err.Error(), http.StatusServiceUnavailable)
		} else {
			answer(answered, r)
		}
		s.sending.send(w, answered)
	})
}

const (
	maxBodies = 16              // bodies of requests that are read at once
	bodyTime  = 5 * time.Second // for one
)

var errNoBody = errors.New("the body of the request did not arrive")

// readBody reads the body of a request before it takes a place: a slow sender keeps out only others with a body. More
// than maxQuestionSize is cut, one byte behind it.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request) error {
	if r.Body == http.NoBody {
		return nil
	}
	if !s.bodies.TryAcquire(1) {
		return errors.New("too many requests with a body at once: try again in a second")
	}
	defer s.bodies.Release(1)
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(bodyTime)) //nolint:forbidigo // net.Conn wants the time of this machine.
	body, err := io.ReadAll(io.LimitReader(r.Body, maxQuestionSize+1))
	if err != nil {
		return fmt.Errorf("%w within %s", errNoBody, bodyTime)
	}
	if len(body) <= maxQuestionSize { // There is nothing left to read, and what follows has a limit of its own.
		_ = control.SetReadDeadline(time.Time{})
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return nil
}

// logUnanswered logs a request that was not answered.
func (s *Server) logUnanswered(r *http.Request, err error, budget time.Duration) {
	level := slog.LevelDebug // Of a client that has left, there is no client to answer.
	if r.Context().Err() == nil && s.unanswered.due(s.opts.Now()) {
		level = slog.LevelWarn
	}
	s.logger.Log(r.Context(), level, "A request was not answered.", "path", r.URL.Path, "err", err, "budget", budget)
}
