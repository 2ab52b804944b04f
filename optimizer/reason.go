package optimizer

// Reason says what determined a variant's replicas. The list is closed.
type Reason string

const (
	// ReasonDemand says that the demand determined the replicas.
	ReasonDemand Reason = "demand"
	// ReasonMin says that the replicas are what a minimum asks for.
	ReasonMin Reason = "min"
	// ReasonMax says that the variant is at its maximum and another replica would
	// be used.
	ReasonMax Reason = "max"
	// ReasonBudget says that a budget that ran out determined the replicas.
	ReasonBudget Reason = "budget"
	// ReasonIdle says that the model has no demand.
	ReasonIdle Reason = "idle"
	// ReasonNotNeeded says that there is demand, but no replica of the variant
	// is needed: others carry the demand at less cost, or it adds nothing.
	ReasonNotNeeded Reason = "not_needed"
	// ReasonMakeBeforeBreak says that replicas stay until their replacements
	// are ready.
	ReasonMakeBeforeBreak Reason = "make_before_break"
	// ReasonStuck says that the variant is limited to its ready replicas because
	// its pods do not become ready.
	ReasonStuck Reason = "stuck"
	// ReasonRateLimit says that a limit on change per time keeps the replicas from
	// reaching the plan.
	ReasonRateLimit Reason = "rate_limit"
	// ReasonFailsafe says that nothing has been known for so long that the
	// configured failsafe applies.
	ReasonFailsafe Reason = "failsafe"
	// ReasonHold says that too little is known to change the replicas.
	ReasonHold Reason = "hold"
)

// Reasons returns every reason there is, in a fixed order.
func Reasons() []Reason {
	return []Reason{
		ReasonDemand, ReasonMin, ReasonMax, ReasonBudget, ReasonIdle, ReasonNotNeeded,
		ReasonMakeBeforeBreak, ReasonStuck, ReasonRateLimit, ReasonFailsafe, ReasonHold,
	}
}
