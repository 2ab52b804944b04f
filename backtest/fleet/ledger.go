package fleet

// Tally counts a model's requests.
type Tally struct {
	// Arrived came to the gateway, FirstTokens have had their first token, Done are complete.
	Arrived, FirstTokens, Done int
	// WithinTTFT had their first token within the model's target, counted from the arrival at the gateway.
	WithinTTFT int
	// Overdue have no first token yet although the target has passed.
	Overdue int
}

// Attainment is the share of requests within the target for the first token, of all for which that is known: 1 before any is.
func (t Tally) Attainment() float64 {
	known := t.FirstTokens + t.Overdue
	if known == 0 {
		return 1
	}
	return float64(t.WithinTTFT) / float64(known)
}

// Cost is what a fleet costs, in currency.
type Cost struct {
	// PerHour is the present rate and Total what it has come to. Pods that start or terminate are paid for like ready ones.
	PerHour, Total float64
	// LargestPerHour and LargestTotal are what the same demand would cost if each model ran on its largest variant only: at every
	// moment ceil(demand / capacity) replicas, at least the model's minimum. It is a comparison in its own favour: those
	// replicas would start and stop at no time and no cost.
	LargestPerHour, LargestTotal float64
}

const secondsPerHour = 3600

type ledger struct {
	total, largestTotal float64
}

// accrue books the costs of the seconds until the next event, during which they do not change.
func (l *ledger) accrue(f *Fleet, seconds float64) {
	if seconds <= 0 {
		return
	}
	perHour, largestPerHour := f.costRates()
	l.total += perHour * seconds / secondsPerHour
	l.largestTotal += largestPerHour * seconds / secondsPerHour
}

// costRates are the present costs per hour.
func (f *Fleet) costRates() (perHour, largestPerHour float64) {
	for _, r := range f.replicas {
		perHour += r.variant.Cost
	}
	for _, m := range f.models {
		largestPerHour += m.largestCost()
	}
	return perHour, largestPerHour
}

// largestCost is what the model's present demand would cost per hour on its largest variant.
func (m *servedModel) largestCost() float64 {
	if m.largest == nil {
		return 0
	}
	replicas := (m.inSystem + m.largest.capacity - 1) / m.largest.capacity
	return float64(max(replicas, m.MinReplicas)) * m.largest.Cost
}
