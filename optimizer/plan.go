package optimizer

// Status says what is proven about a plan.
type Status string

const (
	// StatusOptimal says that every objective is proven to be optimal.
	StatusOptimal Status = "optimal"
	// StatusFeasible says that the plan is the best found, within the
	// optimality gaps that the plan states.
	StatusFeasible Status = "feasible"
)

// Plan is the answer to a Problem. Its budgets, models and variants are in the
// order of the problem.
type Plan struct {
	// Status reports whether every objective is proven.
	Status Status `json:"status"`
	// ShortfallGap is the optimality gap of the shortfalls: the largest
	// difference, over the priorities, between what was reached and its proven
	// bound, of the largest shortfall or of the sum of the shortfalls. A gap of
	// 0.2 is a fifth of one model's demand, however many models there are.
	ShortfallGap float64 `json:"shortfall_gap"`
	// Gap is the optimality gap of the cost: an upper bound on the relative
	// saving of a better plan with the same shortfalls; 0 if proven optimal.
	// The cost includes the start cost.
	Gap float64 `json:"gap"`
	// Cost is the running cost in currency per hour, without start cost. All
	// costs of a plan are rounded to 12 significant digits.
	Cost float64 `json:"cost"`
	// StartCost is the start cost of the replicas above the current ones.
	StartCost float64 `json:"start_cost"`
	// Changed is the number of replicas started plus those stopped.
	Changed int `json:"changed"`
	// RunnerUpCost is the least cost, including the start cost, of another plan
	// with the same shortfalls. It is nil if there is no such plan, or if it
	// was not searched because the work was used up.
	RunnerUpCost *float64 `json:"runner_up_cost,omitempty"`
	// OverBudget names the budgets that the minimums alone exceed.
	OverBudget []string `json:"over_budget"`
	// Budgets holds how much of each budget the plan uses.
	Budgets []BudgetPlan `json:"budgets"`
	// Models holds the replicas.
	Models []ModelPlan `json:"models"`
}

// BudgetPlan is what a plan uses of one budget.
type BudgetPlan struct {
	// Name is the budget's.
	Name string `json:"name"`
	// Used is the sum over all variants, in the budget's unit.
	Used float64 `json:"used"`
	// Limit is the budget's.
	Limit float64 `json:"limit"`
	// ShadowPrice is what one more unit of the budget would save, in currency
	// per hour and unit of the budget, at the shortfalls reached. If few models
	// compete for the budget, it is found by planning with one unit more, so it
	// is 0 if one unit is too little to run anything else: one watt starts no
	// replica. If many compete, it is the budget's dual price, the rate at
	// which more of it saves. It is 0 for a budget that does not bind, and for
	// one that the minimums use up.
	ShadowPrice float64 `json:"shadow_price"`
}

// ModelPlan is the plan of one model.
type ModelPlan struct {
	// Name is the model's.
	Name string `json:"name"`
	// Shortfall is the largest share of a demand that is unserved, over the
	// model's signals, between 0 and 1.
	Shortfall float64 `json:"shortfall"`
	// MinimumShort is how many replicas budgets or maximums keep the model
	// below its minimum over all variants, of the role that misses most.
	MinimumShort int `json:"minimum_short,omitempty"`
	// Binding is the signal that determines the number of replicas: the one
	// with the least supply per demand. It is empty if there is no demand.
	Binding string `json:"binding"`
	// Variants holds the replicas.
	Variants []VariantPlan `json:"variants"`
}

// VariantPlan is the plan of one variant.
type VariantPlan struct {
	// Name is the variant's.
	Name string `json:"name"`
	// Replicas is the number of replicas to run.
	Replicas int `json:"replicas"`
	// Reason says what determined Replicas.
	Reason Reason `json:"reason"`
}
