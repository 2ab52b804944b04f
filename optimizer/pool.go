package optimizer

// pool holds columns: points of models, with their worth in one stage. A
// column has a value, to be minimised in sum, and an entry per coupling row.
type pool struct {
	rows  int
	limit []float64
	// Per column.
	owner []int
	value []float64
	entry [][]float64 // in blocks: one slice would be copied each time it grows
	point [][]int
	block []float64 // room for entries of columns to come
	// columns lists each model's columns; the first active[m] of them take
	// part at the node at hand. place is a column's place in that list.
	columns [][]int
	active  []int
	place   []int
}

// blockSize is how many entries are allocated at once.
const blockSize = 4096

// newPool returns a pool without columns.
func newPool(models int, limit []float64) *pool {
	return &pool{
		rows: len(limit), limit: limit,
		columns: make([][]int, models), active: make([]int, models),
	}
}

// entries is how many entries all columns have.
func (p *pool) entries() int { return len(p.owner) * p.rows }

// row returns the entries of a column.
func (p *pool) row(j int) []float64 { return p.entry[j] }

// find returns the column of a point, or -1.
func (p *pool) find(m int, k []int) int {
	for _, j := range p.columns[m] {
		if compareReplicas(p.point[j], k) == 0 {
			return j
		}
	}
	return -1
}

// add appends a column; it is active.
func (p *pool) add(m int, k []int, value float64, entries []float64) {
	j := len(p.owner)
	p.owner = append(p.owner, m)
	p.value = append(p.value, value)
	if len(p.block) < len(entries) {
		p.block = make([]float64, max(blockSize, len(entries)))
	}
	copy(p.block, entries)
	p.entry = append(p.entry, p.block[:len(entries):len(entries)])
	p.block = p.block[len(entries):]
	p.point = append(p.point, append([]int(nil), k...))
	p.columns[m] = append(p.columns[m], j)
	p.place = append(p.place, 0)
	// The new column joins the active ones, which stand in front.
	p.swap(m, len(p.columns[m])-1, p.active[m])
	p.active[m]++
}

// swap exchanges two places in a model's list.
func (p *pool) swap(m, a, b int) {
	list := p.columns[m]
	list[a], list[b] = list[b], list[a]
	p.place[list[a]], p.place[list[b]] = a, b
}

// takesPart reports whether a column is active.
func (p *pool) takesPart(j int) bool { return p.place[j] < p.active[p.owner[j]] }

// keep makes inactive the active columns of a model that do not satisfy the
// condition.
func (p *pool) keep(m int, condition func(j int) bool) {
	list, n := p.columns[m], 0
	for i := range p.active[m] {
		if condition(list[i]) {
			p.swap(m, i, n)
			n++
		}
	}
	p.active[m] = n
}

// priced returns the value of a column plus its entries at the given duals: its
// reduced cost before the dual of its choice row is taken off.
func (p *pool) priced(j int, duals []float64) float64 {
	sum := p.value[j]
	row := p.row(j)[:len(duals)]
	for r, x := range duals {
		sum += x * row[r]
	}
	return sum
}
