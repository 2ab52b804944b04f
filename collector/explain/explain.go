// Package explain says why one evaluation decided as it did: as a value with stable names in JSON, as text for people, and in
// sentences. It takes a snapshot, and says nothing that is not in it, so it cannot disagree with the series.
package explain

import (
	"time"

	"github.com/variant-exporter/variant-exporter/collector"
)

// Explanation is an evaluation from its inputs to its numbers. What is not known is null, never zero; lists are never null.
type Explanation struct {
	Time     time.Time          `json:"time"`             // for which every input was asked
	Duration float64            `json:"duration_seconds"` // what the evaluation took
	Plan     collector.Plan     `json:"plan"`
	Budgets  []collector.Budget `json:"budgets"`
	Models   []Model            `json:"models"`
	Inputs   []collector.Input  `json:"inputs"`           // without those that only other models rest on
	Doubts   []string           `json:"doubts,omitempty"` // what deserves a look although it changes no decision
}

// Model is one model's way from demand to replicas.
type Model struct {
	collector.Model
	Cost      *float64  `json:"cost"`       // currency per hour of the replicas planned
	StartCost *float64  `json:"start_cost"` // currency per hour that the plan counts for starting its replicas
	Waking    bool      `json:"waking"`     // nothing is ready: the plan takes what is ready soonest for its cost, not what costs least
	RunnerUp  *RunnerUp `json:"runner_up"`  // null where there is no other choice, or none was looked for
	Cheaper   *Cheaper  `json:"cheaper"`    // null where nothing is cheaper to run, or it was not looked for
	Variants  []Variant `json:"variants"`
}

// RunnerUp is the cheapest other choice for one model that leaves no more demand unserved, all other models as planned.
type RunnerUp struct {
	Variants  []Replicas `json:"variants"`
	Cost      float64    `json:"cost"`       // currency per hour
	StartCost float64    `json:"start_cost"` // currency per hour
	Dearer    *float64   `json:"dearer"`     // by how much it is dearer, start cost included; null where a model wakes
}

// Cheaper is a choice for one model that would cost less to run, and too much to reach.
type Cheaper struct {
	Variants []Replicas `json:"variants"`
	Saves    float64    `json:"saves"`        // currency per hour
	Reach    float64    `json:"reach"`        // currency, for starts beyond those of the plan
	Life     float64    `json:"life_seconds"` // that plans of the model are expected to live: the starts do not pay within it
}

// Replicas are a number of replicas of a variant.
type Replicas struct {
	Variant  string `json:"variant"`
	Replicas int    `json:"replicas"`
}

// Variant is one variant's way from what is known to what to scale to.
type Variant struct {
	collector.Variant
	Because string `json:"because"` // the reason as a clause: what follows the word because
}
