package optimizer

import "math"

// top returns the largest useful number of replicas at a depth.
func (s *search) top(depth int) int {
	i := s.order[depth]
	v := &s.m.variants[i]
	useful := 0.0
	for r, left := range s.left[depth] {
		if left > 0 && v.covers[r] > 0 {
			useful = max(useful, math.Ceil(left/v.covers[r]))
		}
	}
	useful = max(useful, float64(s.slopes[i].natural()))
	useful = min(useful, float64(s.slopes[i].high))
	for _, t := range s.roomUses(i) {
		useful = min(useful, math.Floor(s.room[depth][t.row]/t.use+1e-12))
	}
	return int(max(0, useful))
}

// valley returns the least k in low..high at which the convex function f
// stops falling.
func (s *search) valley(low, high int, f func(int) float64) int {
	for low < high {
		mid := low + (high-low)/2
		a, b := f(mid), f(mid+1)
		if a <= b && !math.IsInf(a, 1) {
			high = mid
		} else {
			low = mid + 1
		}
	}
	return low
}

// leaf settles the last variant.
func (s *search) leaf(depth int, price float64) {
	i := s.order[depth]
	least, top := s.least(depth), s.top(depth)
	if s.t.beyond != nil {
		top = min(top, s.lastBelow(i))
	}
	if least > top {
		return
	}
	value := func(k int) float64 {
		x := 0.0
		for r := range s.m.signals {
			x = max(x, s.left[depth][r]-s.m.variants[i].covers[r]*float64(k))
		}
		return price + s.slopes[i].at(k) + s.t.relief*x
	}
	if s.t.visit == nil {
		least = max(least, min(s.slopes[i].natural(), top))
		s.k[i] = s.valley(least, top, value)
		s.reach(value(s.k[i]))
		s.k[i] = 0
		return
	}
	for k := least; k <= top && !s.cut; k++ {
		s.k[i] = k
		s.reach(value(k))
		s.spent += s.weight
		s.exhausted()
	}
	s.k[i] = 0
}

// lastBelow returns the largest number of replicas of the last variant with
// which the point is not one that the task excludes.
func (s *search) lastBelow(i int) int {
	for j, k := range s.k {
		if j != i && k < s.t.beyond[j] {
			return math.MaxInt
		}
	}
	return s.t.beyond[i] - 1
}

// least returns the least number of replicas of the last variant that leaves
// no more than the task allows.
func (s *search) least(depth int) int {
	v := &s.m.variants[s.order[depth]]
	least := 0.0
	for r, left := range s.left[depth] {
		if left -= s.t.allow * s.relieves(r); left <= 0 {
			continue
		}
		if v.covers[r] <= 0 {
			return math.MaxInt
		}
		least = max(least, math.Ceil(left/v.covers[r]))
	}
	return int(min(least, math.MaxInt32+1))
}
