package calibrate

import (
	"math"

	"github.com/variant-exporter/variant-exporter/optimizer/latency"
)

// leastVariation is the coefficient of variation below which lengths are alike.
const leastVariation = 0.05

// relative is a standard deviation as a share of the mean. Where it is small lengths count as alike.
func relative(deviation, mean float64) float64 {
	if !(mean > 1 && deviation > leastVariation*mean) {
		return 0
	}
	return min(deviation/mean, latency.MaxCV)
}

// variation is the coefficient of variation of lengths.
func variation(lengths []float64) float64 {
	var sum, squares float64
	for _, l := range lengths {
		sum += l
		squares += l * l
	}
	n := float64(len(lengths))
	if n == 0 {
		return 0
	}
	mean := sum / n
	return relative(math.Sqrt(max(0, squares/n-mean*mean)), mean)
}
