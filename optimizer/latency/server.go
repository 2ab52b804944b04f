package latency

// stability is the share of mu(MaxBatch) up to which rates are sized: as in
// the published model, since a queue that is never empty has no steady state
// that its length would not decide.
const stability = 0.999

// Server is a model server under requests of given mean lengths. It does not
// change and may be used by several goroutines.
type Server struct {
	// The time of an iteration is alpha + n share, that of a prefill
	// prefillFixed + n prefillShare, that of a token decodeFixed + n share.
	share, prefillShare       float64
	prefillFixed, decodeFixed float64

	output float64   // tokens
	queue  int       // requests that may wait
	period []float64 // 1/mu(n) at n-1
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
	context := l.Input + l.Output/2
	s := &Server{
		share:       p.Beta*(l.Input+l.Output)/(l.Output+1) + p.Gamma*context,
		decodeFixed: p.Alpha + p.Beta + p.Gamma*context,
		output:      l.Output,
		queue:       p.MaxQueue,
		period:      make([]float64, p.MaxBatch),
	}
	if l.Input > 0 {
		s.prefillFixed = p.Alpha + (p.Beta+p.Gamma)*l.Input
		s.prefillShare = s.share
	}
	for i := range s.period {
		n := float64(i + 1)
		s.period[i] = s.service(n) / n
	}
	return s, nil
}

// Prefill is the time of a prefill with n requests in service, in seconds.
func (s *Server) Prefill(n float64) float64 { return s.prefillFixed + n*s.prefillShare }

// Decode is the time of an output token with n requests in service, in
// seconds.
func (s *Server) Decode(n float64) float64 { return s.decodeFixed + n*s.share }

// MaxRate is mu(MaxBatch), in requests per second.
func (s *Server) MaxRate() float64 { return 1 / s.period[len(s.period)-1] }

// service is the time of a request with n in service.
func (s *Server) service(n float64) float64 { return s.Prefill(n) + s.output*s.Decode(n) }

// first is the time from the start of service to the first token.
func (s *Server) first(n float64) float64 { return s.Prefill(n) + s.Decode(n) }

// batch is the largest number in service.
func (s *Server) batch() int { return len(s.period) }

// Means returns the means at a rate of arrivals, which may lie above
// MaxRate: the queue is then full most of the time. A rate that is not a
// positive number counts as none, and the answer is the limit for rates that
// become ever smaller.
//
// With X the throughput, L the mean number in the server and S that in
// service, the wait is (L-S)/X and the service time S/X. The prefill is taken
// at S, the mean number in service; ITL = (service time - prefill)/o and
// TTFT = wait + prefill + ITL.
func (s *Server) Means(rate float64) Means {
	var o occupancy
	o.solve(s, rate)
	return s.means(&o)
}

func (s *Server) means(o *occupancy) Means {
	wait, service := o.meanWait(s), o.meanService(s)
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
