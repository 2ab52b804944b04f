package forecast

import (
	"math"
	"slices"
	"time"
)

// Crossings say how often a quantity crossed a level, and how long it stayed on either side.
type Crossings struct {
	// Above and Below are how long the completed stays lasted: those between two
	// crossings.
	Above, Below Stays
	// Now is how long the present stay has lasted, as far back as the quantity is
	// known, and Over whether it is above the level. Last is the stay before it.
	Now, Last time.Duration
	Over      bool
}

// Stays are how long stays on one side of a level lasted.
type Stays []time.Duration

// Mean is the mean length of a stay; 0 without one.
func (s Stays) Mean() time.Duration {
	if len(s) == 0 {
		return 0
	}
	total := time.Duration(0)
	for _, d := range s {
		total += d
	}
	return total / time.Duration(len(s))
}

// Wait is for how long it pays to wait for the end of a stay, where giving up costs as much as waiting for some time: of all times to wait,
// the one that would have cost the least over these stays. It is 0 where giving up at once would have.
func (s Stays) Wait(giveUp time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(s))
	best, least := time.Duration(0), giveUp*time.Duration(len(s))
	ended := time.Duration(0) // the sum of the stays that end within the wait
	for i, wait := range sorted {
		ended += wait
		if cost := ended + time.Duration(len(s)-1-i)*(wait+giveUp); cost < least {
			best, least = wait, cost
		}
	}
	return best
}

// Crossings counts how often a quantity crossed a level. A step at which it is not known belongs to the stay before it. The first stay
// began before the history did, so it is not complete.
func (h History) Crossings(level float64) Crossings {
	var c Crossings
	begun := slices.IndexFunc(h.Values, func(v float64) bool { return !math.IsNaN(v) })
	if begun < 0 {
		c.Now = time.Duration(len(h.Values)) * h.Step
		return c
	}
	c.Over = h.Values[begun] > level
	for first := true; ; first = false {
		ends := h.stay(begun, level, c.Over)
		stay := time.Duration(ends-begun) * h.Step
		switch {
		case ends == len(h.Values):
			c.Now = stay
			return c
		case first: // It began before the history did.
		case c.Over:
			c.Above = append(c.Above, stay)
		default:
			c.Below = append(c.Below, stay)
		}
		c.Last, c.Over, begun = stay, !c.Over, ends
	}
}

// stay returns the first step from one on at which a quantity is on the other side of a level; how many steps there are for none.
func (h History) stay(from int, level float64, over bool) int {
	values := h.Values[from:]
	if over {
		for i, v := range values {
			if v <= level {
				return from + i
			}
		}
		return len(h.Values)
	}
	for i, v := range values {
		if v > level {
			return from + i
		}
	}
	return len(h.Values)
}

// Hold replaces each value by the largest over a window that ends with it.
func (h History) Hold(window time.Duration) {
	steps := 1
	if h.Step > 0 {
		steps = max(1, int(window/h.Step))
	}
	// The largest of twice as many values is the larger of two such: it takes few passes, and no memory.
	held := 1
	for ; 2*held <= steps; held *= 2 {
		holdTwo(h.Values, held)
	}
	holdTwo(h.Values, steps-held)
}

// holdTwo replaces each value by the larger of it and the one so many before it.
func holdTwo(values []float64, before int) {
	for i := len(values) - 1; i >= before && before > 0; i-- {
		if was := values[i-before]; was > values[i] || math.IsNaN(values[i]) {
			values[i] = was
		}
	}
}
