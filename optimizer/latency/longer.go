package latency

import "math"

// longer is the weight of the arrivals that wait longer than the time in which
// a full batch has m departures on average: those that find j waiting while it
// has j or fewer, a Poisson number. Far below its mean none do and far above
// all do: only the states between cost work.
func (o *occupancy) longer(m float64) float64 {
	if m <= 0 || o.queue == 0 {
		return o.queued
	}
	const deviations = 9 // leave out less than 1e-17
	spread := deviations * (math.Sqrt(m) + deviations)
	low := int(min(max(0, m-spread), float64(o.queue)))
	high := int(min(m+spread, float64(o.queue-1)))
	if low > high {
		return 0
	}
	gamma, _ := math.Lgamma(float64(low) + 1)
	poisson := math.Exp(float64(low)*math.Log(m) - m - gamma)
	// Weights are relative to the heaviest state, so that they cannot overflow:
	// the first one where they fall, the last one where they rise.
	heaviest, fall, rise := low, o.ratio, 1.0
	if o.ratio > 1 {
		heaviest, fall, rise = high, 1, 1/o.ratio
	}
	weight, atMost, sum := 1.0, 0.0, 0.0
	for j := low; j <= high; j++ {
		atMost += poisson
		sum = sum*rise + weight*atMost
		weight *= fall
		poisson *= m / float64(j+1)
	}
	return o.place(heaviest)*sum + o.tail(high+1)
}
