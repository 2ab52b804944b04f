package decide

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/variant-exporter/variant-exporter/collector/match"
	"github.com/variant-exporter/variant-exporter/optimizer/forecast"
)

// A queue that stands although there is room for it says that replicas carry less than is believed. The same looks are taken as for
// latency: five minutes, over the last day.

// standsFor is how long what comes waits at least, in the mean, where a queue counts as standing and no target is given for the first token.
const standsFor = time.Second

// oftenOf is of how many looks one is often.
const oftenOf = 5

// holdToQueue lowers the capacities for a signal to the load from which on a queue stood.
func (m *model) holdToQueue(s *signal) {
	if s.Queued.Looks == nil {
		return
	}
	looks, missing := s.queueLooks()
	s.partial(missing.String())
	found, ok := standing(looks)
	if !ok {
		return
	}
	factor := min(1/found.from, slowestCorrection)
	for _, v := range m.variants {
		capacity := &v.capacities[s.Place]
		if !(*capacity > 0) {
			continue
		}
		v.missed = &Missed{
			Signal: s.Name, Target: "queue", Want: s.standsFor(), Seen: found.waited, Load: found.load * *capacity, From: found.from * *capacity, Looks: found.looks,
		}
		*capacity /= factor
		v.correct(factor)
	}
}

// standsFor is how long, in seconds, what comes must have waited.
func (s *signal) standsFor() float64 {
	if slo := s.model.SLO; slo != nil && slo.TTFT > 0 {
		return float64(slo.TTFT)
	}
	return standsFor.Seconds()
}

// queueLook is the load of the ready replicas, as a share of what they are believed to carry, and how long what came waited, in seconds.
type queueLook struct {
	load, waited float64
	stood        bool
}

// queueLooks are the looks at which less came than the replicas that were ready all the time are believed to carry.
func (s *signal) queueLooks() (looks []queueLook, missing match.Missing) {
	demand, missing := s.past(func(x *match.Demand) match.Past { return x.Levels })
	queued := s.read.Queued.Looks
	if missing = missing.Or(queued.Missing); !missing.OK() {
		return nil, missing
	}
	for _, v := range s.model.variants {
		if missing = v.read.Replicas.ReadyLooks.Missing; !missing.OK() {
			return nil, missing
		}
	}
	if !mayStand(queued.Values) {
		return nil, missing // Most models have no queue, and looks are many.
	}
	looks = s.model.days.looks[:0]
	defer func() { s.model.days.looks = looks[:0] }() // The caller is done with them before the next signal is looked at.
	for i := 1; i < len(queued.Values); i++ {
		ago, before := queued.Ago(i), queued.Ago(i-1)
		came := forecast.Most(demand.Until(ago).Over(queued.Step))
		supply := s.readyThroughout(ago, before)
		if !(came > 0) || !(came < supply) {
			continue
		}
		look := queueLook{load: came / supply, waited: queued.Values[i] / came}
		left := queued.Values[i-1] - (supply-came)*queued.Step.Seconds() // of what waited before, had they carried what is believed
		look.stood = min(look.waited, queued.Values[i-1]/came) > s.standsFor() && left < s.standsFor()*came
		looks = append(looks, look)
	}
	return looks, match.Missing{}
}

// mayStand reports whether something waited at both ends of enough looks for a queue to count as standing.
func mayStand(queued []float64) bool {
	waited := 0
	for i := 1; i < len(queued); i++ {
		if queued[i] > 0 && queued[i-1] > 0 {
			waited++
		}
	}
	return waited >= leastLooks
}

// readyThroughout is what the replicas that were ready at both ends of a look are believed to carry; NaN where that is not known.
func (s *signal) readyThroughout(ago, before time.Duration) (supply float64) {
	for _, v := range s.model.variants {
		if capacity := v.capacities[s.Place]; capacity > 0 {
			ready := &v.read.Replicas.ReadyLooks
			supply += capacity * math.Min(ready.At(ago), ready.At(before))
		}
	}
	return supply
}

// stood is from which load on a queue stood, the median load and time of waiting of the looks at which it did, and how many there were.
type stood struct {
	from, load, waited float64
	looks              int
}

// standing is the least load from which on a queue stood often: at one look in five. One or two looks are no evidence: the third says from
// where. A queue that comes and goes is that of a fleet at its limit, so it need not stand at most looks.
func standing(looks []queueLook) (found stood, ok bool) {
	slices.SortFunc(looks, func(a, b queueLook) int { return cmp.Compare(a.load, b.load) })
	late := 0
	for i, look := range looks {
		if !look.stood {
			continue
		}
		if late++; late < leastLooks {
			continue
		}
		var loads, waits []float64
		for _, l := range looks[i:] {
			if l.stood {
				loads, waits = append(loads, l.load), append(waits, l.waited)
			}
		}
		if oftenOf*len(loads) > len(looks)-i {
			return stood{look.load, upperMedian(loads), upperMedian(waits), late - 1 + len(loads)}, true
		}
	}
	return found, false
}
