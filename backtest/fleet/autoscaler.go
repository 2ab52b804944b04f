package fleet

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"
)

// Autoscaler stands in for one HorizontalPodAutoscaler per variant, each with an External metric of target type AverageValue and
// target 1. It follows the HPA's own rules: a metric that is absent holds the replicas, NaN and infinities read as 0 and negative
// values as the maximum, changes within the tolerance are ignored, and scaling down takes the highest recommendation of the
// stabilization window. Of the scaling policies it has none, and it wakes a target from zero, as KEDA does.
type Autoscaler struct {
	Fleet *Fleet
	// Desired is asked for the metric of each variant, in replicas. A variant that it leaves out is held. An error holds all.
	Desired func(ctx context.Context) (map[string]float64, error)
	// Tolerance is the relative change that is ignored. Kubernetes' default is 0.1; 0 ignores none.
	Tolerance float64
	// DownWindow is the stabilization window for scaling down. Kubernetes' default is 5 minutes.
	DownWindow time.Duration

	recommendations map[string][]recommendation
}

// recommendation is what the metric asked for at one time, before bounds.
type recommendation struct {
	at       time.Time
	replicas int
}

// Sync asks for the desired replicas once and applies them. It must not be called concurrently.
func (a *Autoscaler) Sync(ctx context.Context) error {
	desired, err := a.Desired(ctx)
	if err != nil {
		err = fmt.Errorf("get desired replicas: %w", err)
		desired = nil
	}
	s := a.Fleet.Status()
	errs := []error{err}
	for _, v := range s.Variants {
		value, ok := desired[v.Name]
		if replicas := a.decide(v, value, ok, s.Time); replicas != v.Desired {
			errs = append(errs, a.Fleet.Scale(v.Name, replicas))
		}
	}
	return errors.Join(errs...)
}

// decide is the number of replicas to ask for. Bounds are kept even without a metric.
func (a *Autoscaler) decide(v VariantStatus, value float64, ok bool, now time.Time) int {
	bounded := v.Desired
	if v.Max > 0 {
		bounded = min(bounded, v.Max)
	}
	bounded = max(bounded, v.Min)
	if !ok || bounded != v.Desired {
		return bounded
	}
	replicas := a.stabilize(v, recommend(value, v.Current, a.Tolerance), now)
	if v.Max > 0 {
		replicas = min(replicas, v.Max)
	}
	return max(replicas, v.Min)
}

// recommend is the HPA's proposal for an AverageValue of 1: the metric, in whole thousandths, rounded up, or the current replicas
// where the two differ by no more than the tolerance.
func recommend(value float64, current int, tolerance float64) int {
	switch {
	case math.IsNaN(value) || math.IsInf(value, 0):
		value = 0
	case value < 0 && int64(value*1000) != 0 || value > math.MaxInt32:
		return math.MaxInt32
	}
	usage := float64(int64(value*1000)) / 1000
	if ratio := usage / float64(current); current > 0 && 1-tolerance <= ratio && ratio <= 1+tolerance {
		return current
	}
	return int(math.Ceil(usage))
}

// stabilize remembers the recommendation and scales down no further than the highest one of the window.
func (a *Autoscaler) stabilize(v VariantStatus, recommended int, now time.Time) int {
	if a.recommendations == nil {
		a.recommendations = map[string][]recommendation{}
	}
	history, seen := a.recommendations[v.Name]
	if !seen {
		history = []recommendation{{now, v.Desired}}
	}
	recent := []recommendation{{now, recommended}}
	highest := recommended
	for _, r := range history {
		if now.Sub(r.at) < a.DownWindow {
			recent = append(recent, r)
			highest = max(highest, r.replicas)
		}
	}
	a.recommendations[v.Name] = recent
	if recommended >= v.Desired {
		return recommended
	}
	return min(v.Desired, highest)
}
