package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
)

// healthServer answers probes, apart from everything else that is served.
type healthServer struct {
	listener net.Listener
	server   *http.Server
}

// newHealth binds the address for probes; none gives nil.
func (s *Server) newHealth(ctx context.Context, address string) (*healthServer, error) {
	if address == "" {
		return nil, nil //nolint:nilnil // There is none, and that is no error.
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen for probes: %w", err)
	}
	mux := http.NewServeMux()
	s.routeHealth(mux)
	return &healthServer{l, s.newHTTPServer(mux)}, nil
}

// routeHealth adds what probes ask.
func (s *Server) routeHealth(mux *http.ServeMux) {
	mux.HandleFunc("GET /-/healthy", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "Healthy.") })
	mux.HandleFunc("GET /-/ready", s.ready)
}

// HealthAddr is the address for probes; nil without one of its own.
func (s *Server) HealthAddr() net.Addr {
	if s.health == nil {
		return nil
	}
	return s.health.listener.Addr()
}

// serve answers until it is stopped.
func (h *healthServer) serve() error {
	if err := h.server.Serve(h.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve probes on %s: %w", h.listener.Addr(), err)
	}
	return nil
}

// stop closes it; there may be none.
func (h *healthServer) stop(ctx context.Context) error {
	if h == nil {
		return nil
	}
	var errs []error
	if err := h.server.Shutdown(ctx); err != nil {
		errs = append(errs, fmt.Errorf("close connections of probes: %w", err), h.server.Close())
	}
	return errors.Join(append(errs, closeAll([]net.Listener{h.listener}))...)
}
