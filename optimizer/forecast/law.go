package forecast

import (
	"math"
	"time"
)

// Law is how to plan for a demand with a trend, noise and habits: what is expected when a replica that is ordered now is ready, plus a
// multiple of the noise. The multiple is not chosen but measured, as a quantile of the errors that the same plan without it has made:
// split conformal prediction (Vovk, Gammerman and Shafer 2005; Lei et al. 2018) with the noise as the scale of the errors. Whether demand
// is expected by its trend, or by what it did an hour, a day or a week ago, is what would have lost least over the last day.
type Law struct {
	// Ahead is the time until a replica that is ordered now shows in the demand that it serves.
	Ahead time.Duration
	// Quantile is the share of moments at which the plan is to be high enough.
	Quantile float64
	// Steps is whether a step in demand is told from a trend.
	Steps bool
}

// Numbers of the law.
const (
	habitLevel    = 10 * time.Minute // that the level of demand, then and now, is taken over
	habitMost     = 3                // times what came then: a night says nothing of the scale of a morning
	habitGain     = 0.98             // of the loss without a habit is what it must lose at most
	youngMultiple = 3.0              // of the noise, while it cannot be measured
	minErrors     = 100              // that a multiple is measured by
)

// HabitShown is the time after which a rate over a minute shows all of what came: a habit is looked at so much further.
const HabitShown = time.Minute

// habits are after how long demand may repeat itself.
func habits() [3]time.Duration {
	return [3]time.Duration{time.Hour, 24 * time.Hour, 7 * 24 * time.Hour}
}

// Lesson is what a day has taught: the habit that demand follows, 0 for none, and the multiples of the noise with it and without.
type Lesson struct {
	Habit           time.Duration
	WithHabit, Zero float64
	Learnt          bool // by as many errors as it takes
}

// Long is a demand at equal steps of up to a minute, over two days and around a week ago. Either may lack values.
type Long struct {
	History, Week History

	levels, weekLevels []float64 // of all steps, where many are asked for
}

// steps is how many steps a time takes, at least one.
func (h History) steps(d time.Duration) int { return max(1, int((d+h.Step-1)/h.Step)) }

// last is the place of the last step at or before a time ago, -1 where there is none.
func (h History) last(ago time.Duration) int {
	if h.Step <= 0 {
		return -1
	}
	return h.first(ago) - 1
}

// level is the mean demand over some time until a step; NaN where less than half of it is known.
func (h History) level(end int) float64 {
	return levelOf(h.Values[:end+1], h.steps(habitLevel))
}

// everyLevel are the levels of all steps.
func (h History) everyLevel() []float64 {
	if len(h.Values) == 0 {
		return nil
	}
	levels, steps := make([]float64, len(h.Values)), h.steps(habitLevel)
	for end := range levels {
		levels[end] = levelOf(h.Values[:end+1], steps)
	}
	return levels
}

// levelOf is the mean of the last so many values; NaN where less than half of them are known.
func levelOf(values []float64, steps int) float64 {
	sum, n := 0.0, 0
	for _, v := range values[max(0, len(values)-steps):] {
		if !math.IsNaN(v) {
			sum, n = sum+v, n+1
		}
	}
	if 2*n < steps {
		return math.NaN()
	}
	return sum / float64(n)
}

// levelAt is the level of a step, where those of all steps are known or not.
func (h History) levelAt(end int, known []float64) float64 {
	if known != nil {
		return known[end]
	}
	return h.level(end)
}

// habit is the most that came after a moment some time ago less a habit, until ahead and as long as that takes to show, at the level of
// that moment; NaN where that is not known.
func (l *Long) habit(ago, habit, ahead time.Duration, level float64) float64 {
	then, h, levels := ago+habit, l.History, l.levels
	end := h.last(then)
	if end < 0 {
		h, levels = l.Week, l.weekLevels
		end = h.last(then)
	}
	until := h.last(then - ahead - HabitShown)
	if end < 0 || h.Since > then-ahead-HabitShown {
		return math.NaN()
	}
	levelThen, most := h.levelAt(end, levels), Most(h.Values[end:until+1])
	if !(levelThen > 0) || math.IsNaN(level) {
		return math.NaN()
	}
	return min(most*min(level/levelThen, habitMost), habitMost*level)
}

// came is the demand a time after a moment some time ago, between the steps.
func (h History) came(ago, ahead time.Duration) float64 {
	then := ago - ahead
	before, at := h.Before(then)
	if at == then || math.IsNaN(before) {
		return before
	}
	after := h.At(at - h.Step)
	return before + (after-before)*float64(at-then)/float64(h.Step)
}

// Learn measures on the time over until some time ago what the law is to follow.
func (l Law) Learn(long Long, ago, over time.Duration) Lesson {
	long.levels, long.weekLevels = long.History.everyLevel(), long.Week.everyLevel()
	habits := habits()
	n, course := len(habits)+1, l.NewCourse(long.History)
	bases, errs := make([][]float64, n), make([][]float64, n) // by habit, the first without one
	row := rows(2*n+2, len(course.Over(ago+over)))            // It is known how many moments there are at the most.
	for k := range n {
		bases[k], errs[k] = row(), row()
	}
	came, scales := row(), row()
	for end := course.last(ago + l.Ahead); end >= 0 && course.Ago(end) < ago+over; end-- {
		then, now := course.Ago(end), course.Values[end]
		later := course.came(then, l.Ahead)
		base, scale := course.trend(end, now, l.Ahead)
		if math.IsNaN(base) || math.IsNaN(later) || !(scale > 0) {
			continue
		}
		came, scales = append(came, later), append(scales, scale)
		level := long.levels[end]
		for k := range n {
			if k > 0 {
				base = max(now, long.habit(then, habits[k-1], l.Ahead, level))
			}
			bases[k] = append(bases[k], base)
			if !math.IsNaN(base) {
				errs[k] = append(errs[k], (later-base)/scale)
			}
		}
	}
	return l.lesson(bases, errs, came, scales)
}

