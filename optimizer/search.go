package optimizer

import "math"

// task says what to minimise over the points of one model: a price of the
// replicas, convex in each variant, plus a price of the shortfall.
type task struct {
	// relief is the price of a unit of shortfall.
	relief float64
	// allow is the largest shortfall allowed.
	allow float64
	// room is what the model may take of each row; nil takes rows as free.
	room []float64
	// step divides all values, which are whole numbers; 0 is unknown. Where it
	// is known, ties are broken by changes and then by order.
	step float64
	// beyond excludes the points that are this one with replicas added.
	beyond []int
	// visit, where set, receives every useful point that is worth less than
	// the cutoff, in place of the search for the best.
	visit func(k []int)
}

// search is branch and bound over the points of one model. It holds its
// memory from one task to the next.
type search struct {
	m      *model
	t      *task
	work   *work
	slopes []slope
	order  []int
	bounds bounds

	// k is the point at hand; left and room hold, per depth, what is still to
	// cover and what is left of the rows.
	k          []int
	left, room [][]float64

	found  bool
	best   []int
	value  float64
	cutoff float64
	// root is a bound on every value.
	root float64
	// ties counts the nodes that can only tie with the best.
	ties int
	// spent counts the work, weight that of one node; a poll is due at poll.
	spent, weight, poll int
	cut                 bool

	lp              covering
	weights, prices []float64
	surrogatePool   []surrogate
}

// Limits of one search, in nodes: of all, and of those that can only tie.
const (
	searchLimit = 400_000
	tieLimit    = 20_000
	// nodeVariants is how many variants one more step of work per node stands
	// for, pollEvery how many steps there are between two looks at the limits.
	nodeVariants = 64
	pollEvery    = 256
)

// start points the search at a model; the caller then sets its slopes.
func (s *search) start(m *model) []slope {
	s.m = m
	if cap(s.slopes) < len(m.variants) {
		s.slopes = make([]slope, len(m.variants))
	}
	s.slopes = s.slopes[:len(m.variants)]
	for i := range m.variants {
		v := &m.variants[i]
		s.slopes[i] = slope{held: min(max(v.held, 0), v.high), high: v.high}
	}
	return s.slopes
}

// run solves the task for values below cutoff; value and best hold the result
// where found is set. The bound root holds in any case, for all points.
func (s *search) run(t *task, cutoff float64) {
	s.t, s.found, s.cut = t, false, false
	n := len(s.m.variants)
	s.cutoff, s.ties, s.spent = cutoff, 0, 0
	s.weight = 1 + n/nodeVariants
	s.poll = pollEvery
	s.prepare()
	if cap(s.k) < n {
		s.k, s.best = make([]int, n), make([]int, n)
	}
	s.k, s.best = s.k[:n], s.best[:n]
	clear(s.k)
	for len(s.left) <= n {
		s.left, s.room = append(s.left, nil), append(s.room, nil)
	}
	for d := range n + 1 {
		s.left[d] = zeroed(s.left[d], len(s.m.need))
		s.room[d] = zeroed(s.room[d], len(t.room))
	}
	copy(s.left[0], s.m.need)
	copy(s.room[0], t.room)
	s.root = s.bounds.lowerBound(0, s.left[0])
	if n == 0 {
		s.emptyModel()
	} else if s.root < s.cutoff {
		s.descend(0, 0)
	}
	s.work.add(s.spent + 2*n)
}

// emptyModel settles a model without variants.
func (s *search) emptyModel() {
	x := s.shortfall(0)
	if x <= s.t.allow && s.m.keepsMinimum(s.k) {
		s.reach(s.t.relief * x)
	}
}

// reach handles a point of the given value that fulfils the task.
func (s *search) reach(value float64) {
	if value >= s.cutoff {
		return
	}
	if s.t.visit != nil {
		s.t.visit(s.k)
		return
	}
	if s.canOnlyTie(value) && !s.ranksBefore() {
		return
	}
	s.found, s.value = true, value
	copy(s.best, s.k)
	s.lowerCutoff()
}

