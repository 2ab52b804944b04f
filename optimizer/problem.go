package optimizer

import "slices"

// Problem is everything a plan depends on. Equal problems give equal plans,
// whatever the order of their budgets, models and variants.
type Problem struct {
	// Budgets are the limits that variants of any models share.
	Budgets []Budget `json:"budgets"`
	// Models are the served models. Their names are unique.
	Models []Model `json:"models"`
}

// Budget is a limit on a sum over all variants of all models: accelerators of
// a type, watts, currency per hour, a quota.
type Budget struct {
	// Name identifies the budget in Variant.Uses and in plans.
	Name string `json:"name"`
	// Limit is in the unit of the uses, finite and not negative.
	Limit float64 `json:"limit"`
}

// Model is a served model with the load that its variants must serve together.
type Model struct {
	// Name identifies the model; it is unique within a problem.
	Name string `json:"name"`
	// Priority says which models are served first when budgets run out. A lower
	// number is more important; equal numbers share fairly.
	Priority int `json:"priority"`
	// MinReplicas is the least number of replicas over all variants. If some of
	// them prefill or decode only, it counts for each of these roles: a prefill
	// without a decode serves nothing.
	MinReplicas int `json:"min_replicas"`
	// Demand is the load per signal, in the signal's unit. Zero demand asks
	// for nothing.
	Demand map[string]float64 `json:"demand"`
	// Variants are the ways of serving the model.
	Variants []Variant `json:"variants"`
}

// Unserved returns, in order, the signals with a demand for which no variant has
// a capacity. Solve gives a model with such a signal no replicas beyond its
// minimums; see the package comment.
func (m *Model) Unserved() []string {
	var names []string
	for _, s := range sortedKeys(m.Demand) {
		serves := func(v Variant) bool { return v.Capacity[s] > 0 && (v.Max == nil || *v.Max > 0) }
		if m.Demand[s] > 0 && !slices.ContainsFunc(m.Variants, serves) {
			names = append(names, s)
		}
	}
	return names
}

// Variant is one way of serving a model: a scale target with a cost, a
// capacity and what a replica uses of the budgets.
type Variant struct {
	// Name identifies the variant; it is unique within its model.
	Name string `json:"name"`
	// Role is the part of a request that the variant serves; empty is both.
	Role Role `json:"role,omitempty"`
	// Cost is what one replica costs, in currency per hour.
	Cost float64 `json:"cost"`
	// StartCost is added for every replica above Current, in currency per
	// hour. It is the cost of running both variants during a swap, and stops
	// swaps that do not pay.
	StartCost float64 `json:"start_cost"`
	// Min is the least number of replicas.
	Min int `json:"min"`
	// Max is the largest number of replicas; nil is no limit besides the
	// budgets.
	Max *int `json:"max,omitempty"`
	// Current is the number of replicas now.
	Current int `json:"current"`
	// Capacity is what one replica serves per signal, in the signal's unit. A
	// variant without a capacity for a signal serves nothing of it.
	Capacity map[string]float64 `json:"capacity"`
	// Uses is what one replica uses per budget, in the budget's unit.
	Uses map[string]float64 `json:"uses"`
}

// Options bound the work of Solve. The zero value is ready to use.
type Options struct {
	// WorkLimit bounds the search in abstract steps. They do not depend on the
	// machine, so equal inputs give equal plans everywhere. Zero means
	// DefaultWorkLimit.
	WorkLimit int
	// Interrupt, if set, is polled often. Once it returns true, the search ends
	// with the best plan found and its proven gaps. A caller can impose a time
	// limit with it; plans then depend on the machine.
	Interrupt func() bool
}
