package forecast

import (
	"math"
	"slices"
	"time"
)

// Numbers of trend and noise. The trend is the steepest rise over a few minutes, as far as it is beyond what noise explains.
const (
	trendShort, trendLong = 3 * time.Minute, 5 * time.Minute
	trendErrors           = 2.0 // standard errors that a slope is less certain by
	trendWeight           = 1.5 // the rise that is seen goes on for longer than it is certain of
	noiseShort, noiseLong = 10 * time.Minute, time.Hour
	noiseLag              = 45 * time.Second // after which rates over a minute have little in common
	noiseStep             = 3.0              // times the mean change of an hour counts at most: a step in demand is no noise
	noiseFloor            = 0.01             // of the demand
	steadyMost            = 1.25             // times the square of its noise is the variance of an hour without a course, but for two standard errors
	stepMean              = 8.0              // times the mean change of an hour: a change from which on it is a step, and no noise
)

// sumsAtHand is for how many steps sums need no memory of their own.
const sumsAtHand = 512

// Course is a demand at equal steps of up to a minute, with what its noise follows from.
type Course struct {
	History
	squares, changes []float64 // sums of the squares of changes until each step, and how many there are
	leaps            []float64 // the change to each value from which on it is a step in demand; NaN where that is not known
	leapt            []int     // the place of the last step in demand until each value

	second                          float64 // of a step
	noiseShortSteps, noiseLongSteps int
	trends                          [2]trendWindow
}

// trendWindow is a time that a trend is looked for in.
type trendWindow struct {
	steps int
	// certain is the standard error of a slope over a time w, of independent values every lag that deviate by 1: sqrt(12 lag / w^3).
	certain float64
}

// over prepares a time that trends are looked for in.
func (h History) over(window time.Duration) trendWindow {
	w := window.Seconds()
	return trendWindow{h.steps(window), math.Sqrt(12 * noiseLag.Seconds() / (w * w * w))}
}

// NewCourse prepares a history for Plan by this law. A step in demand changes a rate much and once: each change counts for at most some times the mean
// of an hour, so that one step does not count as noise (a winsorized deviation: Tukey 1962).
func (l Law) NewCourse(h History) *Course {
	n := len(h.Values)
	c := &Course{History: h, squares: make([]float64, n+1), changes: make([]float64, n+1)}
	if n == 0 {
		return c
	}
	c.second, c.noiseShortSteps, c.noiseLongSteps = h.Step.Seconds(), h.steps(noiseShort), h.steps(noiseLong)
	c.trends = [2]trendWindow{h.over(trendShort), h.over(trendLong)}
	// Where what is known begins, a rate rises until its window is full: that is no noise.
	settled := slices.IndexFunc(h.Values, func(v float64) bool { return !math.IsNaN(v) })
	if settled > 0 {
		settled += h.steps(HabitShown)
	}
	lag, hour := h.steps(noiseLag), h.steps(noiseLong)
	change := func(i int) float64 {
		if before := i - lag; before >= max(0, settled) {
			return math.Abs(h.Values[i] - h.Values[before])
		}
		return math.NaN()
	}
	sums := make([]float64, 1, sumsAtHand) // of changes until each step
	for i := range n {
		sum, known := sums[i], c.changes[i]
		if d := change(i); !math.IsNaN(d) {
			sum, known = sum+d, known+1
		}
		sums, c.changes[i+1] = append(sums, sum), known
	}
	for i := range n {
		c.squares[i+1] = c.squares[i]
		if d := change(i); !math.IsNaN(d) {
			to := min(n, max(i+1, hour)) // the hour until then, or the first one
			from := max(0, to-hour)
			d = min(d, noiseStep*(sums[to]-sums[from])/(c.changes[to]-c.changes[from]))
			c.squares[i+1] += d * d
		}
	}
	if l.Steps {
		c.readSteps()
	}
	return c
}

// noise is the standard deviation of the demand around its course over some steps until one, by its changes; NaN where it is not known.
func (c *Course) noise(end, steps int) float64 {
	from := max(0, end+1-steps)
	n := c.changes[end+1] - c.changes[from]
	if 2*n < float64(c.noiseShortSteps) {
		return math.NaN()
	}
	return math.Sqrt((c.squares[end+1] - c.squares[from]) / n / 2)
}

// Noise is the scale of what a demand deviates by from what is expected of it, at a moment some time ago; NaN where too little is known.
func (c *Course) Noise(ago time.Duration, demand float64) float64 {
	end := c.last(ago)
	if end < 0 {
		return math.NaN()
	}
	_, scale := c.trend(end, demand, 0)
	return scale
}

// Steady reports whether the demand of the hour until a moment some time ago only went up and down around one level: it varied by no more than
// its changes explain (the ratio of von Neumann, 1941). It is false where too little is known.
func (c *Course) Steady(ago time.Duration) bool {
	end := c.last(ago)
	if end < 0 {
		return false
	}
	sum, squares, n := 0.0, 0.0, 0.0
	for _, v := range c.Values[max(0, end+1-c.noiseLongSteps) : end+1] {
		if !math.IsNaN(v) {
			sum, squares, n = sum+v, squares+v*v, n+1
		}
	}
	noise := c.noise(end, c.noiseLongSteps)
	return squares/n-sum/n*sum/n <= steadyMost*noise*noise
}

// trend is what is expected ahead of a step at which the demand is what it is, and the scale of the errors. It is NaN where too little is
// known.
func (c *Course) trend(end int, demand float64, ahead time.Duration) (base, scale float64) {
	short, long := c.noise(end, c.noiseShortSteps), c.noise(end, c.noiseLongSteps)
	rise := 0.0
	for _, window := range c.trends {
		rise = max(rise, c.rise(end, demand, window, long))
	}
	base = demand + c.unseen(end, demand) + trendWeight*rise*ahead.Seconds()
	return base, math.Sqrt((short*short+long*long)/2) + noiseFloor*demand
}

// rise is by how much the demand rises in a second over a window, beyond what noise explains.
func (c *Course) rise(end int, demand float64, window trendWindow, noise float64) float64 {
	from := end - window.steps
	if from < 0 {
		return 0
	}
	var f fit
	if c.hasStep(from, end, demand) {
		recent := append(append(make([]float64, 0, 64), c.Values[from:end]...), demand)
		c.withoutSteps(recent, from)
		f.add(recent...)
	} else {
		f.add(c.Values[from:end]...)
		f.add(demand)
	}
	if 2*f.count < float64(f.place) {
		return 0
	}
	slope, _ := f.line()
	return slope/c.second - trendErrors*noise*window.certain
}
