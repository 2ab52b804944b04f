package forecast

import (
	"math"
	"time"
)

// Stable returns the largest level that lasted: over the window down, the most that the quantity was at the least throughout the
// window up before it. NaN where nothing is known. Either window may be 0.
func (h History) Stable(up, down time.Duration) float64 {
	if up <= 0 {
		return Most(h.Over(down))
	}
	if down <= 0 {
		return Least(h.Over(up))
	}
	most := math.NaN()
	for i := h.first(down); i < len(h.Values); i++ {
		past := History{h.Step, 0, h.Values[:i+1]}
		if lasted := Least(past.Over(up)); !math.IsNaN(lasted) && !(lasted <= most) {
			most = lasted
		}
	}
	return most
}
