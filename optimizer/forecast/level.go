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
	sorted := slices.Clone(s)
	slices.Sort(sorted)
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

// Levels is a history that many levels are looked for in. It knows the least and the most of each of its blocks.
type Levels struct {
	History
	least, most []float64
}

// levelBlock is how many steps are in a block. The last block is as long as there are steps.
const levelBlock = 32

// Levels prepares a history. Its values must not be changed any more.
func (h History) Levels() *Levels {
	n := (len(h.Values) + levelBlock - 1) / levelBlock
	both := make([]float64, 0, 2*n)
	l := &Levels{h, both[:n:n], both[n : 2*n]}
	for i := range n {
		least, most := math.Inf(1), math.Inf(-1)
		for _, v := range h.Values[i*levelBlock : min((i+1)*levelBlock, len(h.Values))] {
			if v < least {
				least = v
			}
			if v > most {
				most = v
			}
		}
		l.least[i], l.most[i] = least, most
	}
	return l
}

// LastAbove is the last step before one at which the quantity was above a level; -1 for none.
func (l *Levels) LastAbove(before int, level float64) int {
	for i := before - 1; i >= 0; i-- {
		if block := i / levelBlock; !(l.most[block] > level) {
			i = block * levelBlock
		} else if l.Values[i] > level {
			return i
		}
	}
	return -1
}

// Crossings counts how often a quantity crossed a level. A step at which it is not known belongs to the stay before it. The first stay
// began before the history did, so it is not complete.
func (l *Levels) Crossings(level float64) Crossings {
	var c Crossings
	h := l.History
	begun := slices.IndexFunc(h.Values, func(v float64) bool { return !math.IsNaN(v) })
	if begun < 0 {
		c.Now = time.Duration(len(h.Values)) * h.Step
		return c
	}
	c.Over = h.Values[begun] > level
	for first := true; ; first = false {
		ends := l.stay(begun, level, c.Over)
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
func (l *Levels) stay(from int, level float64, over bool) int {
	ends := func(least, most float64) bool { return over && least <= level || !over && most > level }
	for i := from; i < len(l.Values); i++ {
		if block := i / levelBlock; !ends(l.least[block], l.most[block]) {
			i = (block+1)*levelBlock - 1
		} else if ends(l.Values[i], l.Values[i]) {
			return i
		}
	}
	return len(l.Values)
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
