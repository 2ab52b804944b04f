package latency

import "math"

// stability is the share of the largest rate up to which rates are sized: as in
// the published model, since a queue that is never empty has no steady state
// that its length would not decide.
const stability = 0.999

// Server is a model server under requests of given lengths. It does not change
// and may be used by several goroutines.
type Server struct {
	// The time of an iteration is alpha + n share, that of a prefill
	// prefillFixed + n prefillShare, that of a token decodeFixed + n share.
	// This is the published model, of means alone.
	share, prefillShare       float64
	prefillFixed, decodeFixed float64

	output float64   // tokens
	queue  int       // requests that may wait
	period []float64 // 1/mu(n) at n-1 of the published model

	kinds   kinds
	maxRate float64
	// published says that the means are those of the published model: there is
	// nothing that it does not know.
	published bool
}

// NewServer checks a profile and lengths and builds the server that they
// describe. Its errors are *FieldError with paths as in the JSON of a Sizing.
func NewServer(p Profile, l Lengths) (*Server, error) {
	if err := p.validate(); err != nil {
		return nil, err
	}
	if err := l.Validate(); err != nil {
		return nil, err
	}
	p, err := p.fitting(l)
	if err != nil {
		return nil, err
	}
	context := l.context()
	s := &Server{
		share:       p.Beta*(l.Input+l.Output)/(l.Output+1) + p.Gamma*context,
		decodeFixed: p.Alpha + p.Beta + p.Gamma*context,
		output:      l.Output,
		queue:       p.MaxQueue,
		period:      make([]float64, p.MaxBatch),
		kinds:       newKinds(&p, l),
		published:   p.MaxBatchTokens == 0 && p.Chunk == Chunk{} && l.InputCV == 0 && l.OutputCV == 0,
	}
	if l.Input > 0 {
		s.prefillFixed = p.Alpha + (p.Beta+p.Gamma)*l.Input
		s.prefillShare = s.share
	}
	for i := range s.period {
		n := float64(i + 1)
		s.period[i] = s.service(n) / n
	}
	s.maxRate = 1 / s.period[p.MaxBatch-1]
	if !s.published {
		s.maxRate = s.kinds.closed(float64(p.MaxBatch)).rate
	}
	return s, nil
}

// Prefill is the mean time of a prefill with n requests in service, in seconds.
func (s *Server) Prefill(n float64) float64 {
	if s.published {
		return s.prefillFixed + n*s.prefillShare
	}
	c := s.kinds.closed(n)
	return c.first - c.step
}

// Decode is the mean time of an output token with n requests in service, in
// seconds.
func (s *Server) Decode(n float64) float64 {
	if s.published {
		return s.decodeFixed + n*s.share
	}
	return s.kinds.closed(n).step
}

// MaxRate is the rate of completions while the batch is always full, in
// requests per second: mu(MaxBatch) in the published model.
func (s *Server) MaxRate() float64 { return s.maxRate }

// RateOf is the rate of completions with n requests in service all the time.
func (s *Server) RateOf(n float64) float64 {
	if n = min(n, float64(s.batch())); s.published {
		return n / s.service(n)
	}
	return s.kinds.closed(n).rate
}

// service is the published time of a request with n in service.
func (s *Server) service(n float64) float64 {
	return s.prefillFixed + n*s.prefillShare + s.output*(s.decodeFixed+n*s.share)
}

// batch is the largest number in service.
func (s *Server) batch() int { return len(s.period) }

// Means returns the means at a rate of arrivals, which may lie above
// MaxRate: the queue is then full most of the time. A rate that is not a
// positive number counts as none, and the answer is the limit for rates that
// become ever smaller.
//
// With lengths that do not vary, no token budget and no coefficients for
// chunks they are those of the published model. With X the throughput, L the
// mean number in the server and S that in service, the wait is (L-S)/X and the
// service time S/X. The prefill is taken at S, the mean number in service;
// ITL = (service time - prefill)/o and TTFT = wait + prefill + ITL.
//
// Otherwise they are means over the iterations of both kinds.
func (s *Server) Means(rate float64) Means { return s.meansOf()(rate) }

// meansOf returns Means, ready to be asked for several rates.
func (s *Server) meansOf() func(rate float64) Means {
	if s.published {
		var o occupancy
		return func(rate float64) Means {
			o.solve(s.period, s.queue, rate)
			return s.publishedMeans(&o)
		}
	}
	w := newLoad(s)
	return func(rate float64) Means {
		w.solve(rate)
		return w.result()
	}
}

func (s *Server) publishedMeans(o *occupancy) Means {
	wait, service := o.meanWait(), o.meanService()
	throughput := o.throughput()
	inService := min(throughput*service, float64(s.batch()))
	prefill := min(s.Prefill(inService), service)
	itl := (service - prefill) / s.output
	return Means{
		Rate:       o.rate,
		Throughput: throughput,
		Wait:       wait,
		Prefill:    prefill,
		TTFT:       wait + prefill + itl,
		ITL:        itl,
		Response:   wait + service,
		InService:  inService,
		MaxRate:    s.MaxRate(),
	}
}

// TTFTQuantile returns the time to the first token, in seconds, that a share q
// of the requests served do not exceed at a rate of arrivals; 0 < q < 1.
//
// A request waits for the running iteration and for the one that is scheduled
// behind it, and then for the iterations that the prompts before it and its own
// take in the token budget. One that finds the batch full first waits for
// departures, an Erlang time.
func (s *Server) TTFTQuantile(rate, q float64) float64 {
	w := newSpread(s)
	w.solve(rate)
	return w.ttftQuantile(q)
}

// ITLQuantile returns the time between output tokens, in seconds, that a share
// q of the tokens do not exceed at a rate of arrivals; 0 < q < 1.
//
// Each token is made by an iteration, and an iteration that makes many counts
// as often as it makes tokens.
func (s *Server) ITLQuantile(rate, q float64) float64 {
	w := newSpread(s)
	w.solve(rate)
	return w.itlQuantile(q)
}

// Halvings of a search.
const (
	roughly = 24 // to seven digits
	exactly = 42 // to twelve
)

// atLeast is the smallest x, to so many halvings, from which on a falling
// function is not above a bound.
func atLeast(bound float64, of func(x float64) float64, halvings int) float64 {
	low, high := 0.0, 1e-3
	for of(high) > bound && high < math.MaxFloat64/4 {
		low, high = high, 2*high
	}
	for range halvings {
		middle := low + (high-low)/2
		if of(middle) > bound {
			low = middle
		} else {
			high = middle
		}
	}
	return high
}
