package calibrate

import (
	"maps"
	"slices"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/variant-exporter/variant-exporter/optimizer/calibration"
	"github.com/variant-exporter/variant-exporter/optimizer/latency"
)

// Why steps are left out.
const (
	droppedPods     = "where the set of replicas changed"
	droppedIdle     = "idle"
	droppedUnsteady = "with unsteady load"
	droppedSilent   = "in which no request was completed"
)

// The load of a step is steady where its standard deviation is not above what requests that come at random show, plus a share of
// the mean.
const unsteadyShare = 0.3

// busy is the least mean number of requests in service. With fewer, most of what is seen is single requests.
const busy = 0.5

// observe turns what was seen into observations, in the order of time, so that those from one time are neighbours.
func (v *seenVariant) observe(s *Subject, span v1.Range) {
	names := slices.Sorted(maps.Keys(v.replicas))
	for at := model.TimeFromUnixNano(span.Start.UnixNano()); !at.Time().After(span.End); at = at.Add(span.Step) {
		changed := !v.samePods(at, at.Add(-span.Step), span) || !v.samePods(at, at.Add(span.Step), span)
		for _, name := range names {
			r := v.replicas[name]
			if _, there := r[running][at]; !there {
				continue
			}
			o, reason := r.observation(at)
			if changed {
				reason = droppedPods
			}
			if reason != "" {
				s.Dropped[reason]++
				continue
			}
			s.Observations = append(s.Observations, o)
		}
	}
}

// samePods tells whether the same replicas were there at two steps. Steps before or after the range count as alike.
func (v *seenVariant) samePods(a, b model.Time, span v1.Range) bool {
	if b.Time().Before(span.Start) || b.Time().After(span.End) {
		return true
	}
	for _, r := range v.replicas {
		_, first := r[running][a]
		_, second := r[running][b]
		if first != second {
			return false
		}
	}
	return true
}

// observation is what a replica showed in a step, or why it says nothing.
//
// Tokens see more requests in service than there are on average over time: most of them are made when there are many. To the
// mean comes its variance over itself, as for requests that look around when they come. Where latency rises in proportion to
// load, this is too much, by at most the variance over the mean.
func (r *seenReplica) observation(at model.Time) (o calibration.Observation, reason string) {
	mean := r[running][at]
	if !(mean >= busy) {
		return o, droppedIdle
	}
	spread, known := r[variance][at]
	unsteady := unsteadyShare * mean
	if !known || !(spread <= mean+unsteady*unsteady) {
		return o, droppedUnsteady
	}
	o.Concurrency = mean + spread/mean
	prompt, known := r[input][at]
	o.Lengths = latency.Lengths{Input: prompt, Output: r[output][at]}
	o.ITL = r[itl][at]
	if !known || !(prompt >= 0 && prompt < most) || !(o.Lengths.Output >= 1 && o.Lengths.Output < most) || !possible(o.ITL) {
		return o, droppedSilent
	}
	o.TTFT = r.firstToken(at, o.ITL, mean)
	return o, ""
}

// fewWaiting is the share of the requests in service up to which those that wait are no queue.
const fewWaiting = 0.1

// firstToken is the time to the first token without a queue, or 0 where it cannot be told. Each request waits for the running
// iteration, so a few always wait: that is part of it, and what is beyond an iteration is not.
func (r *seenReplica) firstToken(at model.Time, iteration, running float64) float64 {
	first := r[ttft][at]
	if !possible(first) {
		return 0
	}
	if queue, known := r[queued][at]; known && queue >= 0 {
		if first -= max(0, queue-iteration); possible(first) {
			return first
		}
		return 0
	}
	if r[waiting][at] > max(1, fewWaiting*running) {
		return 0
	}
	return first
}

// most bounds every number that counts as a length or a latency.
const most = 1e6

func possible(v float64) bool { return v > 0 && v < most }
