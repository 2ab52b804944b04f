package optimizer

import (
	"cmp"
	"math"
	"slices"
)

// MaxReplicas bounds the replicas of one variant, as in Kubernetes.
const MaxReplicas = math.MaxInt32

// instance is a problem made ready for the search. Everything is sorted by
// name, so that the order of the input cannot matter; replicas are counted
// beyond the variants' minimums; every row is divided by its size.
type instance struct {
	models []*model
	// rows are the budgets, in the order of their names.
	rows []row
	// scale times a cost is its whole number of cost units; rounding is by how
	// many of them the cost of a replica is off at most.
	scale, rounding float64
}

// row is a budget, seen from the variants' minimums.
type row struct {
	index int
	// room is what the minimums leave of the limit, tolerance included. It is
	// 0 if the minimums exceed the limit: then nothing else may use it.
	room float64
	over bool
}

// model is a model, seen from its variants' minimums. Its covering rows are
// its signals in the order of their names, each as a share of its demand, and
// then, for each role whose minimum asks for replicas, their number.
type model struct {
	index    int
	priority int
	variants []variant
	signals  []string
	// need is what is left to cover per row.
	need []float64
	// minimum is what the rows behind the signals need if no budget stands in
	// the way.
	minimum []float64
	// divisor divides the costs of all plans of the model.
	divisor float64
}

// variant is a variant, counted beyond its minimum.
type variant struct {
	index int
	low   int
	// useful is the largest number beyond low that demand and maximum leave
	// room for; high is that which the budgets do, too.
	useful, high int
	// held is how many of the replicas beyond low run already.
	held int
	// below and above are the cost units of a replica up to and above held.
	below, above float64
	// covers is what a replica adds to each covering row of the model.
	covers []float64
	// takes lists what a replica takes of the budgets.
	takes []take
	// uses lists the same for the rows of the variant's group, as shares of
	// their rooms.
	uses []take
	// current is the number of replicas that run.
	current int
}

// take is what a replica takes of a row, in the budget's unit or as a share.
type take struct {
	row int
	use float64
}

// compile sorts, shifts and scales a valid problem.
func compile(p *Problem) *instance {
	in := &instance{rows: compileRows(p)}
	rows := make(map[string]int, len(in.rows))
	for r := range in.rows {
		rows[p.Budgets[in.rows[r].index].Name] = r
	}
	order := sortedIndices(len(p.Models), func(i int) string { return p.Models[i].Name })
	in.models = make([]*model, len(order))
	for at, i := range order {
		in.models[at] = compileModel(p, i, in.rows, rows)
	}
	in.priceModels(p)
	return in
}

// sortedIndices returns 0..n-1 ordered by name.
func sortedIndices[K cmp.Ordered](n int, key func(int) K) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(key(a), key(b)) })
	return order
}

// compileRows returns the budgets with the room that the minimums leave.
func compileRows(p *Problem) []row {
	used := minimumUse(p)
	order := sortedIndices(len(p.Budgets), func(i int) string { return p.Budgets[i].Name })
	rows := make([]row, len(order))
	for at, i := range order {
		limit := p.Budgets[i].Limit * (1 + Tolerance)
		rows[at] = row{index: i, room: max(0, limit-used[i]), over: used[i] > limit}
	}
	return rows
}

// minimumUse returns what the variants' minimums alone take of each budget.
// The sum runs in the order of names, as all sums do that decide something.
func minimumUse(p *Problem) []float64 {
	used, index := make([]float64, len(p.Budgets)), make(map[string]int, len(p.Budgets))
	for b := range p.Budgets {
		index[p.Budgets[b].Name] = b
	}
	for _, i := range sortedIndices(len(p.Models), func(i int) string { return p.Models[i].Name }) {
		variants := p.Models[i].Variants
		for _, j := range sortedIndices(len(variants), func(j int) string { return variants[j].Name }) {
			for name, use := range variants[j].Uses {
				used[index[name]] += use * float64(variants[j].Min)
			}
		}
	}
	return used
}

// compileModel shifts and scales one model.
func compileModel(p *Problem, index int, rows []row, byName map[string]int) *model {
	from := &p.Models[index]
	m := &model{index: index, priority: from.Priority, variants: make([]variant, len(from.Variants))}
	for s, demand := range from.Demand {
		if demand > 0 {
			m.signals = append(m.signals, s)
		}
	}
	slices.Sort(m.signals)
	minimums := from.minimums()
	m.need = make([]float64, len(m.signals)+len(minimums))
	for r := range m.need {
		if m.need[r] = 1; r >= len(m.signals) {
			m.need[r] = 1 - Tolerance
		}
	}
	order := sortedIndices(len(from.Variants), func(i int) string { return from.Variants[i].Name })
	for at, i := range order {
		m.variants[at] = m.compileVariant(from, i, minimums)
	}
	for s := range m.signals {
		for i := range m.variants {
			m.need[s] -= m.variants[i].covers[s] * float64(m.variants[i].low)
		}
	}
	m.bind(p, rows, byName)
	return m
}

// mostCover bounds the part of a demand that one replica counts for. Anything
// above 1 is more than enough; this keeps products finite.
const mostCover = 1e6

