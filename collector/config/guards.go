package config

import "time"

// The guards' defaults.
const (
	defaultMaxAge            = Duration(3 * time.Minute)
	defaultInputWindow       = Duration(5 * time.Minute)
	defaultProvisionCooldown = Duration(15 * time.Minute)
	startupsUntilStuck       = 3
	leastProvisionTimeout    = Duration(10 * time.Minute)
	defaultProvisionTimeout  = Duration(30 * time.Minute) // where the startup is not given
	defaultLimitPeriod       = Duration(time.Minute)
	longestGuard             = Duration(24 * time.Hour)
)

// Guards are what keeps a plan from being followed blindly.
type Guards struct {
	ProvisionTimeout  *Duration    `yaml:"provision_timeout" doc:"How long replicas may take from being ordered to being ready. A variant of which some take longer is stuck: it is capped at what is ready, and the plan goes round it. Default: three times startup, at least 10m; 30m where no startup is given. 0s: never."`
	ProvisionCooldown *Duration    `yaml:"provision_cooldown" doc:"How long a stuck variant stays capped after it was last seen stuck, before it is tried again. Default: 15m."`
	ScaleUpLimit      *ChangeLimit `yaml:"scale_up_limit" doc:"By how much a variant may grow within a time. Default: no limit."`
	ScaleDownLimit    *ChangeLimit `yaml:"scale_down_limit" doc:"By how much a variant may shrink within a time. Default: no limit."`
}

// ChangeLimit bounds the change of a variant's replicas within a time. Of the two bounds the larger counts, and it is never less
// than one replica.
type ChangeLimit struct {
	Replicas *int      `yaml:"replicas" minimum:"1" maximum:"1000000" doc:"So many replicas."`
	Percent  *float64  `yaml:"percent" minimum:"0" maximum:"1000000" doc:"So many percent of the replicas that there were. Of replicas and percent the larger counts, and at least one replica."`
	Per      *Duration `yaml:"per" doc:"Within this time. Default: 1m."`
}

// Failsafe is what to run once nothing has been known for long enough.
type Failsafe struct {
	After    Duration `yaml:"after" required:"true" doc:"How long nothing usable must have been known of any of the model's signals, while Prometheus was there to ask."`
	Replicas *int     `yaml:"replicas" required:"true" minimum:"0" maximum:"1000000" doc:"Replicas to ask for then, more or fewer than there are."`
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

// completeGuards fills in how long a variant's replicas may take.
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
