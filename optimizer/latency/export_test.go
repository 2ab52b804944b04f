package latency

// Missed is the share of requests that have their first token later than a target at a rate, or are turned away: what Capacity holds to
// a quantile.
func (s *Server) Missed(rate, ttft float64) float64 {
	w := newSpread(s)
	w.solve(rate)
	return w.missed(w.lateFirst(ttft))
}
