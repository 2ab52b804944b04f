package decide

import (
	"math"
	"slices"
	"time"

	"github.com/variant-exporter/variant-exporter/collector/match"
	"github.com/variant-exporter/variant-exporter/optimizer/forecast"
)

// stuck is the number of replicas that a variant is capped at: more were wanted, throughout the provision timeout, than were ready
// at any moment of it. A verdict counts for the cooldown. There is none without the timeout's history, nor while a roll-out
// proceeds, in which some pods are always not ready. More ready replicas than at the verdict end it, at once, or where replicas crash
// again and again when they have been there for a while.
func (d *decider) stuck(v *variant) *int {
	timeout, cooldown := time.Duration(*v.ProvisionTimeout), time.Duration(*v.model.ProvisionCooldown)
	s := &v.runs.Starts
	if timeout == 0 || !s.Current.Missing.OK() || !s.Ready.Missing.OK() || !s.Rolling.Missing.OK() || !everShort(s) {
		return nil
	}
	for i := len(s.Current.Values) - 1; i >= 0 && s.Current.Ago(i) < cooldown; i-- {
		ago := s.Current.Ago(i)
		patience := v.patience(ago)
		found, crashes, ok := verdict(s, ago, patience+s.Current.Step)
		if !ok {
			continue
		}
		better := v.runs.Ready.N != nil && *v.runs.Ready.N > found
		if better && crashes {
			lately := s.Ready.Over(patience / 4)
			better = enough(forecast.Known(lately), len(lately)) && forecast.Least(lately) > float64(found)
		}
		if better {
			return nil
		}
		return &found
	}
	return nil
}

// everShort reports whether fewer replicas were ready at any time than were asked for.
func everShort(s *match.Starts) bool {
	ready := s.Ready.Along(s.Current.History)
	for i, current := range s.Current.Values {
		if ready[i] < current {
			return true
		}
	}
	return false
}

// verdict is the most that were ready over a window that ended some time ago, where throughout it more were asked for. Where replicas
// crash again and again, it is what was ready for at least half of it.
func verdict(s *match.Starts, ago, window time.Duration) (found int, crashes, ok bool) {
	current, ready := s.Current.Until(ago).Over(window), s.Ready.Until(ago).Over(window)
	if len(current) < int(window/s.Current.Step) || !enough(forecast.Known(current), len(current)) || math.IsNaN(current[0]) ||
		proceeds(s.Rolling.Until(ago).Over(window), ready, current) {
		return 0, false, false
	}
	most, asked := forecast.Most(ready), forecast.Least(current)
	if most >= asked {
		most, crashes = crashing(ready, asked), true
	}
	if math.IsNaN(most) || most >= asked {
		return 0, false, false
	}
	return int(most), crashes, true
}

// crashing is how many replicas were ready for at least half of a time in which all that are asked for were ready now and then, and fewer
// before that and after it: they start, and do not last. NaN where it was not so.
func crashing(ready []float64, asked float64) float64 {
	short := func(n float64) bool { return n < asked }
	whole := func(n float64) bool { return n >= asked }
	from, until := slices.IndexFunc(ready, short), len(ready)
	for until > 0 && !short(ready[until-1]) {
		until--
	}
	if from < 0 || !slices.ContainsFunc(ready[from:until], whole) {
		return math.NaN()
	}
	known := slices.DeleteFunc(slices.Clone(ready), math.IsNaN)
	slices.Sort(known)
	return known[len(known)/2]
}

// unplacedLooks is at how many steps in a row pods must have had no node: one look is no evidence.
const unplacedLooks = 2

// placed is the number of replicas that have a node, where the scheduler finds none for others. What is ready has one, whatever is still told.
func (v *variant) placed() (replicas int, ok bool) {
	unplaced, n := v.runs.Starts.Unplaced, v.runs.Current.N
	looks := unplaced.Values[max(0, len(unplaced.Values)-unplacedLooks):]
	if n == nil || !unplaced.Missing.OK() || len(looks) < unplacedLooks || forecast.Known(looks) < unplacedLooks || forecast.Least(looks) < 1 {
		return 0, false
	}
	replicas = max(0, *n-int(looks[unplacedLooks-1]))
	if ready := v.runs.Ready.N; ready != nil {
		replicas = max(replicas, min(*n, *ready))
	}
	return replicas, replicas < *n
}

// proceeds reports whether a roll-out explains that not all replicas are ready: it did not last throughout, or something came of it:
// pods became ready, or were replaced. Its value counts the pods that are new already; those that a larger number of replicas adds are
// new and replace nothing.
func proceeds(rolling, ready, asked []float64) bool {
	known := forecast.Known(rolling)
	if known == 0 {
		return false
	}
	return !enough(known, len(rolling)) || rises(ready, nil) || rises(rolling, asked)
}

// rises reports whether a number was ever larger than at the step before, by more than another one was.
func rises(values, beyond []float64) bool {
	for i := 1; i < len(values); i++ {
		by := values[i] - values[i-1]
		if i < len(beyond) {
			by -= max(0, beyond[i]-beyond[i-1])
		}
		if by > 0 { // NaN is not
			return true
		}
	}
	return false
}

// The least time, and the number of startups, in which something must come of a roll-out. It takes away what serves, and replaces pods
// where there were some: no pod waits for nodes.
const (
	rollTimeout  = 5 * time.Minute
	rollStartups = 3
)

// patience is how long replicas may fail to become ready some time ago: the provision timeout, and less while pods were replaced.
func (v *variant) patience(ago time.Duration) time.Duration {
	timeout, startup := time.Duration(*v.ProvisionTimeout), time.Duration(v.Startup)
	if startup > 0 && v.rolls(ago) {
		return min(timeout, max(rollTimeout, rollStartups*startup))
	}
	return timeout
}

// rolls reports whether pods of a variant were being replaced some time ago, as far as is known.
func (v *variant) rolls(ago time.Duration) bool {
	rolling := v.runs.Starts.Rolling.Until(ago).Values
	return len(rolling) > 0 && !math.IsNaN(rolling[len(rolling)-1])
}
