package scenario

import "github.com/variant-exporter/variant-exporter/collector/config"

// Expect is what has to hold of the scores, and of what is desired.
type Expect struct {
	SLOAttainment    *Bounds `yaml:"slo_attainment" doc:"Share of requests within both targets."`
	Unserved         *Bounds `yaml:"unserved" doc:"Share of requests refused, given up, lost or never begun."`
	WorstHour        *Bounds `yaml:"worst_hour" doc:"slo_attainment of the worst hour."`
	Cost             *Bounds `yaml:"cost" doc:"Currency, of everything ordered until it is gone."`
	CostRatio        *Bounds `yaml:"cost_ratio" doc:"Cost against that of the instant oracle."`
	ReplicaHours     *Bounds `yaml:"replica_hours" doc:"Hours of replicas, of all variants."`
	Changes          *Bounds `yaml:"changes" doc:"Changes of the replicas asked for."`
	Starts           *Bounds `yaml:"starts" doc:"Replicas ordered."`
	CancelledStarts  *Bounds `yaml:"cancelled_starts" doc:"Replicas removed before they were ready."`
	ShortLived       *Bounds `yaml:"short_lived" doc:"Replicas removed within ten minutes of being ready."`
	ShortMinutes     *Bounds `yaml:"short_minutes" doc:"Minutes in which the ready replicas could not carry the load."`
	EnergyKWh        *Bounds `yaml:"energy_kwh" doc:"Energy of all replicas."`
	BudgetViolations *Bounds `yaml:"budget_violations" doc:"Evaluations at which the replicas asked for broke a budget of the configuration."`

	Desired []ExpectDesired `yaml:"desired" doc:"Bounds on the desired replicas of a variant at a time."`
}

// Bounds are the bounds of a number, which belong to it.
type Bounds struct {
	Min *float64 `yaml:"min" doc:"It is at least this."`
	Max *float64 `yaml:"max" doc:"It is at most this."`
}

// ExpectDesired bounds what is desired of a variant at a time.
type ExpectDesired struct {
	At      config.Duration `yaml:"at" required:"true" doc:"When, from the end of the warm-up."`
	Variant string          `yaml:"variant" required:"true" doc:"The variant."`
	Bounds  `yaml:",inline"`
}

// Named are the bounds on scores, by the names that the scorecard has.
func (e *Expect) Named() map[string]*Bounds {
	return map[string]*Bounds{
		"slo_attainment": e.SLOAttainment, "unserved": e.Unserved, "worst_hour": e.WorstHour, "cost": e.Cost,
		"cost_ratio": e.CostRatio, "replica_hours": e.ReplicaHours, "changes": e.Changes, "starts": e.Starts,
		"cancelled_starts": e.CancelledStarts, "short_lived": e.ShortLived, "short_minutes": e.ShortMinutes,
		"energy_kwh": e.EnergyKWh, "budget_violations": e.BudgetViolations,
	}
}
