package sim

import (
	"math"
	"slices"
	"time"

	"github.com/variant-exporter/variant-exporter/backtest/scenario"
)

// fresh is how old a gauge may be before an autoscaler holds.
const fresh = 300.0

// autoscaler stands for the HPAs, or KEDA's objects, of all variants.
type autoscaler struct {
	scenario.Autoscaler
	bounds map[string]Bounds
}

// recommendation is what an HPA would have set at a time.
type recommendation struct {
	at       float64
	replicas int
}

// freeze is an autoscaler that does not follow.
type freeze struct{ atMost *int }

func newAutoscaler(s *Sim) autoscaler { return autoscaler{s.scenario.Autoscaler, s.Bounds} }

// read is the newest gauge of a variant that can be read now.
func (a *autoscaler) read(v *variant, now float64) (replicas int, ok bool) {
	for i, t := range slices.Backward(v.told) {
		if t.at+time.Duration(a.Lag).Seconds() <= now+1e-9 {
			v.told = v.told[i:]
			return t.replicas, !t.absent && now-t.at <= fresh
		}
	}
	return 0, false
}

// sync lets the HPAs decide. KEDA leaves a target that runs to an HPA with a minimum of one, and wakes it or lets it sleep by itself.
func (a *autoscaler) sync(s *Sim) {
	for _, v := range s.variants {
		n, ok := a.read(v, s.now)
		if !ok {
			continue
		}
		if a.Kind == scenario.KEDA {
			if v.spec == 0 {
				continue
			}
			n = max(n, 1)
		}
		a.follow(s, v, n)
	}
}

// poll lets KEDA wake what sleeps and is wanted, and put to sleep what has not been wanted for long enough.
func (a *autoscaler) poll(s *Sim) {
	if a.Kind != scenario.KEDA {
		return
	}
	for _, v := range s.variants {
		n, ok := a.read(v, s.now)
		switch {
		case !ok:
		case n > a.Activation:
			v.idle = -1
			if v.spec == 0 {
				a.set(s, v, max(1, a.bounded(v, 1)))
			}
		case v.idle < 0:
			v.idle = s.now
		case v.spec > 0 && s.now-v.idle >= time.Duration(*a.Cooldown).Seconds():
			a.set(s, v, a.bounded(v, 0))
		}
	}
}

// follow sets what an HPA would set.
func (a *autoscaler) follow(s *Sim, v *variant, wanted int) {
	if v.spec > 0 && math.Abs(float64(wanted)/float64(v.spec)-1) <= a.Tolerance {
		wanted = v.spec
	}
	n := a.stabilized(v, wanted, s.now)
	n = a.limited(v, n, s.now)
	a.set(s, v, a.bounded(v, n))
}

// set asks for replicas, unless the autoscaler does not follow.
func (a *autoscaler) set(s *Sim, v *variant, n int) {
	if v.frozen != nil {
		if v.frozen.atMost == nil {
			return
		}
		n = min(n, *v.frozen.atMost)
	}
	if n != v.spec {
		v.steps = append(v.steps, scaled{s.now, n - v.spec})
	}
	s.scale(v, n)
}

// scaled is a change that an autoscaler made.
type scaled struct {
	at float64
	by int
}

// limited keeps a change within the scaling policies: those of Kubernetes' horizontal.go (calculateScaleUpLimitWithScalingRules and
// calculateScaleDownLimitWithBehaviors).
func (a *autoscaler) limited(v *variant, wanted int, now float64) int {
	switch {
	case wanted > v.spec:
		return min(wanted, max(v.spec, limitOf(a.ScaleUp, 1, v, now)))
	case wanted < v.spec:
		return max(wanted, min(v.spec, limitOf(a.ScaleDown, -1, v, now)))
	}
	return wanted
}

// limitOf is how far the policies of one direction let a number go; up is 1 or -1.
func limitOf(rules scenario.ScaleRules, up int, v *variant, now float64) int {
	if rules.Select == scenario.SelectDisabled {
		return v.spec
	}
	limit, limits := 0, false
	for _, p := range rules.Policies {
		begin := float64(v.spec - changedIn(v, now, time.Duration(p.Per).Seconds()))
		to := int(begin) + up*p.Replicas
		if p.Percent > 0 {
			to = int(begin * (1 - p.Percent/100))
			if up > 0 {
				to = int(math.Ceil(begin * (1 + p.Percent/100)))
			}
		}
		farther := up*to > up*limit
		if !limits || farther == (rules.Select != scenario.SelectMin) {
			limit = to
		}
		limits = true
	}
	if !limits {
		return up * math.MaxInt32
	}
	return limit
}

// changedIn is by how much an autoscaler changed the replicas within a time.
func changedIn(v *variant, now, within float64) int {
	sum := 0
	for _, c := range v.steps {
		if now-c.at < within {
			sum += c.by
		}
	}
	return sum
}

// stabilized keeps a change within what was recommended over the windows.
func (a *autoscaler) stabilized(v *variant, wanted int, now float64) int {
	if a.Down == 0 && a.Up == 0 {
		return wanted
	}
	down, up := time.Duration(a.Down).Seconds(), time.Duration(a.Up).Seconds()
	kept := v.advised[:0]
	most, least := wanted, wanted
	for _, r := range v.advised {
		if now-r.at < max(down, up) {
			kept = append(kept, r)
		}
		if now-r.at < down {
			most = max(most, r.replicas)
		}
		if now-r.at < up {
			least = min(least, r.replicas)
		}
	}
	kept = append(kept, recommendation{now, wanted})
	v.advised = kept
	switch {
	case v.spec > most:
		return most
	case v.spec < least:
		return least
	}
	return v.spec
}

func (a *autoscaler) bounded(v *variant, n int) int {
	b, ok := a.bounds[v.ID()]
	if !ok {
		return max(0, n)
	}
	if b.Max >= 0 {
		n = min(n, b.Max)
	}
	return max(n, b.Min)
}
