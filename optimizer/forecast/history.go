// Package forecast computes what follows from a quantity over time: windows, trend, season, noise and idleness. It takes histories,
// which are plain values on a fixed grid, and returns numbers. It reads no clock and does no I/O.
package forecast

import (
	"math"
	"slices"
	"time"
)

// History is a quantity at equal steps before a moment.
type History struct {
	Step time.Duration
	// Since is the time from the last value to the moment: at least 0, and less than Step where the history reaches the moment.
	Since time.Duration
	// Values are in the order of time. NaN is a step at which the quantity is not known.
	Values []float64
}

// Ago is how long before the moment a value was.
func (h History) Ago(i int) time.Duration {
	return h.Since + time.Duration(len(h.Values)-1-i)*h.Step
}

// first is the place of the oldest value that is less than a time ago.
func (h History) first(ago time.Duration) int {
	if h.Step <= 0 {
		return len(h.Values)
	}
	within := int((ago - h.Since + h.Step - 1) / h.Step)
	return max(0, len(h.Values)-max(0, within))
}

// Over returns the values of a window: those less than so long ago.
func (h History) Over(window time.Duration) []float64 { return h.Values[h.first(window):] }

// At returns the value of the last step at or before a time ago; NaN where there is none.
func (h History) At(ago time.Duration) float64 {
	if i := h.first(ago) - 1; i >= 0 {
		return h.Values[i]
	}
	return math.NaN()
}

// Along returns the values of a history at the steps of another: those of At. They may be shared, and must not be changed.
func (h History) Along(o History) []float64 {
	if h.Step == o.Step && h.Since == o.Since && len(h.Values) >= len(o.Values) {
		return h.Values[len(h.Values)-len(o.Values):]
	}
	values := make([]float64, len(o.Values))
	for i := range values {
		values[i] = h.At(o.Ago(i))
	}
	return values
}

// Before is At, and how long ago that step was.
func (h History) Before(ago time.Duration) (value float64, at time.Duration) {
	if i := h.first(ago) - 1; i >= 0 {
		return h.Values[i], h.Ago(i)
	}
	return math.NaN(), ago
}

// Until returns the history without what is less than a time ago, as it was then.
func (h History) Until(ago time.Duration) History {
	end := h.first(ago)
	out := History{Step: h.Step, Values: h.Values[:end]}
	if end > 0 {
		out.Since = h.Ago(end-1) - ago
	}
	return out
}

// FromMinute returns the history without its first values, up to a minute of them, so that it begins at the same moment whenever in the minute
// after a full one it is looked at: what follows from the hour before a moment is then the same all that time.
func (h History) FromMinute(sinceFull time.Duration) History {
	if sooner := time.Minute - sinceFull; h.Step > 0 && sooner > 0 {
		h.Values = h.Values[min(len(h.Values), int((sooner+h.Step-1)/h.Step)):]
	}
	return h
}

// Most returns the largest of some values, NaN where none is known.
func Most(values []float64) float64 {
	largest := math.NaN()
	for _, v := range values {
		if !math.IsNaN(v) && !(v <= largest) {
			largest = v
		}
	}
	return largest
}

// Least returns the smallest of some values, NaN where none is known.
func Least(values []float64) float64 {
	smallest := math.NaN()
	for _, v := range values {
		if !math.IsNaN(v) && !(v >= smallest) {
			smallest = v
		}
	}
	return smallest
}

// Known counts the values that are known.
func Known(values []float64) int {
	n := 0
	for _, v := range values {
		if !math.IsNaN(v) {
			n++
		}
	}
	return n
}

// None reports whether none of some values is known.
func None(values []float64) bool {
	return !slices.ContainsFunc(values, func(v float64) bool { return !math.IsNaN(v) })
}

// Mean returns the mean of the values that are known, NaN where none is.
func Mean(values []float64) float64 {
	sum, n := 0.0, 0
	for _, v := range values {
		if !math.IsNaN(v) {
			sum, n = sum+v, n+1
		}
	}
	return sum / float64(n)
}

// Sum adds histories of one grid up, step by step, over the time of the first that has values. A step at which none is known is not
// known; where some are, the others count as nothing.
func Sum(parts ...History) History {
	var total History
	for _, part := range parts {
		if len(part.Values) == 0 {
			continue
		}
		if total.Values == nil {
			total = History{part.Step, part.Since, append([]float64(nil), part.Values...)}
			continue
		}
		for i, v := range part.Along(total) {
			if math.IsNaN(v) {
				continue
			}
			if math.IsNaN(total.Values[i]) {
				total.Values[i] = 0
			}
			total.Values[i] += v
		}
	}
	return total
}

// Scale multiplies a history by a number.
func (h History) Scale(factor float64) History {
	out := History{h.Step, h.Since, make([]float64, len(h.Values))}
	for i, v := range h.Values {
		out.Values[i] = factor * v
	}
	return out
}
