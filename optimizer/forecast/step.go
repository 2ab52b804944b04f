package forecast

import (
	"math"
	"slices"
	"time"
)

// A rate is a mean over some time, so it shows a step in demand as a rise that lasts as long. Such a rise is known by its changes, which are
// far beyond noise, and by its end: it is the beginning of no trend.

// readSteps finds out from which size on a change is a step: some times the mean change of the hour before it.
func (c *Course) readSteps() {
	n := len(c.Values)
	sums, known := make([]float64, n+1), make([]int, n+1)
	c.leaps, c.leapt = make([]float64, n), make([]int, n)
	hour, settled := c.steps(noiseLong), c.steps(noiseLag)
	for i, v := range c.Values {
		sums[i+1], known[i+1] = sums[i], known[i]
		if i > 0 {
			if d := math.Abs(v - c.Values[i-1]); !math.IsNaN(d) {
				sums[i+1], known[i+1] = sums[i]+d, known[i]+1
			}
		}
		to := max(0, i-settled) // a step is not part of what it is measured by
		from := max(0, to-hour)
		c.leaps[i] = math.NaN()
		if few := known[to] - known[from]; 2*few >= c.steps(noiseShort) {
			c.leaps[i] = stepMean * (sums[to] - sums[from]) / float64(few)
		}
		if i > 0 {
			if c.leapt[i] = c.leapt[i-1]; c.leap(i, c.Values[i-1], v) != 0 {
				c.leapt[i] = i
			}
		}
	}
}

// hasStep reports whether a change after one place of the course and before another is a step, or that to a value there.
func (c *Course) hasStep(from, end int, value float64) bool {
	return c.leaps != nil && end > from && (c.leapt[end-1] > from || c.leap(end, c.Values[end-1], value) != 0)
}

// leap is the change between the values before and at a place as far as it is a step, and otherwise 0.
func (c *Course) leap(place int, before, at float64) float64 {
	if d := at - before; c.leaps != nil && math.Abs(d) > c.leaps[place] {
		return d
	}
	return 0
}

// stepMost is in how many changes in a row a step shows at the most: those of its time, and one more where it begins between two of them.
// A rise of more is a trend.
func (c *Course) stepMost() int { return c.steps(HabitShown) + 1 }

// withoutSteps shifts the values before a step to what came after it. The values begin at a place of the course; the last may be another one
// than there.
func (c *Course) withoutSteps(values []float64, place int) {
	shift := 0.0
	c.eachRun(values, place, func(first, end int, step bool) {
		before := shift
		if after := values[end]; step {
			before += after - values[first-1]
			for i := first; i < end; i++ {
				values[i] = after
			}
		}
		for i := first; i <= end; i++ {
			values[i] += shift
		}
		shift = before
	})
}

// Sudden is the demand over some time with each step at once, and not as a rate shows it. The last value is what the demand is now, with what
// is expected of a step that has just begun.
func (c *Course) Sudden(over time.Duration, last float64) []float64 {
	from := c.first(over)
	values := slices.Clone(c.Values[from:])
	if len(values) > 0 {
		values[len(values)-1] = last
	}
	c.eachRun(values, from, func(first, end int, step bool) {
		for i := first; step && i < end; i++ {
			values[i] = values[end]
		}
	})
	return values
}

// eachRun goes back through values that begin at a place of the course: each run of leaps, all up or all down, which is a step or too long for
// one, and each single value without one. The first value is the last.
func (c *Course) eachRun(values []float64, place int, do func(first, end int, step bool)) {
	leaps := make([]float64, len(values))
	for i := 1; i < len(values); i++ {
		leaps[i] = c.leap(place+i, values[i-1], values[i])
	}
	for end := len(values) - 1; end >= 0; {
		first := end
		for leaps[end] != 0 && first > 1 && leaps[first-1]*leaps[end] > 0 {
			first--
		}
		do(first, end, leaps[end] != 0 && end-first < c.stepMost())
		end = first - 1
	}
}

// unseen is what a step that is just beginning still rises by until a rate shows all of it: each of its changes is as large as the largest, but
// where it begins or ends between two values. The change before them may be the first of it, too small for a step by itself.
func (c *Course) unseen(end int, demand float64) float64 {
	most, at, i := 0.0, demand, end
	for ; i > 0; i-- {
		leap := c.leap(i, c.Values[i-1], at)
		if !(leap > 0) {
			break
		}
		most, at = max(most, leap), c.Values[i-1]
	}
	if before := c.Values[max(0, i-1)]; most > 0 && !math.IsNaN(before) {
		at = before
	}
	return max(0, most*float64(c.steps(noiseLag))-(demand-at))
}
