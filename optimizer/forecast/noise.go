// Package forecast measures trend and noise of a demand over time. It takes
// values at equal steps and returns what to plan for. It is pure and needs
// nothing but the standard library.
package forecast

import (
	"math"
	"slices"
)

// Noise describes how to plan for a demand that has a trend and noise: the
// demand, plus what the trend adds until a replica that is ordered now is
// ready, plus a multiple of the deviation from the trend. The multiple is
// measured, not chosen: it is a quantile of the past errors of the same
// forecast (split conformal prediction: Vovk, Gammerman and Shafer 2005; Lei et
// al. 2018), with the deviation as the scale of the errors.
type Noise struct {
	// Window is the number of points that trend and deviation are taken from.
	Window int
	// Lead is the number of points until a replica ordered now is ready.
	Lead int
	// Quantile is the share of forecasts that must be high enough.
	Quantile float64
}

// minErrors is the least number of forecasts that a multiple is measured by.
const minErrors = 100

// deviationFloor keeps the scale of errors from vanishing while the demand is
// constant, as a share of the demand.
const deviationFloor = 0.02

// Multiple measures the multiple of the deviation over a history of demand at
// equal steps; NaN is unknown. Each forecast is compared with the most demand
// until its lead. The multiple is at least 0; ok is false if the history is too
// short.
func (n Noise) Multiple(history []float64) (multiple float64, ok bool) {
	var errs []float64
	for now := n.Window - 1; now+n.Lead < len(history); now++ {
		ahead, deviation, known := n.Ahead(history[now-n.Window+1 : now+1])
		came := most(history[now+1 : now+n.Lead+1])
		if known && !math.IsNaN(came) && deviation > 0 {
			errs = append(errs, (came-ahead)/deviation)
		}
	}
	if len(errs) < minErrors {
		return 0, false
	}
	slices.Sort(errs)
	rank := int(math.Ceil(n.Quantile*float64(len(errs)+1))) - 1
	return max(0, errs[min(max(rank, 0), len(errs)-1)]), true
}

// Ahead continues the trend of the last points to the lead, if it rises, and
// returns the deviation from it. known is false if more than half of the points
// are missing, or the last one.
func (n Noise) Ahead(recent []float64) (ahead, deviation float64, known bool) {
	var count, sumX, sumY, sumXX, sumXY float64
	for i, y := range recent {
		if !math.IsNaN(y) {
			x := float64(i)
			count, sumX, sumY, sumXX, sumXY = count+1, sumX+x, sumY+y, sumXX+x*x, sumXY+x*y
		}
	}
	if len(recent) == 0 || 2*count < float64(len(recent)) || math.IsNaN(recent[len(recent)-1]) {
		return 0, 0, false
	}
	slope, spread := 0.0, count*sumXX-sumX*sumX
	if spread > 0 {
		slope = (count*sumXY - sumX*sumY) / spread
	}
	level := (sumY - slope*sumX) / count
	squares := 0.0
	for i, y := range recent {
		if !math.IsNaN(y) {
			residual := y - level - slope*float64(i)
			squares += residual * residual
		}
	}
	last := recent[len(recent)-1]
	deviation = max(math.Sqrt(squares/max(1, count-2)), deviationFloor*sumY/count)
	return last + max(0, slope)*float64(n.Lead), deviation, true
}

// most is the largest of some values, NaN if none is known.
func most(values []float64) float64 {
	largest := math.NaN()
	for _, v := range values {
		if !math.IsNaN(v) && !(v <= largest) {
			largest = v
		}
	}
	return largest
}
