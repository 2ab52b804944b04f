package decide

import (
	"math"
	"slices"
	"time"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/match"
	"github.com/variant-exporter/variant-exporter/collector/query"
	"github.com/variant-exporter/variant-exporter/optimizer/forecast"
)

// readMinimums reads how many replicas there must be at the least. A minimum that is not known is the lowest that it can be, and keeps
// the model from being lowered.
func (m *model) readMinimums() (missing match.Missing) {
	m.minimum, missing = replicasIn(m.read.Min, m.Min)
	m.minimum = max(m.minimum, m.Fewest())
	for _, v := range m.variants {
		least, unknown := replicasIn(v.read.Min, v.Min)
		missing = missing.Or(unknown)
		v.asked = least
		if v.Replicas.Max != nil {
			least = min(least, *v.Replicas.Max)
		}
		v.minimum = least
	}
	return missing
}

// replicasIn is a number of replicas that carries as much as a value asks for; 0 where that is not known. What a part is missing from may be more.
func replicasIn(v match.Value, q query.Quantity) (n int, missing match.Missing) {
	switch {
	case !v.Missing.OK():
		return 0, v.Missing
	case v.Number > config.MaxReplicas:
		return 0, match.Missing{Input: q.Query.Name, Why: match.BadRange}
	case v.Partial:
		missing = match.Missing{Input: q.Silent.Now.Name, Why: "a target that is a part of it does not answer scrapes"}
	}
	return int(math.Ceil(v.Number - replicaShare)), missing
}

// replicaShare is what rounding leaves of a whole number that was worked out.
const replicaShare = 1e-9

// minReplicas is the fewest replicas of a model over all variants of each role. A model that may go to zero keeps one until it has
// been without demand, and ready, for as long as the configuration asks. What is not known keeps what runs, and starts nothing that is
// known not to run.
func (d *decider) minReplicas(m *model) int {
	if m.minimum > 0 {
		return m.minimum
	}
	runs := slices.ContainsFunc(m.variants, func(v *variant) bool { return v.runs.Current.N == nil || *v.runs.Current.N > 0 })
	awakens := runs && m.awakens()
	for _, s := range m.signals {
		if s.out.Planned != nil && (awakens || runs && !d.idle(s) || *s.out.Planned > 0) {
			return 1
		}
	}
	return 0
}

// awakens reports whether a model was woken and has not been ready for as long as it must be idle before it sleeps, or for query.AwakeFor where
// that is less: whoever woke it may have given up and come back. What never becomes ready is waited for as long as a start may take.
func (m *model) awakens() bool {
	var asked, ready []forecast.History
	timeout := time.Duration(0)
	for _, v := range m.variants {
		asked, ready = append(asked, v.runs.Starts.Current.History), append(ready, v.runs.Starts.Ready.History)
		timeout = max(timeout, time.Duration(*v.ProvisionTimeout))
	}
	runs := forecast.Sum(asked...)
	for i, n := range slices.Backward(runs.Values) {
		if n != 0 { // Or not known.
			continue
		}
		served := forecast.Sum(ready...).Along(runs)[i:]
		if first := slices.IndexFunc(served, func(n float64) bool { return n > 0 }); first >= 0 {
			return runs.Ago(i+first) < query.AwakeFor(m.Model.Model)
		}
		return runs.Ago(i) < timeout
	}
	return false // It was woken before that, or by nobody.
}

// idle reports whether a signal showed no demand for as long as the configuration asks, and was watched for so long: a Prometheus
// that has just started knows of no demand either.
func (d *decider) idle(s *signal) bool {
	after := s.model.IdleFor
	past, missing := s.past(func(x *match.Demand) match.Past { return x.Idle })
	waited := s.read.Queued.Idle
	if !missing.OK() || forecast.Most(past.Over(after)) > 0 || !waited.Missing.OK() || forecast.Most(waited.Over(after)) > 0 || s.backlog > 0 {
		return false
	}
	steps := past.Over(after)
	return !math.IsNaN(past.At(after)) && enough(forecast.Known(steps), len(steps))
}
