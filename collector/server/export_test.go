package server

import "net"

// Addrs are the addresses that the server listens on.
func (s *Server) Addrs() []net.Addr {
	addrs := make([]net.Addr, len(s.listeners))
	for i, l := range s.listeners {
		addrs[i] = l.Addr()
	}
	return addrs
}

// HoldWhatIfs takes the place of all what-if questions until the end of a test.
func (s *Server) HoldWhatIfs() (release func()) {
	_ = s.whatIfs.TryAcquire(maxWhatIfs)
	return func() { s.whatIfs.Release(maxWhatIfs) }
}
