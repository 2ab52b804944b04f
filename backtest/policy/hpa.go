package policy

import "time"

// Kubernetes' HorizontalPodAutoscaler: pkg/controller/podautoscaler, replica_calculator.go (external metrics) and horizontal.go
// (stabilization, scaling policies). Its sync period is 15 s and its tolerance is 0.1.
const (
	hpaSync      = 15 * time.Second
	hpaTolerance = 0.1
)

// averageValue is what a metric of target type AverageValue proposes.
func averageValue(value, target float64, current int) int {
	if within(value / (target * float64(current))) {
		return current
	}
	return ceil(value / target)
}

// totalValue is what a metric of target type Value proposes: it scales the pods that are ready.
func totalValue(value, target float64, current, ready int) int {
	ratio := value / target
	if current == 0 {
		return ceil(ratio)
	}
	if within(ratio) {
		return current
	}
	return ceil(ratio * float64(ready))
}

func within(ratio float64) bool { return 1-hpaTolerance <= ratio && ratio <= 1+hpaTolerance }

// hpa is the memory of one HorizontalPodAutoscaler, with one scaling policy for either direction: 100 percent in 15 s.
type hpa struct {
	up, down time.Duration // stabilization windows
	history  []recommendation
}

type recommendation struct {
	at       time.Duration
	replicas int
}

// decide returns the replicas to set, within the windows and the scaling policies. Bounds are the caller's.
func (h *hpa) decide(at time.Duration, current, proposed int) int {
	if h.history == nil {
		h.history = []recommendation{{at, current}}
	}
	lowest, highest := proposed, proposed
	kept := []recommendation{{at, proposed}}
	for _, r := range h.history {
		age := at - r.at
		if age < h.up {
			lowest = min(lowest, r.replicas)
		}
		if age < h.down {
			highest = max(highest, r.replicas)
		}
		if age < max(h.up, h.down) {
			kept = append(kept, r)
		}
	}
	h.history = kept
	stable := min(max(current, lowest), highest)
	if stable > current {
		return min(stable, 2*current)
	}
	return stable
}
