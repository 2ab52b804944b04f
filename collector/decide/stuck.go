package decide

import (
	"math"
	"time"

	"github.com/variant-exporter/variant-exporter/collector/match"
	"github.com/variant-exporter/variant-exporter/optimizer/forecast"
)

// stuck is the number of replicas that a variant is capped at: more were wanted, throughout the provision timeout, than were ready
// at any moment of it. A verdict counts for the cooldown. There is none without the timeout's history, nor while a roll-out
// proceeds, in which some pods are always not ready. More ready replicas than at the verdict end it.
func (d *decider) stuck(v *variant) *int {
	timeout, cooldown := time.Duration(*v.ProvisionTimeout), time.Duration(*v.model.ProvisionCooldown)
	s := &v.runs.Starts
	if timeout == 0 || !s.Current.Missing.OK() || !s.Ready.Missing.OK() || !s.Rolling.Missing.OK() || !everShort(s) {
		return nil
	}
	for i := len(s.Current.Values) - 1; i >= 0 && s.Current.Ago(i) < cooldown; i-- {
		found, ok := verdict(s, s.Current.Ago(i), timeout+s.Current.Step)
		switch {
		case !ok:
			continue
		case v.runs.Ready.N != nil && *v.runs.Ready.N > found:
			return nil
		}
		return &found
	}
	return nil
}

// everShort reports whether fewer replicas were ready at any time than were asked for.
func everShort(s *match.Starts) bool {
	for i, current := range s.Current.Values {
		if s.Ready.At(s.Current.Ago(i)) < current {
			return true
		}
	}
	return false
}

// verdict is the most that were ready over a window that ended some time ago, where throughout it more were asked for.
func verdict(s *match.Starts, ago, window time.Duration) (ready int, ok bool) {
	current := s.Current.Until(ago).Over(window)
	if len(current) < int(window/s.Current.Step) || !enough(forecast.Known(current), len(current)) || math.IsNaN(current[0]) ||
		proceeds(s.Rolling.Until(ago).Over(window), s.Ready.Until(ago).Over(window)) {
		return 0, false
	}
	most := forecast.Most(s.Ready.Until(ago).Over(window))
	if math.IsNaN(most) || most >= forecast.Least(current) {
		return 0, false
	}
	return int(most), true
}

// proceeds reports whether a roll-out explains that not all replicas are ready: it did not last throughout, or something came of it.
// Its value counts the pods that are new already.
func proceeds(rolling, ready []float64) bool {
	known := forecast.Known(rolling)
	moves := forecast.Most(rolling) > forecast.Least(rolling) || forecast.Most(ready) > forecast.Least(ready)
	return known > 0 && (!enough(known, len(rolling)) || moves)
}