// rows gives pieces of one memory, for some numbers each.
func rows(n, numbers int) func() []float64 {
	free := make([]float64, n*numbers)
	return func() []float64 {
		piece := free[:0:numbers]
		free = free[numbers:]
		return piece
	}
}

// lesson takes the habit with the least loss over the moments at which it said anything, the shorter where others gain little.
func (l Law) lesson(bases, errs [][]float64, came, scales []float64) Lesson {
	out := Lesson{Zero: youngMultiple}
	if len(errs[0]) < minErrors {
		return out
	}
	out.Zero, out.Learnt = l.multiple(errs[0]), true
	best := habitGain
	for k := 1; k < len(bases); k++ {
		if len(errs[k]) < minErrors {
			continue
		}
		multiple := l.multiple(errs[k])
		with, without := 0.0, 0.0
		for i, base := range bases[k] {
			if !math.IsNaN(base) {
				with += l.loss(came[i] - base - multiple*scales[i])
				without += l.loss(came[i] - bases[0][i] - out.Zero*scales[i])
			}
		}
		if with < best*without {
			best = habitGain * with / without
			out.Habit, out.WithHabit = habits()[k-1], multiple
		}
	}
	return out
}

// multiple is the quantile of errors, at least 0. It moves them.
func (l Law) multiple(errs []float64) float64 {
	rank := int(math.Ceil(l.Quantile*float64(len(errs)+1))) - 1
	return max(0, ranked(errs, min(max(rank, 0), len(errs)-1)))
}

// ranked is the number that would be at a place, were they sorted. It moves them (Hoare's selection, 1961).
func ranked(numbers []float64, place int) float64 {
	for low, high := 0, len(numbers)-1; low < high; {
		pivot := numbers[low+(high-low)/2]
		i, j := low, high
		for i <= j {
			for numbers[i] < pivot {
				i++
			}
			for pivot < numbers[j] {
				j--
			}
			if i <= j {
				numbers[i], numbers[j] = numbers[j], numbers[i]
				i, j = i+1, j-1
			}
		}
		switch {
		case place <= j:
			high = j
		case place >= i:
			low = i
		default:
			return numbers[place]
		}
	}
	return numbers[place]
}

// loss weighs what came beyond a plan, or was planned in vain, so that the quantile loses least (Koenker and Bassett 1978).
func (l Law) loss(beyond float64) float64 {
	if beyond > 0 {
		return l.Quantile * beyond
	}
	return (l.Quantile - 1) * beyond
}

// foreseen is what comes after a moment some time ago by the habit that demand follows; NaN where there is none, or that is not known.
func (l Law) foreseen(long Long, ago time.Duration, lesson Lesson) float64 {
	if at := long.History.last(ago); lesson.Habit > 0 && at >= 0 {
		return long.habit(ago, lesson.Habit, l.Ahead, long.History.level(at))
	}
	return math.NaN()
}

// Rising is the demand at a moment some time ago with what a step that has just begun still rises by. Where a habit foresaw the step, it says
// how far.
func (l Law) Rising(course *Course, long Long, ago time.Duration, demand float64, lesson Lesson) float64 {
	end := course.last(ago)
	if end < 0 {
		return demand
	}
	to := demand + course.unseen(end, demand)
	if then := l.foreseen(long, ago, lesson); demand < then && then < to {
		return then
	}
	return to
}

// Plan is what to plan for at a moment some time ago, when the demand was what it was then. It is not known where too little is. The
// course has the steps that trend and noise are taken from.
func (l Law) Plan(course *Course, long Long, ago time.Duration, demand float64, lesson Lesson) (p Plan, known bool) {
	end := course.last(ago)
	if end < 0 {
		return p, false
	}
	base, scale := course.trend(end, demand, l.Ahead)
	if math.IsNaN(base) || math.IsNaN(scale) {
		return p, false
	}
	if demand == 0 && lesson.Habit == 0 {
		return p, true // what has ended has no noise
	}
	p = Plan{Demand: demand, Expected: base, Noise: scale, Multiple: lesson.Zero}
	if then := l.foreseen(long, ago, lesson); !math.IsNaN(then) {
		p.Expected, p.Multiple = max(then, demand), lesson.WithHabit
		if then > demand {
			p.Habit = lesson.Habit
		}
	}
	return p, true
}

// Plan is what a plan consists of.
type Plan struct {
	Demand   float64       // at its moment
	Expected float64       // by trend or habit
	Noise    float64       // the scale of what it may be wrong by
	Multiple float64       // of the noise that is added
	Habit    time.Duration // after which demand repeats itself, where that says what is expected; 0 for the trend
}

// Total is what to plan for.
func (p Plan) Total() float64 { return p.Expected + p.Multiple*p.Noise }
