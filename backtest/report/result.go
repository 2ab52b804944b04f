// Package report shows what a backtest found: as a table, as CSV, and as a page with the course over time.
package report

import "time"

// Result is what a backtest found.
type Result struct {
	Scenario string        `json:"scenario"`
	Policies []Policy      `json:"policies"`
	Expect   []Expectation `json:"expect"`
	Notes    []string      `json:"notes,omitempty"`
	Duration time.Duration `json:"-"` // that is scored
	Warmup   time.Duration `json:"-"`
	Events   []Event       `json:"-"`
}

// Policy is how a policy did.
type Policy struct {
	Name string `json:"name"`
	Score
	DecisionSeconds float64   `json:"decision_seconds"` // mean, on this machine; 0 where it was not measured
	FailedStarts    int       `json:"failed_starts"`
	Timeline        *Timeline `json:"-"` // nil where it was not recorded
}

// Score is the scorecard of a policy. A number that does not apply is nil.
type Score struct {
	Requests         int        `json:"requests"`
	SLOAttainment    float64    `json:"slo_attainment"`
	Unserved         float64    `json:"unserved"`
	Refused          float64    `json:"refused"`
	Impatient        float64    `json:"impatient"`
	WorstHour        float64    `json:"worst_hour"`
	TTFT             *Quantiles `json:"ttft_seconds"` // of what was served
	ITL              *Quantiles `json:"itl_seconds"`
	Cost             float64    `json:"cost"`
	CostRatio        *float64   `json:"cost_ratio_to_oracle"`
	ReplicaHours     float64    `json:"replica_hours"`
	Changes          int        `json:"changes"`
	Starts           int        `json:"starts"`
	CancelledStarts  int        `json:"cancelled_starts"`
	ShortLived       int        `json:"short_lived"`
	Reversals        int        `json:"reversals"`
	ShortMinutes     float64    `json:"short_minutes"`
	RecoverySeconds  *float64   `json:"recovery_seconds"` // after a step of the load, at most
	EnergyKWh        *float64   `json:"energy_kwh"`
	PeakWatts        *float64   `json:"peak_watts"`
	BudgetViolations int        `json:"budget_violations"`
}

// Quantiles of a latency, in seconds.
type Quantiles struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
}

// Expectation is something that had to hold of the program under test.
type Expectation struct {
	What  string `json:"what"`
	Holds bool   `json:"holds"`
	Found string `json:"found,omitempty"`
}

// Event is something that happened, after the warm-up.
type Event struct {
	At, For time.Duration // For is 0 where it happened at once
	What    string
}

// Timeline is the course of a policy, in steps from the end of the warm-up. NaN is unknown.
type Timeline struct {
	Step     time.Duration
	Models   []ModelCourse
	Variants []VariantCourse
	Cost     []float64 // per hour, of everything that is ordered
}

// ModelCourse is the load and the service of a model.
type ModelCourse struct {
	ID         string
	Rate       []float64 // requests per second that arrived
	Carried    []float64 // requests per second that the ready replicas can serve within the targets
	TTFT50     []float64 // seconds, of the requests that arrived in the step
	TTFT95     []float64
	ITL95      []float64
	Attained   []float64 // share of them that was served within the targets
	TargetTTFT float64   // seconds; 0: none
	TargetITL  float64
}

// VariantCourse is the replicas of a variant.
type VariantCourse struct {
	ID       string
	Desired  []float64
	Ready    []float64
	Starting []float64 // that load
	Pending  []float64 // that have no place yet
	Draining []float64
}
