package decide

import (
	"sync"
	"time"

	"github.com/variant-exporter/variant-exporter/collector/query"
	"github.com/variant-exporter/variant-exporter/optimizer/forecast"
	"github.com/variant-exporter/variant-exporter/optimizer/latency"
)

// Memory remembers what is costly to work out, for several evaluations at once. What it says does not depend on what it remembers.
type Memory struct {
	sizes sizes

	mu      sync.Mutex
	lessons map[moment]forecast.Lesson
}

// moment is a signal at the end of a day that its law is learnt from.
type moment struct {
	signal *query.Signal
	end    time.Time
}

// taught are the lessons of a signal before a time, of which the last one that was asked for is at hand: that is asked for again and again.
func (m *Memory) taught(s *signal, long forecast.Long, at time.Time) func(ago time.Duration) forecast.Lesson {
	var last forecast.Lesson
	var from, to time.Duration // ago, between which it is the last one
	return func(ago time.Duration) forecast.Lesson {
		if ago <= from || ago > to {
			var end time.Time
			last, end = m.lesson(s, long, at, ago)
			to = at.Sub(end) - lessonSettled
			from = to - lessonRefresh
		}
		return last
	}
}

// lesson is what a signal's law has learnt from the day that ended at the last refresh before a time ago, and when that was.
func (m *Memory) lesson(s *signal, long forecast.Long, at time.Time, ago time.Duration) (lesson forecast.Lesson, end time.Time) {
	own := time.Duration(s.model.Place%lessonSpread) * lessonRefresh / lessonSpread
	key := moment{s.Signal, at.Add(-ago - lessonSettled - own).Truncate(lessonRefresh).Add(own)}
	m.mu.Lock()
	defer m.mu.Unlock()
	if known, ok := m.lessons[key]; ok {
		return known, key.end
	}
	lesson = s.law().Learn(long, at.Sub(key.end), lessonDay)
	if len(m.lessons) > maxLessons {
		clear(m.lessons)
	}
	if m.lessons == nil {
		m.lessons = map[moment]forecast.Lesson{}
	}
	m.lessons[key] = lesson
	return lesson, key.end
}

// maxLessons bounds what is remembered.
const maxLessons = 10_000

// sizes remembers what the queueing model says.
type sizes struct {
	mu    sync.Mutex
	cache latency.CapacityCache
	slow  latency.SlowdownCache
}

// slowdown is the factor on the times of a profile with which it shows what was seen at a rate, or why there is none.
func (s *sizes) slowdown(p latency.Profile, l latency.Lengths, rate float64, seen latency.SLO) (factor float64, missing string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	factor, err := s.slow.Slowdown(p, l, rate, seen, slowestCorrection)
	if err != nil {
		return 0, err.Error()
	}
	return factor, ""
}

// capacity is the largest rate at which a replica keeps the targets, or why there is none.
func (s *sizes) capacity(p latency.Profile, l latency.Lengths, slo latency.SLO) (rate float64, missing string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := s.cache.Capacity(p, l, slo)
	switch {
	case err != nil:
		return 0, err.Error()
	case found.Unreachable != nil:
		return 0, found.Unreachable.String()
	}
	return found.Rate, ""
}
