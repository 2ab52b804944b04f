package optimizer

import "slices"

// keepQueued marks the variants that are held back because they are stuck. The
// plan uses others instead. If it is short even then, giving up the replicas
// that wait gains nothing: as many are kept as the demand wants and the budgets
// allow.
func (g *guard) keepQueued() {
	var open []*guardedModel
	for i := range g.models {
		m := &g.models[i]
		if m.queued() {
			open = append(open, m)
		}
	}
	if len(open) > 0 {
		g.room = g.left(func(v *guardedVariant) int { return v.n })
		for b := range g.room {
			g.room[b] += g.problem.Budgets[b].Limit * (1 + Tolerance)
		}
		if !g.choose(open, (*guardedModel).wanted, false) {
			g.fill(open)
		}
	}
	for i := range g.models {
		for j := range g.models[i].variants {
			if v := &g.models[i].variants[j]; v.stuck() {
				v.noteStuck()
			}
		}
	}
}

// stuck says that being stuck narrows the bounds of a variant.
func (v *guardedVariant) stuck() bool {
	return v.state.Stuck != nil && v.reach < v.most && v.reason != ReasonHold
}

// queued opens the choice of the replicas that wait, and reports whether there
// is one: the model is short, and stuck variants ask for more than their cap.
func (m *guardedModel) queued() bool {
	if m.knowledge != KnownFully {
		return false
	}
	open := false
	for j := range m.variants {
		v := &m.variants[j]
		v.low, v.top = v.n, v.n
		if v.stuck() && !v.settled {
			v.top = max(v.n, min(v.current, v.most))
			open = open || v.top > v.low
		}
	}
	return open && (m.shortfall > Tolerance || m.least(func(v *guardedVariant) int { return v.n }) < m.MinReplicas)
}

// noteStuck sets the reason if a variant is held at its cap, or above it because
// there is no other way.
func (v *guardedVariant) noteStuck() {
	kept := v.n > v.planned
	if !kept && (v.planned != v.reach || v.reason != ReasonMax) {
		return
	}
	if v.reason = ReasonStuck; v.current > v.n {
		v.change(ReasonStuck, new(v.current), new(v.n))
	}
	v.planned, v.allowed = v.n, v.n
}

// want is what a choice is to carry.
type want struct {
	demand   map[string]float64
	replicas int
}

// wanted is the whole demand for what the replicas that wait would serve. What
// others lack, such as another role, is no reason to give them up.
func (m *guardedModel) wanted() want {
	w := want{map[string]float64{}, m.MinReplicas}
	for s, demand := range m.Demand {
		if slices.ContainsFunc(m.variants, func(v guardedVariant) bool { return v.top > v.low && v.Capacity[s] > 0 }) {
			w.demand[s] = demand
		}
	}
	return w
}
