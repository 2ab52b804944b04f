package optimizer

import (
	"cmp"
	"math"
	"slices"
)

// lagrangian is Lagrange's bound on the value of every choice. It holds for
// whole choices however the simplex method rounds.
type lagrangian struct {
	value float64
	// duals are the prices of the coupling rows that give the bound, least each
	// model's least value at these prices.
	duals, least []float64
}

// restrictedMaster is the linear relaxation over the columns of a pool: the
// restricted master of column generation. It keeps its basis from one solution
// to the next.
type restrictedMaster struct {
	pool  *pool
	basis basis
	work  *work
	// bound is the best bound found in the last solution.
	bound lagrangian
	// least is each model's least priced value in the last pass, low its
	// column.
	least []float64
	low   []int
	// open lists the models that are priced one by one. The others have their
	// key as their only active column; heldValue and heldEntries sum those up.
	open        []int
	heldValue   float64
	heldEntries []float64
	// stack holds what nodes of a search restore when they are done.
	stack []int
	// size is the magnitude of the values, for tolerances; least0 is the least
	// overflow price that goes with it.
	size, least0 float64
	// ceiling is above all values, also of columns that are yet to come.
	ceiling    float64
	candidates []candidate
}

// candidate is a variable that may enter the basis.
type candidate struct {
	variable int
	gain     float64
}

// Limits of one linear program.
const (
	maxPasses = 200
	// passWork is what a pass takes however few columns there are.
	passWork     = 40
	overflowStep = 64
)

// newRestrictedMaster starts from each model's column of least value. Every model must
// have a column; no choice of columns has a value above the ceiling.
func newRestrictedMaster(p *pool, w *work, ceiling float64) *restrictedMaster {
	m := &restrictedMaster{pool: p, basis: basis{pool: p}, work: w, ceiling: ceiling}
	n := len(p.columns)
	m.basis.key, m.low = make([]int, n), make([]int, n)
	m.least, m.bound.least = make([]float64, n), make([]float64, n)
	m.bound.duals = make([]float64, p.rows)
	for i, list := range p.columns {
		best := list[0]
		for _, j := range list {
			if p.value[j] < p.value[best] {
				best = j
			}
		}
		m.basis.key[i] = best
	}
	m.rescale()
	m.basis.crash()
	m.openAll()
	return m
}

// openAll makes pass price all models.
func (m *restrictedMaster) openAll() {
	m.heldValue, m.stack = 0, m.stack[:0]
	m.heldEntries = zeroed(m.heldEntries, m.pool.rows)
	for i := range m.basis.key {
		m.stack = append(m.stack, i)
	}
	m.open = m.stack
}

// focus makes pass price only models that have a choice among active columns,
// or whose basic columns are not the active one, as long as no column becomes
// active. The least priced values of the others are then not up to date.
func (m *restrictedMaster) focus() {
	from := len(m.stack)
	for _, i := range m.open {
		key := m.basis.key[i]
		if m.pool.active[i] != 1 || !m.pool.takesPart(key) || m.mixes(i) {
			m.stack = append(m.stack, i)
			continue
		}
		m.heldValue += m.pool.value[key]
		subtract(m.heldEntries, m.pool.row(key), -1)
	}
	m.open = m.stack[from:]
}

// save returns what restores the columns that take part, and the models that
// have a choice.
func (m *restrictedMaster) save() (restore func()) {
	from, open, value := len(m.stack), m.open, m.heldValue
	entries := slices.Clone(m.heldEntries)
	for _, i := range open {
		m.stack = append(m.stack, m.pool.active[i])
	}
	return func() {
		for at, i := range open {
			m.pool.active[i] = m.stack[from+at]
		}
		m.stack, m.open, m.heldValue = m.stack[:from], open, value
		copy(m.heldEntries, entries)
	}
}

// mixes reports whether a model has basic columns besides its key.
func (m *restrictedMaster) mixes(i int) bool {
	for _, variable := range m.basis.working {
		if variable >= 0 && m.pool.owner[variable] == i {
			return true
		}
	}
	return false
}

// rescale adapts tolerances and penalties to the values in the pool.
func (m *restrictedMaster) rescale() {
	spread := 0.0
	m.size = 0
	for _, list := range m.pool.columns {
		low, high := math.Inf(1), math.Inf(-1)
		for _, j := range list {
			low, high = min(low, m.pool.value[j]), max(high, m.pool.value[j])
		}
		spread += high - low
		m.size = max(m.size, math.Abs(low), math.Abs(high))
	}
	m.least0 = max(m.ceiling, 4*(spread+m.size))
	m.basis.overflow = max(m.basis.overflow, m.least0)
}

