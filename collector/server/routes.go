package server

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/pprof"
)

// routes returns the handler of every path. A pattern with GET takes HEAD too, and net/http answers 405 to other methods.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET "+exact(s.opts.TelemetryPath), s.metricsHandler())
	s.routeHealth(mux)
	mux.HandleFunc("POST /-/reload", s.postReload)
	if s.opts.EnablePprof {
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("POST /debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	}
	s.routeAPI(mux)
	if s.opts.TelemetryPath != "/" {
		s.routePages(mux)
	}
	return mux
}

// exact is the pattern that matches a path and nothing below it.
func exact(path string) string {
	if path == "/" {
		return "/{$}"
	}
	return path
}

func (s *Server) ready(w http.ResponseWriter, _ *http.Request) {
	switch {
	case s.stopping.Load():
		http.Error(w, "Not ready: the server is stopping.", http.StatusServiceUnavailable)
	case !s.answered.Load():
		http.Error(w, "Not ready: no evaluation has been answered yet.", http.StatusServiceUnavailable)
	default:
		fmt.Fprintln(w, "Ready.")
	}
}

func (s *Server) postReload(w http.ResponseWriter, r *http.Request) {
	if !s.opts.EnableLifecycle {
		http.Error(w, "Reloading over HTTP is off: start with --web.enable-lifecycle, or send SIGHUP.", http.StatusForbidden)
		return
	}
	switch err := s.Reload(r.Context()); {
	case errors.Is(err, errStopping):
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	default:
		fmt.Fprintln(w, "Reloaded.")
	}
}
