package config

import (
	"time"

	"github.com/variant-exporter/variant-exporter/collector/config/strict"
)

// guards checks limits on change and provisioning times.
func (v *validator) guards(path string, g Guards) {
	for key, limit := range map[string]*ChangeLimit{"scale_up_limit": g.ScaleUpLimit, "scale_down_limit": g.ScaleDownLimit} {
		at := strict.Join(path, key)
		if !v.Has(at) || limit == nil {
			continue
		}
		if !v.Has(at+".replicas") && !v.Has(at+".percent") {
			v.Errorf(at, nil, "no limit: set replicas or percent").Hint("set one or both, such as {replicas: 4, percent: 100, per: 1m}, or remove the limit")
		}
		v.watchable(at+".per", *limit.Per)
		if limit.AfterOverload != nil {
			v.watchable(at+".after_overload", *limit.AfterOverload)
		}
		v.needsReplicas(at, "a limit on change")
	}
	for key, value := range map[string]*Duration{"provision_timeout": g.ProvisionTimeout, "provision_cooldown": g.ProvisionCooldown} {
		if value != nil && (*value > 0 || key == "provision_cooldown") {
			v.watchable(strict.Join(path, key), *value)
		}
	}
}

// variantGuards checks the guards of one variant.
func (v *validator) variantGuards(path string, x *Variant) {
	at := strict.Join(path, "provision_timeout")
	timeout := *x.ProvisionTimeout
	if v.Has(at) && timeout > 0 {
		v.watchable(at, timeout)
		v.needsReplicas(at, "provision_timeout")
	}
	if timeout > 0 && timeout <= x.Startup {
		if !v.Has(at) {
			at = strict.Join(path, "startup")
		}
		relation := "shorter than"
		if timeout == x.Startup {
			relation = "as short as"
		}
		v.Errorf(at, nil, "provision_timeout %s is %s startup %s", timeout, relation, x.Startup).
			Hint("make provision_timeout longer than startup, or every start counts as stuck; 0s turns it off")
	}
	at = strict.Join(path, "failsafe")
	if x.Failsafe == nil || !v.Has(at) {
		return
	}
	v.needsReplicas(at, "failsafe")
	v.watchable(at+".after", x.Failsafe.After)
	if n := x.Failsafe.Replicas; n != nil && (*n < x.Replicas.Min.Least() || x.Replicas.Max != nil && *n > *x.Replicas.Max) {
		v.Errorf(at+".replicas", nil, "%d replicas are outside replicas.min and replicas.max", *n).Hint("use a number between them")
	}
}

// watchable checks how far back each evaluation looks.
func (v *validator) watchable(at string, value Duration) {
	v.atLeastASecond(at, value)
	if v.Has(at) && v.Sound(at) && value > longestGuard {
		v.Errorf(at, nil, "%s is too long", value).Hint("use at most %s: each evaluation looks at all of this time", longestGuard)
	}
}

func (v *validator) atLeastASecond(at string, value Duration) {
	if v.Has(at) && v.Sound(at) && value < Duration(time.Second) {
		v.Errorf(at, nil, "%s is too short", value).Hint("use at least 1s")
	}
}

// needsReplicas reports a guard without the replica counts that it needs.
func (v *validator) needsReplicas(at, what string) {
	if v.config.ScaleTargets.Disabled {
		v.Errorf(at, v.Key(at), "%s needs the replicas that run, but scale_targets is disabled", what).
			Hint("remove this setting or scale_targets.disabled")
	}
}
