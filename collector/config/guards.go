package config

import "time"

// The guards' defaults.
const (
	defaultMaxAge            = Duration(3 * time.Minute)
	defaultInputWindow       = Duration(5 * time.Minute)
	defaultProvisionCooldown = Duration(15 * time.Minute)
	startupsUntilStuck       = 3
	leastProvisionTimeout    = Duration(10 * time.Minute)
	defaultProvisionTimeout  = Duration(30 * time.Minute) // without startup
	defaultLimitPeriod       = Duration(time.Minute)
	longestGuard             = Duration(24 * time.Hour)
)

// Guards limit how the replicas follow the plan.
type Guards struct {
	ProvisionTimeout  *Duration    `yaml:"provision_timeout" doc:"Time limit from the order of a replica until it is ready. A variant that exceeds it is stuck: it is capped at its ready replicas, and other variants serve the rest. Default: three times startup, at least 10m; 30m without startup. 0s: no limit."`
	ProvisionCooldown *Duration    `yaml:"provision_cooldown" doc:"Time that a stuck variant stays capped after it was last seen stuck. Default: 15m."`
	ScaleUpLimit      *ChangeLimit `yaml:"scale_up_limit" doc:"Limit on the growth of a variant within a time. Default: no limit."`
	ScaleDownLimit    *ChangeLimit `yaml:"scale_down_limit" doc:"Limit on the reduction of a variant within a time. Default: no limit."`
}

// ChangeLimit bounds the change of a variant's replicas within a time. The larger of the two bounds counts, at least one replica.
type ChangeLimit struct {
	Replicas *int      `yaml:"replicas" minimum:"1" maximum:"1000000" doc:"Number of replicas."`
	Percent  *float64  `yaml:"percent" minimum:"0" maximum:"1000000" doc:"Percentage of the earlier replicas. The larger of replicas and percent counts, at least one replica."`
	Per      *Duration `yaml:"per" doc:"Time within which the limit applies. Default: 1m."`
	// AfterOverload bounds the limit in time.
	AfterOverload *Duration `yaml:"after_overload" doc:"The limit applies only for this long after demand exceeded what the ready replicas can serve. Default: always."`
}

// Failsafe says how many replicas to run once demand has been unknown for long enough.
type Failsafe struct {
	After    Duration `yaml:"after" required:"true" doc:"Time without a usable result of any of the model's signals while Prometheus answers."`
	Replicas *int     `yaml:"replicas" required:"true" minimum:"0" maximum:"1000000" doc:"Replicas to run then, more or fewer than now."`
}

// or fills what is empty from other guards.
func (g Guards) or(o Guards) Guards {
	if g.ProvisionTimeout == nil {
		g.ProvisionTimeout = o.ProvisionTimeout
	}
	if g.ProvisionCooldown == nil {
		g.ProvisionCooldown = o.ProvisionCooldown
	}
	if g.ScaleUpLimit == nil {
		g.ScaleUpLimit = o.ScaleUpLimit
	}
	if g.ScaleDownLimit == nil {
		g.ScaleDownLimit = o.ScaleDownLimit
	}
	return g
}

// completeGuards fills in the provision timeout of a variant.
func (v *Variant) completeGuards(m *Model) {
	if v.ProvisionTimeout == nil {
		v.ProvisionTimeout = m.ProvisionTimeout
	}
	if v.ProvisionTimeout == nil {
		timeout := defaultProvisionTimeout
		if v.Startup > 0 {
			timeout = max(leastProvisionTimeout, startupsUntilStuck*v.Startup)
		}
		v.ProvisionTimeout = &timeout
	}
}

func (g Guards) completeLimits() {
	for _, limit := range []*ChangeLimit{g.ScaleUpLimit, g.ScaleDownLimit} {
		if limit != nil && limit.Per == nil {
			period := defaultLimitPeriod
			limit.Per = &period
		}
	}
}
