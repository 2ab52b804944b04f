package decide

import (
	"math"
	"slices"
	"time"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/match"
	"github.com/variant-exporter/variant-exporter/collector/query"
	"github.com/variant-exporter/variant-exporter/optimizer"
	"github.com/variant-exporter/variant-exporter/optimizer/forecast"
)

// What the guards know of the past is read from histories like everything else: a restart changes nothing, two exporters agree, and
// a replay sees what was seen then.

// state is what the guards know besides the problem.
func (d *decider) state() optimizer.State { return d.stateOf(d.models) }

// stateOf is what the guards know of some models.
func (d *decider) stateOf(models []*model) optimizer.State {
	s := optimizer.State{Borrow: map[string]float64{}, Models: make([]optimizer.ModelState, 0, len(models))}
	for i, b := range d.program.Budgets {
		if borrow := d.read.Budgets[i].Borrow; borrow.Missing.OK() {
			s.Borrow[b.Name] = borrow.Number
		}
	}
	for _, m := range models {
		if m.state == nil {
			m.state = m.readState()
		}
		out := *m.state
		out.Knowledge = m.known
		s.Models = append(s.Models, out)
	}
	return s
}

func (m *model) readState() *optimizer.ModelState {
	out := &optimizer.ModelState{
		Moving: m.moves(), Waiting: make(map[string]float64, len(m.signals)), Variants: make([]optimizer.VariantState, 0, len(m.variants)),
	}
	for _, s := range m.signals {
		out.Waiting[s.Name] = s.waiting()
	}
	if limit := m.ScaleDownLimit; m.limitedDown && limit.AfterOverload != nil {
		out.Peak = m.peak(time.Duration(*limit.AfterOverload))
	}
	for _, v := range m.variants {
		out.Variants = append(out.Variants, v.state())
	}
	return out
}

func (v *variant) state() optimizer.VariantState {
	current := v.runs.Current.N
	starts := v.pending
	out := optimizer.VariantState{
		Current: current, Ready: v.runs.Ready.N, Unknown: !v.missing.OK(), Stuck: v.stuck,
		Lately: starts.lately, Overdue: starts.overdue, Starting: starts.starting,
		Startup: time.Duration(v.Startup), Ordered: v.ordered(), Rolling: v.rolls(0), Surging: v.surges && v.stuck == nil, Falling: v.falls(), Fresh: v.fresh(),
	}
	if current == nil {
		return out
	}
	if limit := v.model.ScaleUpLimit; v.model.limitedUp {
		fewest := least(*current, v.runs.Limits.Over(time.Duration(*limit.Per)))
		most := fewest + allowed(limit, fewest)
		out.Most = &most
	}
	if limit := v.model.ScaleDownLimit; v.model.limitedDown {
		most := most(*current, v.runs.Limits.Over(time.Duration(*limit.Per)))
		fewest := max(0, most-allowed(limit, most))
		out.Fewest = &fewest
	}
	if v.model.known == optimizer.KnownNothing && v.failsafeDue() {
		out.Failsafe = v.Failsafe.Replicas
	}
	return out
}

// moves reports whether the replicas of a variant that are asked for or ready have changed of late: as long as orders take to be followed,
// and as long again.
func (m *model) moves() bool {
	changed := func(now *int, past match.Past) bool {
		over := past.Over(2 * acting)
		return now != nil && (least(*now, over) < *now || most(*now, over) > *now)
	}
	return len(m.variants) > 1 && slices.ContainsFunc(m.variants, func(v *variant) bool {
		return changed(v.runs.Current.N, v.runs.Starts.Current) || changed(v.runs.Ready.N, v.runs.Starts.Ready)
	})
}

// falls reports whether more replicas were asked for during the last minute than now.
func (v *variant) falls() bool {
	n := v.runs.Current.N
	return n != nil && most(*n, v.runs.Starts.Current.Over(acting)) > *n
}

// fresh reports whether replicas have become ready during the last minute.
func (v *variant) fresh() bool {
	n := v.runs.Ready.N
	return n != nil && least(*n, v.runs.Starts.Ready.Over(acting)) < *n
}

// limited reports whether a limit on change is in force: there is one, and the model was overloaded lately where it asks for that.
func (m *model) limited(limit *config.ChangeLimit) bool {
	if limit == nil || limit.AfterOverload == nil {
		return limit != nil
	}
	return slices.ContainsFunc(m.signals, func(s *signal) bool { return s.overloaded(time.Duration(*limit.AfterOverload)) })
}

// least is the fewest replicas over a past, and the present ones where it is not known.
func least(current int, past []float64) int {
	if found := forecast.Least(past); !math.IsNaN(found) {
		return min(current, int(found))
	}
	return current
}

// most is the most replicas over a past, and the present ones where it is not known.
func most(current int, past []float64) int {
	if found := forecast.Most(past); !math.IsNaN(found) {
		return max(current, int(found))
	}
	return current
}

// allowed is by how many replicas a number may change: the larger of the limit's bounds, and at least one.
func allowed(limit *config.ChangeLimit, replicas int) int {
	change := 1
	if limit.Replicas != nil {
		change = max(change, *limit.Replicas)
	}
	if limit.Percent != nil {
		change = max(change, int(math.Floor(float64(replicas)*(*limit.Percent/100))))
	}
	return change
}

// failsafeDue reports whether nothing usable has been known of any signal of the model for as long as the variant's failsafe asks
// for, while Prometheus watched: it knew the variant's replicas all the time, and knows them now.
func (v *variant) failsafeDue() bool {
	if v.Failsafe == nil || v.read.Replicas.Current.N == nil {
		return false
	}
	after, watched := time.Duration(v.Failsafe.After), v.read.Replicas.Failsafe
	if steps := watched.Over(after); len(steps) == 0 || !enough(forecast.Known(steps), len(steps)) || math.IsNaN(watched.At(after)) {
		return false
	}
	for _, s := range v.model.signals {
		demands := append([]match.Demand{s.read.Absolute}, s.read.Usage...)
		for i := range demands {
			if past := demands[i].Failsafe; !past.Missing.OK() || past.Spoilt(after) || forecast.Known(past.Over(after)) > 0 {
				return false
			}
		}
	}
	return true
}

// guardsFailed says why the guards know less than they should.
func (d *decider) guardsFailed(m *model) match.Missing {
	missing := d.unaged(m)
	if d.Fleet != nil {
		return missing
	}
	for _, v := range m.variants {
		if m.ScaleUpLimit != nil || m.ScaleDownLimit != nil {
			missing = missing.Or(v.runs.Limits.Missing)
		}
		if *v.ProvisionTimeout > 0 {
			s := &v.runs.Starts
			missing = missing.Or(s.Current.Missing).Or(s.Ready.Missing).Or(s.Rolling.Missing)
		}
	}
	return missing
}

// unaged says which input of a model has samples of unknown age, because asking for it failed.
func (d *decider) unaged(m *model) match.Missing {
	names := []string{}
	for _, q := range []*query.Query{d.program.Targets.Current.Now, d.program.Targets.Ready.Now} {
		if q != nil {
			names = append(names, q.Name)
		}
	}
	for _, s := range m.signals {
		names = append(names, s.Inputs...)
	}
	for _, name := range names {
		if missing := d.read.Unaged[name]; !missing.OK() {
			return missing
		}
	}
	return match.Missing{}
}
