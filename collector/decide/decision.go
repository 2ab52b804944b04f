// Package decide goes from readings to a decision: it works out demand and capacities, states the integer program, has the
// optimizer plan, and applies the guards. It takes plain values and returns plain values; it asks for nothing and knows no clock.
package decide

import (
	"strings"

	"github.com/variant-exporter/variant-exporter/optimizer"
)

// Decision is what follows from the readings of one evaluation. What is not known is nil, never zero.
type Decision struct {
	Plan    Plan     `json:"plan"`
	Budgets []Budget `json:"budgets"`
	Models  []Model  `json:"models"`

	// Problem is what was planned, and Solution the plan with all that is proven about it; both are empty where nothing could be
	// planned. Their models and variants stand in the order of Models.
	Problem  optimizer.Problem `json:"-"`
	Solution optimizer.Plan    `json:"-"`
}

// Plan is what is known of the plan as a whole. Its numbers are nil where nothing could be planned.
type Plan struct {
	Status       optimizer.Status `json:"status"`        // optimal, feasible, or empty
	Gap          *float64         `json:"gap"`           // upper bound on the relative saving of a better plan
	ShortfallGap *float64         `json:"shortfall_gap"` // upper bound on how much a better plan lowers a shortfall
	Cost         *float64         `json:"cost"`          // currency per hour, without start costs
	Error        string           `json:"error"`         // why there is no plan at all; nothing is then exposed as desired
}

// Budget is a limit, and what the plan uses of it.
type Budget struct {
	Name        string   `json:"name"`
	Unit        string   `json:"unit"`
	Limit       *float64 `json:"limit"`
	Partial     bool     `json:"partial,omitempty"` // the limit may be larger: a target that is a part of it does not answer scrapes
	Used        *float64 `json:"used"`              // nil where there is no plan
	ShadowPrice *float64 `json:"shadow_price"`      // currency per hour that one more unit would save
	Exceeded    bool     `json:"exceeded"`          // minimums alone exceed the limit
}

// Model is what is known and decided of one model.
type Model struct {
	Name      string    `json:"name"`
	Namespace string    `json:"namespace"`
	Signals   []Signal  `json:"signals"`
	Binding   string    `json:"binding"`   // the signal that decides the size of the plan
	Shortfall *float64  `json:"shortfall"` // the largest unserved share of a planned demand, from 0 to 1; nil when nothing was planned
	Variants  []Variant `json:"variants"`
	// Life is how long a plan is expected to live, in seconds: a start must pay within it.
	Life float64 `json:"plan_life_seconds"`
	// MinimumShort is how many replicas budgets or maximums keep the model below its minimum.
	MinimumShort int `json:"minimum_short,omitempty"`
	// Minimum is what its replicas.min yields where that is an expression.
	Minimum *int `json:"minimum,omitempty"`
}

// ID tells a model from those of other namespaces.
func (m *Model) ID() string { return m.Namespace + "/" + m.Name }

// CostNow is what the replicas of the model that are asked for now cost, in currency per hour; nil where the cost or the replicas of
// some variant are not known.
func (m *Model) CostNow() *float64 {
	total := 0.0
	for i := range m.Variants {
		v := &m.Variants[i]
		switch {
		case v.Current == nil, v.Cost == nil && *v.Current > 0:
			return nil
		case v.Cost != nil:
			total += *v.Cost * float64(*v.Current)
		}
	}
	return &total
}

// Signal is one signal's demand for a model, from what was measured to what was planned for, in the signal's unit.
type Signal struct {
	Name       string   `json:"name"`
	Unit       string   `json:"unit"`
	Measured   *float64 `json:"measured"`                    // now
	Stabilized *float64 `json:"stabilized"`                  // after the windows
	Forecast   *float64 `json:"forecast"`                    // by the time at which a replica that is ordered now is ready
	Headroom   *float64 `json:"headroom"`                    // what planned is above the larger of stabilized and forecast, as a share of it
	Margin     *Margin  `json:"margin,omitempty"`            // what the headroom follows from, where it is measured
	Backlog    *float64 `json:"backlog"`                     // what waits; it is planned for in addition, as far as nothing works it off
	Planned    *float64 `json:"planned"`                     // the larger of stabilized and forecast, with headroom
	Minute     *float64 `json:"planned_at_minute,omitempty"` // planned at the last full minute, where that is more: replicas that are asked for stay for it
	Ready      *float64 `json:"ready_supply"`                // what the ready replicas can serve
	Supply     *float64 `json:"planned_supply"`              // what the planned replicas can serve
	Returns    *Returns `json:"returns,omitempty"`           // demand that comes back soon, for which replicas that are asked for stay
	Missing    string   `json:"missing"`                     // why there is no demand
	Why        string   `json:"-"`                           // the reason in it, of a closed list where a query failed
	Assumed    bool     `json:"assumed"`                     // no result, counted as no demand because the source is up
	Ignored    bool     `json:"ignored"`                     // missing, and the configuration says that this does not matter
	Partial    string   `json:"partial"`                     // why the demand may be more than this: it may raise a variant, never lower it
	Sources    *int     `json:"sources"`                     // how many sources told it; nil where nothing can witness it
	Expected   *int     `json:"expected_sources"`
	Others     *int     `json:"other_sources"` // how many servers told it that belong to no scale target of the model by their names
	// OtherWorkloads are the workloads of Others, or the addresses of those without a pod.
	OtherWorkloads []string `json:"other_workloads,omitempty"`
	// Gateways are the workloads that tell an own signal and count as gateways, as they belong to no variant by their names.
	Gateways []string `json:"taken_for_gateways,omitempty"`
	Inputs   []string `json:"inputs"` // names of the inputs that it rests on
}

