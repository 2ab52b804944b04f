package calibration

import (
	"fmt"
	"math"
	"slices"

	"github.com/variant-exporter/variant-exporter/optimizer/latency"
)

const (
	// maxCondition is the condition number up to which coefficients are taken
	// to be told apart: beyond 30, by Belsley, Kuh and Welsch (Regression
	// Diagnostics, 1980), what one of them is hangs on the noise in the others.
	maxCondition = 30
	// maxGroups bounds the groups of the jackknife.
	maxGroups = 25
)

// covariance is that of the coefficients.
type covariance [3]coefficients

// times is the covariance's product with a direction.
func (v *covariance) times(x coefficients) coefficients {
	return coefficients{v[0].dot(x), v[1].dot(x), v[2].dot(x)}
}

// along is the variance of the coefficients' product with x.
func (v *covariance) along(x coefficients) float64 { return max(0, x.dot(v.times(x))) }

// identify finds out which coefficients the observations tell apart.
func (c *Fitted) identify() (columns, error) {
	var e normalEquations
	for i := range c.rows {
		r := &c.rows[i]
		e.add(r.columns, r.seen, 1/(r.seen*r.seen))
	}
	all := columns{true, true, true}
	c.Condition = e.condition(all)
	c.Separable = c.Condition <= maxCondition
	if c.Separable {
		return all, nil
	}
	two := columns{alpha: true, beta: true}
	if condition := e.condition(two); condition > maxCondition {
		return two, &InsufficientError{Reason: fmt.Sprintf("load and lengths hardly vary (%.4g to %.4g requests in service, condition number %.3g): "+
			"the fixed time of an iteration cannot be told from the time per request", c.Concurrency.Min, c.Concurrency.Max, condition), Few: true}
	}
	return two, nil
}

// estimate sets the coefficients and their intervals.
func (c *Fitted) estimate(model columns, theta coefficients, count int) {
	groups := min(count, maxGroups)
	left := make([]coefficients, groups)
	var mean coefficients
	for g := range left {
		rows := slices.DeleteFunc(slices.Clone(c.rows), func(r equation) bool { return r.observation*groups/count == g })
		left[g] = fitRobust(rows, model, false).theta
		for j := range mean {
			mean[j] += left[g][j] / float64(groups)
		}
	}
	for _, t := range left {
		for j := range t {
			for k := range t {
				c.spread[j][k] += (t[j] - mean[j]) * (t[k] - mean[k]) * float64(groups-1) / float64(groups)
			}
		}
	}
	c.quantile = studentQuantile(groups - 1)
	free := fitRobust(c.rows, model, false).theta // an interval is around what may be negative, then cut
	interval := func(j int, least float64) Estimate {
		half := c.quantile * math.Sqrt(c.spread[j][j])
		return Estimate{
			Value: theta[j],
			Low:   max(least, min(theta[j], free[j]-half)),
			High:  max(theta[j], free[j]+half),
		}
	}
	c.Alpha, c.Beta, c.Gamma = interval(alpha, latency.MinTime), interval(beta, 0), interval(gamma, 0)
	if !c.Separable {
		c.spanSplits()
	}
}

// split is the profile that says of output tokens of the median lengths what
// the fitted one says, but with all that requests add due to gamma.
func (c *Fitted) split() coefficients {
	x := iterationColumns(1, c.Lengths())
	return coefficients{c.Alpha.Value + c.Beta.Value*(1-x[beta]), 0, c.Beta.Value * x[beta] / x[gamma]}
}

// spanSplits widens the intervals over all splits between beta and gamma.
func (c *Fitted) spanSplits() {
	x := iterationColumns(1, c.Lengths())
	c.Alpha.Low = max(latency.MinTime, min(c.Alpha.Low, c.Alpha.Low+c.Beta.Value*(1-x[beta])))
	c.Alpha.High = max(c.Alpha.High, c.Alpha.High+c.Beta.Value*(1-x[beta]))
	c.Beta.Low = 0
	c.Gamma.High = c.Beta.High * x[beta] / x[gamma]
}

// studentQuantile is the quantile of Student's t that half an interval of the
// Confidence has, by the expansion of Cornish and Fisher: off by less than one
// per cent from 3 degrees of freedom on.
func studentQuantile(freedom int) float64 {
	const z = 1.959963984540054 // of the normal distribution
	const z2 = z * z
	n := float64(freedom)
	return z * (1 +
		(z2+1)/(4*n) +
		((5*z2+16)*z2+3)/(96*n*n) +
		(((3*z2+19)*z2+17)*z2-15)/(384*n*n*n) +
		((((79*z2+776)*z2+1482)*z2-1920)*z2-945)/(92160*n*n*n*n))
}
