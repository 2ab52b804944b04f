package decide

import (
	"math"
	"slices"
	"time"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/optimizer"
	"github.com/variant-exporter/variant-exporter/optimizer/forecast"
)

// A model with several variants has a best mix of them at each moment, and demand that goes up and down makes it another one at the next. To
// follow it costs starts that never pay. So what was started for a demand stays for a while unless the demand has gone, and what an
// autoscaler was told a moment ago counts as ordered: see told.go.

// choice reports whether a model can be served by several mixes, and it is known what runs of it.
func (m *model) choice() bool {
	if m.known == optimizer.KnownNothing || !m.alike() {
		return false
	}
	return !slices.ContainsFunc(m.variants, func(v *variant) bool { return v.runs.Current.N == nil || v.cost == nil })
}

// alike reports whether two variants of a model can do the same.
func (m *model) alike() bool {
	for i, v := range m.variants {
		for _, w := range m.variants[:i] {
			if v.Role == w.Role || v.Role == config.RoleBoth || w.Role == config.RoleBoth {
				return true
			}
		}
	}
	return false
}

// keepNew notes the replicas of a model that stay because some of their variant are new: to lower it would remove these first. They go when
// the demand that they were started for has gone, or a price has changed since. Those that woke the model were not chosen for their cost, and
// those that stand in for others are wanted only until these are there.
func (d *decider) keepNew(m *model) {
	if !m.choice() {
		return
	}
	minute := d.sinceMinute()
	age, changed := m.priceAge()
	for _, v := range m.variants {
		n, since := v.newSince(minute)
		if since > 0 && (!changed || age >= since) && !m.slept(since) && !m.fell(since) {
			v.stays, v.staysFor = n, max(acting, (v.stillNew(n)+minute+acting-1).Truncate(acting))-minute
		}
	}
	if slices.ContainsFunc(m.variants, func(v *variant) bool { return v.stays > 0 }) && slices.ContainsFunc(m.variants, d.fails) {
		for _, v := range m.variants {
			v.stays = 0
		}
	}
	for _, v := range m.variants {
		if v.stays > v.minimum {
			m.holds = min(m.holds, max(acting, v.staysFor)) // then another mix is the best
		}
	}
}

// fails reports whether replicas that are wanted of a variant do not come.
func (d *decider) fails(v *variant) bool {
	_, waits := v.placed()
	return v.stuck != nil || waits || d.waitsInVain(v)
}

// slept reports whether nothing of a model was ready some time ago.
func (m *model) slept(ago time.Duration) bool {
	return !slices.ContainsFunc(m.variants, func(v *variant) bool { return !(v.runs.Starts.Ready.At(ago) == 0) })
}

// newSince is how many replicas of a variant are asked for, or were during the last minute, some of which are new: they load, or have been
// ready for less than newFor. Since is how long ago the first of these were ordered, 0 where there are none. They are new until a full minute: else one
// variant could be given up, and a moment later another one in its stead, before the first is seen to go.
func (v *variant) newSince(minute time.Duration) (n int, since time.Duration) {
	asked := &v.runs.Starts.Current
	fewest, from := math.Inf(1), time.Duration(0)
	look := func(was float64, ago time.Duration) {
		if was > fewest && ago <= acting && int(was) >= n {
			n, since = int(was), from
		}
		if was <= fewest {
			fewest, from = was, max(ago, toldEvery)
		}
	}
	for i, was := range asked.Values {
		if ago := asked.Ago(i); ago <= time.Duration(v.Startup)+acting+newFor+minute {
			look(was, ago)
		}
	}
	look(float64(*v.runs.Current.N), 0)
	return n, since
}

// stillNew is for how long so many replicas of a variant go on counting as new: the last of them were ordered after the last moment at which
// fewer were asked for.
func (v *variant) stillNew(n int) time.Duration {
	ordered, fewer := toldEvery, toldEvery
	look := func(was float64, ago time.Duration) {
		switch {
		case was < float64(n):
			fewer = max(ago, toldEvery)
		case was >= float64(n):
			ordered = fewer
		}
	}
	asked := &v.runs.Starts.Current
	for i, was := range asked.Values {
		look(was, asked.Ago(i))
	}
	look(float64(*v.runs.Current.N), 0)
	return time.Duration(v.Startup) + acting + newFor - ordered
}

// fell reports whether the demand of a model has fallen for good since some time ago: by more than it goes up and down. It falls at full minutes only, so
// that replicas which go for this do not come back at the next look.
func (m *model) fell(since time.Duration) bool {
	for _, s := range m.signals {
		if s.out.Planned != nil && max(*s.out.Planned, s.marked) < (1-fellBy)*forecast.Most(s.plannedPast().Over(since+acting)) {
			return true
		}
	}
	return false
}

// atLeast is what a plan must have of a variant: its minimum, what is new, and what is ordered.
func (v *variant) atLeast() int {
	least := v.minimum
	if v.model.freed || v.runs.Current.N == nil {
		return least
	}
	least = max(least, v.stays)
	if v.unseen > 0 {
		least = max(least, v.asksFor())
	}
	if v.Replicas.Max != nil {
		least = min(least, max(*v.Replicas.Max, v.minimum))
	}
	return least
}

// demandReasons says what keeps replicas that stay, or were ordered a moment ago: the demand, and no minimum. It notes those that stay because
// they are new.
func (d *decider) demandReasons(plan *optimizer.Plan) {
	for i, m := range d.models {
		for j, v := range m.variants {
			if x := &plan.Models[i].Variants[j]; x.Reason == optimizer.ReasonMin && v.minimum < x.Replicas && x.Replicas <= v.atLeast() {
				x.Reason, v.kept = optimizer.ReasonDemand, x.Replicas <= v.stays
			}
		}
	}
}
