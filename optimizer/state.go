package optimizer

// State is what the guards know beside the problem: the present, and what the
// recent past has shown. Its models stand in the order of the problem's.
type State struct {
	// Borrow is by how much a transition may exceed a budget's limit, in the
	// unit of the budget. A budget left out lends nothing.
	Borrow map[string]float64
	// Models are parallel to Problem.Models.
	Models []ModelState
}

// ModelState is what is known of one model.
type ModelState struct {
	// Knowledge says how much is known of what its plan rests on.
	Knowledge Knowledge
	// Variants are parallel to Model.Variants.
	Variants []VariantState
}

// Knowledge says how much of what a decision rests on is known.
type Knowledge int

const (
	// KnownNothing says that no signal can be trusted: nothing is decided.
	KnownNothing Knowledge = iota
	// KnownPartly says that something that might ask for more is not known: a
	// plan may raise a variant, never lower it.
	KnownPartly
	// KnownFully says that nothing is missing.
	KnownFully
)

// VariantState is what is known of one variant. What a pointer leaves nil is
// not known, or not the case.
type VariantState struct {
	// Current is the number of replicas that the scale target asks for, Ready
	// how many of its replicas are ready.
	Current, Ready *int
	// Unknown says that a cost, capacity or use of the variant is not known:
	// it stays where it is, and nothing is said about it.
	Unknown bool
	// Stuck is the number of replicas that the variant is capped at, because
	// those beyond it did not become ready within its provision timeout.
	Stuck *int
	// Fewest and Most are what the limits on change allow for now.
	Fewest, Most *int
	// Failsafe is what to run while nothing is known, once that has lasted for
	// as long as was asked for.
	Failsafe *int
}

// Decision is a plan after the guards. Its models stand in the order of the
// problem's.
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
	// Desired is the number of replicas to scale to; nil where nothing can be
	// said, so that autoscalers hold.
	Desired *int
	// Reason says what determined Desired, or why there is none.
	Reason Reason
	// Effects are what the guards made of the plan, in their order: those that
	// changed something.
	Effects []Effect
}

// Effect is what one guard made of the number of a variant.
type Effect struct {
	// Guard names the guard by the reason that it leaves.
	Guard Reason `json:"guard"`
	// From and To are the replicas before and after; nil where there is no
	// number.
	From *int `json:"from"`
	To   *int `json:"to"`
}
