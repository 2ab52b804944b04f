package optimizer

// Reason says what determined a variant's replicas. The list is closed.
type Reason string

const (
	// ReasonDemand says that the demand determined the replicas.
	ReasonDemand Reason = "demand"
	// ReasonMin says that the replicas are what a minimum asks for.
	ReasonMin Reason = "min"
	// ReasonMax says that the variant's maximum stopped it.
	ReasonMax Reason = "max"
	// ReasonBudget says that a budget that ran out determined the replicas.
	ReasonBudget Reason = "budget"
	// ReasonIdle says that no replica of the variant is needed.
	ReasonIdle Reason = "idle"
	// ReasonMakeBeforeBreak says that replicas stay until their replacements
	// are ready.
	ReasonMakeBeforeBreak Reason = "make_before_break"
	// ReasonStuck says that the variant is held at what is ready because its
	// pods do not become ready.
	ReasonStuck Reason = "stuck"
	// ReasonRateLimit says that a limit on change per time holds the replicas
	// short of the plan.
	ReasonRateLimit Reason = "rate_limit"
	// ReasonFailsafe says that nothing has been known for so long that the
	// replicas chosen for that case are asked for.
	ReasonFailsafe Reason = "failsafe"
	// ReasonHold says that missing signals keep the replicas from falling.
	ReasonHold Reason = "hold"
)

// Reasons returns every reason there is, in a fixed order.
func Reasons() []Reason {
	return []Reason{
		ReasonDemand, ReasonMin, ReasonMax, ReasonBudget, ReasonIdle,
		ReasonMakeBeforeBreak, ReasonStuck, ReasonRateLimit, ReasonFailsafe, ReasonHold,
	}
}
