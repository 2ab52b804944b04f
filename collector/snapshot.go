// Package collector makes one evaluation: it asks the configured queries, matches their results to models and variants, has the
// optimizer plan, decides, and renders the outcome as Prometheus series. Data flows one way, and every step yields plain values.
package collector

import (
	"time"

	"github.com/variant-exporter/variant-exporter/collector/promapi"
	"github.com/variant-exporter/variant-exporter/optimizer"
)

// Snapshot is the outcome of one evaluation. It is not changed once it has been made, so that any number of readers may share it.
type Snapshot struct {
	At       time.Time     // the time for which every query was asked
	Duration time.Duration // what the evaluation took
	Inputs   []Input
	Models   []Model
	Budgets  []Budget
	Plan     PlanSummary

	// Problem is what was planned, and Solution the plan with all that is proven about it; both are empty where nothing could be
	// planned. Models and variants stand in the order of Models.
	Problem  optimizer.Problem
	Solution optimizer.Plan
}

// Answered says whether any input had a usable answer.
func (s *Snapshot) Answered() bool {
	for i := range s.Inputs {
		if s.Inputs[i].Err == nil {
			return true
		}
	}
	return len(s.Inputs) == 0
}

// PlanSummary is what is known of the plan as a whole. It has no Status where no model could be planned for.
type PlanSummary struct {
	Status       optimizer.Status
	Gap          float64 // of the cost, relative, to the proven bound
	ShortfallGap float64 // absolute, the largest over the priorities
	Cost         float64 // currency per hour, running cost of the plan
	Err          error   // there is no plan at all; nothing is then exposed as desired
}

// Input is one configured query and what became of it.
type Input struct {
	Name     string // what it is for, such as vllm.concurrency.demand
	Query    string
	Series   int           // series in the answer
	Sparse   bool          // no series is a good answer, such as to who is stuck
	Matched  int           // series that belong to a configured model, variant or budget
	Stray    string        // a series that belongs to none, as an example; empty when there is none
	Duration time.Duration // from asking to answer
	Age      time.Duration // of the newest sample that the answer rests on; negative when unknown
	Err      error         // why there is no usable answer
	Bad      []BadSample   // samples of a usable answer that could not be used
}

// Reason returns the closed-list reason why the input has no usable answer, or "" when it has one.
func (i *Input) Reason() promapi.Reason {
	if i.Err == nil {
		return ""
	}
	return promapi.ReasonOf(i.Err)
}

// BadSample is one series of an answer that is not a number that can be used, and why.
type BadSample struct {
	Metric string
	Reason string // nan, inf, negative, range, histogram, duplicate, labels
}

// Model is what is known and decided of one model.
type Model struct {
	Name      string
	Namespace string
	Signals   []SignalValue
	Shortfall *float64 // nil when nothing was planned
	Binding   string   // the signal that decides the size of the plan
	Variants  []Variant
}

// SignalValue is one signal's demand for a model.
type SignalValue struct {
	Name, Unit string
	Measured   *float64 // demand now, in the unit; nil when it cannot be trusted
	Stabilized *float64 // demand after the windows
	Forecast   *float64 // demand expected by the time a replica ordered now is ready; nil without a forecast or without history
	Planned    *float64 // the larger of stabilized and forecast, with headroom: what was planned for
	Ready      *float64 // what the ready replicas carry; nil when that is not known of all variants
	Missing    string   // why there is no demand; empty when there is
	Assumed    bool     // no result, taken for no demand because its source is up
	Ignored    bool     // missing, and the configuration says that this does not matter
	Partial    string   // why the demand may be more than this: it may raise a variant, never lower it; empty when it is whole
	Inputs     []int    // places in Snapshot.Inputs of what the demand rests on, in the order of measured, windows, forecasts
}

// Variant is what is known and decided of one variant.
type Variant struct {
	Name        string
	Accelerator string
	Role        string
	TargetKind  string
	TargetName  string
	Current     *int // replicas asked for now; nil when unknown
	Ready       *int
	Cost        *float64 // currency per replica and hour, energy included
	Capacities  []Capacity
	Correction  *float64 // what the profile's times were multiplied by, where it is corrected; above 1 replicas are slower
	Planned     *int     // the plan; nil when nothing was planned
	Desired     *int     // what to scale to; nil when it cannot be trusted
	Reason      optimizer.Reason
	Effects     []optimizer.Effect // what each guard made of the plan
	Stuck       *int               // replicas it is capped at, because others did not become ready in time; nil when it is not
	Inputs      []int              // places in Snapshot.Inputs of its cost, uses, capacities and replicas
	Up          bool               // everything that the decision rests on could be trusted
	Missing     string             // why it is not up; empty when it is
}

// Capacity is what one replica carries of a signal.
type Capacity struct {
	Signal, Unit string
	Value        float64
}

// Budget is a limit and what the plan uses of it.
type Budget struct {
	Name, Unit  string
	Limit       *float64 // nil when it is not known
	Used        *float64 // nil when there is no plan
	ShadowPrice *float64 // currency per hour that one more unit would save
}
