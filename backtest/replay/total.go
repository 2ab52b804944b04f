package replay

import (
	"cmp"
	"slices"
)

// finish adds variants up to models, and models to the total.
func (a *account) finish() *Result {
	r := a.result
	a.countShort()
	for m := range r.Models {
		model, remembered := &r.Models[m], &a.models[m]
		model.UnmeasuredMinutes = r.minutes(remembered.unmeasured)
		for v := range model.Variants {
			variant, of := &model.Variants[v], &remembered.variants[v]
			variant.HeldMinutes, variant.UnknownMinutes, variant.UnpricedMinutes = r.minutes(of.held), r.minutes(of.unknown), r.minutes(of.unpriced)
			for way := range 2 {
				model.Total.of(way).include(variant.Total.of(way))
			}
		}
		for way := range 2 {
			total := model.Total.of(way)
			total.ShortfallMinutes = r.minutes(remembered.short[way])
			if way == wouldRun {
				total.ExtrapolatedMinutes = r.minutes(remembered.beyond)
			}
			r.Total.of(way).include(total)
		}
	}
	for way := range 2 {
		r.Total.of(way).ShortfallMinutes = r.minutes(a.short[way]) // not twice where two models were short at once
	}
	r.Total.Followed.ExtrapolatedMinutes = r.minutes(a.beyond)
	r.Failures = []Failure{}
	for failure, steps := range a.failures {
		failure.Steps = steps
		r.Failures = append(r.Failures, failure)
	}
	slices.SortFunc(r.Failures, func(x, y Failure) int {
		return cmp.Or(cmp.Compare(x.Input, y.Input), cmp.Compare(x.Reason, y.Reason))
	})
	r.Notes = notes(r, a.config)
	return r
}

func (t *Account) include(x *Account) {
	t.Cost += x.Cost
	t.ReplicaHours += x.ReplicaHours
	t.Changes += x.Changes
	t.LargestShortfall = max(t.LargestShortfall, x.LargestShortfall)
	if x.EnergyKWh != nil {
		if t.EnergyKWh == nil {
			t.EnergyKWh = new(float64)
		}
		*t.EnergyKWh += *x.EnergyKWh
	}
}
