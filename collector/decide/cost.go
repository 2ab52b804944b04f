package decide

import (
	"maps"
	"slices"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/match"
)

// smallest is the smallest of a budget's limits; nil when one of them is not known.
func smallest(limits []match.Value) *float64 {
	var least *float64
	for _, v := range limits {
		if !v.Missing.OK() {
			return nil
		}
		if least == nil || v.Number < *least {
			least = &v.Number
		}
	}
	return least
}

// partial reports whether a part is missing from a limit of a budget.
func partial(limits []match.Value) bool {
	return slices.ContainsFunc(limits, func(v match.Value) bool { return v.Partial })
}

// keepPartial raises the limits that a part is missing from to what is asked for now: nothing is removed for such a limit, and nothing added.
func (d *decider) keepPartial() {
	for i, b := range d.program.Budgets {
		if d.limits[i] != nil && partial(d.read.Budgets[i].Limits) {
			limit := max(*d.limits[i], d.asked(b.Name))
			d.limits[i] = &limit
		}
	}
}

func (v *variant) readUses() {
	v.uses = make(map[string]float64, len(v.read.Uses))
	for _, name := range slices.Sorted(maps.Keys(v.read.Uses)) {
		switch use := v.read.Uses[name]; {
		case use.Missing.OK():
			v.uses[name] = use.Number
		case name != config.MeanPowerUse: // whose place power takes
			v.missing = use.Missing
		}
	}
}

const wattsPerKilowatt = 1000

// watts is what a replica draws: on average where that is known, else at most. A budget counts the most.
func (v *variant) watts() (watts float64, draws bool) {
	if mean, known := v.uses[config.MeanPowerUse]; known {
		return mean, true
	}
	_, draws = v.Uses[config.PowerUse]
	return v.uses[config.PowerUse], draws
}

func (v *variant) readCost(energy bool, price match.Value) {
	cost, missing := v.read.Cost.Number, v.read.Cost.Missing
	if energy {
		watts, draws := v.watts()
		if draws && !price.Missing.OK() {
			missing = price.Missing
		}
		cost += price.Number * watts / wattsPerKilowatt
	}
	if missing.OK() && cost > match.MaxValue {
		missing = match.Missing{Input: "cost", Why: match.BadRange}
	}
	if !missing.OK() {
		v.missing = missing
		return
	}
	v.cost = &cost
}

// unknownBudgets keeps variants where they are that use a budget of which too little is known: its limit, or what a variant that
// runs takes of it.
func (d *decider) unknownBudgets() {
	for i, b := range d.program.Budgets {
		for _, v := range d.variants {
			_, uses := v.Uses[b.Name]
			_, known := v.uses[b.Name]
			if uses && !known && (v.runs.Current.N == nil || *v.runs.Current.N > 0) {
				d.limits[i] = nil
			}
		}
		if d.limits[i] != nil {
			continue
		}
		for _, v := range d.variants {
			if _, uses := v.Uses[b.Name]; uses && v.missing.OK() {
				v.missing = match.Missing{Input: "budget." + b.Name, Why: "its limit or its use is not known"}
			}
		}
	}
}
