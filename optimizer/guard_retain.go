package optimizer

import (
	"fmt"
	"slices"
	"strconv"
)

// retain keeps, at the least extra cost, as many replicas of the variants that
// go as are needed so that no later moment is worse: from now until the last
// replica that loads is ready, the supply under the decision is at least that
// of what serves or loads now, as far as the plan wants it.
func (g *guard) retain() {
	var open []*guardedModel
	var asked [][]momentRow
	orders := g.orders()
	for i := range g.models {
		m := &g.models[i]
		if !m.anyGoes() {
			continue
		}
		m.keepUncertain(g)
		if rows := m.lacking(orders); len(rows) > 0 {
			open, asked = append(open, m), append(asked, rows)
		}
	}
	if len(open) > 0 && !g.keepParts(open, asked) {
		for _, m := range open {
			for j := range m.variants {
				v := &m.variants[j]
				v.low, v.top = v.n, v.n
				if v.goes() {
					v.top = max(v.n, v.current)
				}
			}
		}
		g.fill(open)
	}
}

// takeTurns keeps what serves of a variant that goes while one before it, in
// the order of their names, loses what serves and could stand in for it. What an
// autoscaler was told a moment ago is not seen yet: were one lowered now because
// the other serves, and the other next because the one does, both would go.
func (g *guard) takeTurns() {
	for i := range g.models {
		m := &g.models[i]
		for j := range m.variants {
			v := &m.variants[j]
			if m.moving && v.goes() && v.stays() > v.n && slices.ContainsFunc(m.variants[:j], func(w guardedVariant) bool { return w.loses(m) && w.standsIn(v) }) {
				g.set(v, v.n+g.fits(v, v.stays()-v.n))
			}
		}
	}
}

// loses reports whether a variant loses what serves, or would if that were
// certain.
func (v *guardedVariant) loses(m *guardedModel) bool {
	return v.goes() && v.ready > 0 && (v.n < v.stays() || v.uncertain(m))
}

// stays is how many replicas of a variant must be asked for so that all that
// serve stay.
func (v *guardedVariant) stays() int {
	if v.state.Ordered {
		return v.current
	}
	return v.ready
}

// standsIn reports whether a variant serves something that another does.
func (v *guardedVariant) standsIn(w *guardedVariant) bool {
	for s := range v.Capacity {
		if v.Capacity[s] > 0 && w.Capacity[s] > 0 {
			return true
		}
	}
	return false
}

// anyGoes reports whether a variant of the model loses replicas.
func (m *guardedModel) anyGoes() bool {
	return slices.ContainsFunc(m.variants, func(v guardedVariant) bool { return v.goes() })
}

// keepUncertain keeps replicas of a variant that goes where it cannot be told
// what a lowering takes away: all while more are shown than were asked for, as
// many more as may not serve if it loses its newest ones first and is unsteady,
// and those that serve if what was decided a moment ago of another variant relies
// on them.
func (m *guardedModel) keepUncertain(g *guard) {
	for j := range m.variants {
		v := &m.variants[j]
		if !v.goes() {
			continue
		}
		switch {
		case v.state.Surging:
			g.set(v, v.current)
		case v.state.Ordered:
			g.set(v, min(v.current, v.n+v.unsteady()))
		}
		if v.fresh(m) {
			g.set(v, max(v.n, v.stays()))
		}
	}
}

// uncertain reports whether it cannot be told what a lowering of a variant takes
// away, or what relies on it.
func (v *guardedVariant) uncertain(m *guardedModel) bool {
	return v.fresh(m) || v.state.Surging || v.state.Ordered && v.unsteady() > 0
}

// fresh reports whether what was decided of another variant may rely on replicas
// that became ready a moment ago.
func (v *guardedVariant) fresh(m *guardedModel) bool {
	return v.state.Fresh && len(m.variants) > 1
}

// momentRow is what one signal must be served of at a moment.
type momentRow struct {
	signal string // empty: the number of replicas of a role
	role   Role
	at     moment
	// lacks is what must be kept beyond the numbers at hand.
	lacks float64
}

// serves is what one replica of a variant adds to a row.
func (r *momentRow) serves(v *guardedVariant) float64 {
	if r.signal != "" {
		return v.Capacity[r.signal]
	}
	if v.serves(r.role) {
		return 1
	}
	return 0
}

// orders returns the numbers that can be counted on: those at hand, and what is
// ordered beyond them where the budgets have room for all orders.
func (g *guard) orders() func(*guardedVariant) int {
	left := append([]float64(nil), g.room...)
	g.coming(func(v *guardedVariant) { v.take(left, v.allowed-v.n) })
	fits := !slices.ContainsFunc(left, func(room float64) bool { return room < 0 })
	return func(v *guardedVariant) int {
		if fits && v.comes() {
			return v.allowed
		}
		return v.n
	}
}

