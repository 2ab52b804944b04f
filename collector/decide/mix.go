package decide

import (
	"math"
	"slices"
	"time"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/match"
	"github.com/variant-exporter/variant-exporter/optimizer"
	"github.com/variant-exporter/variant-exporter/optimizer/forecast"
)

// A model with several variants has a best mix of them at each moment, and demand that goes up and down makes it another one at the next. To
// follow it costs starts that never pay. So what was started for a demand stays for a while unless the demand has gone, and what an
// autoscaler was told a moment ago counts as ordered.

// toldEvery is how far moments are apart at which an autoscaler may have been told something.
const toldEvery = 15 * time.Second

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

// underWay notes what autoscalers were told during the last minute and is not seen yet: the orders that followed from the demand of each
// moment of it, and, where demand falls, the replicas given up, so that none of them counts as there.
func (d *decider) underWay(o optimizer.Options) {
	for ago := acting - toldEvery; ago > 0; ago -= toldEvery {
		var moving []*model
		var ways []int
		p := optimizer.Problem{}
		for _, m := range d.models {
			if then, way := m.toldFor(ago, d.sinceMinute()); then != nil {
				x := d.problemModel(m)
				x.Demand = then
				moving, ways, p.Models = append(moving, m), append(ways, way), append(p.Models, x)
			}
		}
		if len(moving) == 0 {
			continue
		}
		p.Budgets = d.leftFor(moving)
		plan, err := optimizer.Solve(optimizer.Constrain(p, d.stateOf(moving)), o)
		if err != nil {
			return
		}
		for i, m := range moving {
			more := make([]int, len(m.variants))
			for j, v := range m.variants {
				more[j] = plan.Models[i].Variants[j].Replicas - v.asksFor()
			}
			starts := slices.Max(more) > 0 || slices.ContainsFunc(m.variants, (*variant).loads)
			for j, v := range m.variants {
				if more[j] > 0 && ways[i] >= 0 || more[j] < 0 && ways[i] <= 0 && !starts { // What others replace stays until they are ready.
					v.unseen += more[j]
				}
			}
		}
	}
}

// loads reports whether fewer replicas of a variant are ready than are asked for.
func (v *variant) loads() bool { return v.runs.Ready.N != nil && *v.runs.Ready.N < *v.runs.Current.N }

// leftFor is what the others leave of the budgets for some models.
func (d *decider) leftFor(models []*model) []optimizer.Budget {
	budgets := d.budgets()
	for i := range budgets {
		for _, m := range d.models {
			if slices.Contains(models, m) {
				continue
			}
			for _, v := range m.variants {
				if n := v.runs.Current.N; n != nil {
					budgets[i].Limit = max(0, budgets[i].Limit-v.uses[budgets[i].Name]*float64(*n))
				}
			}
		}
	}
	return budgets
}

// toldFor is what a model was planned for some time ago, where autoscalers were told then to start or to stop something; nil otherwise. What they were
// told goes that way: up, down, or, where it is 0, both.
func (m *model) toldFor(ago, minute time.Duration) (then map[string]float64, way int) {
	if then = m.risen(ago, minute); then != nil {
		return then, 1
	}
	if ago <= minute && minute < ago+toldEvery {
		if then = m.atMinute(minute); then != nil {
			return then, 0
		}
	}
	return m.fallen(ago), -1
}

// risen is what was needed some time ago, where what is asked for does not carry it; nil otherwise.
func (m *model) risen(ago, minute time.Duration) map[string]float64 {
	if !m.choice() {
		return nil
	}
	beyond := false
	for _, s := range m.signals {
		if s.out.Planned == nil {
			continue
		}
		at := s.neededAt(ago, minute)
		if math.IsNaN(at) {
			return nil
		}
		beyond = beyond || at > s.supplyWithOrders()
	}
	if !beyond {
		return nil
	}
	then := map[string]float64{}
	for _, s := range m.signals {
		if s.out.Planned != nil {
			then[s.Name] = s.neededAt(ago, minute)
		}
	}
	return then
}

