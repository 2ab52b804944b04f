package decide

import (
	"math"
	"time"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/match"
	"github.com/variant-exporter/variant-exporter/collector/query"
	"github.com/variant-exporter/variant-exporter/optimizer/forecast"
)

// With headroom: auto, demand is planned by what is expected when a replica that is ordered now is ready, and its noise. The law is learnt
// from the last day. All is read at fixed times, so two exporters, or one that was restarted, decide the same.
const (
	lessonDay     = 24 * time.Hour          // that the law is learnt from, whenever that is done
	lessonRefresh = 10 * time.Minute        // how often it is learnt again
	lessonSpread  = 40                      // models that learn one after another, a step of 15 seconds apart
	lessonSettled = 2 * time.Minute         // after which samples are complete
	lessonShort   = 6500 * time.Millisecond // a plan that is too low for so long, after the first minute, costs as much as what avoids it
	lessonLeast   = 0.8                     // of all moments a plan is to be high enough for, however short a start is
	headroomCap   = 1.5                     // times the recent demand, at the most: a step in demand is not noise
	habitCap      = 3                       // the same, where demand follows a habit
	headroomPast  = 10 * time.Minute        // that the recent demand is taken from

	planRemembered = 96 // steps of late whose plan is remembered within an evaluation
)

// law is how a signal's demand is planned for. A plan that is too low is so until a replica that is ordered then is ready, and a replica too
// many costs the same at any time: so the longer a start takes, the rarer a plan may be too low. This is the quantile of the newsvendor
// (Arrow, Harris and Marschak 1951), where a moment that falls short costs so many times what one in vain does. The minute until it is noticed
// costs little: servers have some room, and what does not fit has to queue before it is late. What is expected of a step may turn out less a
// moment later, so models of several sizes follow steps as they show.
func (s *signal) law() forecast.Law {
	enough := float64(s.Lead) / float64(s.Lead+lessonShort)
	return forecast.Law{Ahead: s.Lead + query.NoticedAfter, Quantile: max(lessonLeast, enough), Steps: len(s.model.variants) == 1}
}

// headroom is the share that an expression yields, and the default where it yields none.
func (m *model) headroom() (share float64, missing match.Missing) {
	switch told := m.read.Headroom; {
	case !told.Missing.OK():
		return m.Headroom.Ratio, told.Missing
	case told.Number > config.MaxHeadroom:
		return m.Headroom.Ratio, match.Missing{Input: m.HeadroomTold.Query.Name, Why: match.BadRange}
	default:
		return told.Number, match.Missing{}
	}
}

