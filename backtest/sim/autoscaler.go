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

// sync lets the HPAs decide. KEDA leaves a target that runs to an HPA, and wakes or stops it itself.
func (a *autoscaler) sync(s *Sim) {
	for _, v := range s.variants {
		n, ok := a.read(v, s.now)
		if !ok {
			continue
		}
		if a.Kind == scenario.KEDA {
			if v.spec == 0 {
				continue // polling wakes it
			}
			if n == 0 {
				if v.idle < 0 {
					v.idle = s.now
				}
				if s.now-v.idle < time.Duration(*a.Cooldown).Seconds() {
					n = 1
				}
			} else {
				v.idle = -1
			}
		}
		a.follow(s, v, n)
	}
}

// poll lets KEDA wake what sleeps.
func (a *autoscaler) poll(s *Sim) {
	if a.Kind != scenario.KEDA {
		return
	}
	for _, v := range s.variants {
		if n, ok := a.read(v, s.now); ok && v.spec == 0 && n > 0 {
			v.idle = -1
			a.follow(s, v, max(1, a.bounded(v, 1)))
		}
	}
}

// follow sets what an HPA would set.
func (a *autoscaler) follow(s *Sim, v *variant, wanted int) {
	if v.spec > 0 && math.Abs(float64(wanted)/float64(v.spec)-1) <= a.Tolerance {
		wanted = v.spec
	}
	n := a.stabilized(v, wanted, s.now)
	n = a.bounded(v, n)
	if v.frozen != nil {
		if v.frozen.atMost == nil {
			return
		}
		n = min(n, *v.frozen.atMost)
	}
	s.scale(v, n)
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
