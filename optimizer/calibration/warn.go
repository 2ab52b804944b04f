package calibration

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// What a calibration must reach not to be warned of.
const (
	trustedObservations = 20
	trustedSpan         = 3    // highest concurrency over lowest
	trustedError        = 0.1  // median deviation
	leastExplained      = 0.1  // R2 of a fit that is off by more than that
	trustedOutliers     = 0.2  // share of the observations
	trustedBend         = 0.03 // deviation at high load
	trustedWidth        = 0.25 // half an interval, as a share of the value
	trustedReach        = 1.1  // concurrency that a capacity rests on, over the highest seen
)

// errors are those of a kind of rows.
func (c *Fitted) errors(k kind) FitError {
	var e FitError
	var sizes []float64
	var kept []int
	for i := range c.rows {
		if c.rows[i].kind != k {
			continue
		}
		e.Observations++
		sizes = append(sizes, math.Abs(c.deviation(i)))
		if c.weights[i] > 0 {
			kept = append(kept, i)
		}
	}
	e.Outliers = e.Observations - len(kept)
	e.Median = median(sizes)
	e.R2 = c.explained(kept)
	slices.SortStableFunc(kept, func(a, b int) int { return cmp.Compare(c.rows[a].concurrency, c.rows[b].concurrency) })
	var high []float64
	for _, i := range kept[len(kept)-(len(kept)+2)/3:] {
		high = append(high, c.deviation(i))
	}
	e.AtHighLoad = median(high)
	return e
}

// Outliers returns which observations the fit disregards, of ITL and of TTFT.
func (c *Fitted) Outliers() (itl, ttft map[int]bool) {
	var of [kinds]map[int]bool
	for k := range of {
		of[k] = map[int]bool{}
	}
	for i := range c.rows {
		if c.weights[i] == 0 {
			of[c.rows[i].kind][c.rows[i].observation] = true
		}
	}
	return of[kindITL], of[kindTTFT]
}

// deviation is the error of a row as a share of its fitted value.
func (c *Fitted) deviation(i int) float64 {
	return c.rows[i].seen/c.fitted(i) - 1
}

// fitted is the fitted value of a row.
func (c *Fitted) fitted(i int) float64 {
	r := &c.rows[i]
	itl, ttft := c.says(&c.observations[r.observation])
	if r.kind == kindTTFT {
		return ttft
	}
	return itl
}

// explained is the share of the weighted variance that the fit explains.
func (c *Fitted) explained(rows []int) float64 {
	var sum, weight float64
	for _, i := range rows {
		sum, weight = sum+c.weights[i]*c.rows[i].seen, weight+c.weights[i]
	}
	var rest, all float64
	for _, i := range rows {
		r := &c.rows[i]
		off, around := r.seen-c.fitted(i), r.seen-sum/weight
		rest, all = rest+c.weights[i]*off*off, all+c.weights[i]*around*around
	}
	if all == 0 {
		return 0
	}
	return 1 - rest/all
}

// warn notes why the result should not be trusted.
func (c *Fitted) warn(count int) {
	c.Warnings = []string{}
	say := func(format string, args ...any) { c.Warnings = append(c.Warnings, fmt.Sprintf(format, args...)) }
	if count < trustedObservations {
		say("only %d observations: intervals are rough below %d", count, trustedObservations)
	}
	if c.Concurrency.Max < trustedSpan*c.Concurrency.Min {
		say("narrow range of load: %.4g to %.4g requests in service, less than a factor of %d; what a request adds to latency is not certain",
			c.Concurrency.Min, c.Concurrency.Max, trustedSpan)
	}
	if !c.Separable && c.terms == nil {
		say("beta and gamma cannot be told apart (condition number %.3g): the lengths hardly vary; gamma is fixed at zero. "+
			"At %.4g input and %.4g output tokens any other split gives the same time between tokens; at other lengths the profile is a guess",
			c.Condition, c.Input.Median, c.Output.Median)
	}
	if slow := c.milliseconds(); slow > 0 {
		say("%d of %d observations have an itl above %g s, which no server shows: are they in milliseconds?", slow, count, slowestToken)
	}
	c.warnOf("itl", c.ITL, say)
	c.warnOf("ttft", c.TTFT, say)
	if c.ITL.Observations == 0 {
		say("no itl observations: the profile rests on ttft alone")
	}
	c.warnOfSlope(say)
	if c.HeldOut.worst() > trustedError {
		say("left out of the fit, loads are %.3g %% off and lengths %.3g %%: plan with the low end, and fit the traffic itself",
			100*c.HeldOut.ByLoad, 100*c.HeldOut.ByLengths)
	}
}

// warnOf judges the errors of one kind.
func (c *Fitted) warnOf(name string, e FitError, say func(string, ...any)) {
	if e.Observations == 0 {
		return
	}
	if e.Median > trustedError {
		say("%s is %.3g %% off the fit (median): the server does not behave like the model, or the load was not steady", name, 100*e.Median)
	}
	if float64(e.Outliers) > trustedOutliers*float64(e.Observations) {
		say("%d of %d %s observations are outliers that the fit disregards", e.Outliers, e.Observations, name)
	}
	if e.AtHighLoad > trustedBend {
		say("at high load %s is %.3g %% above the fit: latency bends upward, and the best estimate of the capacity is too high; what to plan with is lowered by as much", name, 100*e.AtHighLoad)
	}
}

// warnOfSlope judges how well it is known what a request adds, at the median
// lengths.
func (c *Fitted) warnOfSlope(say func(string, ...any)) {
	if c.terms != nil { // which were told apart
		return
	}
	x := iterationColumns(1, c.Lengths())
	x[alpha] = 0
	slope := c.coefficients().dot(x)
	half := c.quantile * math.Sqrt(c.spread.along(x))
	switch {
	case slope <= 0:
		say("latency does not rise with load: either the load was too low to show it, or the observations are not of single replicas")
	case half > trustedWidth*slope:
		say("what a request adds to latency is only known to within %.3g %%", 100*half/slope)
	}
}
