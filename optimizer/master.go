package optimizer

import (
	"cmp"
	"math"
	"slices"
)

// master solves the linear relaxation of a pool, the restricted master of
// column generation, and keeps its basis from one solution to the next.
type master struct {
	basis
	work *work
	// bound is the best bound found in the last solution, at the prices
	// bestPrice. It is Lagrange's, so it holds for whole choices whatever the
	// simplex method makes of its roundings.
	bound     float64
	bestPrice []float64
	// least is each model's least priced value at bestPrice, low its column.
	least, bestLeast []float64
	low              []int
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

// newMaster starts from each model's column of least value. Every model must
// have a column; no choice of columns has a value above the ceiling.
func newMaster(p *pool, w *work, ceiling float64) *master {
	m := &master{basis: basis{pool: p}, work: w, ceiling: ceiling}
	n := len(p.columns)
	m.key, m.low = make([]int, n), make([]int, n)
	m.least, m.bestLeast = make([]float64, n), make([]float64, n)
	m.bestPrice = make([]float64, p.rows)
	for i, list := range p.columns {
		best := list[0]
		for _, j := range list {
			if p.value[j] < p.value[best] {
				best = j
			}
		}
		m.key[i] = best
	}
	m.rescale()
	m.crash()
	m.openAll()
	return m
}

// openAll makes pass price all models.
func (m *master) openAll() {
	m.heldValue, m.stack = 0, m.stack[:0]
	m.heldEntries = zeroed(m.heldEntries, m.rows)
	for i := range m.key {
		m.stack = append(m.stack, i)
	}
	m.open = m.stack
}

// focus makes pass price only models that have a choice among active columns,
// or whose basic columns are not the active one, as long as no column becomes
// active. The least priced values of the others are then not up to date.
func (m *master) focus() {
	from := len(m.stack)
	for _, i := range m.open {
		key := m.key[i]
		if m.active[i] != 1 || !m.takesPart(key) || m.mixes(i) {
			m.stack = append(m.stack, i)
			continue
		}
		m.heldValue += m.value[key]
		subtract(m.heldEntries, m.row(key), -1)
	}
	m.open = m.stack[from:]
}

// mixes says whether a model has basic columns besides its key.
func (m *master) mixes(i int) bool {
	for _, variable := range m.working {
		if variable >= 0 && m.owner[variable] == i {
			return true
		}
	}
	return false
}

// rescale adapts tolerances and penalties to the values in the pool.
func (m *master) rescale() {
	spread := 0.0
	m.size = 0
	for _, list := range m.columns {
		low, high := math.Inf(1), math.Inf(-1)
		for _, j := range list {
			low, high = min(low, m.value[j]), max(high, m.value[j])
		}
		spread += high - low
		m.size = max(m.size, math.Abs(low), math.Abs(high))
	}
	m.least0 = max(m.ceiling, 4*(spread+m.size))
	m.overflow = max(m.overflow, m.least0)
}

// solve optimises until nothing below the cutoff can be found. It returns
// false where the bound reaches the cutoff.
func (m *master) solve(cutoff float64) bool {
	m.bound = math.Inf(-1)
	limit := m.least0 * 1e10
	m.reprice()
	for range maxPasses {
		m.pass()
		if m.bound >= cutoff {
			return false
		}
		if len(m.candidates) == 0 {
			if m.overflow > limit || !m.exceeds() {
				return true
			}
			m.overflow *= overflowStep
			m.reprice()
			continue
		}
		if !m.improve() {
			return true
		}
	}
	return true
}

// exceeds says whether the solution overflows a row or uses a column that is
// not active.
func (m *master) exceeds() bool {
	for i, variable := range m.working {
		if m.x[i] > 1e-9 && (variable < -m.rows || (variable >= 0 && !m.takesPart(variable))) {
			return true
		}
	}
	for _, i := range m.open {
		if !m.takesPart(m.key[i]) && m.keyShare(i) > 1e-9 {
			return true
		}
	}
	return false
}

// pass prices all active columns: it computes Lagrange's bound and collects
// the candidates, the most promising first.
func (m *master) pass() {
	m.candidates = m.candidates[:0]
	tolerance := 1e-10 * m.size
	for r, price := range m.price {
		if price < -tolerance {
			m.candidates = append(m.candidates, candidate{-1 - r, -price})
			m.price[r] = 0
		} else if price > m.overflow+tolerance {
			m.candidates = append(m.candidates, candidate{-1 - m.rows - r, price - m.overflow})
		}
	}
	total := m.heldValue
	for r, price := range m.price {
		m.price[r] = max(0, price)
		total += m.price[r] * (m.heldEntries[r] - m.limit[r])
	}
	evaluated := 0
	for _, i := range m.open {
		list := m.columns[i][:m.active[i]]
		evaluated += len(list)
		least, low := math.Inf(1), -1
		for _, j := range list {
			if v := m.priced(j, m.price); v < least {
				least, low = v, j
			}
		}
		total += least
		m.least[i], m.low[i] = least, low
		key := m.key[i]
		if gain := m.cost(key) - m.value[key] + m.priced(key, m.price) - least; gain > tolerance {
			m.candidates = append(m.candidates, candidate{low, gain})
		}
	}
	m.work.add(evaluated*(m.rows+2)/8 + len(m.open) + passWork)
	if total > m.bound {
		m.bound = total
		copy(m.bestPrice, m.price)
		copy(m.bestLeast, m.least)
	}
	slices.SortFunc(m.candidates, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.gain, a.gain), cmp.Compare(a.variable, b.variable))
	})
}

// improve enters the candidates that still improve the solution. It returns
// false where none does.
func (m *master) improve() bool {
	m.reprice()
	entered := false
	for _, c := range m.candidates {
		if m.reducedCost(c.variable) < -1e-10*m.size && m.enter(c.variable) {
			entered = true
		}
		m.work.add(m.rows)
	}
	return entered
}

// share returns the fraction of a column in the solution.
func (m *master) share(j int) float64 {
	if m.key[m.owner[j]] == j {
		return m.keyShare(m.owner[j])
	}
	for i, variable := range m.working {
		if variable == j {
			return m.x[i]
		}
	}
	return 0
}

// fractional returns the models whose solution mixes several columns, and for
// every model its largest column.
func (m *master) fractional(largest []int) []int {
	var mixed []int
	copy(largest, m.key)
	share := map[int]float64{}
	for _, variable := range m.working {
		if variable >= 0 {
			owner := m.owner[variable]
			share[owner] = m.keyShare(owner)
		}
	}
	for i, variable := range m.working {
		if variable >= 0 && m.x[i] > share[m.owner[variable]] {
			owner := m.owner[variable]
			largest[owner], share[owner] = variable, m.x[i]
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
