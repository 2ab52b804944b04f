package latency

// Slowdown returns the factor on all times of the server with which it shows
// observed latencies at a rate of arrivals: a share observed.Quantile of the
// requests has its first token within observed.TTFT seconds, and as large a
// share of the tokens comes within observed.ITL. A time of 0 is not observed;
// of two the larger factor counts. It lies between 1 and most: a server that
// shows no more than its profile says is not slowed down.
//
// A server that takes f times as long is the same server with a clock that
// runs f times as slow: what it shows at a rate is what the profile says of f
// times the rate, f times as long. That grows with f, so bisection finds it.
func (s *Server) Slowdown(rate float64, observed SLO, most float64) float64 {
	w := newSpread(s)
	late := 1 - observed.Quantile
	return max(
		slowdown(observed.TTFT, most, func(f, target float64) bool {
			w.solve(rate * f)
			return w.lateFirst(target) <= late // a histogram has none of the requests turned away
		}),
		slowdown(observed.ITL, most, func(f, target float64) bool {
			w.solve(rate * f)
			return w.lateTokens(target) <= late
		}),
	)
}

// slowdownSteps are those of the search; the factor is right to a thousandth.
const slowdownSteps = 10

// slowdown is the largest factor with which a time is still kept.
func slowdown(observed, most float64, keeps func(f, target float64) bool) float64 {
	if observed <= 0 || !keeps(1, observed) {
		return 1
	}
	if keeps(most, observed/most) {
		return most
	}
	low, high := 1.0, most
	for range slowdownSteps {
		if middle := (low + high) / 2; keeps(middle, observed/middle) {
			low = middle
		} else {
			high = middle
		}
	}
	return low
}

// SlowdownCache remembers answers of Server.Slowdown, as CapacityCache does
// capacities. The zero value is ready to use. It must not be used concurrently.
//
// Lengths, the rate and the observed times are rounded up by less than 0.8 %.
type SlowdownCache struct {
	answers generations[slowdownKey, float64]
}

// slowdownKey is a question, rounded.
type slowdownKey struct {
	profile    Profile
	lengths    Lengths
	rate, most float64
	observed   SLO
}

// Slowdown is Server.Slowdown of the rounded question.
func (c *SlowdownCache) Slowdown(p Profile, l Lengths, rate float64, observed SLO, most float64) (float64, error) {
	if err := l.Validate(); err != nil {
		return 0, err
	}
	key := slowdownKey{profile: p, lengths: l.rounded(), rate: roundUp(rate, lengthSteps), most: most, observed: observed}
	key.observed.TTFT, key.observed.ITL = roundUp(observed.TTFT, lengthSteps), roundUp(observed.ITL, lengthSteps)
	return c.answers.get(key, func() (float64, error) {
		server, err := NewServer(p, key.lengths)
		if err != nil {
			return 0, err
		}
		return server.Slowdown(key.rate, key.observed, most), nil
	})
}