// atMinute is what a model was planned for at the first look after the last full minute, where what is asked for carried that, and there is more to plan
// for now; nil otherwise. What replicas are kept for falls only there, so another mix is chosen there because it costs less.
func (m *model) atMinute(minute time.Duration) map[string]float64 {
	changed := func(v *variant) bool { return v.runs.Starts.Current.At(minute) != float64(*v.runs.Current.N) }
	if !m.choice() || slices.ContainsFunc(m.variants, changed) {
		return nil
	}
	if age, priced := m.priceAge(); priced && age < minute+newFor {
		return nil // by another price another mix was the best
	}
	then, more := map[string]float64{}, false
	for _, s := range m.signals {
		if s.out.Planned == nil {
			continue
		}
		kept, carried := max(s.keptAtMinute(), s.heldAt(minute)), s.supplyAsked()
		if !(kept > 0 && kept <= carried) {
			return nil // also where it is not known
		}
		if s.measured() {
			kept = min(kept*(1+stopNoise), carried)
		}
		then[s.Name], more = kept, more || s.steadied() > kept
	}
	if !more {
		return nil
	}
	return then
}

// fallen is what was planned for some time ago, where that is more than now and less than what is asked for carries without one of its
// replicas; nil otherwise.
func (m *model) fallen(ago time.Duration) map[string]float64 {
	if !m.choice() {
		return nil
	}
	falls := func(s *signal) bool { return s.out.Planned != nil && s.heldAt(ago) > *s.out.Planned*(1+capacityNoise) }
	if !slices.ContainsFunc(m.signals, falls) {
		return nil
	}
	then, spare := map[string]float64{}, slices.Clone(m.variants)
	for _, s := range m.signals {
		if s.out.Planned == nil {
			continue
		}
		then[s.Name] = max(s.heldAt(ago), s.steadied())
		supply := s.supplyWithOrders()
		spare = slices.DeleteFunc(spare, func(v *variant) bool {
			return v.asksFor() <= v.minimum || !(then[s.Name] <= supply-v.capacities[s.Place])
		})
	}
	if len(spare) == 0 {
		return nil
	}
	return then
}

// supplyWithOrders is what the replicas that are asked for can serve of a signal, with orders that are not seen yet.
func (s *signal) supplyWithOrders() float64 { return s.supply((*variant).asksFor) }

// heldAt is what the scale-down window held of what a signal was planned for, some time ago; NaN where that is not known.
func (s *signal) heldAt(ago time.Duration) float64 {
	held, window := s.plannedAt(ago), time.Duration(*s.model.ScaleDownWindow)
	if s.planned.Values == nil {
		s.planned = s.read.Absolute.Window.History
		if s.plan != nil {
			s.planned = s.read.Absolute.Recent.History
		}
		over := s.planned.Over(window + acting)
		s.planned.Values = make([]float64, len(over))
		for i := range over {
			s.planned.Values[i] = s.plannedAt(s.planned.Ago(i))
		}
	}
	for i, was := range s.planned.Values {
		if at := s.planned.Ago(i); at > ago && at < ago+window && was > held {
			held = was
		}
	}
	return held
}

// plannedAt is what a signal was planned for some time ago, by its demand at that moment; NaN where that is not known.
func (s *signal) plannedAt(ago time.Duration) float64 {
	if s.plan != nil {
		recent := s.read.Absolute.Recent
		then := recent.At(ago)
		planned := s.plan(ago, then)
		if planned <= s.mostly*then {
			return planned // There was as much demand as that at least.
		}
		known := forecast.Most(recent.Until(ago).Over(headroomPast + time.Duration(*s.model.ScaleDownWindow)))
		return min(planned, s.mostly*max(then, known)) // NaN where one is
	}
	window, missing := s.past(func(x *match.Demand) match.Past { return x.Window })
	if !missing.OK() || s.out.Headroom == nil {
		return math.NaN()
	}
	return window.At(ago) * (1 + *s.out.Headroom)
}

// asksFor is what is asked for of a variant, as far as that is known, with orders that are not seen yet.
func (v *variant) asksFor() int {
	if n := v.runs.Current.N; n != nil {
		return *n + v.unseen
	}
	return v.unseen
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
