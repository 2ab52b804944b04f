package decide

import (
	"math"
	"slices"
	"time"

	"github.com/variant-exporter/variant-exporter/optimizer"
	"github.com/variant-exporter/variant-exporter/optimizer/forecast"
)

// Demand that comes back before it pays to stop replicas for it and to start them again keeps them. How long it stayed away shows in the demand of the
// last day.

// recurs finds the demand that comes back before it pays to stop replicas for it and to start them again: they stay for it. It follows
// from the demand of the last day alone, and not from what runs, so a fleet that follows late cannot make it swing.
func (m *model) recurs() {
	startup := time.Duration(0)
	for _, v := range m.variants {
		startup = max(startup, time.Duration(v.Startup))
	}
	if startup == 0 {
		return
	}
	for _, s := range m.signals {
		if s.out.Planned != nil && *s.out.Planned > 0 && !s.evens { // What is ordered for a queue does not stay.
			s.marked = s.plannedMark()
			s.recurring = s.comesBack(startup)
		}
	}
}

// plannedMark is what was planned at the last full minute. Replicas are kept for it until the next: what is given up shows before more is.
func (s *signal) plannedMark() float64 {
	past := s.plannedPast()
	mark := math.NaN()
	if last := len(past.Values) - 1; last >= 0 {
		mark = past.Values[last]
	}
	if s.plan != nil || s.model.choice() {
		mark = larger(mark, s.heldAt(past.Since))
	}
	return larger(mark, 0)
}

// recurring is a demand that comes back.
type recurring struct {
	level float64
	gap   time.Duration // after which it came back, in the mean
	times int           // that it did, over the last day
	stay  time.Duration // for which replicas stay for it from now on
}

const (
	// newFor is how long a replica that has become ready counts as new.
	newFor = 10 * time.Minute
	// fellBy is by what share demand falls that does more than go up and down.
	fellBy = 0.2
	// swingDeviations is by how many standard deviations of its noise demand goes up and down without a reason that lasts: about as many as are planned for.
	swingDeviations = 2.5
	// levelApart is by what share levels differ that are looked at apart, and levelsMost how many there are at the most.
	levelApart = 0.02
	levelsMost = 12
)

// comesBack is the largest demand of late that is needed again soon; nil where there was none above what was planned at the last full minute. To
// stop a replica and to start it again costs what it costs while it starts, and as much again for the risk of being short. A replica that was
// started a moment ago stays for a while, unless demand has fallen for good: by more than it swings.
func (s *signal) comesBack(startup time.Duration) (found *recurring) {
	past, planned := s.plannedPast(), s.marked
	restart, young := 2*(startup+acting), startup+acting+newFor
	if s.noise > 0 {
		young += past.Step // It rose at some moment of the step.
	}
	next, looked := planned, 0
	for at := len(past.Values); ; looked++ {
		if at = past.LastAbove(at, next); at < 0 || looked == levelsMost {
			break
		}
		peak := past.Values[at]
		next = peak * (1 + levelApart)
		c := past.Crossings(max(peak*(1-levelApart), planned))
		stay := c.Below.Wait(restart) - c.Now
		if s.swings(peak, planned, c.Below) {
			rose := c
			if s.noise > 0 { // The last replica was started for the peak itself.
				rose = past.Crossings(peak * (1 - optimizer.Tolerance))
			}
			stay = max(stay, young-rose.Now-rose.Last)
		}
		if stay > 0 {
			found = &recurring{level: peak, gap: c.Below.Mean(), times: len(c.Below), stay: stay}
		}
	}
	return found
}

// swings reports whether what is planned may soon rise to a peak of late again without a reason that lasts: demand goes up and down around one
// level, and it fell from the peak by no more than noise explains. Where noise is not measured, and where a stop may change the mix of several
// sizes, which takes more to undo: it fell by little, or from a level that demand crosses often.
func (s *signal) swings(peak, planned float64, below forecast.Stays) bool {
	if s.noise > 0 && len(s.model.variants) == 1 {
		return !s.drifts && peak < planned+swingDeviations*s.noise
	}
	return len(below) > 0 && slices.Min(below) < newFor || peak < planned*(1+fellBy)
}
