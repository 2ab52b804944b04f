package decide

import (
	"math"
	"slices"
	"time"

	"github.com/variant-exporter/variant-exporter/collector/match"
	"github.com/variant-exporter/variant-exporter/optimizer"
	"github.com/variant-exporter/variant-exporter/optimizer/forecast"
)

// What autoscalers were told during the last minute shows in Prometheus half a minute late. It follows from what was known then, so it is planned again, and
// counts as ordered, or as given up.

// toldEvery is how far moments are apart at which an autoscaler may have been told something.
const toldEvery = 15 * time.Second

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
		return nil // Costs are medians, which follow a new price late: another mix was the best some minutes ago.
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
