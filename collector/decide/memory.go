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
	multiples map[*query.Signal]measured
}

// measured is a multiple of the noise, and the end of the day that it was measured on.
type measured struct {
	end      time.Time
	multiple float64
}

// multiple measures the multiple of a signal's noise on the day that ended at the last refresh; NaN with too little history.
func (m *Memory) multiple(s *signal, noise forecast.Noise, day forecast.History, at time.Time) float64 {
	end := at.Add(-noiseSettled).Truncate(noiseRefresh)
	m.mu.Lock()
	defer m.mu.Unlock()
	if last, ok := m.multiples[s.Signal]; ok && last.end.Equal(end) {
		return last.multiple
	}
	multiple, ok := noise.Multiple(day.Until(at.Sub(end)).Over(noiseDay))
	if !ok {
		multiple = math.NaN()
	}
	if m.multiples == nil {
		m.multiples = map[*query.Signal]measured{}
	}
	m.multiples[s.Signal] = measured{end, multiple}
	return multiple
}

// sizes remembers what the queueing model says.
type sizes struct {
	mu    sync.Mutex
	cache latency.CapacityCache
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
