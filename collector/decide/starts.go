package decide

import (
	"math"
	"slices"
	"time"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/query"
	"github.com/variant-exporter/variant-exporter/optimizer"
	"github.com/variant-exporter/variant-exporter/optimizer/forecast"
)

// fleetState is what the histories of a variant's replicas say of those that are not ready now.
type fleetState struct {
	lately   int // were ready a moment ago
	overdue  int // should be ready by now
	starting []optimizer.Start
}

// pending is a replica that is asked for and not ready, since a time ago. It was ready before, or never.
type pending struct {
	since time.Duration
	was   bool
}

// starts finds out what is starting, and since when: orders and arrivals are matched first in, first out over the history of what is
// asked for and what is ready.
func (v *variant) starts() fleetState {
	current, ready := v.runs.Current.N, v.runs.Ready.N
	if current == nil || ready == nil || *current <= *ready {
		return fleetState{}
	}
	waiting := v.waiting(*current, *ready)
	startup, timeout := time.Duration(v.Startup), time.Duration(*v.ProvisionTimeout)
	out := fleetState{lately: v.lately(*current, *ready)}
	left := *current - *ready - out.lately
	for _, p := range waiting {
		switch {
		case left == 0:
			return out
		case p.was:
			continue // counted as ready lately, or given up
		case startup > 0 && p.since <= startup:
			out.starting = append(out.starting, optimizer.Start{Replicas: 1, In: startup - p.since})
		case timeout == 0 || p.since < timeout:
			out.overdue++
		}
		left--
	}
	return out
}

// waiting lists the replicas that are asked for and not ready, the oldest first.
func (v *variant) waiting(current, ready int) []pending {
	s := &v.runs.Starts
	var queue []pending
	asked, came := -1, -1
	look := func(n, r float64, ago time.Duration) {
		if math.IsNaN(n) || math.IsNaN(r) {
			return
		}
		if asked < 0 {
			asked, came = int(n), int(r)
			queue = append(queue, slices.Repeat([]pending{{since: ago}}, max(0, asked-came))...)
			return
		}
		for range max(0, int(n)-asked) {
			queue = append(queue, pending{since: ago})
		}
		for range max(0, asked-int(n)) { // the newest go first
			queue = queue[:max(0, len(queue)-1)]
		}
		asked, came = int(n), int(r)
		for len(queue) > max(0, asked-came) {
			queue = arrive(queue)
		}
		for len(queue) < asked-came {
			queue = append(queue, pending{since: ago, was: true})
		}
	}
	served := s.Ready.Along(s.Current.History)
	for i, n := range s.Current.Values {
		look(n, served[i], s.Current.Ago(i))
	}
	look(float64(current), float64(ready), 0)
	return queue
}

// arrive takes away the replica that became ready: the last that lost its readiness, or else the oldest.
func arrive(queue []pending) []pending {
	for i, p := range slices.Backward(queue) {
		if p.was {
			return slices.Delete(queue, i, i+1)
		}
	}
	return queue[1:]
}

// lately is how many of the replicas that are not ready were ready a moment ago: the fewest asked for and the most ready over the
// time in which a replica that lost its readiness should have it back.
func (v *variant) lately(current, ready int) int {
	over := time.Duration(v.Startup) + query.ReadyFor
	if timeout := time.Duration(*v.ProvisionTimeout); timeout > 0 {
		over = min(over, timeout)
	}
	s := &v.runs.Starts
	fewest := least(current, s.Current.Over(over))
	most := forecast.Most(s.Ready.Over(over))
	if math.IsNaN(most) {
		return 0
	}
	return max(0, min(fewest, int(most))-ready)
}

// rolled corrects how many replicas a LeaderWorkerSet asks for while it rolls, now and in its history: its leaders' StatefulSet then counts
// the surge. What was asked for is the fewest since a minute before the roll-out began: its revision may show after the surge does.
func (v *variant) rolled() {
	rolling, n := v.runs.Starts.Rolling.Values, v.runs.Current.N
	if v.ScaleTarget.Kind != config.KindLeaderWorkerSet || n == nil || forecast.Known(rolling) == 0 || len(v.runs.Starts.Current.Values) == 0 {
		return
	}
	corrected := *v.runs // What was read stays as it is.
	asked := &corrected.Starts.Current
	asked.Values = slices.Clone(asked.Values)
	before := max(1, int(acting/asked.Step)) // steps
	for i := range asked.Values {
		if at := i - len(asked.Values) + len(rolling); at < 0 || math.IsNaN(rolling[at]) {
			continue
		}
		late := asked.Values[max(0, i-before) : i+1]
		fewest := forecast.Least(late)
		for j := range late {
			late[j] = min(late[j], fewest) // NaN stays
		}
	}
	if v.rolls(0) {
		fewest := least(*n, asked.Values[max(0, len(asked.Values)-before):])
		v.surges = fewest < *n
		corrected.Current.N = &fewest
	}
	v.runs = &corrected
}

// ordered reports whether a lowering of the variant removes its newest replicas first.
func (v *variant) ordered() bool { return v.ScaleTarget.Kind != config.KindDeployment }
