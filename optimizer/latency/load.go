package latency

import (
	"math"
	"sort"
)

// knots are the numbers in service that means are worked out at; between them
// they are interpolated.
const knots = 17

// load is a server under a rate of arrivals: what requests meet on average.
//
// With n in service, its iterations are those of a server that always has n.
// Prompts in them are of requests that came a moment ago, and in a birth-death
// chain, which is the same backwards in time, those came at the rate mu(n) at
// which requests are done.
type load struct {
	server *Server
	at     [knots]int    // rising
	means  [knots]closed // there
	period []float64     // per departure, at n-1
	first  []float64     // time to the first token, at n-1
	itl    []float64     // time between tokens, at n-1
	chain  occupancy
}

func newLoad(s *Server) *load {
	n := s.batch()
	numbers := make([]float64, 3*n)
	w := &load{server: s, period: numbers[:n], first: numbers[n : 2*n], itl: numbers[2*n:]}
	for i := range w.at {
		part := float64(i) / (knots - 1)
		w.at[i] = min(max(i, int(math.Round(float64(s.batch())*part*part))), s.batch())
		if i == 1 {
			w.at[i] = 1
		}
		if i > 0 {
			w.means[i] = s.kinds.closed(float64(w.at[i]))
		}
	}
	w.means[0] = s.kinds.closed(least)
	w.rise()
	for n := range w.period {
		x := float64(n + 1)
		w.first[n], w.itl[n] = w.between(x, firstOf), w.between(x, itlOf)
		w.period[n] = (w.first[n] + (s.output-1)*w.between(x, stepOf)) / x
	}
	return w
}

// rise sets the times between tokens. With few in service and prompts far longer
// than outputs, the share of those that decode can fall as another comes, and
// iterations become shorter; a search needs a time that does not fall.
func (w *load) rise() {
	slowest := 0.0
	for i := range w.means {
		slowest = max(slowest, w.means[i].step)
		w.means[i].itl = slowest
	}
}

// least stands for so few in service that no request meets another.
const least = 1e-3

// solve finds the state at a rate.
func (w *load) solve(rate float64) { w.chain.solve(w.period, w.server.queue, rate) }

// between interpolates a mean at a number in service.
func (w *load) between(n float64, of func(c *closed) float64) float64 {
	i := max(0, min(sort.SearchInts(w.at[:], int(math.Ceil(n)))-1, knots-2))
	if w.at[i+1] == w.at[i] {
		return of(&w.means[i])
	}
	part := (n - float64(w.at[i])) / float64(w.at[i+1]-w.at[i])
	return (1-part)*of(&w.means[i]) + part*of(&w.means[i+1])
}

func firstOf(c *closed) float64    { return c.first }
func stepOf(c *closed) float64     { return c.step }
func itlOf(c *closed) float64      { return c.itl }
func rateOf(c *closed) float64     { return c.rate }
func decodingOf(c *closed) float64 { return c.decoding }

// decoding are those of n in service that decode while a token is made.
func (w *load) decoding(n float64) float64 { return max(1, w.between(n, decodingOf)) }

func (w *load) result() Means {
	o, s := &w.chain, w.server
	wait, service := o.meanWait(), o.meanService()
	throughput := o.throughput()
	itl, first := o.meanAt(w.itl), o.meanAt(w.first)
	return Means{
		Rate:       o.rate,
		Throughput: throughput,
		Wait:       wait,
		Prefill:    max(0, first-itl),
		TTFT:       wait + first,
		ITL:        itl,
		Response:   wait + service,
		InService:  min(throughput*service, float64(s.batch())),
		MaxRate:    s.MaxRate(),
	}
}
