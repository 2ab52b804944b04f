package latency_test

import (
	"container/heap"
	"math"
	"math/rand/v2"
	"slices"
	"sort"

	"github.com/variant-exporter/variant-exporter/optimizer/latency"
)

// simulation is the server of the model, request by request: Poisson arrivals,
// served in their order in a batch; of each request one prefill and then the
// output tokens one after the other, every step at the speed that the number
// in service gives it at each moment. It shares no code with the model.
type simulation struct {
	profile  latency.Profile
	lengths  latency.Lengths
	rate     float64
	requests int  // of which a tenth only warms the server up
	fixed    bool // all outputs of the mean length instead of geometric ones
	seed     uint64
}

// measured is what requests met, in seconds, sorted.
type measured struct {
	ttft, itl []float64 // the latter of every fourth token of every fourth request
	inService float64   // the mean number
	lost      int
}

// request is a request in a simulation.
type request struct {
	arrived float64
	warm    bool
	tokens  int
	start   float64 // of its first decode step, on the clock of these
	due     float64 // the end of what it does next, on the clock of that
	begun   bool    // has its first token
}

// steps are requests that do the same, the one that is done next first.
type steps []*request

func (s steps) Len() int           { return len(s) }
func (s steps) Less(i, j int) bool { return s[i].due < s[j].due }
func (s steps) Swap(i, j int)      { s[i], s[j] = s[j], s[i] }
func (s *steps) Push(x any)        { *s = append(*s, x.(*request)) }
func (s *steps) Pop() any {
	last := (*s)[len(*s)-1]
	*s = (*s)[:len(*s)-1]
	return last
}

// phase is what all requests in a phase of their service have in common: a
// clock that advances by 1 in the time of a step.
type phase struct {
	extra float64 // time of a step beyond an iteration
	clock float64
	steps steps
}

// remaining is the time until the next step is done.
func (p *phase) remaining(iteration float64) float64 {
	if len(p.steps) == 0 {
		return math.Inf(1)
	}
	return (p.steps[0].due - p.clock) * (iteration + p.extra)
}

func (p *phase) pass(time, iteration float64) { p.clock += time / (iteration + p.extra) }

// simulated is the state of a simulation.
type simulated struct {
	simulation
	rng             *rand.Rand
	now             float64
	waiting         []*request
	prefill, decode phase
	times, clocks   []float64 // when the decode clock showed what
	area, observed  float64
	ended           int
	measured        measured
}

func (c simulation) run() measured {
	p, l := c.profile, c.lengths
	s := &simulated{simulation: c, rng: rand.New(rand.NewPCG(c.seed, 1))}
	s.prefill.extra, s.decode.extra = (p.Beta+p.Gamma)*l.Input, p.Beta+p.Gamma*(l.Input+l.Output/2)
	share := p.Beta*(l.Input+l.Output)/(l.Output+1) + p.Gamma*(l.Input+l.Output/2)
	for left := c.requests; left > 0; {
		arrival := s.now + s.rng.ExpFloat64()/c.rate
		for s.now < arrival {
			n := len(s.prefill.steps) + len(s.decode.steps)
			iteration := p.Alpha + float64(n)*share
			s.step(arrival, iteration)
		}
		left--
		s.arrive(c.requests-left < c.requests/10)
	}
	s.measured.inService = s.area / s.observed
	slices.Sort(s.measured.ttft)
	slices.Sort(s.measured.itl)
	return s.measured
}

// step advances to the end of the next step of a request, but not beyond limit.
func (s *simulated) step(limit, iteration float64) {
	n := len(s.prefill.steps) + len(s.decode.steps)
	prefilled, decoded := s.prefill.remaining(iteration), s.decode.remaining(iteration)
	time := max(0, min(limit-s.now, prefilled, decoded))
	s.prefill.pass(time, iteration)
	s.decode.pass(time, iteration)
	s.area, s.observed = s.area+time*float64(n), s.observed+time
	switch time {
	case prefilled:
		s.now += time
		s.mark()
		s.endPrefill()
	case decoded:
		s.now += time
		s.mark()
		s.endDecode()
	default:
		s.now = limit
		s.mark()
	}
}

// mark remembers what the decode clock shows now. Between marks it runs evenly.
func (s *simulated) mark() {
	s.times, s.clocks = append(s.times, s.now), append(s.clocks, s.decode.clock)
}

func (s *simulated) arrive(warm bool) {
	tokens := int(math.Round(s.lengths.Output))
	if !s.fixed {
		tokens = 1 + int(math.Log(1-s.rng.Float64())/math.Log(1-1/s.lengths.Output))
	}
	r := &request{arrived: s.now, tokens: tokens, warm: warm}
	switch {
	case len(s.prefill.steps)+len(s.decode.steps) < s.profile.MaxBatch:
		s.serve(r)
	case len(s.waiting) < s.profile.MaxQueue:
		s.waiting = append(s.waiting, r)
	default:
		s.measured.lost++
	}
}

func (s *simulated) serve(r *request) {
	r.due = s.prefill.clock + 1
	heap.Push(&s.prefill.steps, r)
}

func (s *simulated) endPrefill() {
	r := heap.Pop(&s.prefill.steps).(*request)
	r.start, r.due = s.decode.clock, s.decode.clock+1
	heap.Push(&s.decode.steps, r)
}

func (s *simulated) endDecode() {
	r := heap.Pop(&s.decode.steps).(*request)
	if !r.begun {
		r.begun = true
		if !r.warm {
			s.measured.ttft = append(s.measured.ttft, s.now-r.arrived)
		}
		if r.tokens > 1 {
			r.due = r.start + float64(r.tokens)
			heap.Push(&s.decode.steps, r)
			return
		}
	}
	if s.ended++; s.ended%4 == 0 && !r.warm {
		s.gaps(r)
	}
	if len(s.waiting) > 0 {
		s.serve(s.waiting[0])
		s.waiting = s.waiting[1:]
	}
}

// gaps measures the times between the tokens of a request that is done.
func (s *simulated) gaps(r *request) {
	at := sort.SearchFloat64s(s.clocks, r.start)
	when := func(clock float64) float64 {
		for at < len(s.clocks)-1 && s.clocks[at] < clock {
			at++
		}
		if at == 0 || s.clocks[at] <= s.clocks[at-1] {
			return s.times[at]
		}
		part := (s.clocks[at] - clock) / (s.clocks[at] - s.clocks[at-1])
		return s.times[at] - part*(s.times[at]-s.times[at-1])
	}
	for k := 1; k < r.tokens; k += 4 {
		before := when(r.start + float64(k))
		s.measured.itl = append(s.measured.itl, when(r.start+float64(k+1))-before)
	}
}