// minimum is how many replicas of a role a model's minimum asks for beyond its
// variants' minimums.
type minimum struct {
	role    Role
	missing int
}

// minimums lists those that ask for any.
func (m *Model) minimums() []minimum {
	var all []minimum
	for _, role := range m.roles() {
		missing := m.MinReplicas
		for i := range m.Variants {
			if v := &m.Variants[i]; v.serves(role) {
				missing -= v.Min
			}
		}
		if missing > 0 {
			all = append(all, minimum{role, missing})
		}
	}
	return all
}

// compileVariant shifts and scales one variant.
func (m *model) compileVariant(from *Model, index int, minimums []minimum) variant {
	v := &from.Variants[index]
	covers := make([]float64, len(m.need))
	for s, name := range m.signals {
		covers[s] = min(v.Capacity[name]/from.Demand[name], mostCover)
	}
	for i, least := range minimums {
		if v.serves(least.role) {
			covers[len(m.signals)+i] = 1 / float64(least.missing)
		}
	}
	return variant{
		index: index, low: v.Min, held: v.Current - v.Min, current: v.Current, covers: covers,
	}
}

// bind sets each variant's largest useful number and its use of the rows.
func (m *model) bind(p *Problem, rows []row, byName map[string]int) {
	from := &p.Models[m.index]
	for i := range m.variants {
		v := &m.variants[i]
		useful := 0.0
		for s, need := range m.need {
			if need > 0 && v.covers[s] > 0 {
				useful = max(useful, math.Ceil(need/v.covers[s]))
			}
		}
		if from.Variants[v.index].Cost == 0 {
			// Stopping what costs nothing would be a change without a gain.
			useful = max(useful, float64(v.held))
		}
		limit := MaxReplicas
		if most := from.Variants[v.index].Max; most != nil {
			limit = *most
		}
		v.useful = int(max(0, min(useful, float64(limit-v.low))))
		for name, use := range from.Variants[v.index].Uses {
			if use > 0 {
				v.takes = append(v.takes, take{byName[name], use})
			}
		}
		slices.SortFunc(v.takes, func(a, b take) int { return a.row - b.row })
		v.high = v.within(rows)
	}
}

// within returns the largest useful number of replicas within the rows.
func (v *variant) within(rows []row) int {
	high := float64(v.useful)
	for _, t := range v.takes {
		high = min(high, math.Floor(rows[t.row].room/t.use))
	}
	return int(high)
}

// binaryNoise is the part of a unit by which a decimal price on the grid may
// seem off, for it is held in binary.
const binaryNoise = 0.01

// priceModels turns costs into whole numbers of units.
func (in *instance) priceModels(p *Problem) {
	largest, total := 0.0, 0.0
	for _, m := range in.models {
		largest, total = max(largest, m.dearest(p)), total+m.aloneCost(p)
	}
	in.scale = costScale(largest, 8*total)
	for _, m := range in.models {
		m.divisor = 0
		for i := range m.variants {
			v := &m.variants[i]
			from := &p.Models[m.index].Variants[v.index]
			v.below = math.Round(from.Cost * in.scale)
			v.above = v.below + math.Round(from.StartCost*in.scale)
			if off := math.Abs(v.above - (from.Cost+from.StartCost)*in.scale); off > binaryNoise || v.above == 0 {
				in.rounding = max(in.rounding, off)
			}
			m.divisor = commonDivisor(commonDivisor(m.divisor, v.below), v.above)
			if v.held <= 0 {
				v.below = v.above
			}
		}
		m.divisor = max(m.divisor, 1)
	}
}

// dearest returns the largest cost of starting and running one replica.
func (m *model) dearest(p *Problem) float64 {
	most := 0.0
	for i := range p.Models[m.index].Variants {
		v := &p.Models[m.index].Variants[i]
		most = max(most, v.Cost+v.StartCost)
	}
	return most
}

// aloneCost estimates the model's cost from above: that of the one variant
// which covers everything most cheaply, that of the variants which cover each
// row most cheaply, or that of all of them.
func (m *model) aloneCost(p *Problem) float64 {
	least, all := math.Inf(1), 0.0
	rows := make([]float64, len(m.need))
	for s := range rows {
		rows[s] = math.Inf(1)
	}
	for i := range m.variants {
		v := &m.variants[i]
		from := &p.Models[m.index].Variants[v.index]
		each := from.Cost + from.StartCost
		all += each * float64(v.high)
		if m.coversAlone(v) {
			least = min(least, each*float64(v.high))
		}
		for s, need := range m.need {
			if need <= float64(v.high)*v.covers[s]+Tolerance {
				rows[s] = min(rows[s], each*math.Ceil(max(0, need/v.covers[s])))
			}
		}
	}
	sum := 0.0
	for s, need := range m.need {
		if need > 0 {
			sum += rows[s]
		}
	}
	if len(m.need) == 0 {
		return min(least, all)
	}
	return min(least, sum, all)
}

// coversAlone reports whether enough replicas of v cover every row.
func (m *model) coversAlone(v *variant) bool {
	for s, need := range m.need {
		if need > float64(v.high)*v.covers[s]+Tolerance {
			return false
		}
	}
	return true
}
