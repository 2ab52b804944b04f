package forecast

import (
	"math"
	"slices"
)

// Noise describes how to plan for a demand that has a trend and noise: the
// demand, plus what the trend adds until a replica that is ordered now is
// ready, plus a multiple of the deviation from the trend. The multiple is not
// chosen but measured, as a quantile of the errors that the same forecast has
// made: split conformal prediction (Vovk, Gammerman and Shafer 2005; Lei et
// al. 2018) with the deviation as the scale of the errors.
type Noise struct {
	// Window is the number of points that trend and deviation are taken from.
	Window int
	// Lead is the number of points until a replica ordered now is ready.
	Lead int
	// Quantile is the share of forecasts that are to be high enough.
	Quantile float64
}

// minErrors is the least number of forecasts that a multiple is measured by.
const minErrors = 100

// deviationFloor keeps the scale of errors from vanishing while the demand is
// constant, as a share of the demand.
const deviationFloor = 0.02

// Multiple measures the multiple of the deviation on a history of demand at
// equal steps, NaN where nothing is known. Each forecast is held to the most
// demand that came until its lead. It is at least 0; ok is false where the
// history is too short to tell.
func (n Noise) Multiple(history []float64) (multiple float64, ok bool) {
	var errs []float64
	for now := n.Window - 1; now+n.Lead < len(history); now++ {
		ahead, deviation, known := n.Ahead(history[now-n.Window+1 : now+1])
		came := Most(history[now+1 : now+n.Lead+1])
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
// gives the deviation from it. It is not known where more than half of the
// points are missing, or the last.
func (n Noise) Ahead(recent []float64) (ahead, deviation float64, known bool) {
	count := float64(Known(recent))
	if len(recent) == 0 || 2*count < float64(len(recent)) || math.IsNaN(recent[len(recent)-1]) {
		return 0, 0, false
	}
	slope, level := line(recent)
	squares := 0.0
	for i, y := range recent {
		if !math.IsNaN(y) {
			residual := y - level - slope*float64(i)
			squares += residual * residual
		}
	}
	last := recent[len(recent)-1]
	deviation = max(math.Sqrt(squares/max(1, count-2)), deviationFloor*Mean(recent))
	return last + max(0, slope)*float64(n.Lead), deviation, true
}