// lowerCutoff sets the cutoff below which a node is still worth a look.
func (s *search) lowerCutoff() {
	switch {
	case s.t.step == 0:
		s.cutoff = s.value
	case s.ties < tieLimit:
		s.cutoff = s.value + 0.5
	default:
		s.cutoff = s.value - s.t.step + 0.5
	}
}

// canOnlyTie reports whether nothing within the bound is better than the best.
func (s *search) canOnlyTie(bound float64) bool {
	return s.found && s.t.step > 0 && bound > s.value-s.t.step+0.5
}

// ranksBefore reports whether the point at hand goes before the best one of the
// same value: fewer changes, then more replicas of the earlier names.
func (s *search) ranksBefore() bool {
	if a, b := s.m.changes(s.k), s.m.changes(s.best); a != b {
		return a < b
	}
	return compareReplicas(s.k, s.best) < 0
}

// shortfall returns the largest part of a row that is left at a depth.
func (s *search) shortfall(depth int) float64 {
	x := 0.0
	for r := range s.m.signals {
		x = max(x, s.left[depth][r])
	}
	return x
}

// descend branches on the number of replicas at a depth, starting where the
// bound is least. The bound is convex in that number, so the numbers worth a
// look are an interval around it.
func (s *search) descend(depth int, price float64) {
	if s.spent += s.weight; s.exhausted() {
		return
	}
	if depth == len(s.order)-1 {
		s.leaf(depth, price)
		return
	}
	top := s.top(depth)
	at := s.valley(0, top, func(k int) float64 { return s.probe(depth, k) })
	s.branch(depth, at, price)
	down, up := at-1, at+1
	below, above := s.probeIn(depth, down, top), s.probeIn(depth, up, top)
	for !s.cut && min(below, above)+price < s.cutoff {
		if below <= above {
			s.branch(depth, down, price)
			down--
			below = s.probeIn(depth, down, top)
		} else {
			s.branch(depth, up, price)
			up++
			above = s.probeIn(depth, up, top)
		}
	}
	s.k[s.order[depth]] = 0
}

// exhausted notes when the search has used up its nodes.
func (s *search) exhausted() bool {
	if s.spent >= s.poll {
		s.poll = s.spent + pollEvery
		s.cut = s.cut || s.spent > searchLimit || s.work.stopped(s.spent)
	}
	return s.cut
}

// branch goes on with k replicas at a depth, if that is worth a look.
func (s *search) branch(depth, k int, price float64) {
	bound := price + s.probe(depth, k)
	if s.cut || bound >= s.cutoff {
		return
	}
	if s.canOnlyTie(bound) {
		if s.ties++; s.ties == tieLimit {
			s.lowerCutoff()
			return
		}
	}
	i := s.order[depth]
	s.k[i] = k
	copy(s.room[depth+1], s.room[depth])
	for _, t := range s.roomUses(i) {
		s.room[depth+1][t.row] -= t.use * float64(k)
	}
	s.descend(depth+1, price+s.slopes[i].at(k))
}

// roomUses returns what a replica of variant i takes of the rows, if they are
// part of the task.
func (s *search) roomUses(i int) []take {
	if s.t.room == nil {
		return nil
	}
	return s.m.variants[i].uses
}

// probe bounds the price of what lies below k replicas at a depth, and leaves
// what is then to cover in the next depth.
func (s *search) probe(depth, k int) float64 {
	i := s.order[depth]
	left, next := s.left[depth], s.left[depth+1]
	for r, c := range s.m.variants[i].covers {
		next[r] = left[r] - c*float64(k)
	}
	return s.slopes[i].at(k) + s.bounds.lowerBound(depth+1, next)
}

// probeIn is probe, infinite outside 0..top.
func (s *search) probeIn(depth, k, top int) float64 {
	if k < 0 || k > top {
		return math.Inf(1)
	}
	return s.probe(depth, k)
}
