package calibration

import (
	"math"
	"slices"
)

// The tuning constants that give Huber's and Tukey's estimators 95 % of the
// efficiency of least squares where errors are normal, and the factor that
// makes a median absolute deviation a standard deviation there.
const (
	huberBound = 1.345
	tukeyBound = 4.685
	madFactor  = 1.4826
)

const (
	fitSteps       = 100   // of reweighting, at most
	startPrecision = 1e-4  // of the fitted values, relative, where Tukey's estimator starts
	fitPrecision   = 1e-10 // of the fitted values, relative
	leastScale     = 1e-9  // of errors, relative: of observations with no noise
)

// columns says which coefficients are fitted; the others are zero.
type columns [3]bool

func (m columns) count() int {
	count := 0
	for _, in := range m {
		if in {
			count++
		}
	}
	return count
}

// robustFit is a fit in progress.
type robustFit struct {
	rows    []equation
	model   columns
	bounded bool // the coefficients are not negative

	theta   coefficients
	scale   [kinds]float64 // of the errors, as a share of the fitted value
	weights []float64      // 0 to 1 per row: how far it is believed
	floor   [kinds]float64 // least fitted value that errors are relative to
}

// fitRobust fits coefficients by iteratively reweighted least squares.
func fitRobust(rows []equation, model columns, bounded bool) *robustFit {
	f := &robustFit{rows: rows, model: model, bounded: bounded, weights: make([]float64, len(rows))}
	for k := range kinds {
		f.floor[k], f.scale[k] = median(f.seen(k))/10, 1
	}
	for i := range f.weights {
		f.weights[i] = 1
	}
	f.solve(func(r *equation) float64 { return max(r.seen, f.floor[r.kind]) })
	for range fitSteps {
		f.rescale()
		if f.reweigh(huber, startPrecision) {
			break
		}
	}
	for range fitSteps {
		if f.reweigh(tukey, fitPrecision) {
			break
		}
	}
	return f
}

// huber is the weight of an error in units of the scale that bounds what it
// adds.
func huber(u float64) float64 { return min(1, huberBound/max(math.Abs(u), leastScale)) }

// tukey is the weight that takes large errors for no information at all.
func tukey(u float64) float64 {
	v := 1 - min(1, u*u/(tukeyBound*tukeyBound))
	return v * v
}

// reweigh fits once more, with each row weighted by its error. It reports
// whether that moved no row's fitted value.
func (f *robustFit) reweigh(weigh func(float64) float64, precision float64) (settled bool) {
	for i := range f.rows {
		r := &f.rows[i]
		f.weights[i] = weigh(f.deviation(r) / f.scale[r.kind])
	}
	before := f.theta
	f.solve(f.level)
	for i := range f.rows {
		r := &f.rows[i]
		if math.Abs(r.columns.dot(f.theta)-r.columns.dot(before)) > precision*f.level(r) {
			return false
		}
	}
	return true
}

// level is the fitted value, or one that keeps relative errors finite.
func (f *robustFit) level(r *equation) float64 {
	return max(r.columns.dot(f.theta), f.floor[r.kind])
}

// deviation is the error of a row as a share of the fitted value.
func (f *robustFit) deviation(r *equation) float64 {
	return (r.seen - r.columns.dot(f.theta)) / f.level(r)
}

// rescale takes the scale of each kind's errors from the median of their sizes,
// without as many of the smallest as coefficients can bring to zero.
func (f *robustFit) rescale() {
	for k := range kinds {
		var sizes []float64
		for i := range f.rows {
			if r := &f.rows[i]; r.kind == k {
				sizes = append(sizes, math.Abs(f.deviation(r)))
			}
		}
		if len(sizes) == 0 {
			continue
		}
		slices.Sort(sizes)
		sizes = sizes[min(f.model.count(), len(sizes)-1):]
		f.scale[k] = max(madFactor*middle(sizes), leastScale)
	}
}

// solve takes one weighted least squares step, with errors relative to level.
func (f *robustFit) solve(level func(*equation) float64) {
	var e normalEquations
	for i := range f.rows {
		r := &f.rows[i]
		unit := f.scale[r.kind] * level(r)
		e.add(r.columns, r.seen, f.weights[i]/(unit*unit))
	}
	f.theta = e.solve(f.model, f.bounded)
}

// seen are the latencies of a kind.
func (f *robustFit) seen(k kind) []float64 {
	var values []float64
	for i := range f.rows {
		if f.rows[i].kind == k {
			values = append(values, f.rows[i].seen)
		}
	}
	return values
}

// median is the median, or 0 of nothing.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	return middle(slices.Sorted(slices.Values(values)))
}

// middle is the median of sorted values.
func middle(sorted []float64) float64 {
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

func spanOf(values []float64) Span {
	if len(values) == 0 {
		return Span{}
	}
	return Span{Min: slices.Min(values), Median: median(values), Max: slices.Max(values)}
}
