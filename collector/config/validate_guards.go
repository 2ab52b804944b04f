package config

import "time"

// guards checks limits on change and the times of provisioning, where they stand.
func (v *validator) guards(path string, g Guards) {
	for key, limit := range map[string]*ChangeLimit{"scale_up_limit": g.ScaleUpLimit, "scale_down_limit": g.ScaleDownLimit} {
		at := join(path, key)
		if !v.has(at) || limit == nil {
			continue
		}
		if !v.has(at+".replicas") && !v.has(at+".percent") {
			v.errorf(at, nil, "neither replicas nor percent").hint("give one of them or both, such as {replicas: 4, percent: 100, per: 1m}; without a limit, take it out")
		}
		v.watchable(at+".per", *limit.Per)
		v.needsReplicas(at, "a limit on change")
	}
	for key, value := range map[string]*Duration{"provision_timeout": g.ProvisionTimeout, "provision_cooldown": g.ProvisionCooldown} {
		if value != nil && (*value > 0 || key == "provision_cooldown") {
			v.watchable(join(path, key), *value)
		}
	}
}

// variantGuards checks what guards one variant.
func (v *validator) variantGuards(path string, x *Variant) {
	at := join(path, "provision_timeout")
	timeout := *x.ProvisionTimeout
	if v.has(at) && timeout > 0 {
		v.watchable(at, timeout)
		v.needsReplicas(at, "a time in which replicas must be ready")
	}
	if timeout > 0 && timeout <= x.Startup {
		if !v.has(at) {
			at = join(path, "startup")
		}
		v.errorf(at, nil, "replicas may take a provision_timeout of %s, but they are ready after %s only", timeout, x.Startup).
			hint("make provision_timeout longer than startup, or every start counts as stuck; 0s: never")
	}
	at = join(path, "failsafe")
	if x.Failsafe == nil || !v.has(at) {
		return
	}
	v.needsReplicas(at, "a failsafe")
	v.watchable(at+".after", x.Failsafe.After)
	if n := x.Failsafe.Replicas; n != nil && (*n < x.Replicas.Min || x.Replicas.Max != nil && *n > *x.Replicas.Max) {
		v.errorf(at+".replicas", nil, "%d is outside the bounds of the variant's replicas", *n).hint("between replicas.min and replicas.max")
	}
}

// watchable checks a time of the past that is looked at with every evaluation.
func (v *validator) watchable(at string, value Duration) {
	v.atLeastASecond(at, value)
	if v.has(at) && v.sound(at) && value > longestGuard {
		v.errorf(at, nil, "%s is too long", value).hint("at most %s: the whole of it is looked at with every evaluation", longestGuard)
	}
}

func (v *validator) atLeastASecond(at string, value Duration) {
	if v.has(at) && v.sound(at) && value < Duration(time.Second) {
		v.errorf(at, nil, "%s is too short", value).hint("at least 1s")
	}
}

// needsReplicas reports a guard that could not know what runs.
func (v *validator) needsReplicas(at, what string) {
	if v.config.ScaleTargets.Disabled {
		v.errorf(at, v.keys[at], "%s, but scale_targets.disabled keeps it from knowing what runs", what).
			hint("take one of the two out")
	}
}
