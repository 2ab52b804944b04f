package latency

import "math"

// closed are the means with a fixed number in service.
type closed struct {
	rate  float64 // of completions
	step  float64 // time of an iteration
	first float64 // time to the first token

	decoding float64 // of those in service
}

// Closed returns the mean latencies of a server that always has n requests in
// service, as in a benchmark of a fixed concurrency: whoever is done is
// replaced. It is the model of iterations of two kinds, at their means.
func Closed(p Profile, l Lengths, n float64) (itl, ttft float64) {
	k := newKinds(&p, l)
	c := k.closed(n)
	return c.step, c.first
}

// closed finds the rate at which requests come as fast as they are done.
func (k *kinds) closed(n float64) closed {
	least := k.output * k.decode(1) // of a service time
	low, high := 0.0, n/least
	var c closed
	for range 50 {
		middle := low + (high-low)/2
		c = k.means(n, middle)
		if middle*(c.first+(k.output-1)*c.step) > n {
			high = middle
		} else {
			low = middle
		}
		if high-low < 1e-10*high {
			break
		}
	}
	c = k.means(n, low)
	c.rate = low
	return c
}

// means are the means with n in service and requests that come at a rate.
// Prompts join an iteration of length T as a Poisson number of mean rate T, so
// that a share 1 - exp(-rate T) of the iterations carries a chunk; where that
// would be more than the token budget, more do.
func (k *kinds) means(n, rate float64) closed {
	d := n
	var c closed
	c.step = k.decode(d)
	for range 25 {
		plain, room := k.decode(d), k.room(d)
		joined := rate * c.step
		tokens := min(joined*k.input, room)
		carrying := 0.0
		long := plain
		if tokens > 0 {
			carrying = max(-math.Expm1(-joined), tokens/room)
			long = k.mixed(d, min(tokens/carrying, room))
		}
		step := plain + carrying*(long-plain)
		// An arrival falls into a long iteration more often than into a short
		// one. It waits for what is left of it, and then others that came
		// meanwhile share its own iterations.
		seen := (plain*plain + carrying*(long*long-plain*plain)) / step
		if n <= 1 {
			seen *= max(0, n-1)
		}
		first := seen/2 + step + k.prompt(d, k.input*(1+rate*seen))
		if k.input == 0 {
			first = step
		}
		settled := math.Abs(step-c.step) <= 1e-9*step && math.Abs(first-c.first) <= 1e-9*first
		c.step, c.first, c.decoding = step, first, d
		if settled {
			break
		}
		d = min(n, max(n-rate*first, min(n, 1)/2))
	}
	return c
}

// prompt is the time of the iterations that prompt tokens take beside d
// decoding requests.
func (k *kinds) prompt(d, tokens float64) float64 {
	room := k.room(d)
	whole := math.Ceil(tokens/room) - 1
	if !(whole > 0) {
		return k.mixed(d, tokens)
	}
	return whole*k.mixed(d, room) + k.mixed(d, tokens-whole*room)
}
