package optimizer

import (
	"cmp"
	"math"
	"slices"
)

// piece is a run of equally priced replicas of one variant, or the shortfall
// that a task allows, seen through one set of row weights.
type piece struct {
	// depth is the place of the variant in the branching order.
	depth int
	// ratio is the price of a unit of weighted coverage.
	ratio float64
	// size is the weighted coverage of the whole piece.
	size float64
}

// surrogate is one bound on what the variants from a depth on must cost: the
// rows, weighted and added up, are one row, whose divisible relaxation is
// filled in the order of the ratios (Dantzig 1957; surrogate constraints:
// Glover 1965). Any weights give a valid bound.
type surrogate struct {
	weight []float64
	pieces []piece
	// free[d] is the weighted coverage of the replicas that the variants from
	// depth d on run at no positive price.
	free []float64
}

// bounds holds the surrogates of one search.
type bounds struct {
	surrogates []surrogate
	// gain[d] is the (negative) price of the replicas counted in free.
	gain []float64
}

// slope describes the price of one variant's replicas: below for each of the
// first held ones, above for the others. It is convex: below <= above.
type slope struct {
	below, above float64
	held, high   int
	// stays says that replicas which run and cost nothing go on running.
	stays bool
}

// at returns the price of k replicas.
func (s *slope) at(k int) float64 {
	if k <= s.held {
		return s.below * float64(k)
	}
	return s.below*float64(s.held) + s.above*float64(k-s.held)
}

// natural returns the cheapest number of replicas.
func (s *slope) natural() int {
	if s.below < 0 || (s.below == 0 && s.stays) {
		return s.held
	}
	return 0
}

// lowerBound returns the least price at which the variants from a depth on
// may cover what is left of the rows; it is infinite if they cannot.
func (b *bounds) lowerBound(depth int, left []float64) float64 {
	most := 0.0
	for i := range b.surrogates {
		s := &b.surrogates[i]
		open := -s.free[depth]
		for r, w := range s.weight {
			open += w * left[r]
		}
		if open <= 0 {
			continue
		}
		price := 0.0
		for j := range s.pieces {
			p := &s.pieces[j]
			if p.depth < depth {
				continue
			}
			if p.size >= open {
				price += p.ratio * open
				open = 0
				break
			}
			price += p.ratio * p.size
			open -= p.size
		}
		if open > 1e-12 {
			return math.Inf(1)
		}
		most = max(most, price)
	}
	return b.gain[depth] + most
}

// prepare sets up the bounds of a search, and its branching order: the
// variants with the cheapest coverage first, so that what is left below a
// branch is dear and its bound strong.
func (s *search) prepare() {
	rows, pieces := len(s.m.need), 2*len(s.m.variants)+1
	s.lp.resize(rows, pieces)
	for i := range s.m.variants {
		s.statePieces(i)
	}
	s.lp.setPiece(pieces-1, s.t.relief, s.t.allow, s.relieves)
	for r, need := range s.m.need {
		for i := range s.m.variants {
			need -= s.m.variants[i].covers[r] * float64(s.slopes[i].natural())
		}
		s.lp.setNeed(r, need)
	}
	weight := resized(&s.weights, rows)
	s.lp.work = s.work
	s.lp.prices(weight)
	s.rank(weight)
	s.surround(weight)
}

// relieves returns by how much a unit of shortfall relieves a row.
func (s *search) relieves(row int) float64 {
	if row < len(s.m.signals) {
		return 1
	}
	return 0
}

// statePieces states the replicas of variant i that have a positive price.
func (s *search) statePieces(i int) {
	g, v := &s.slopes[i], &s.m.variants[i]
	cover := func(row int) float64 { return v.covers[row] }
	s.lp.setPiece(2*i, max(0, g.below), float64(g.held-g.natural()), cover)
	s.lp.setPiece(2*i+1, g.above, float64(g.high-g.held), cover)
}

// rank orders the variants by the price of their weighted coverage.
func (s *search) rank(weight []float64) {
	price := resized(&s.prices, len(s.m.variants))
	for i := range s.m.variants {
		cover := 0.0
		for r, c := range s.m.variants[i].covers {
			cover += max(weight[r], 1e-9) * c
		}
		slope := &s.slopes[i]
		first := slope.above
		if slope.held > 0 {
			first = slope.below
		}
		price[i] = math.Inf(1)
		if cover > 0 {
			price[i] = first / cover
		}
	}
	s.order = s.order[:0]
	for i := range s.m.variants {
		s.order = append(s.order, i)
	}
	slices.SortFunc(s.order, func(a, b int) int {
		return cmp.Or(cmp.Compare(price[a], price[b]), cmp.Compare(a, b))
	})
}

// surround sets up the surrogates: the prices of the linear relaxation, and
// every row alone.
func (s *search) surround(weight []float64) {
	rows := len(s.m.need)
	count := rows
	if rows > 1 {
		count++
	}
	s.bounds.gain = zeroed(s.bounds.gain, len(s.order)+1)
	for d := len(s.order) - 1; d >= 0; d-- {
		g := &s.slopes[s.order[d]]
		s.bounds.gain[d] = s.bounds.gain[d+1] + g.at(g.natural())
	}
	for len(s.surrogatePool) < count {
		s.surrogatePool = append(s.surrogatePool, surrogate{})
	}
	s.bounds.surrogates = s.surrogatePool[:count]
	for i := range s.bounds.surrogates {
		one := &s.bounds.surrogates[i]
		one.weight = zeroed(one.weight, rows)
		if i < rows {
			one.weight[i] = 1
		} else {
			copy(one.weight, weight)
		}
		s.fill(one)
	}
}

// fill computes the pieces of a surrogate from its weights.
func (s *search) fill(one *surrogate) {
	one.pieces = one.pieces[:0]
	one.free = zeroed(one.free, len(s.order)+1)
	for d := len(s.order) - 1; d >= 0; d-- {
		g, v := &s.slopes[s.order[d]], &s.m.variants[s.order[d]]
		cover := 0.0
		for r, w := range one.weight {
			cover += w * v.covers[r]
		}
		natural := g.natural()
		one.free[d] = one.free[d+1] + cover*float64(natural)
		if cover <= 0 {
			continue
		}
		if g.held > natural {
			one.pieces = append(one.pieces, piece{d, g.below / cover, cover * float64(g.held)})
		}
		if g.high > g.held {
			one.pieces = append(one.pieces, piece{d, g.above / cover, cover * float64(g.high-g.held)})
		}
	}
	relief := 0.0
	for r, w := range one.weight {
		relief += w * s.relieves(r)
	}
	if relief > 0 {
		one.pieces = append(one.pieces, piece{len(s.order), s.t.relief / relief, relief * s.t.allow})
	}
	slices.SortFunc(one.pieces, func(a, b piece) int {
		return cmp.Or(cmp.Compare(a.ratio, b.ratio), cmp.Compare(a.depth, b.depth))
	})
}

// resized returns *buffer with n elements, reusing its memory.
func resized(buffer *[]float64, n int) []float64 {
	*buffer = zeroed(*buffer, n)
	return *buffer
}
