package scenario

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/variant-exporter/variant-exporter/backtest/trace"
)

// Slot is the time in which arrivals are counted, and over which burstiness is meant.
const Slot = 5 * time.Second

// Arrivals are the requests of one stream, slot by slot. They are the same for every policy.
type Arrivals struct {
	Model    string
	Patience time.Duration // 0: without end
	Rates    []float64     // requests per second, as intended
	Burst    []float64     // variance / mean per slot, as intended
	Counts   []int
	Input    []float64 // mean tokens
	Output   []float64
	InputCV  float64
	OutputCV float64

	// Requests are the recorded requests of each slot; nil where the load is not made of single requests.
	Requests [][]Request
}

// Request is one request.
type Request struct {
	At            time.Duration // from the start of the simulation
	Input, Output int
	Patience      time.Duration
}

// afterGap is how long after a gap of a recording its load is no measure: it is back at once, as no load ever is.
const afterGap = 30 * time.Minute

// Unrecorded are the times, from the start of the simulation, at which the load of a model is not what it was: gaps of its recordings, and
// half an hour after each.
func (s *Scenario) Unrecorded(model string) []trace.Gap {
	var all []trace.Gap
	for i := range s.Load {
		t := s.Traces[s.Load[i].Trace]
		if s.Load[i].Model != model || t == nil {
			continue
		}
		for _, g := range t.Gaps {
			g.To += afterGap
			if g.From < s.Length() && g.To > asTime(s.Warmup) {
				all = append(all, g)
			}
		}
	}
	return all
}

// Arrive draws the requests of all streams. Equal seeds give equal requests.
func (s *Scenario) Arrive(seed uint64) []Arrivals {
	slots := int((s.Length() + Slot - 1) / Slot)
	all := make([]Arrivals, len(s.Load))
	for i := range s.Load {
		l := &s.Load[i]
		rng := rand.New(rand.NewPCG(seed, uint64(i)+1))
		a := &all[i]
		*a = Arrivals{Model: l.Model, Patience: asTime(l.Patience), InputCV: l.InputTokens.CV, OutputCV: l.OutputTokens.CV}
		if t := s.Traces[l.Trace]; t != nil && len(t.Requests) > 0 {
			a.replay(l, s, slots, rng)
			continue
		}
		a.draw(l, s, slots, rng)
	}
	return all
}

func (a *Arrivals) grow(slots int) {
	a.Rates, a.Burst, a.Counts = make([]float64, slots), make([]float64, slots), make([]int, slots)
	a.Input, a.Output = make([]float64, slots), make([]float64, slots)
}

// draw draws the number of requests in each slot.
func (a *Arrivals) draw(l *Stream, s *Scenario, slots int, rng *rand.Rand) {
	a.grow(slots)
	t := s.Traces[l.Trace]
	for i := range slots {
		middle := time.Duration(i)*Slot + Slot/2
		var m moment
		if t != nil {
			m = l.recorded(t, middle)
		} else {
			m = l.at(middle - asTime(s.Warmup))
		}
		a.Rates[i], a.Burst[i], a.Input[i], a.Output[i] = m.rate, m.burstiness, max(1, m.input), max(1, m.output)
		a.Counts[i] = overdispersed(rng, m.rate*Slot.Seconds(), m.burstiness)
	}
}

// replay takes recorded requests. A scale that is not whole repeats, or leaves out, some of them at random.
func (a *Arrivals) replay(l *Stream, s *Scenario, slots int, rng *rand.Rand) {
	a.grow(slots)
	a.Requests = make([][]Request, slots)
	for _, r := range s.Traces[l.Trace].Requests {
		slot := int(r.At / Slot)
		if slot >= slots {
			break
		}
		copies := int(*l.Scale)
		if rng.Float64() < *l.Scale-float64(copies) {
			copies++
		}
		for range copies {
			q := Request{At: r.At, Input: max(1, r.Input), Output: max(1, r.Output), Patience: a.Patience}
			if l.InputTokens.Mean > 0 {
				q.Input = Length(rng, l.InputTokens.Mean, l.InputTokens.CV)
			}
			if l.OutputTokens.Mean > 0 {
				q.Output = Length(rng, l.OutputTokens.Mean, l.OutputTokens.CV)
			}
			a.Requests[slot] = append(a.Requests[slot], q)
		}
	}
	for i, requests := range a.Requests {
		a.Counts[i], a.Burst[i] = len(requests), 1
		for _, q := range requests {
			a.Input[i] += float64(q.Input) / float64(len(requests))
			a.Output[i] += float64(q.Output) / float64(len(requests))
		}
	}
	a.smooth()
}

// smooth takes the mean over a minute for the rate that recorded requests were meant to have.
func (a *Arrivals) smooth() {
	const half = 6 // slots
	for i := range a.Counts {
		from, to := max(0, i-half), min(len(a.Counts), i+half)
		sum := 0
		for _, n := range a.Counts[from:to] {
			sum += n
		}
		a.Rates[i] = float64(sum) / (float64(to-from) * Slot.Seconds())
	}
}

// Spread makes single requests of a slot: the recorded ones, or ones at random times in it.
func (a *Arrivals) Spread(slot int, rng *rand.Rand) []Request {
	if a.Requests != nil {
		return a.Requests[slot]
	}
	requests := make([]Request, a.Counts[slot])
	for i := range requests {
		at := (float64(slot) + rng.Float64()) * float64(Slot)
		requests[i] = Request{
			At:    time.Duration(at),
			Input: Length(rng, a.Input[slot], a.InputCV), Output: Length(rng, a.Output[slot], a.OutputCV),
			Patience: a.Patience,
		}
	}
	slices.SortFunc(requests, func(x, y Request) int { return int(x.At - y.At) })
	return requests
}

// Length draws a log-normal number of tokens.
func Length(rng *rand.Rand, mean, cv float64) int {
	if cv == 0 {
		return max(1, int(math.Round(mean)))
	}
	variance := math.Log1p(cv * cv)
	return max(1, int(math.Round(mean*math.Exp(math.Sqrt(variance)*rng.NormFloat64()-variance/2))))
}

// overdispersed draws a number of a mean, whose variance is a multiple of it: a Poisson number around a gamma-distributed mean.
func overdispersed(rng *rand.Rand, mean, ratio float64) int {
	if mean <= 0 {
		return 0
	}
	if ratio > 1.0001 {
		mean = gamma(rng, mean/(ratio-1)) * (ratio - 1)
	}
	return poisson(rng, mean)
}

// gamma draws from a gamma distribution of scale 1, by Marsaglia and Tsang's method.
func gamma(rng *rand.Rand, shape float64) float64 {
	if shape < 1 {
		return gamma(rng, shape+1) * math.Pow(rng.Float64(), 1/shape)
	}
	d := shape - 1.0/3
	c := 1 / math.Sqrt(9*d)
	for {
		x := rng.NormFloat64()
		v := 1 + c*x
		if v <= 0 {
			continue
		}
		v = v * v * v
		if math.Log(1-rng.Float64()) < x*x/2+d-d*v+d*math.Log(v) {
			return d * v
		}
	}
}

// poisson draws a number of a mean: of large means in parts, since the product below must not vanish.
func poisson(rng *rand.Rand, mean float64) int {
	const part = 500
	n := 0
	for ; mean > part; mean -= part {
		n += poisson(rng, part)
	}
	limit := math.Exp(-mean)
	for product := rng.Float64(); product > limit; product *= rng.Float64() {
		n++
	}
	return n
}
