package optimizer

import "math"

// relaxMinimum lowers the model's minimums to what its variants allow by
// themselves: for good where their maximums are the reason, and until it is
// known who gets what where budgets are.
func (m *model) relaxMinimum() {
	m.minimum = nil
	for r := len(m.signals); r < len(m.need); r++ {
		useful, high := 0.0, 0.0
		for i := range m.variants {
			v := &m.variants[i]
			useful += v.covers[r] * float64(v.useful)
			high += v.covers[r] * float64(v.high)
		}
		m.minimum = append(m.minimum, min(m.need[r], useful-Tolerance))
		m.need[r] = min(m.need[r], high-Tolerance)
	}
}

// restoreMinimum undoes what relaxMinimum did for budgets.
func (m *model) restoreMinimum() { copy(m.need[len(m.signals):], m.minimum) }

// aloneTask returns the task to find the cheapest point of a model that
// shares nothing, at the given shortfall.
func (s *search) aloneTask(m *model, short float64) *task {
	slopes := s.start(m)
	for i := range slopes {
		slopes[i].below, slopes[i].above = m.variants[i].below, m.variants[i].above
		slopes[i].stays = true
	}
	return &task{allow: allowance(short), step: m.divisor}
}

// solveAlone finds the cheapest point of a model that shares nothing. The
// least shortfall that maximums allow comes first, so the cost is all there
// is to minimise. Without time, it covers the demand without a search.
func (s *search) solveAlone(m *model) (k []int, gap float64, ties bool) {
	if s.work.stopped(0) {
		k = m.cheap()
		return k, m.cost(k), false
	}
	t := s.aloneTask(m, m.floor())
	s.run(t, math.Inf(1))
	if !s.found {
		k = m.cheap()
		return k, max(0, m.cost(k)-max(0, s.root)), false
	}
	if s.cut {
		gap = max(0, s.value-math.Ceil(s.root-0.5))
	}
	return append([]int(nil), s.best...), gap, !s.cut && s.ties < tieLimit
}

// cheap covers the model's rows at the price of each replica by itself.
func (m *model) cheap() []int {
	return m.cover(func(v *variant) float64 { return v.above })
}