// lacking lists the rows that the numbers at hand, with the orders that can be
// counted on, do not serve.
func (m *guardedModel) lacking(orders func(*guardedVariant) int) []momentRow {
	var rows []momentRow
	planned := func(v *guardedVariant) int { return v.planned }
	need := func(r momentRow, wanted float64) {
		now, then := 0.0, 0.0
		for j := range m.variants {
			v := &m.variants[j]
			now += m.at(&r, v, v.current)
			then += m.at(&r, v, orders(v))
		}
		if least := min(wanted, now); then < least*(1-Tolerance) {
			r.lacks = least - then
			rows = append(rows, r)
		}
	}
	for _, at := range m.moments() {
		for _, s := range sortedKeys(m.Demand) {
			need(momentRow{signal: s, at: at}, min(m.Demand[s], m.supply(s, planned))+m.waiting[s])
		}
		for _, role := range m.roles() {
			need(momentRow{role: role, at: at}, float64(min(m.MinReplicas, m.least(planned))))
		}
	}
	return rows
}

// at is what n replicas of a variant add to a row.
func (m *guardedModel) at(r *momentRow, v *guardedVariant, n int) float64 {
	if r.signal != "" {
		return v.supplyAt(r.signal, n, r.at)
	}
	if !v.serves(r.role) {
		return 0
	}
	counted := guardedVariant{Variant: &Variant{Capacity: map[string]float64{"": 1}}, state: v.state, parts: v.parts}
	return counted.supplyAt("", n, r.at)
}

// keepParts asks the planner for the cheapest replicas to keep. Each part of a
// variant that goes is a variant of its own: it serves the moments at which
// its replicas are ready. It returns false and changes nothing if the planner
// ended too early.
func (g *guard) keepParts(open []*guardedModel, asked [][]momentRow) bool {
	p := Problem{Budgets: make([]Budget, len(g.room)), Models: make([]Model, len(open))}
	for b := range p.Budgets {
		p.Budgets[b] = Budget{Name: g.problem.Budgets[b].Name, Limit: min(max(0, g.room[b]), maxNumber)}
	}
	owners, earlier := make([][]*guardedVariant, len(open)), make([][]int, len(open))
	var rows rowNames
	for i, m := range open {
		to := Model{Name: m.Name, Priority: m.Priority, Demand: map[string]float64{}}
		for r := range asked[i] {
			to.Demand[rows.of(r)] = asked[i][r].lacks
		}
		for j := range m.variants {
			v := &m.variants[j]
			before := 0
			for k, part := range v.beyond() {
				x := Variant{
					Name: v.Name + " " + strconv.Itoa(k), Max: new(part.replicas), Cost: v.Cost, Uses: v.Uses, Capacity: map[string]float64{},
				}
				for r := range asked[i] {
					if part.at(asked[i][r].at) {
						x.Capacity[rows.of(r)] = asked[i][r].serves(v)
					}
				}
				to.Variants = append(to.Variants, x)
				owners[i], earlier[i] = append(owners[i], v), append(earlier[i], before)
				before += part.replicas
			}
		}
		p.Models[i] = to
	}
	plan, _, err := solve(&p, g.options)
	if err != nil || plan.Status != StatusOptimal && slices.ContainsFunc(plan.Models, ModelPlan.short) {
		return false
	}
	kept, picked := map[*guardedVariant]int{}, map[*guardedVariant]int{}
	for i := range open {
		for k, v := range owners[i] {
			if n := plan.Models[i].Variants[k].Replicas; n > 0 {
				kept[v] += n
				picked[v] = earlier[i][k] + n
			}
		}
	}
	eachOf(open, func(v *guardedVariant) { v.low = v.n; g.set(v, v.n+kept[v]) })
	// Replicas of a part stay only after all those of the parts before it, as far as the budgets have room for them.
	eachOf(open, func(v *guardedVariant) { g.set(v, v.n+g.fits(v, v.low+picked[v]-v.n)) })
	return true
}

// rowNames are the names of rows, which sort as the rows do.
type rowNames []string

func (n *rowNames) of(row int) string {
	for len(*n) <= row {
		*n = append(*n, fmt.Sprintf("row %04d", len(*n)))
	}
	return (*n)[row]
}

// eachOf visits the variants of models.
func eachOf(models []*guardedModel, visit func(*guardedVariant)) {
	for _, m := range models {
		for j := range m.variants {
			visit(&m.variants[j])
		}
	}
}

// beyond lists the parts of a variant that goes beyond the number at hand.
func (v *guardedVariant) beyond() []part {
	if !v.goes() {
		return nil
	}
	var rest []part
	kept := v.n
	for _, p := range v.parts {
		k := min(p.replicas, kept)
		kept -= k
		if p.replicas -= k; p.replicas > 0 {
			rest = append(rest, p)
		}
	}
	return rest
}
