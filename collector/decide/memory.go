package decide

import (
	"math"
	"sync"
	"time"

	"github.com/variant-exporter/variant-exporter/collector/query"
	"github.com/variant-exporter/variant-exporter/optimizer/forecast"
	"github.com/variant-exporter/variant-exporter/optimizer/latency"
)

// Memory remembers what is costly to work out, for several evaluations at once. What it says does not depend on what it remembers.
type Memory struct {
	sizes sizes

	mu        sync.Mutex
	multiples map[moment]float64
}

// moment is a signal at the end of a day that its noise is measured on.
type moment struct {
	signal *query.Signal
	end    time.Time
}

// multiple measures the multiple of a signal's noise on the day that ended at the last refresh before a time ago; NaN with too little
// history.
func (m *Memory) multiple(s *signal, noise forecast.Noise, day forecast.History, at time.Time, ago time.Duration) float64 {
	key := moment{s.Signal, at.Add(-ago - noiseSettled).Truncate(noiseRefresh)}
	m.mu.Lock()
	defer m.mu.Unlock()
	if known, ok := m.multiples[key]; ok {
		return known
	}
	multiple, ok := noise.Multiple(day.Until(at.Sub(key.end)).Over(noiseDay))
	if !ok {
		multiple = math.NaN()
	}
	if len(m.multiples) > maxMultiples {
		clear(m.multiples)
	}
	if m.multiples == nil {
		m.multiples = map[moment]float64{}
	}
	m.multiples[key] = multiple
	return multiple
}

// maxMultiples bounds what is remembered.
const maxMultiples = 10_000

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
