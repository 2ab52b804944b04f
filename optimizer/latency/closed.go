package latency

import "math"

// closed are the means with a fixed number in service.
type closed struct {
	rate  float64 // of completions
	step  float64 // time of an iteration
	itl   float64 // the same, or that with fewer in service if it is longer
	first float64 // time to the first token

	decoding float64 // of those in service
}

// Arrivals say when requests come.
type Arrivals int

// When requests come.
const (
	// AtRandom is the traffic of many users.
	AtRandom Arrivals = iota
	// Replacing is a benchmark of a fixed concurrency: one comes as another is
	// done.
	Replacing
)

// InService returns the mean latencies of a server that always has n requests in
// service. It is the model of iterations of two kinds, at their means.
func InService(p Profile, l Lengths, n float64, come Arrivals) (itl, ttft float64) {
	k := newKinds(&p, l)
	c := k.closed(n)
	if come == Replacing {
		return k.replacing(&c, n)
	}
	return c.step, c.first
}

// replacing are the latencies where one comes as another is done. Of the chunks
// in its iterations one in n was its own, while it did not decode yet. It comes
// as an iteration starts that others are in, waits for that and for the one
// scheduled behind it, and is computed with those that came with it.
func (k *kinds) replacing(c *closed, n float64) (itl, ttft float64) {
	if k.input == 0 {
		return c.step, c.first
	}
	others := max(0, 1-1/n)
	plain, joined := k.decode(c.decoding), c.rate*c.step
	itl = plain + others*(c.step-plain)
	ttft = itl*(1+min(1, max(0, n-1))) + k.prompt(others*c.decoding, k.input*(1+others*joined)) + k.backlog(c.decoding, c.rate)
	return itl, ttft
}

// closed finds what n in service are: those that decode, and those that come
// in the time to the first token. The more decode, the more come.
func (k *kinds) closed(n float64) closed {
	if k.input == 0 {
		c := k.beside(n, n)
		c.rate = n / (k.output * c.step)
		return c
	}
	low, high := 0.0, n
	for range 48 {
		middle := low + (high-low)/2
		if c := k.beside(middle, n); middle+c.rate*c.first > n {
			high = middle
		} else {
			low = middle
		}
	}
	c := k.beside(high, n)
	c.rate = n / (c.first + (k.output-1)*c.step)
	return c
}

// leastDecodes keeps servers finite whose requests never decode.
const leastDecodes = 1e-6

// beside are the means while d requests decode.
//
// Each iteration makes d tokens, so d/(o-1) requests are done in it and as
// many prompts join, a Poisson number: a share 1 - exp(-d/(o-1)) of the
// iterations carries a chunk; where that would be more than the token budget,
// more do.
func (k *kinds) beside(d, n float64) closed {
	plain, room := k.decode(d), k.room(d)
	joined := d / max(k.output-1, leastDecodes)
	c := closed{decoding: d, step: plain, first: plain, rate: joined / plain}
	if k.input == 0 {
		return c
	}
	tokens := joined * k.input
	if tokens >= room {
		c.first = MaxTime
		return c
	}
	carrying, long := 0.0, plain
	if joined > 0 {
		carrying = max(-math.Expm1(-joined), tokens/room)
		long = k.mixed(d, tokens/carrying)
	}
	c.step = plain + carrying*(long-plain)
	c.rate = joined / c.step
	// An arrival falls into a long iteration more often than into a short one.
	// It waits for what is left of it and for the one scheduled behind it, and
	// then others that came meanwhile share its own iterations.
	seen := (plain*plain + carrying*(long*long-plain*plain)) / c.step
	if n <= 1 {
		seen *= max(0, n-1)
	}
	c.first = seen/2 + c.step + k.prompt(d, k.input*(1+c.rate*seen)) + k.backlog(d, c.rate)
	return c
}

// busy is the share of the token budget that prompts take, and whole the time
// that one takes of it.
func (k *kinds) busy(d, rate float64) (share, whole float64) {
	room := k.room(d)
	if math.IsInf(room, 1) || k.input == 0 {
		return 0, 0
	}
	whole = k.input / room * k.mixed(d, room)
	return rate * whole, whole
}

// backlog is the mean time that prompts wait for the token budget: that of a
// single server by Pollaczek and Khinchine, to whom the prompts come one by one.
func (k *kinds) backlog(d, rate float64) float64 {
	share, whole := k.busy(d, rate)
	if share >= 1 {
		return MaxTime
	}
	return share * share / (1 - share) * whole * (1 + k.inputCV*k.inputCV) / 2
}

// prompt is the time of the iterations that prompt tokens take while d
// requests decode.
func (k *kinds) prompt(d, tokens float64) float64 {
	room := k.room(d)
	whole := math.Ceil(tokens/room) - 1
	if !(whole > 0) {
		return k.mixed(d, tokens)
	}
	return whole*k.mixed(d, room) + k.mixed(d, tokens-whole*room)
}
