package decide

import (
	"math"
	"slices"

	"github.com/variant-exporter/variant-exporter/collector/match"
	"github.com/variant-exporter/variant-exporter/optimizer/latency"
)

// Capacities are held against what replicas show. A look is five minutes: the load of a replica, and the quantile of its latency that a
// target is about. One look is not evidence, and neither is a day on which replicas were slow at any load: a target counts as missed
// where it was missed in most looks at that much load.

// leastLooks is how many looks must have missed a target.
const leastLooks = 3

// Missed is a target that replicas missed at a load that their capacity allows.
type Missed struct {
	Signal   string  `json:"signal"`
	Target   string  `json:"target"` // ttft, itl, or queue: that nothing stands in a queue that replicas have room for
	Quantile float64 `json:"quantile"`
	Want     float64 `json:"want_seconds"`
	Seen     float64 `json:"seen_seconds"` // the quantile, median over the looks
	Load     float64 `json:"load"`         // of a replica, in the signal's unit: the median over the looks
	From     float64 `json:"from_load"`    // what looks were taken at: half of those that missed had more load
	Looks    int     `json:"looks"`        // how many there were
}

// looksAbove pairs what was seen with the load at that time, for the looks that saw more than a time at a load or more.
func looksAbove(load, seen match.Past, time, least float64) (loads, times []float64) {
	for i, value := range seen.Values {
		if !(value > time) {
			continue
		}
		if at := load.At(seen.Ago(i)); at > 0 && at >= least {
			loads, times = append(loads, at), append(times, value)
		}
	}
	return loads, times
}

// missed says whether a target was missed at some load: where at least leastLooks missed it, in most looks at the median of their loads and
// above.
func missed(load, seen match.Past, want float64) (m Missed, ok bool) {
	late, _ := looksAbove(load, seen, want, 0)
	if len(late) < leastLooks {
		return m, false
	}
	from := upperMedian(late)
	loads, times := looksAbove(load, seen, 0, from)
	m = Missed{Want: want, Seen: upperMedian(times), Load: upperMedian(loads), From: from, Looks: len(times)}
	return m, len(times) >= leastLooks && m.Seen > want
}

// upperMedian is the middle value, the larger of two: it was seen.
func upperMedian(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// missedTargets are the targets that the replicas of a variant missed, as a signal tells it. What could not be read makes the signal partial:
// what is known may still ask for more replicas.
func (v *variant) missedTargets(s *signal) []Missed {
	looks, slo := &v.read.Looks[s.Place], v.model.SLO
	if s.Looks.Load == nil {
		return nil
	}
	var all []Missed
	for _, t := range []struct {
		name string
		want float64
		seen match.Past
	}{{"ttft", float64(slo.TTFT), looks.TTFT}, {"itl", float64(slo.ITL), looks.ITL}} {
		s.partial(looks.Load.Missing.Or(t.seen.Missing).String())
		if m, ok := missed(looks.Load, t.seen, t.want); ok && t.want > 0 {
			m.Signal, m.Target, m.Quantile = s.Name, t.name, *slo.Quantile
			all = append(all, m)
		}
	}
	return all
}

// keptAt is the load at which a target would have been kept. Time between tokens grows in proportion to what is in service, and, as measured on
// real servers near the targets of use, with the square of the rate. The time to the first token has a knee: it was beyond it, and how far is not
// told by how long requests waited.
func (m *Missed) keptAt(s *signal) float64 {
	switch over := m.Seen / m.Want; {
	case m.Target == "ttft":
		return m.From
	case s.Rate():
		return m.Load / math.Sqrt(over)
	default:
		return m.Load / over
	}
}

// hold lowers a capacity that does not follow from a profile to the load at which the targets would have been kept.
func (v *variant) hold(s *signal, capacity float64) float64 {
	factor := 1.0
	for _, m := range v.missedTargets(s) {
		if f := min(capacity/m.keptAt(s), slowestCorrection); f > factor {
			factor, v.missed = f, &m
		}
	}
	if s.Looks.Load == nil {
		return capacity
	}
	v.correct(factor)
	return capacity / factor
}

// slowdown is by how much a profile is too fast to show what was seen; 0 where no target was missed.
func (d *decider) slowdown(v *variant, s *signal, profile latency.Profile, lengths latency.Lengths) (factor float64, why string) {
	for _, m := range v.missedTargets(s) {
		seen := latency.SLO{Quantile: *v.model.SLO.Quantile}
		if m.Target == "ttft" {
			seen.TTFT = m.Seen
		} else {
			seen.ITL = m.Seen
		}
		f, why := d.Memory.sizes.slowdown(profile, lengths, m.Load, seen)
		if why != "" {
			return 0, why
		}
		if factor = max(factor, f); f == factor && f > 1 {
			v.missed = &m
		}
	}
	return factor, ""
}

// correct notes the correction of a variant: the largest over its signals.
func (v *variant) correct(factor float64) {
	if v.correction == nil || factor > *v.correction {
		v.correction = &factor
	}
}
