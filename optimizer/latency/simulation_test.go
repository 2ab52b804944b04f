package latency_test

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/variant-exporter/variant-exporter/optimizer/latency"
)

// simulation is a server, iteration by iteration, as vLLM and its like work
// with chunked prefill: every request that decodes gets its token, the rest of
// the token budget goes to the prompts in their order, in chunks, and the
// iteration after the running one is put together when the running one starts.
// It shares no code with the model.
type simulation struct {
	profile  latency.Profile
	lengths  latency.Lengths
	rate     float64
	requests int // of which a tenth only warms the server up
	seed     uint64
}

// measured is what requests met, in seconds, sorted.
type measured struct {
	ttft, itl []float64
	inService float64 // the mean number
}

// request is a request in a simulation.
type request struct {
	arrived, last float64
	input, output float64
	prompt        float64 // tokens of it that are not scheduled yet
	scheduled     float64 // output tokens that are
	done          float64 // output tokens that have come
	warm          bool
}

// simulated is the state of a simulation.
type simulated struct {
	simulation
	rng            *rand.Rand
	waiting, batch []*request
	measured       measured
}

// iteration is what is computed together: the requests that get a token at its
// end, and how long it takes.
type iteration struct {
	tokens []*request
	time   float64
}

func (c simulation) run() measured {
	s := &simulated{simulation: c, rng: rand.New(rand.NewPCG(c.seed, 1))}
	now, area, observed := 0.0, 0.0, 0.0
	arrival := s.rng.ExpFloat64() / c.rate
	left := c.requests
	come := func(until float64) {
		for ; arrival <= until && left > 0; left-- {
			s.waiting = append(s.waiting, s.draw(arrival, c.requests-left < c.requests/10))
			arrival += s.rng.ExpFloat64() / c.rate
		}
	}
	running := s.schedule()
	for left > 0 {
		if running.time == 0 && len(s.batch)+len(s.waiting) == 0 {
			now = arrival
			come(now)
		}
		if running.time == 0 {
			running = s.schedule()
		}
		next := s.schedule() // while the running one is computed
		now += running.time
		area, observed = area+running.time*float64(len(s.batch)), observed+running.time
		come(now)
		s.end(running, now)
		running = next
	}
	return s.finish(area / observed)
}

// finish is what was measured.
func (s *simulated) finish(inService float64) measured {
	s.measured.inService = inService
	slices.Sort(s.measured.ttft)
	slices.Sort(s.measured.itl)
	return s.measured
}

// draw draws a request.
func (s *simulated) draw(at float64, warm bool) *request {
	length := func(mean, cv float64) float64 {
		sigma := math.Sqrt(math.Log1p(cv * cv))
		return max(1, math.Round(mean*math.Exp(sigma*s.rng.NormFloat64()-sigma*sigma/2)))
	}
	r := &request{arrived: at, warm: warm}
	r.input = length(s.lengths.Input, s.lengths.InputCV)
	r.output = length(s.lengths.Output, s.lengths.OutputCV)
	r.prompt = r.input
	return r
}

// schedule puts an iteration together.
func (s *simulated) schedule() iteration {
	var it iteration
	p := s.profile
	budget := math.Inf(1)
	if p.MaxBatchTokens > 0 {
		budget = float64(p.MaxBatchTokens)
	}
	computed, cached, chunks, pairs, longest := 0.0, 0.0, 0.0, 0.0, 0.0
	for _, r := range s.batch {
		if r.prompt == 0 && r.scheduled < r.output && computed < budget {
			it.tokens = append(it.tokens, r)
			computed, cached = computed+1, cached+r.input+r.scheduled
			longest = max(longest, r.input+r.scheduled)
			r.scheduled++
		}
	}
	for len(s.waiting) > 0 && len(s.batch) < p.MaxBatch {
		s.batch, s.waiting = append(s.batch, s.waiting[0]), s.waiting[1:]
	}
	for _, r := range s.batch {
		chunk := min(r.prompt, budget-computed-chunks)
		if chunk <= 0 {
			continue
		}
		pairs += chunk * (r.input - r.prompt + chunk/2) // tokens of the chunk, times those before each in its prompt
		r.prompt -= chunk
		chunks += chunk
		if r.prompt == 0 {
			r.scheduled++
			it.tokens = append(it.tokens, r)
		}
	}
	it.time = iterationTime(p, computed, cached, chunks, pairs, longest)
	return it
}

// iterationTime is the definition of the model.
func iterationTime(p latency.Profile, computed, cached, chunks, pairs, longest float64) float64 {
	plain := p.Alpha + p.Beta*computed + p.Gamma*cached
	if computed+chunks == 0 {
		return 0
	}
	if chunks == 0 {
		return plain
	}
	c := p.Chunk
	if c == (latency.Chunk{}) {
		c = latency.Chunk{Alpha: p.Alpha, Beta: p.Beta, Gamma: p.Gamma}
	}
	alone, others := c.Longest*longest, c.Gamma*cached
	waited := 0.0 // for the longest, begun at any time while the others are attended to
	if alone > others {
		waited = alone - others/2
	} else if others > 0 {
		waited = alone * alone / (2 * others)
	}
	return max(plain, c.Alpha+c.Beta*(computed+chunks)+c.Gamma*(cached+chunks)+c.Attention*pairs+waited)
}

// end delivers the tokens of an iteration.
func (s *simulated) end(it iteration, now float64) {
	for _, r := range it.tokens {
		switch {
		case r.warm:
		case r.done == 0:
			s.measured.ttft = append(s.measured.ttft, now-r.arrived)
		default:
			s.measured.itl = append(s.measured.itl, now-r.last)
		}
		r.done++
		r.last = now
	}
	s.batch = slices.DeleteFunc(s.batch, func(r *request) bool { return r.done >= r.output })
}
