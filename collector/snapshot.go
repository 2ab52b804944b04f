// Package collector makes one evaluation, in stages that take and return plain values: the queries of a configuration (query), their
// answers as readings of models and variants (match), the decision (decide), and the snapshot with its Prometheus series. Package
// collector itself holds the Evaluator, which asks, and the rendering.
package collector

import (
	"time"

	"github.com/variant-exporter/variant-exporter/collector/decide"
	"github.com/variant-exporter/variant-exporter/collector/match"
)

// Snapshot is the outcome of one evaluation. It is not changed once it has been made, so any number of readers may share it.
type Snapshot struct {
	At       time.Time     // the time for which every query was asked
	Duration time.Duration // what the evaluation took
	Inputs   []Input
	decide.Decision
}

type (
	// Input is an input of an evaluation, with what became of its query.
	Input = match.Input
	// Model is what is known and decided of one model.
	Model = decide.Model
	// Signal is one signal's demand for a model.
	Signal = decide.Signal
	// Margin is what a measured headroom follows from.
	Margin = decide.Margin
	// Variant is what is known and decided of one variant.
	Variant = decide.Variant
	// Capacity is what one replica of a variant can serve of a signal.
	Capacity = decide.Capacity
	// Missed is a target that replicas missed at a load that their capacity allows.
	Missed = decide.Missed
	// Start is replicas that are starting.
	Start = decide.Start
	// Returns is a demand that comes back soon.
	Returns = decide.Returns
	// Stays is replicas that stay because some of them are new.
	Stays = decide.Stays
	// Budget is a limit, and what the plan uses of it.
	Budget = decide.Budget
	// Plan is what is known of the plan as a whole.
	Plan = decide.Plan
)

// Answered reports whether any input had a usable answer.
func (s *Snapshot) Answered() bool {
	for i := range s.Inputs {
		if s.Inputs[i].Err == nil {
			return true
		}
	}
	return len(s.Inputs) == 0
}

// Input returns the input of a name; nil for none.
func (s *Snapshot) Input(name string) *Input {
	for i := range s.Inputs {
		if s.Inputs[i].Name == name {
			return &s.Inputs[i]
		}
	}
	return nil
}

// CostNow is what the replicas that are asked for now cost, in currency per hour; nil where the cost or the replicas of some variant
// are not known.
func (s *Snapshot) CostNow() *float64 {
	total := 0.0
	for i := range s.Models {
		cost := s.Models[i].CostNow()
		if cost == nil {
			return nil
		}
		total += *cost
	}
	return &total
}
