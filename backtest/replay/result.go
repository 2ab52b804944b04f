package replay

import (
	"slices"
	"time"
)

// Result is what a replay has found. Ran stands for what really ran, Followed for what would have run had autoscalers obeyed from
// the first step on.
type Result struct {
	From        time.Time `json:"from"`
	To          time.Time `json:"to"` // the end of the last step
	StepSeconds float64   `json:"step_seconds"`
	Steps       int       `json:"steps"`
	Total       Compared  `json:"total"`
	Models      []Model   `json:"models"`
	Failures    []Failure `json:"failures"`
	Notes       []string  `json:"notes"`
	Proposal    *Proposal `json:"proposal,omitempty"` // where one was asked for
}

// Compared is one account under both ways of running.
type Compared struct {
	Ran      Account `json:"ran"`
	Followed Account `json:"followed"`
}

// Account is what a way of running cost and missed.
type Account struct {
	Cost         float64  `json:"cost"` // currency
	ReplicaHours float64  `json:"replica_hours"`
	EnergyKWh    *float64 `json:"energy_kwh"` // nil where the power of a replica is not known
	Changes      int      `json:"changes"`    // steps at which the replicas of a variant differ from those before
	// ShortfallMinutes is how long the ready replicas carried less than the measured demand of a signal.
	ShortfallMinutes float64 `json:"shortfall_minutes"`
	// LargestShortfall is the largest part of a demand that was not carried.
	LargestShortfall float64 `json:"largest_shortfall_ratio"`
	// ExtrapolatedMinutes is how long nothing was short by the capacities, and replicas would have carried more than any was seen to.
	ExtrapolatedMinutes float64 `json:"extrapolated_minutes"`
}

// Model is the account of one model.
type Model struct {
	Namespace string    `json:"namespace"`
	Name      string    `json:"name"`
	Total     Compared  `json:"total"`
	Signals   []Signal  `json:"signals"`
	Variants  []Variant `json:"variants"`
	// UnmeasuredMinutes is how long the shortfall was not known of either, because a demand or ready replicas were not.
	UnmeasuredMinutes float64 `json:"unmeasured_minutes"`
}

// Signal holds, for every step, the demand that was measured and what the ready replicas of either could carry; nil where one of
// them is not known.
type Signal struct {
	// SeenShare is the most that replicas were seen to carry, as a share of their capacities. CountedShare is the part of the capacities
	// that counts: below 1 where requests queued although there was room by the capacities.
	SeenShare    float64 `json:"seen_share"`
	CountedShare float64 `json:"counted_share"`

	Name           string     `json:"name"`
	Unit           string     `json:"unit"`
	Demand         []*float64 `json:"demand"`
	RanSupply      []*float64 `json:"ran_supply"`
	FollowedSupply []*float64 `json:"followed_supply"`
}

// Variant is the account of one variant. Its shortfall is that of the model.
type Variant struct {
	Name        string   `json:"name"`
	Accelerator string   `json:"accelerator,omitempty"`
	Total       Compared `json:"total"`
	// HeldMinutes is how long nothing could be decided.
	HeldMinutes float64 `json:"held_minutes"`
	// UnknownMinutes is how long it is not known what ran, UnpricedMinutes how long no cost was known. They are in neither account.
	UnknownMinutes  float64 `json:"unknown_minutes"`
	UnpricedMinutes float64 `json:"unpriced_minutes"`

	// For every step: what ran, what the exporter would have said given what ran (nil: nothing), and what would have run.
	Current       []*int     `json:"current"`
	Ready         []*int     `json:"ready"`
	Desired       []*int     `json:"desired"`
	Reason        []string   `json:"reason"`
	Followed      []*int     `json:"followed"` // nil before it is known what ran at the beginning
	FollowedReady []*int     `json:"followed_ready"`
	Cost          []*float64 `json:"cost"` // currency per replica and hour
}

// Failure is an input that had no usable answer at some steps.
type Failure struct {
	Input  string `json:"input"`
	Reason string `json:"reason"`
	Steps  int    `json:"steps"`
}

// Known says whether it is known at any step what ran.
func (r *Result) Known() bool {
	for i := range r.Models {
		for j := range r.Models[i].Variants {
			if slices.ContainsFunc(r.Models[i].Variants[j].Current, func(n *int) bool { return n != nil }) {
				return true
			}
		}
	}
	return false
}

// hours and minutes of so many steps.
func (r *Result) hours(steps int) float64   { return float64(steps) * r.StepSeconds / 3600 }
func (r *Result) minutes(steps int) float64 { return float64(steps) * r.StepSeconds / 60 }

// at is the time of a step.
func (r *Result) at(step int) time.Time {
	return r.From.Add(time.Duration(float64(step) * r.StepSeconds * float64(time.Second)))
}
