package policy

import (
	"math"
	"time"
)

// Knative's concurrency autoscaler with its defaults (knative/serving, pkg/autoscaler/scaling/autoscaler.go and config-autoscaler): the
// target is 70 percent of the container's concurrency, here the batch of the server; stable window 60 s, panic window 10 percent of it,
// panic at 200 percent, at most 1000 times more or half as many pods at once, 30 s of grace before zero. Knative decides every 2 s, this
// one as often as the scenario evaluates, so the panic window holds little more than the last observation.
const (
	knativeUtilization = 0.7
	knativeStable      = 60 * time.Second
	knativePanicWindow = 6 * time.Second
	knativePanic       = 2.0
	knativeMaxUp       = 1000.0
	knativeMaxDown     = 2.0
	knativeGrace       = 30 * time.Second
)

type knative map[string]*revision // by variant

// revision is what the autoscaler remembers of one target.
type revision struct {
	seen     []concurrency
	panicAt  time.Duration
	panics   bool
	mostPods int
	zeroAt   time.Duration
	zero     bool
}

type concurrency struct {
	at    time.Duration
	value float64
}

func newKnative(Setup) Policy { return knative{} }

func (knative) Name() string { return "knative" }
func (knative) Acts() bool   { return true }

func (k knative) Desired(o *Observation) map[string]int {
	desired := map[string]int{}
	for _, g := range groups(o) {
		v := g.cheapest()
		if v.Facts.MaxBatch <= 0 {
			continue
		}
		if k[v.ID] == nil {
			k[v.ID] = &revision{}
		}
		r := k[v.ID]
		wanted := r.decide(o.At, g.model.Queue+g.inFlight(), knativeUtilization*float64(v.Facts.MaxBatch), v.Ready)
		desired[v.ID] = v.bound(r.grace(o.At, wanted), 0)
	}
	return desired
}

// decide follows the autoscaler's Scale: the stable average, or in panic the larger of both and never less than before.
func (r *revision) decide(at time.Duration, observed, target float64, ready int) int {
	r.seen = append(r.seen, concurrency{at, observed})
	for at-r.seen[0].at >= knativeStable {
		r.seen = r.seen[1:]
	}
	pods := math.Max(1, float64(ready))
	up, down := math.Ceil(knativeMaxUp*pods), math.Floor(pods/knativeMaxDown)
	limit := func(wanted float64) int { return int(math.Min(math.Max(wanted, down), up)) }
	stable := math.Ceil(r.average(at, knativeStable) / target)
	short := math.Ceil(r.average(at, knativePanicWindow) / target)

	over := short/pods >= knativePanic
	switch {
	case over:
		r.panics, r.panicAt = true, at
	case r.panics && at > r.panicAt+knativeStable:
		r.panics, r.mostPods = false, 0
	}
	if !r.panics {
		return limit(stable)
	}
	r.mostPods = max(r.mostPods, limit(stable), limit(short))
	return r.mostPods
}

func (r *revision) average(at, window time.Duration) float64 {
	sum, n := 0.0, 0
	for _, c := range r.seen {
		if at-c.at < window {
			sum += c.value
			n++
		}
	}
	return sum / float64(n)
}

// grace keeps the last pod for a while after nothing is left to do.
func (r *revision) grace(at time.Duration, wanted int) int {
	if wanted > 0 {
		r.zero = false
		return wanted
	}
	if !r.zero {
		r.zero, r.zeroAt = true, at
	}
	if at-r.zeroAt < knativeGrace {
		return 1
	}
	return 0
}
