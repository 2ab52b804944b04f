// Package explain tells why one evaluation decided as it did: as a value with stable names in JSON, as text for people, and in
// sentences. It says nothing that is not in the snapshot, so that it cannot disagree with the series.
package explain

import (
	"time"

	"github.com/variant-exporter/variant-exporter/collector/promapi"
	"github.com/variant-exporter/variant-exporter/optimizer"
)

// Explanation is an evaluation from its inputs to its numbers. What is not known is null, never zero; lists are never null.
type Explanation struct {
	Time     time.Time `json:"time"`             // for which every input was asked
	Duration float64   `json:"duration_seconds"` // what the evaluation took
	Plan     Plan      `json:"plan"`
	Budgets  []Budget  `json:"budgets"`
	Models   []Model   `json:"models"`
	Inputs   []Input   `json:"inputs"` // without those that only other models rest on
}

// Plan is what is known of the plan as a whole. Its numbers are null where nothing could be planned.
type Plan struct {
	Status       optimizer.Status `json:"status"`        // optimal, feasible, or empty
	Gap          *float64         `json:"gap"`           // by how much a cheaper plan could at most be cheaper, relative
	ShortfallGap *float64         `json:"shortfall_gap"` // by how much a better plan could at most lower a shortfall
	Cost         *float64         `json:"cost"`          // currency per hour, without what starting costs
	Error        string           `json:"error"`         // why there is no plan at all
}

// Budget is a limit, and what the plan uses of it.
type Budget struct {
	Name        string   `json:"name"`
	Unit        string   `json:"unit"`
	Limit       *float64 `json:"limit"`
	Used        *float64 `json:"used"`
	ShadowPrice *float64 `json:"shadow_price"` // currency per hour that one more unit would save
	Exceeded    bool     `json:"exceeded"`     // what may not be lowered is above the limit alone
}

// Share is what the plan uses of the limit, for people.
func (b *Budget) Share() string {
	if b.Used == nil || b.Limit == nil || *b.Limit == 0 {
		return dash
	}
	return Percent(*b.Used / *b.Limit)
}

// Model is one model's way from demand to replicas.
type Model struct {
	Name      string    `json:"name"`
	Namespace string    `json:"namespace"`
	Signals   []Signal  `json:"signals"`
	Binding   string    `json:"binding"`    // the signal that decides the size of the plan
	Shortfall *float64  `json:"shortfall"`  // the largest part of a demand that the plan leaves uncarried, from 0 to 1
	Cost      *float64  `json:"cost"`       // currency per hour of the replicas planned
	StartCost *float64  `json:"start_cost"` // currency per hour that the plan takes starting its replicas for
	Waking    bool      `json:"waking"`     // nothing is ready: what is ready soonest for its cost is chosen, not what costs least
	RunnerUp  *RunnerUp `json:"runner_up"`  // null where there is no other choice, or none was looked for
	Variants  []Variant `json:"variants"`
}

// ID is the name by which a model is told from those of other namespaces.
func (m *Model) ID() string { return m.Namespace + "/" + m.Name }

// RunnerUp is the cheapest other choice for one model that leaves no more demand uncarried, all other models as planned.
type RunnerUp struct {
	Variants  []Replicas `json:"variants"`
	Cost      float64    `json:"cost"`       // currency per hour
	StartCost float64    `json:"start_cost"` // currency per hour
	Dearer    *float64   `json:"dearer"`     // by how much it is dearer, start cost included; null where a model wakes
}

// Replicas are a number of replicas of a variant.
type Replicas struct {
	Variant  string `json:"variant"`
	Replicas int    `json:"replicas"`
}

// Signal is one signal's demand for a model, from what was measured to what was planned for, in the signal's unit.
type Signal struct {
	Name       string   `json:"name"`
	Unit       string   `json:"unit"`
	Measured   *float64 `json:"measured"`
	Stabilized *float64 `json:"stabilized"` // after the windows
	Forecast   *float64 `json:"forecast"`   // by the time at which a replica that is ordered now is ready
	Headroom   *float64 `json:"headroom"`   // what planned is above the larger of stabilized and forecast, as a share of it
	Planned    *float64 `json:"planned"`
	Ready      *float64 `json:"ready_supply"`   // what the ready replicas carry
	Supply     *float64 `json:"planned_supply"` // what the planned replicas carry
	Missing    string   `json:"missing"`        // why there is no demand
	Ignored    bool     `json:"ignored"`        // it is missing, and the configuration says that this does not matter
	Partial    string   `json:"partial"`        // why the demand may be more than this
	Inputs     []string `json:"inputs"`         // names of the inputs that it rests on
}

// Variant is one variant's way from what is known to what to scale to.
type Variant struct {
	Name        string             `json:"name"`
	Accelerator string             `json:"accelerator"`
	Role        string             `json:"role"`
	TargetKind  string             `json:"scale_target_kind"`
	TargetName  string             `json:"scale_target_name"`
	Cost        *float64           `json:"cost"`       // currency per replica and hour, energy included
	Correction  *float64           `json:"correction"` // what the times of its profile are multiplied by
	Capacities  []Capacity         `json:"capacities"`
	Current     *int               `json:"current"`
	Ready       *int               `json:"ready"`
	Planned     *int               `json:"planned"`     // before the guards
	PlanReason  optimizer.Reason   `json:"plan_reason"` // what determined planned
	Guards      []optimizer.Effect `json:"guards"`      // what each guard made of planned, in their order
	Stuck       *int               `json:"stuck"`       // what it is capped at, because others did not become ready in time
	Desired     *int               `json:"desired"`     // null where autoscalers are to hold
	Reason      optimizer.Reason   `json:"reason"`      // what determined desired
	Because     string             `json:"because"`     // the reason as a clause: what follows the word because
	Up          bool               `json:"up"`          // everything that the decision rests on could be trusted
	Missing     string             `json:"missing"`     // why it is not up
	Inputs      []string           `json:"inputs"`      // names of the inputs of its cost, uses, capacities and replicas
}

// Capacity is what one replica carries of a signal.
type Capacity struct {
	Signal string  `json:"signal"`
	Unit   string  `json:"unit"`
	Value  float64 `json:"value"`
}

// Input is one query and what became of it.
type Input struct {
	Name     string         `json:"name"`
	Query    string         `json:"query"`
	Series   *int           `json:"series"`           // in the answer; null where there is none
	Matched  *int           `json:"matched"`          // that belong to a configured model, variant, budget or scale target
	Stray    string         `json:"stray"`            // one that belongs to none, as an example
	Age      *float64       `json:"age_seconds"`      // of the newest sample that the answer rests on
	Duration float64        `json:"duration_seconds"` // from asking to answer
	Failure  promapi.Reason `json:"failure"`          // why there is no usable answer, of the closed list
	Error    string         `json:"error"`            // the same in full
	Bad      map[string]int `json:"bad_samples"`      // series that could not be used, by why
	Example  string         `json:"bad_example"`      // one of them
}