// UnitWaiting is the unit of Backlog: of a rate, what waits is an amount.
func (s *Signal) UnitWaiting() string { return strings.TrimSuffix(s.Unit, " per second") }

// Margin is what a measured headroom follows from: demand is planned for as it is expected when a replica that is ordered now serves, and some of
// its noise above that. Of the moments of the scale-down window the one counts at which that was the most.
type Margin struct {
	Ago      float64  `json:"ago_seconds"`             // that moment
	Demand   float64  `json:"demand"`                  // then
	Ahead    float64  `json:"ahead_seconds"`           // until a replica that is ordered then serves
	Expected float64  `json:"expected"`                // after that time
	Habit    float64  `json:"habit_seconds,omitempty"` // after which demand repeats itself, where that says what is expected; else it is the trend
	Noise    float64  `json:"noise"`                   // the scale by which demand differs from what is expected of it
	Multiple float64  `json:"multiple"`                // of the noise that is planned for above what is expected
	Most     *float64 `json:"most,omitempty"`          // the bound, where it is less than that
	Held     bool     `json:"held,omitempty"`          // the windows or the forecast ask for more than that
	Least    *float64 `json:"least,omitempty"`         // what is planned for, as it is more, while too little is known
	Young    bool     `json:"young,omitempty"`         // too little is known to measure the multiple
}

// Returns is a demand above what is planned now that comes back before stopping replicas for it would pay.
type Returns struct {
	Level float64 `json:"level"`        // in the signal's unit, headroom included
	Times int     `json:"times"`        // how often it came back during the last day
	Gap   float64 `json:"gap_seconds"`  // after which it came back, on average; 0 where it did not yet
	Stay  float64 `json:"stay_seconds"` // for which replicas stay for it from now on, unless it comes back
}

// Variant is what is known and decided of one variant.
type Variant struct {
	Name        string             `json:"name"`
	Accelerator string             `json:"accelerator"`
	Role        string             `json:"role"`
	TargetKind  string             `json:"scale_target_kind"`
	TargetName  string             `json:"scale_target_name"`
	Cost        *float64           `json:"cost"`       // currency per replica and hour, energy included
	Watts       *float64           `json:"watts"`      // what a replica draws on average, or at most where that is not known
	Correction  *float64           `json:"correction"` // what the times of its profile are multiplied by, or its capacity is divided by; above 1 replicas are slower
	Missed      *Missed            `json:"missed"`     // the target whose misses made the correction, if any did
	Capacities  []Capacity         `json:"capacities"`
	Startup     float64            `json:"startup_seconds"` // from the order of a replica until it is ready
	Current     *int               `json:"current"`         // replicas asked for now
	Ready       *int               `json:"ready"`
	Starting    []Start            `json:"starting"`          // replicas that are asked for and expected to become ready
	Overdue     int                `json:"overdue"`           // replicas that should be ready by now, and are not
	Minimum     *int               `json:"minimum,omitempty"` // what its replicas.min yields where that is an expression
	Planned     *int               `json:"planned"`           // before the guards
	PlanReason  optimizer.Reason   `json:"plan_reason"`       // what determined planned
	Guards      []optimizer.Effect `json:"guards"`            // what each guard made of planned, in their order
	Stuck       *int               `json:"stuck"`             // what it is capped at, because others did not become ready in time
	Unfollowed  *int               `json:"unfollowed"`        // what its autoscaler stays at, however many are needed: no more is relied on
	Stays       *Stays             `json:"stays,omitempty"`   // what the plan keeps of it because some of them are new
	Unplaced    bool               `json:"unplaced"`          // it is not the autoscaler: the scheduler finds no node for the others
	Desired     *int               `json:"desired"`           // nil where autoscalers must hold
	Reason      optimizer.Reason   `json:"reason"`            // what determined desired
	Up          bool               `json:"up"`                // all inputs of the decision are valid
	Missing     string             `json:"missing"`           // why it is not up
	Inputs      []string           `json:"inputs"`            // names of the inputs of its cost, uses, capacities and replicas
}

// Stays is replicas that stay because some of them load, or have only just become ready: to lower the variant would remove these first.
type Stays struct {
	Replicas int     `json:"replicas"`
	For      float64 `json:"for_seconds"` // unless the demand falls for good, or a price changes
}

// Start is replicas that are starting.
type Start struct {
	Replicas int     `json:"replicas"`
	In       float64 `json:"in_seconds"` // the time until they are expected to be ready
}

// Capacity is what one replica can serve of a signal.
type Capacity struct {
	Signal string  `json:"signal"`
	Unit   string  `json:"unit"`
	Value  float64 `json:"value"`
}
