package latency

import (
	"math"
	"sort"
)

// knots are the numbers in service that means are worked out at; between them
// they are interpolated.
const knots = 17

// load is a server under a rate of arrivals: what requests meet on average.
type load struct {
	server *Server
	rate   float64       // at which requests are let in, at most
	at     [knots]int    // rising
	means  [knots]closed // there
	period []float64
	chain  occupancy
}

func newLoad(s *Server) *load {
	w := &load{server: s, period: make([]float64, s.batch())}
	for i := range w.at {
		part := float64(i) / (knots - 1)
		w.at[i] = min(max(i, int(math.Round(float64(s.batch())*part*part))), s.batch())
	}
	return w
}

// solve finds the state at a rate.
func (w *load) solve(rate float64) {
	if !(rate > 0) {
		rate = 0
	}
	s := w.server
	w.rate = min(rate, s.maxRate)
	for i, n := range w.at {
		if i > 0 && n == w.at[i-1] {
			w.means[i] = w.means[i-1]
			continue
		}
		w.means[i] = s.kinds.means(float64(n), w.rate)
	}
	i := 0
	for n := range w.period {
		for i < knots-2 && w.at[i+1] < n+1 {
			i++
		}
		a, b := &w.means[i], &w.means[i+1]
		part := float64(n+1-w.at[i]) / float64(max(1, w.at[i+1]-w.at[i]))
		first := (1-part)*a.first + part*b.first
		step := (1-part)*a.step + part*b.step
		w.period[n] = (first + (s.output-1)*step) / float64(n+1)
	}
	w.chain.solve(w.period, s.queue, rate)
}

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
func decodingOf(c *closed) float64 { return c.decoding }

// decoding are those of n in service that decode while a token is made.
func (w *load) decoding(n float64) float64 { return max(1, w.between(n, decodingOf)) }

func (w *load) result() Means {
	o, s := &w.chain, w.server
	wait, service := o.meanWait(), o.meanService()
	throughput := o.throughput()
	itl := o.mean(func(n int) float64 { return w.between(float64(n), stepOf) })
	first := o.mean(func(n int) float64 { return w.between(float64(n), firstOf) })
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
