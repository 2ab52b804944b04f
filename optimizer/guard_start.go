package optimizer

// start asks for the new replicas. If the budgets have room, as they usually do,
// it asks for all of them; otherwise the swap goes in steps that fit. Which
// replicas to start first is planned by priority and fairness like everything
// else, for the fleet without the replicas that go.
func (g *guard) start() {
	g.raise(func(v *guardedVariant) int { return max(v.n, v.current) })
	g.raise(func(v *guardedVariant) int { return v.allowed })
	var open []*guardedModel
	for i := range g.models {
		m := &g.models[i]
		waits := false
		for j := range m.variants {
			v := &m.variants[j]
			v.low, v.top = v.n, v.n
			switch {
			case v.comes() && v.n < v.allowed:
				v.top, waits = v.allowed, true
			case v.goes():
				v.low, v.top = v.planned, v.planned
			}
		}
		if waits {
			open = append(open, m)
		}
	}
	if len(open) == 0 {
		return
	}
	g.choose(open, (*guardedModel).wanted, true)
	g.fill(open) // what still fits brings the end nearer
}

// raise brings the variants that come to a level, unless a budget they use has
// no room for all of them.
func (g *guard) raise(level func(*guardedVariant) int) {
	left := append([]float64(nil), g.room...)
	g.coming(func(v *guardedVariant) { v.take(left, level(v)-v.n) })
	g.coming(func(v *guardedVariant) {
		for _, t := range v.takes {
			if left[t.row] < 0 {
				return
			}
		}
		g.set(v, level(v))
	})
}

// coming calls do for every variant that comes.
func (g *guard) coming(do func(*guardedVariant)) {
	for i := range g.models {
		for j := range g.models[i].variants {
			if v := &g.models[i].variants[j]; v.comes() {
				do(v)
			}
		}
	}
}

// keepPending keeps old replicas that are not ready yet if new ones are held
// back: the replicas asked for must not serve less than both the plan and the
// present would.
func (g *guard) keepPending() {
	var open []*guardedModel
	for i := range g.models {
		m := &g.models[i]
		free, behind := false, false
		for j := range m.variants {
			v := &m.variants[j]
			v.low, v.top = v.n, v.n
			if pending := v.counted(); v.goes() && pending > v.n {
				v.top, free = pending, true
			}
			behind = behind || v.n < v.planned
		}
		if free && behind && !m.carries(func(v *guardedVariant) int { return v.n }, m.asked()) {
			open = append(open, m)
		}
	}
	if len(open) > 0 && !g.choose(open, (*guardedModel).asked, false) {
		g.fill(open)
	}
}