// withHeadroom is what to plan for: the expected demand plus the configured share, or as much as the law asks for. It notes how much of it is
// only held: the fresh demand is that of the last minute.
func (d *decider) withHeadroom(s *signal, now, expected, fresh float64) (planned float64, missing match.Missing) {
	if s.model.HeadroomTold.Set {
		share, missing := s.model.headroom()
		s.onlyHeld = (expected - fresh) * (1 + share)
		return expected * (1 + share), missing
	}
	ratio := 1 + s.model.Headroom.Ratio
	fixed, x := expected*ratio, &s.read.Absolute
	s.onlyHeld = (expected - fresh) * ratio
	if missing = x.Recent.Missing.Or(x.Day.Missing).Or(x.WeekAgo.Missing); !missing.OK() || len(x.Recent.Values) == 0 {
		return fixed, missing
	}
	course, long := s.law().NewCourse(x.Recent.FromMinute(x.Day.Since)), forecast.Long{History: x.Day.History, Week: x.WeekAgo.History}
	lessons, learnt, mostly := d.Memory.taught(s, long, d.read.At), true, float64(headroomCap)
	// What is held over the scale-down window is the plan: each moment of it counts with the noise of its own time.
	plan := remembered(course.History, func(ago time.Duration, then float64) float64 {
		lesson := lessons(ago)
		p, known := s.law().Plan(course, long, ago, then, lesson)
		if !known {
			return math.NaN()
		}
		if learnt = learnt && lesson.Learnt; lesson.Habit > 0 {
			mostly = habitCap
		}
		return p.Total()
	})
	rising := func(ago time.Duration, then float64) float64 {
		return s.law().Rising(course, long, ago, then, lessons(ago))
	}
	held := s.overWindow(now, plan, rising)
	planned, late := held.planned, held.late
	if math.IsNaN(planned) {
		return fixed, match.Missing{} // too little history
	}
	recent := forecast.Most(x.Recent.Over(headroomPast + time.Duration(*s.model.ScaleDownWindow)))
	most := mostly * max(expected, recent)
	s.rising = min(held.steepest, habitCap*max(expected, recent))
	s.sudden = func(over time.Duration) []float64 { return course.Sudden(over, s.rising) }
	s.mostly = mostly
	planned, late = max(expected, min(planned, most)), max(fresh, min(larger(late, fresh), most))
	if learnt {
		// Of the last minute, so that it is the same at all evaluations of one.
		s.noise = course.Noise(x.Day.Since, course.At(x.Day.Since))
		s.drifts = !course.Steady(x.Day.Since)
	} else {
		planned, late = max(planned, fixed), max(late, fresh*ratio)
	}
	s.onlyHeld = planned - late
	if p, known := s.law().Plan(course, long, held.ago, held.then, lessons(held.ago)); known && planned > 0 {
		s.out.Margin = marginOf(p, held.ago, s.law().Ahead, planned, expected, most)
		s.out.Margin.Young = !learnt
	}
	s.plan = func(ago time.Duration, then float64) float64 {
		planned := max(then, min(plan(ago, then), most))
		if !learnt {
			planned = max(planned, then*(1+s.model.Headroom.Ratio)) // as now
		}
		return planned
	}
	return planned, match.Missing{}
}

// heldPlan is the largest plan of the moments of the scale-down window, and when that was for which demand. Late and steepest are of the last
// minute only: the largest plan, and the largest that demand may rise to.
type heldPlan struct {
	planned, late, steepest float64
	ago                     time.Duration
	then                    float64
}

func (s *signal) overWindow(now float64, plan, rising func(ago time.Duration, then float64) float64) heldPlan {
	h := heldPlan{planned: plan(0, now), steepest: rising(0, now), then: now}
	h.late = h.planned
	window := s.read.Absolute.Window
	for i, then := range window.Values {
		ago := window.Ago(i)
		if ago >= time.Duration(*s.model.ScaleDownWindow) || math.IsNaN(then) {
			continue
		}
		at := plan(ago, then)
		if higher := larger(h.planned, at); higher != h.planned {
			h.planned, h.ago, h.then = higher, ago, then
		}
		if ago < acting {
			h.late, h.steepest = larger(h.late, at), larger(h.steepest, rising(ago, then))
		}
	}
	return h
}

// marginOf tells what a plan by the law consists of, and what bounds it.
func marginOf(p forecast.Plan, ago, ahead time.Duration, planned, expected, most float64) *Margin {
	m := &Margin{
		Ago: ago.Seconds(), Demand: p.Demand, Ahead: ahead.Seconds(), Expected: p.Expected, Habit: p.Habit.Seconds(), Noise: p.Noise, Multiple: p.Multiple,
	}
	switch total := p.Total(); {
	case planned < total:
		m.Most = &most
	case planned > total && planned > expected:
		m.Least = &planned
	case planned > total:
		m.Held = true
	}
	return m
}

// larger is the larger of two numbers of which the first may not be known, nor the second.
func larger(a, b float64) float64 {
	if math.IsNaN(a) || b > a {
		return b
	}
	return a
}

// remembered is a function of a moment and the demand then that works out only once what is asked about steps of late.
func remembered(h forecast.History, f func(ago time.Duration, then float64) float64) func(ago time.Duration, then float64) float64 {
	known := make([]struct{ then, planned float64 }, min(len(h.Values), planRemembered))
	return func(ago time.Duration, then float64) float64 {
		step := int((ago - h.Since) / h.Step)
		if step < 0 || step >= len(known) || h.Since+time.Duration(step)*h.Step != ago || !(then > 0) {
			return f(ago, then)
		}
		if k := &known[step]; k.then != then {
			k.then, k.planned = then, f(ago, then)
		}
		return known[step].planned
	}
}
