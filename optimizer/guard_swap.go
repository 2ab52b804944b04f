package optimizer

// makeBeforeBreak keeps old replicas until the ready ones of the new variants
// serve the demand, and starts new ones as the budgets have room. Kubernetes
// deletes pods that are not ready first, so a variant goes on serving with the
// lesser of what is asked for and what is ready now.
func (g *guard) makeBeforeBreak() {
	if g.asPlanned() {
		return
	}
	g.setLimits()
	g.retain()
	g.takeTurns()
	g.start()
	g.keepPending()
	for i := range g.models {
		for j := range g.models[i].variants {
			if v := &g.models[i].variants[j]; v.n != v.allowed {
				v.change(ReasonMakeBeforeBreak, new(v.allowed), new(v.n))
			}
		}
	}
}

// asPlanned reports whether no variant loses replicas or has more of them than
// the plan found room for.
func (g *guard) asPlanned() bool {
	for i := range g.models {
		for j := range g.models[i].variants {
			if v := &g.models[i].variants[j]; v.goes() || v.n > v.plan {
				return false
			}
		}
	}
	return true
}

// comes reports whether a variant gains replicas.
func (v *guardedVariant) comes() bool { return !v.settled && v.allowed > v.current }

// goes reports whether a variant loses replicas.
func (v *guardedVariant) goes() bool { return !v.settled && v.allowed < v.current }

// setLimits finds what may be used of the budgets while variants replace each
// other: the limit and what it lends, or what the present uses if that is more.
// It starts from the least that may be asked for: the variants that go have
// gone, and those that come keep what is asked for now.
func (g *guard) setLimits() {
	present := g.left(func(v *guardedVariant) int { return v.current })
	for i := range g.models {
		for j := range g.models[i].variants {
			v := &g.models[i].variants[j]
			if v.comes() {
				v.n = max(v.least, min(v.current, v.allowed))
			}
		}
	}
	g.room = g.left(func(v *guardedVariant) int { return v.n })
	for b := range g.room {
		lent := max(0, g.borrow[g.problem.Budgets[b].Name])
		g.room[b] += max(g.problem.Budgets[b].Limit+lent, -present[b]) * (1 + Tolerance)
	}
}

// asked is what the replicas that are asked for serve of the demand, except
// those of stuck variants, and no more than the plan does.
func (m *guardedModel) asked() want { return m.lesser((*guardedVariant).counted) }

// counted is how many of the replicas asked for now can be counted on.
func (v *guardedVariant) counted() int {
	if v.settled {
		return v.n
	}
	return min(v.current, max(v.n, min(v.reach, v.most)))
}

// lesser is what the plan and the given numbers both serve of the demand.
func (m *guardedModel) lesser(number func(*guardedVariant) int) want {
	planned := func(v *guardedVariant) int { return v.planned }
	w := want{demand: make(map[string]float64, len(m.Demand))}
	for s, demand := range m.Demand {
		w.demand[s] = min(demand, m.supply(s, planned), m.supply(s, number))
	}
	w.replicas = min(m.MinReplicas, m.least(planned), m.least(number))
	return w
}

// supply is what the given numbers of replicas serve of a signal.
func (m *guardedModel) supply(signal string, number func(*guardedVariant) int) float64 {
	sum := 0.0
	for j := range m.variants {
		v := &m.variants[j]
		sum += v.Capacity[signal] * float64(number(v))
	}
	return sum
}

// least is the smallest sum of the given numbers of replicas over the roles of
// the model.
func (m *guardedModel) least(number func(*guardedVariant) int) int {
	smallest := MaxReplicas
	for _, role := range m.roles() {
		sum := 0
		for j := range m.variants {
			if v := &m.variants[j]; v.serves(role) {
				sum += number(v)
			}
		}
		smallest = min(smallest, sum)
	}
	return smallest
}

// carries reports whether the given numbers of replicas serve what is wanted.
func (m *guardedModel) carries(number func(*guardedVariant) int, w want) bool {
	if m.least(number) < w.replicas {
		return false
	}
	for s, demand := range w.demand {
		if m.supply(s, number) < demand*(1-Tolerance) {
			return false
		}
	}
	return true
}
