package replay

import (
	"slices"
	"time"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/match"
	"github.com/variant-exporter/variant-exporter/optimizer/forecast"
)

// follower is a fleet whose autoscalers run what was decided at the last step, from what ran at the first step on. A replica is
// ready when it has been asked for without a break for as long as its variant takes to start.
type follower struct {
	step     time.Duration
	variants map[identity]*followed
	order    []*followed // as in the configuration
}

// identity is what tells variants apart.
type identity struct{ namespace, variant string }

type followed struct {
	startup int   // in steps, rounded up
	known   bool  // what ran at the beginning is known
	before  int   // replicas that were ready at the beginning
	counts  []int // asked for from each step on; the first are those of the beginning

	// The past that the guards see: what was asked for and ready at each step, the present included in what was asked for.
	lookback    int
	asked, came []float64
}

var _ collector.Fleet = (*follower)(nil)

func newFollower(c *config.Config, step time.Duration) *follower {
	f := &follower{step: step, variants: map[identity]*followed{}}
	for i := range c.Models {
		for j := range c.Models[i].Variants {
			v := &c.Models[i].Variants[j]
			x := &followed{
				startup: int((time.Duration(v.Startup) + step - 1) / step), counts: []int{0}, asked: []float64{0},
				lookback: lookback(&c.Models[i], v, step),
			}
			f.variants[identity{c.Models[i].Namespace, v.Name}] = x
			f.order = append(f.order, x)
		}
	}
	return f
}

// complete reports whether it is known of every variant what ran at the beginning.
func (f *follower) complete() bool {
	return !slices.ContainsFunc(f.order, func(x *followed) bool { return !x.known })
}

// start takes over what ran, for the variants of which that was not known before.
func (f *follower) start(then *collector.Snapshot) {
	f.each(then, func(x *followed, v *collector.Variant) {
		if x.known || v.Current == nil {
			return
		}
		x.known = true
		x.before = *v.Current
		if v.Ready != nil {
			x.before = min(x.before, *v.Ready)
		}
		x.counts, x.asked, x.came = []int{*v.Current}, []float64{float64(*v.Current)}, nil
	})
}

// follow runs what was decided. Without a decision everything stays as it is.
func (f *follower) follow(decided *collector.Snapshot) {
	f.each(decided, func(x *followed, v *collector.Variant) {
		next := x.current()
		if v.Desired != nil && x.known {
			next = *v.Desired
		}
		ready := x.ready(false)
		x.counts = append(x.counts, next)
		x.remember(ready)
	})
}

func (f *follower) each(s *collector.Snapshot, do func(*followed, *collector.Variant)) {
	i := 0
	for m := range s.Models {
		for v := range s.Models[m].Variants {
			do(f.order[i], &s.Models[m].Variants[v])
			i++
		}
	}
}

func (x *followed) current() int { return x.counts[len(x.counts)-1] }

// ready is how many replicas are ready just before a decision, or, with after, once it is in force: the fewest asked for since the
// newest replicas that may be ready were.
func (x *followed) ready(after bool) int {
	span := x.startup
	if after {
		span++
	}
	n := x.current()
	for ago := range span {
		i := len(x.counts) - 1 - ago
		if i <= 0 {
			return min(n, x.before)
		}
		n = min(n, x.counts[i])
	}
	return n
}

// Replicas implements collector.Fleet.
func (f *follower) Replicas(namespace, variant string) match.Replicas {
	x := f.variants[identity{namespace, variant}]
	current, ready := x.current(), x.ready(false)
	past := func(values []float64) match.Past {
		return match.Past{History: forecast.History{Step: f.step, Values: values}}
	}
	asked, came := past(x.asked), past(append(slices.Clip(x.came), float64(ready)))
	return match.Replicas{
		Current: match.Count{N: &current}, Ready: match.Count{N: &ready},
		Limits: asked, Starts: match.Starts{Current: asked, Ready: came},
	}
}

// remember keeps as much of the past as the guards look back at.
func (x *followed) remember(ready int) {
	x.asked = append(x.asked, float64(x.current()))
	x.came = append(x.came, float64(ready))
	if behind := len(x.asked) - x.lookback; behind > 0 {
		x.asked, x.came = x.asked[behind:], x.came[behind:]
	}
}

// lookback is how many steps the guards of a variant look back over.
func lookback(m *config.Model, v *config.Variant, step time.Duration) int {
	longest := time.Duration(*v.ProvisionTimeout) + time.Duration(*m.ProvisionCooldown)
	for _, limit := range []*config.ChangeLimit{m.ScaleUpLimit, m.ScaleDownLimit} {
		if limit != nil {
			longest = max(longest, time.Duration(*limit.Per))
		}
	}
	return int(longest/step) + 2
}
