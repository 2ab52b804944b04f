package config

import (
	"time"

	"github.com/variant-exporter/variant-exporter/collector/config/strict"
)

// guards checks limits on change and the times of provisioning, where they stand.
func (v *validator) guards(path string, g Guards) {
	for key, limit := range map[string]*ChangeLimit{"scale_up_limit": g.ScaleUpLimit, "scale_down_limit": g.ScaleDownLimit} {
		at := strict.Join(path, key)
		if !v.Has(at) || limit == nil {
			continue
		}
		if !v.Has(at+".replicas") && !v.Has(at+".percent") {
			v.Errorf(at, nil, "neither replicas nor percent").Hint("give one of them or both, such as {replicas: 4, percent: 100, per: 1m}; without a limit, take it out")
		}
		v.watchable(at+".per", *limit.Per)
		v.needsReplicas(at, "a limit on change")
	}
	for key, value := range map[string]*Duration{"provision_timeout": g.ProvisionTimeout, "provision_cooldown": g.ProvisionCooldown} {
		if value != nil && (*value > 0 || key == "provision_cooldown") {
			v.watchable(strict.Join(path, key), *value)
		}
	}
}

// variantGuards checks what guards one variant.
func (v *validator) variantGuards(path string, x *Variant) {
	at := strict.Join(path, "provision_timeout")
	timeout := *x.ProvisionTimeout
	if v.Has(at) && timeout > 0 {
		v.watchable(at, timeout)
		v.needsReplicas(at, "a time in which replicas must be ready")
	}
	if timeout > 0 && timeout <= x.Startup {
		if !v.Has(at) {
			at = strict.Join(path, "startup")
		}
		v.Errorf(at, nil, "replicas may take a provision_timeout of %s, but they are ready after %s only", timeout, x.Startup).
			Hint("make provision_timeout longer than startup, or every start counts as stuck; 0s: never")
	}
	at = strict.Join(path, "failsafe")
	if x.Failsafe == nil || !v.Has(at) {
		return
	}
	v.needsReplicas(at, "a failsafe")
	v.watchable(at+".after", x.Failsafe.After)
	if n := x.Failsafe.Replicas; n != nil && (*n < x.Replicas.Min || x.Replicas.Max != nil && *n > *x.Replicas.Max) {
		v.Errorf(at+".replicas", nil, "%d is outside the bounds of the variant's replicas", *n).Hint("between replicas.min and replicas.max")
	}
}

// watchable checks a time of the past that is looked at with every evaluation.
func (v *validator) watchable(at string, value Duration) {
	v.atLeastASecond(at, value)
	if v.Has(at) && v.Sound(at) && value > longestGuard {
		v.Errorf(at, nil, "%s is too long", value).Hint("at most %s: the whole of it is looked at with every evaluation", longestGuard)
	}
}

func (v *validator) atLeastASecond(at string, value Duration) {
	if v.Has(at) && v.Sound(at) && value < Duration(time.Second) {
		v.Errorf(at, nil, "%s is too short", value).Hint("at least 1s")
	}
}

// needsReplicas reports a guard that could not know what runs.
func (v *validator) needsReplicas(at, what string) {
	if v.config.ScaleTargets.Disabled {
		v.Errorf(at, v.Key(at), "%s, but scale_targets.disabled keeps it from knowing what runs", what).
			Hint("take one of the two out")
	}
}
