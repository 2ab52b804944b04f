package decide

import (
	"math"
	"time"

	"github.com/variant-exporter/variant-exporter/collector/match"
	"github.com/variant-exporter/variant-exporter/optimizer"
)

// problem states what is known as an integer program. What follows from how much is known, the guards add.
func (d *decider) problem() optimizer.Problem {
	p := optimizer.Problem{Budgets: d.budgets()}
	p.Models = make([]optimizer.Model, 0, len(d.models))
	for _, m := range d.models {
		p.Models = append(p.Models, d.problemModel(m))
	}
	return p
}

// budgets are those of which the limit is known.
func (d *decider) budgets() []optimizer.Budget {
	var known []optimizer.Budget
	for i, b := range d.program.Budgets {
		if d.limits[i] != nil {
			known = append(known, optimizer.Budget{Name: b.Name, Limit: d.free(b.Name, *d.limits[i])})
		}
	}
	return known
}

// free is what may be planned of a budget: what pods that are being deleted use is not free before they are gone. What is asked for may stay.
func (d *decider) free(budget string, limit float64) float64 {
	draining := 0.0
	for _, v := range d.variants {
		draining += v.uses[budget] * orZero(last(v.runs.Draining))
	}
	return max(limit-draining, min(limit, d.asked(budget)))
}

// asked is what the replicas that are asked for use of a budget.
func (d *decider) asked(budget string) float64 {
	asked := 0.0
	for _, v := range d.variants {
		if n := v.runs.Current.N; n != nil {
			asked += v.uses[budget] * float64(*n)
		}
	}
	return asked
}

func (d *decider) problemModel(m *model) optimizer.Model {
	out := optimizer.Model{Name: m.Namespace + "/" + m.Name, Priority: m.Priority, Demand: map[string]float64{}}
	for _, s := range m.signals {
		if s.out.Planned != nil {
			out.Demand[s.Name] = s.steadied()
		}
	}
	out.MinReplicas = d.minReplicas(m)
	out.Variants = make([]optimizer.Variant, 0, len(m.variants))
	for _, v := range m.variants {
		out.Variants = append(out.Variants, d.problemVariant(v))
	}
	if m.known != optimizer.KnownNothing && m.waking(out.Demand) {
		for i, v := range m.variants {
			price(&out.Variants[i], time.Duration(v.Startup))
		}
	}
	return out
}

// waking reports whether there is demand for a model of which nothing is ready, nor was a moment ago: requests wait for the first
// replica. Replicas that lost their readiness a moment ago are back before a start could help.
func (m *model) waking(demand map[string]float64) bool {
	for _, v := range m.variants {
		if v.runs.Current.N == nil || serves(v.runs) || v.pending.lately > 0 || v.Startup == 0 {
			return false
		}
	}
	for _, amount := range demand {
		if amount > 0 {
			return true
		}
	}
	return false
}

// price makes the cost of a variant that of waiting for it, so the plan wakes what is ready soonest for its cost, and stays with
// it until it is. Once something is ready, the next plan is for the least cost again.
func price(v *optimizer.Variant, startup time.Duration) {
	v.Cost, v.StartCost = v.Cost*startup.Hours(), 0
}

func (d *decider) problemVariant(v *variant) optimizer.Variant {
	out := optimizer.Variant{
		Name: v.Name, Role: optimizer.Role(v.Role), Min: v.atLeast(), Max: v.Replicas.Max, Capacity: map[string]float64{}, Uses: map[string]float64{},
	}
	for _, s := range v.model.signals {
		out.Capacity[s.Name] = v.capacities[s.Place]
	}
	for i, b := range d.program.Budgets {
		if use, ok := v.uses[b.Name]; ok && d.limits[i] != nil {
			out.Uses[b.Name] = use
		}
	}
	if v.cost != nil {
		out.Cost = *v.cost
	}
	if v.runs.Current.N != nil {
		out.Current = v.asksFor()
		startup := time.Duration(v.Startup)
		life := min(max(v.model.life, startup), v.model.holds)
		if life > 0 {
			out.StartCost = min(out.Cost*perHour(startup, life), match.MaxValue)
		}
	}
	return out
}

// perHour is the share of its hourly cost that a start costs, to two digits. No more is known of how long a plan lives, and with more of them mixes that
// cost the same would not: the least difference would decide, and another one at the next look.
func perHour(startup, life time.Duration) float64 {
	share := startup.Seconds() / life.Seconds()
	if !(share > 0) {
		return 0
	}
	unit := math.Pow10(int(math.Floor(math.Log10(share))) - 1)
	return math.Round(share/unit) * unit
}
