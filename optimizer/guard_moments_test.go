package optimizer_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/variant-exporter/variant-exporter/optimizer"
)

// pod is a replica as Kubernetes has it. The test counts pods, not what the
// guards expect.
type pod struct {
	ready bool          // now
	was   bool          // ready a moment ago
	in    time.Duration // until it is ready, where it loads
}

// drawPods draws the pods of a variant, those first that Kubernetes would keep
// longest: the ready ones, then those that lost their readiness, then those
// that load, the oldest first.
func drawPods(t *rapid.T, startup time.Duration) []pod {
	var pods []pod
	for range rapid.IntRange(0, 3).Draw(t, "ready") {
		pods = append(pods, pod{ready: true})
	}
	for range rapid.IntRange(0, 2).Draw(t, "lately") {
		pods = append(pods, pod{was: true})
	}
	if startup > 0 {
		var loading []pod
		for range rapid.IntRange(0, 3).Draw(t, "loading") {
			loading = append(loading, pod{in: time.Duration(rapid.IntRange(1, int(startup/time.Minute)).Draw(t, "in")) * time.Minute})
		}
		slices.SortFunc(loading, func(a, b pod) int { return int(a.in - b.in) })
		pods = append(pods, loading...)
	}
	return pods
}

// stateOf is what is seen of pods.
func stateOf(pods []pod, startup time.Duration) optimizer.VariantState {
	ready := 0
	s := optimizer.VariantState{Startup: startup}
	for _, p := range pods {
		switch {
		case p.ready:
			ready++
		case p.was:
			s.Lately++
		default:
			s.Starting = append(s.Starting, optimizer.Start{Replicas: 1, In: p.in})
		}
	}
	s.Current, s.Ready = new(len(pods)), &ready
	return s
}

// scaled is what Kubernetes makes of pods when n are asked for.
func scaled(pods []pod, n int, startup time.Duration) []pod {
	if n <= len(pods) {
		return pods[:n]
	}
	return append(slices.Clone(pods), slices.Repeat([]pod{{in: max(startup, 1)}}, n-len(pods))...)
}

// serving counts the pods that are ready at a time. Those that were ready a
// moment ago count on their own: they may be back, or not.
func servingAt(pods []pod, at time.Duration, lately bool) int {
	n := 0
	for _, p := range pods {
		if p.ready || p.was && lately || !p.ready && !p.was && p.in <= at {
			n++
		}
	}
	return n
}

// TestGuardNoLaterMomentIsWorse: from now until the last replica is ready, what
// serves under the decision is at least what would serve if nothing were
// changed, as far as the plan wants it.
func TestGuardNoLaterMomentIsWorse(t *testing.T) {
	generate := problems(shape{models: 1, variants: 3, signals: 2, replicas: 4, priorities: 1})
	lowered := 0
	rapid.Check(t, func(t *rapid.T) {
		p := generate.Draw(t, "problem")
		m := &p.Models[0]
		fleet, startups := make([][]pod, len(m.Variants)), make([]time.Duration, len(m.Variants))
		var variants []optimizer.VariantState
		for j := range m.Variants {
			m.Variants[j].Max = nil
			startups[j] = time.Duration(rapid.IntRange(0, 12).Draw(t, "startup")) * time.Minute
			fleet[j] = drawPods(t, startups[j])
			state := stateOf(fleet[j], startups[j])
			if state.Ordered = rapid.Bool().Draw(t, "ordered"); state.Ordered {
				fleet[j] = rapid.Permutation(fleet[j]).Draw(t, "pods")
			}
			state.Fresh = rapid.IntRange(0, 9).Draw(t, "fresh") == 0
			variants = append(variants, state)
		}
		s := optimizer.State{Models: []optimizer.ModelState{known(variants...)}}
		place(&p, s)
		plan, d := guarded(t, p, s)
		after := make([][]pod, len(fleet))
		for j := range fleet {
			after[j] = scaled(fleet[j], *d.Models[0].Variants[j].Desired, startups[j])
			if len(after[j]) < len(fleet[j]) {
				lowered++
				if len(variants) > 1 && variants[j].Fresh && servingAt(after[j], 0, false) < *variants[j].Ready {
					t.Fatalf("variants[%d] loses fresh replicas\n%v\n%v", j, fleet, after)
				}
			}
		}
		for signal, demand := range m.Demand {
			wanted := 0.0
			for j := range m.Variants {
				wanted += m.Variants[j].Capacity[signal] * float64(plan.Models[0].Variants[j].Replicas)
			}
			wanted = min(wanted, demand)
			for at := time.Duration(0); at <= 13*time.Minute; at += 30 * time.Second {
				for _, lately := range []bool{false, true} {
					if lately && at > 0 {
						continue // nothing relies on them later
					}
					before, now := 0.0, 0.0
					for j := range m.Variants {
						before += m.Variants[j].Capacity[signal] * float64(servingAt(fleet[j], at, lately))
						now += m.Variants[j].Capacity[signal] * float64(servingAt(after[j], at, lately))
					}
					if now < min(wanted, before)*(1-2*optimizer.Tolerance) {
						t.Fatalf("in %v %g of %s is served, of %g that would be and %g wanted (lately %t)\n%v\n%v",
							at, now, signal, before, wanted, lately, fleet, after)
					}
				}
			}
		}
	})
	if lowered == 0 {
		t.Error("nothing was ever lowered")
	}
}
