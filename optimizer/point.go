package optimizer

// shortfall returns the model's shortfall at a point, on the grid.
func (m *model) shortfall(k []int) float64 {
	x := 0.0
	for r := range m.signals {
		x = max(x, m.uncovered(r, k))
	}
	return gridded(x)
}

// uncovered returns what a point leaves of a row.
func (m *model) uncovered(r int, k []int) float64 {
	left := m.need[r]
	for i := range m.variants {
		left -= m.variants[i].covers[r] * float64(k[i])
	}
	return left
}

// cost returns the cost units of a point beyond those of the minimums.
func (m *model) cost(k []int) float64 {
	sum := 0.0
	for i := range m.variants {
		v := &m.variants[i]
		held := min(max(v.held, 0), k[i])
		sum += v.below*float64(held) + v.above*float64(k[i]-held)
	}
	return sum
}

// floor returns the least shortfall that the model can have by itself: that
// with all its variants at their largest useful number.
func (m *model) floor() float64 {
	x := 0.0
	for r := range m.signals {
		left := m.need[r]
		for i := range m.variants {
			left -= m.variants[i].covers[r] * float64(m.variants[i].high)
		}
		x = max(x, left)
	}
	return gridded(x)
}

// take takes what a point uses, times sign, from what is left of the budgets.
func (m *model) take(left []float64, k []int, sign float64) {
	for j := range m.variants {
		if k[j] != 0 {
			for _, t := range m.variants[j].uses {
				left[t.row] -= sign * float64(k[j]) * t.use
			}
		}
	}
}

// keepsMinimum reports whether a point has the replicas that the model's
// minimums ask for.
func (m *model) keepsMinimum(k []int) bool {
	for r := len(m.signals); r < len(m.need); r++ {
		if m.uncovered(r, k) > 0 {
			return false
		}
	}
	return true
}

// largest returns the point of the largest useful numbers.
func (m *model) largest() []int {
	k := make([]int, len(m.variants))
	for i := range k {
		k[i] = m.variants[i].high
	}
	return k
}

// compareReplicas orders points of equal worth: the one with more replicas of
// the earlier names goes first.
func compareReplicas(a, b []int) int {
	for i := range a {
		if a[i] != b[i] {
			return b[i] - a[i]
		}
	}
	return 0
}

// atLeast reports whether a has at least as many replicas as b of everything.
func atLeast(a, b []int) bool {
	for i := range a {
		if a[i] < b[i] {
			return false
		}
	}
	return true
}

// changes returns the replicas started and stopped to reach the point k,
// counted from the variants' minimums.
func (m *model) changes(k []int) int {
	sum := 0
	for i := range m.variants {
		v := &m.variants[i]
		sum += max(k[i]-v.held, v.held-k[i])
	}
	return sum
}
