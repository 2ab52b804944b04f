package optimizer

import "time"

// State is what the guards know besides the problem: the present and the recent
// past. Its models are in the order of the problem.
type State struct {
	// Borrow is by how much a transition may exceed a budget's limit, in the
	// unit of the budget. A budget that is not listed lends nothing.
	Borrow map[string]float64
	// Models are parallel to Problem.Models.
	Models []ModelState
}

// ModelState is what is known of one model.
type ModelState struct {
	// Knowledge says how much of the plan's inputs is known.
	Knowledge Knowledge
	// Waiting is, per signal, what waits to be served, as a demand. No replica is
	// ordered for it, and those that serve or load stay for it.
	Waiting map[string]float64
	// Peak is, per signal, the most demand of the time for which the limits on
	// lowering count. They do not count for a variant where what the plan keeps of
	// the others, and is ready, carries it. It is nil where they count in any case.
	Peak map[string]float64
	// Moving says that replicas were asked for, given up, or became ready a moment
	// ago. Plans may turn round meanwhile, and what an autoscaler was told is not
	// seen yet: variants that could stand in for each other go one after another.
	Moving bool
	// Variants are parallel to Model.Variants.
	Variants []VariantState
}

// Knowledge says how much of a decision's inputs is known.
type Knowledge int

const (
	// KnownNothing says that no signal can be trusted. Nothing is decided.
	KnownNothing Knowledge = iota
	// KnownPartly says that an input is missing that might ask for more. A plan
	// may raise a variant, never lower it.
	KnownPartly
	// KnownFully says that nothing is missing.
	KnownFully
)

// VariantState is what is known of one variant. A nil pointer means that the
// value is unknown or does not apply.
type VariantState struct {
	// Current is the number of replicas that the scale target asks for, Ready
	// the number of its ready replicas.
	Current, Ready *int
	// Lately is how many of the replicas that are not ready were ready a moment
	// ago, and Overdue how many are starting for longer than they should. They
	// stay as if they were ready, and nothing relies on them.
	Lately, Overdue int
	// Starting are the replicas that load, and when they are expected. The rest
	// of those asked for is taken to have been ordered now.
	Starting []Start
	// Startup is how long a replica takes that is ordered now.
	Startup time.Duration
	// Ordered says that a lowering removes the newest replicas first, ready or
	// not. Otherwise those that are not ready go first.
	Ordered bool
	// Rolling says that pods are being replaced. A lowering may then take away
	// replicas that are ready while others are not.
	Rolling bool
	// Surging says that more replicas are shown than were asked for, while pods
	// are being replaced. What is asked for next cannot be told from that: the
	// variant is not lowered.
	Surging bool
	// Falling says that more were asked for a moment ago. An autoscaler acts
	// late, and may still be about to remove more: where no fewer are wanted
	// now, nothing relies on those that are left.
	Falling bool
	// Fresh says that replicas have become ready a moment ago. What an
	// autoscaler was told since then may rely on them, and is not seen yet: those
	// that are ready stay.
	Fresh bool
	// Unknown says that a cost, capacity or use of the variant is not known. It
	// stays where it is, and has no decision.
	Unknown bool
	// Stuck is the cap on a variant whose other replicas did not become ready
	// within its provision timeout.
	Stuck *int
	// Fewest and Most are what the limits on change allow for now.
	Fewest, Most *int
	// Failsafe is the number of replicas once nothing has been known for as
	// long as configured.
	Failsafe *int
}

// Start is a number of replicas that load.
type Start struct {
	Replicas int
	// In is the time until they are ready.
	In time.Duration
}

// Decision is a plan after the guards. Its models are in the order of the
// problem.
type Decision struct {
	Models []ModelDecision
}

// ModelDecision is the decision of one model, its variants in the order of the
// problem's.
type ModelDecision struct {
	Variants []VariantDecision
}

// VariantDecision is the decision about one variant.
type VariantDecision struct {
	// Desired is the number of replicas to scale to. It is nil if there is no
	// decision; autoscalers then hold.
	Desired *int
	// Reason says what determined Desired, or why it is nil.
	Reason Reason
	// Effects are the changes that the guards made, in their order.
	Effects []Effect
}

// Effect is the change that one guard made to the replicas of a variant.
type Effect struct {
	// Guard is the guard, named by its reason.
	Guard Reason `json:"guard"`
	// From and To are the replicas before and after; nil is no decision.
	From *int `json:"from"`
	To   *int `json:"to"`
}
