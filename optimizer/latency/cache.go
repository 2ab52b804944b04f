package latency

import "math"

// CapacityCache remembers capacities: a scrape does not size a replica again
// because the seventh digit of a mean length changed. The zero value is ready
// to use. Answers do not depend on what it holds. It must not be used
// concurrently.
//
// Questions are rounded to steps, towards the smaller capacity: coefficients
// of the profile up, by less than 0.2 %, and input tokens up, by less than
// 0.8 %. Capacity may rise or fall with the output tokens. It is computed at
// the two steps next to them, less than 0.8 % apart, and the smaller one
// counts. The SLO is not rounded. The capacity is thus at most that of
// Server.Capacity: about 1 % less on average, and more than that only if one
// request more or less in a small batch decides it. Quantiles come from bins;
// with one in the SLO, the capacity or the quantile may be 0.3 % higher.
type CapacityCache struct {
	answers generations[capacityKey, Capacity]
}

// capacityKey is a question, rounded; Lengths has the output tokens rounded up.
type capacityKey struct {
	profile Profile
	lengths Lengths
	fewer   float64 // output tokens rounded down
	slo     SLO
}

// Steps per doubling.
const (
	profileSteps = 1 << 9
	lengthSteps  = 1 << 7
)

// Capacity is Server.Capacity of the rounded question.
func (c *CapacityCache) Capacity(p Profile, l Lengths, slo SLO) (Capacity, error) {
	if err := p.validate(); err != nil {
		return Capacity{}, err
	}
	if err := l.Validate(); err != nil {
		return Capacity{}, err
	}
	key := capacityKey{profile: p, lengths: l, fewer: roundDown(l.Output, lengthSteps), slo: slo}
	key.profile.Alpha = min(roundUp(p.Alpha, profileSteps), MaxTime)
	key.profile.Beta = min(roundUp(p.Beta, profileSteps), MaxTime)
	key.profile.Gamma = min(roundUp(p.Gamma, profileSteps), MaxTime)
	key.lengths = l.rounded()
	key.profile.Chunk.Alpha = min(roundUp(p.Chunk.Alpha, profileSteps), MaxTime)
	key.profile.Chunk.Beta = min(roundUp(p.Chunk.Beta, profileSteps), MaxTime)
	key.profile.Chunk.Gamma = min(roundUp(p.Chunk.Gamma, profileSteps), MaxTime)
	key.profile.Chunk.Attention = min(roundUp(p.Chunk.Attention, profileSteps), MaxTime)
	key.profile.Chunk.Longest = min(roundUp(p.Chunk.Longest, profileSteps), MaxTime)

	return c.answers.get(key, key.capacity)
}

// rounded are lengths rounded up to steps.
func (l Lengths) rounded() Lengths {
	return Lengths{
		Input: min(roundUp(l.Input, lengthSteps), MaxTokens), Output: min(roundUp(l.Output, lengthSteps), MaxTokens),
		InputCV: min(roundUp(l.InputCV, lengthSteps), MaxCV), OutputCV: min(roundUp(l.OutputCV, lengthSteps), MaxCV),
	}
}

// capacity is the smaller one of the capacities on both sides.
func (k *capacityKey) capacity() (Capacity, error) {
	smallest := Capacity{Rate: math.Inf(1)}
	for _, output := range []float64{k.fewer, k.lengths.Output} {
		lengths := k.lengths
		lengths.Output = output
		if output == 1 {
			lengths.OutputCV = 0
		}
		server, err := NewServer(k.profile, lengths)
		if err != nil {
			return Capacity{}, err
		}
		capacity, err := server.Capacity(k.slo)
		if err != nil {
			return Capacity{}, err
		}
		if capacity.Rate < smallest.Rate {
			smallest = capacity
		}
		if k.fewer == k.lengths.Output {
			break
		}
	}
	return smallest, nil
}

// roundUp rounds a number that is not negative up to the next of the steps in
// its doubling.
func roundUp(x, steps float64) float64 {
	fraction, exponent := math.Frexp(x) // 0.5 <= fraction < 1
	return math.Ldexp(math.Ceil(fraction*2*steps)/(2*steps), exponent)
}

// roundDown rounds down in the same way.
func roundDown(x, steps float64) float64 {
	fraction, exponent := math.Frexp(x)
	return math.Ldexp(math.Floor(fraction*2*steps)/(2*steps), exponent)
}
