package server

import (
	"net"

	"github.com/prometheus/client_golang/prometheus"
)

// Addrs are the addresses that the server listens on.
func (s *Server) Addrs() []net.Addr {
	addrs := make([]net.Addr, len(s.listeners))
	for i, l := range s.listeners {
		addrs[i] = l.Addr()
	}
	return addrs
}

// Metrics are those of the exporter itself, read without a scrape.
func (s *Server) Metrics() prometheus.Gatherer { return s.registry }

// HoldWhatIfs takes the place of all what-if questions until the end of a test.
func (s *Server) HoldWhatIfs() (release func()) {
	_ = s.whatIfs.TryAcquire(maxWhatIfs)
	return func() { s.whatIfs.Release(maxWhatIfs) }
}