// solve optimises until nothing below the cutoff can be found. It returns
// false if the bound reaches the cutoff.
func (m *restrictedMaster) solve(cutoff float64) bool {
	m.bound.value = math.Inf(-1)
	limit := m.least0 * 1e10
	m.basis.reprice()
	for range maxPasses {
		if m.work.stopped(0) {
			return true
		}
		m.pass()
		if m.bound.value >= cutoff {
			return false
		}
		if len(m.candidates) == 0 {
			if m.basis.overflow > limit || !m.exceeds() {
				return true
			}
			m.basis.overflow *= overflowStep
			m.basis.reprice()
			continue
		}
		if !m.improve() {
			return true
		}
	}
	return true
}

// exceeds reports whether the solution overflows a row or uses a column that is
// not active.
func (m *restrictedMaster) exceeds() bool {
	for i, variable := range m.basis.working {
		if m.basis.x[i] > 1e-9 && (variable < -m.pool.rows || (variable >= 0 && !m.pool.takesPart(variable))) {
			return true
		}
	}
	for _, i := range m.open {
		if !m.pool.takesPart(m.basis.key[i]) && m.basis.keyShare(i) > 1e-9 {
			return true
		}
	}
	return false
}

// pass prices all active columns: it computes Lagrange's bound and collects
// the candidates, the most promising first.
func (m *restrictedMaster) pass() {
	m.candidates = m.candidates[:0]
	tolerance := 1e-10 * m.size
	for r, price := range m.basis.duals {
		if price < -tolerance {
			m.candidates = append(m.candidates, candidate{-1 - r, -price})
			m.basis.duals[r] = 0
		} else if price > m.basis.overflow+tolerance {
			m.candidates = append(m.candidates, candidate{-1 - m.pool.rows - r, price - m.basis.overflow})
		}
	}
	total := m.heldValue
	for r, price := range m.basis.duals {
		m.basis.duals[r] = max(0, price)
		total += m.basis.duals[r] * (m.heldEntries[r] - m.pool.limit[r])
	}
	evaluated := 0
	for _, i := range m.open {
		list := m.pool.columns[i][:m.pool.active[i]]
		evaluated += len(list)
		least, low := math.Inf(1), -1
		for _, j := range list {
			if v := m.pool.priced(j, m.basis.duals); v < least {
				least, low = v, j
			}
		}
		total += least
		m.least[i], m.low[i] = least, low
		key := m.basis.key[i]
		if gain := m.basis.cost(key) - m.pool.value[key] + m.pool.priced(key, m.basis.duals) - least; gain > tolerance {
			m.candidates = append(m.candidates, candidate{low, gain})
		}
	}
	m.work.add(evaluated*(m.pool.rows+2)/8 + len(m.open) + passWork)
	if total > m.bound.value {
		m.bound.value = total
		copy(m.bound.duals, m.basis.duals)
		copy(m.bound.least, m.least)
	}
	slices.SortFunc(m.candidates, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.gain, a.gain), cmp.Compare(a.variable, b.variable))
	})
}

// improve enters the candidates that still improve the solution. It returns
// false if none does.
func (m *restrictedMaster) improve() bool {
	m.basis.reprice()
	entered := false
	for _, c := range m.candidates {
		if m.work.stopped(0) {
			break
		}
		if m.basis.reducedCost(c.variable) < -1e-10*m.size && m.basis.enter(c.variable) {
			entered = true
			m.work.add(m.pool.rows * m.pool.rows / 8)
		}
		m.work.add(m.pool.rows)
	}
	return entered
}

// share returns the fraction of a column in the solution.
func (m *restrictedMaster) share(j int) float64 {
	if m.basis.key[m.pool.owner[j]] == j {
		return m.basis.keyShare(m.pool.owner[j])
	}
	for i, variable := range m.basis.working {
		if variable == j {
			return m.basis.x[i]
		}
	}
	return 0
}

// fractional returns the models whose solution mixes several columns, and for
// every model its largest column.
func (m *restrictedMaster) fractional(largest []int) []int {
	var mixed []int
	copy(largest, m.basis.key)
	share := map[int]float64{}
	for _, variable := range m.basis.working {
		if variable >= 0 {
			owner := m.pool.owner[variable]
			share[owner] = m.basis.keyShare(owner)
		}
	}
	for i, variable := range m.basis.working {
		if variable >= 0 && m.basis.x[i] > share[m.pool.owner[variable]] {
			owner := m.pool.owner[variable]
			largest[owner], share[owner] = variable, m.basis.x[i]
		}
	}
	for owner, s := range share {
		if s < 1-1e-9 {
			mixed = append(mixed, owner)
		}
	}
	slices.Sort(mixed)
	return mixed
}
