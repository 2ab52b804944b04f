package fleet

import (
	"math"
	"math/rand/v2"
	"time"
)

// Load is the mean rate at which a model's requests arrive, in requests per second, as a function of the time since the fleet
// was started. It must depend on nothing else. What is not a positive number counts as no load.
type Load func(elapsed time.Duration) float64

// Constant is the same rate at all times.
func Constant(rate float64) Load {
	return func(time.Duration) float64 { return rate }
}

// Sine swings around mean by the fraction swing of it once per period, and starts in its trough.
func Sine(mean, swing float64, period time.Duration) Load {
	return func(elapsed time.Duration) float64 {
		return mean * (1 - swing*math.Cos(2*math.Pi*elapsed.Seconds()/period.Seconds()))
	}
}

// Steps goes through the rates, each for the same time, and stays at the last one.
func Steps(each time.Duration, rates ...float64) Load {
	return func(elapsed time.Duration) float64 {
		if len(rates) == 0 {
			return 0
		}
		return rates[min(int(elapsed/each), len(rates)-1)]
	}
}

// Noisy varies a load by up to the fraction amplitude of it, smoothly from one random level to the next in every interval.
// Equal seeds give equal noise, whatever the order in which times are asked for.
func Noisy(load Load, amplitude float64, every time.Duration, seed uint64) Load {
	level := func(knot float64) float64 {
		return 2*rand.New(rand.NewPCG(seed, uint64(int64(knot)))).Float64() - 1
	}
	return func(elapsed time.Duration) float64 {
		x := elapsed.Seconds() / every.Seconds()
		knot := math.Floor(x)
		weight := (1 - math.Cos(math.Pi*(x-knot))) / 2
		noise := (1-weight)*level(knot) + weight*level(knot+1)
		return load(elapsed) * (1 + amplitude*noise)
	}
}
