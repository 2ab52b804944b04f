package sim

import (
	"math"
	"time"
)

// shortLife is how long a replica has to serve for its start to have been worth it, in seconds.
const shortLife = 600.0

// ledger is what a run costs and does, after the warm-up.
type ledger struct {
	warmup   float64
	models   []*books
	variants []account
	changes  int
	starts   int
	cancel   int
	short    int
	failed   int
	broken   int // evaluations with a broken budget
	lacking  float64
	peak     float64 // watts
	decision []time.Duration
	course   *course
	turned   []turn // the last change of each variant
	reversed int
	wanted   map[string][]Wanted
}

// account is what a variant costs.
type account struct{ cost, seconds, joules float64 }

func newLedger(s *Sim) *ledger {
	l := &ledger{warmup: s.warmup, variants: make([]account, len(s.variants)), turned: make([]turn, len(s.variants)), wanted: map[string][]Wanted{}}
	l.course = newCourse(s)
	minutes := int(math.Ceil((s.end - s.warmup) / 60))
	for _, m := range s.models {
		b := &books{warmup: s.warmup, minutes: make([]minute, max(1, minutes))}
		for _, g := range s.scenario.Unrecorded(m.Model.Model) {
			b.skip(g.From.Seconds(), g.To.Seconds())
		}
		l.models = append(l.models, b)
	}
	return l
}

func (l *ledger) counts(s *Sim) bool { return s.now >= l.warmup }

// elapse books a stretch of time that has begun at s.now, in which no pod changes.
func (l *ledger) elapse(s *Sim, slot int, dt float64) {
	if !l.counts(s) {
		return
	}
	watts := 0.0
	for _, p := range s.pods {
		a := &l.variants[p.v.place]
		a.cost += p.v.Cost * dt / 3600
		a.seconds += dt
		if p.state == ready || p.state == draining {
			busy := min(1, p.v.model.engine.load(p).Running/float64(p.v.Profile.MaxBatch))
			power := p.v.IdleWatts + (max(p.v.Watts, p.v.IdleWatts)-p.v.IdleWatts)*busy
			a.joules += power * dt
			watts += power
		}
	}
	l.peak = max(l.peak, watts)
	for _, m := range s.models {
		if m.rateAt(slot) > s.carried(m)+1e-9 {
			l.lacking += dt
			break
		}
	}
	l.course.elapse(s)
}

// turn is a change of the replicas asked for.
type turn struct {
	at float64
	up bool
}

func (l *ledger) changed(s *Sim, v *variant, replicas int) {
	if !l.counts(s) {
		return
	}
	l.changes++
	last, now := &l.turned[v.place], turn{s.now, replicas > v.spec}
	if last.at > 0 && last.up != now.up && now.at-last.at < shortLife {
		l.reversed++
	}
	*last = now
}

func (l *ledger) started(s *Sim, _ *pod) {
	if l.counts(s) {
		l.starts++
	}
}

func (l *ledger) removed(s *Sim, p *pod) {
	switch {
	case !l.counts(s):
	case !p.wasReady:
		l.cancel++
	case p.ordered > 0 && s.now-p.readyAt < shortLife:
		l.short++
	}
}

func (l *ledger) decided(took time.Duration) { l.decision = append(l.decision, took) }

// Wanted is what was desired of a variant from a time on, which counts from the end of the warm-up.
type Wanted struct {
	At       time.Duration
	Replicas int
	Told     bool
}

func (l *ledger) desired(s *Sim, v *variant, n int, told bool) {
	all := l.wanted[v.ID()]
	if last := len(all) - 1; last >= 0 && all[last].Replicas == n && all[last].Told == told {
		return
	}
	l.wanted[v.ID()] = append(all, Wanted{At: seconds(s.now - s.warmup), Replicas: n, Told: told})
}

func (l *ledger) checkBudgets(s *Sim) {
	if !l.counts(s) {
		return
	}
	for _, b := range s.Budgets {
		used := 0.0
		for _, v := range s.variants {
			used += b.Uses[v.ID()] * float64(v.spec)
		}
		if used > b.Limit+1e-9 {
			l.broken++
			return
		}
	}
}
