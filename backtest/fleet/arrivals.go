package fleet

import (
	"math"
	"math/rand/v2"
	"time"
)

// slot is how long an arrival rate is held before the load is asked again, in seconds.
const slot = 0.1

// arrivals is a Poisson process whose rate follows a load. It draws a unit exponential variate per request and lets the
// integral of the rate use it up, which is exact for a rate that is constant within a slot and needs no bound on it.
type arrivals struct {
	load   Load
	tokens Tokens
	rng    *rand.Rand

	at   float64 // how far the integral has got, in seconds
	slot int     // the slot that at lies in
	rate float64 // in that slot
	need float64 // what is left of the variate
}

func newArrivals(load Load, tokens Tokens, rng *rand.Rand) *arrivals {
	a := &arrivals{load: load, tokens: tokens, rng: rng, need: rng.ExpFloat64()}
	a.enter(0)
	return a
}

// next is the time of the next request, or +Inf if it comes after limit. It looks ahead and changes nothing that can be seen:
// how far it is asked to look has no influence on what comes.
func (a *arrivals) next(limit float64) float64 {
	for a.at <= limit {
		end := float64(a.slot+1) * slot
		if a.rate > 0 && a.rate*(end-a.at) >= a.need {
			return a.at + a.need/a.rate
		}
		a.need -= a.rate * (end - a.at)
		a.at = end
		a.enter(a.slot + 1)
	}
	return math.Inf(1)
}

// take returns the lengths of the request that arrives at the time that next has told, and turns to the one after it.
func (a *arrivals) take(at float64) (l Lengths, cut bool) {
	a.at, a.need = at, a.rng.ExpFloat64()
	in, _ := a.length(a.tokens.Mean.Input)
	out, cut := a.length(a.tokens.Mean.Output)
	return Lengths{Input: in, Output: out}, cut
}

// enter turns to a slot and asks the load for its rate.
func (a *arrivals) enter(number int) {
	a.slot = number
	a.rate = a.load(time.Duration(float64(number) * slot * float64(time.Second)))
	if !(a.rate > 0) || math.IsInf(a.rate, 1) { // NaN is not greater than 0 either
		a.rate = 0
	}
}

// length draws a number of tokens around a mean, and says whether it had to be cut.
func (a *arrivals) length(mean int) (tokens int, cut bool) {
	if a.tokens.Variation == 0 {
		return mean, false
	}
	variance := math.Log1p(a.tokens.Variation * a.tokens.Variation)
	drawn := float64(mean) * math.Exp(math.Sqrt(variance)*a.rng.NormFloat64()-variance/2)
	if longest := MaxLengthRatio * mean; drawn > float64(longest) {
		return longest, true
	}
	return max(1, int(math.Round(drawn))), false
}
