package optimizer

import "math"

// Guard makes a plan safe to act on. The problem is the one before Constrain,
// the plan that of the constrained one. The guards act in the order of the
// package comment; each sets a reason and, if it changed the replicas, adds an
// effect. For all inputs, the ready replicas of a model never serve less than
// the lesser of the plan and the present, as far as the budgets allow.
//
// Options bound each of the small programs that are solved on the way. If one
// of them ends before it found enough, every ready replica that the budgets
// have room for is kept. The inputs are not changed.
func Guard(p Problem, plan Plan, s State, o Options) Decision {
	g := newGuard(&p, &plan, &s, o)
	g.fallDown()
	g.keepQueued()
	g.limitChange()
	g.makeBeforeBreak()
	g.fallBack()
	return g.decide()
}

// guard is one run of Guard. Models and variants are in the order of their
// names, so the order of the input cannot matter.
type guard struct {
	problem *Problem
	options Options
	borrow  map[string]float64
	models  []guardedModel
	// room is what the numbers at hand leave of each budget.
	room []float64
}

// guardedModel is a model on its way through the guards.
type guardedModel struct {
	*Model
	index     int
	knowledge Knowledge
	moving    bool
	waiting   map[string]float64
	peak      map[string]float64
	shortfall float64
	variants  []guardedVariant
}

// guardedVariant is a variant on its way through the guards.
type guardedVariant struct {
	*Variant
	index int
	state VariantState
	// settled says that nothing is decided about the variant, or that too
	// little is known of it to hold anything back.
	settled bool
	// least and most are its bounds, reach the bound that being stuck makes
	// narrower.
	least, most, reach int
	// current is what is asked for, ready what serves of that and may stay.
	current, ready int
	// parts are the replicas asked for, in the order in which they stay when
	// fewer are asked for.
	parts []part
	// plan is what the plan says, planned what it is without the requests that
	// are not served, allowed what the limits on change make of that, and n the
	// number at hand.
	plan, planned, allowed, n int
	// low and top bound the number in the choice at hand.
	low, top int
	takes    []take
	reason   Reason
	effects  []Effect
}

// newGuard reads the inputs.
func newGuard(p *Problem, plan *Plan, s *State, o Options) *guard {
	g := &guard{problem: p, options: o, borrow: s.Borrow, models: make([]guardedModel, len(p.Models))}
	rows := make(map[string]int, len(p.Budgets))
	for b := range p.Budgets {
		rows[p.Budgets[b].Name] = b
	}
	for at, i := range sortedIndices(len(p.Models), func(i int) string { return p.Models[i].Name }) {
		known := s.model(i)
		m := &g.models[at]
		*m = guardedModel{Model: &p.Models[i], index: i, knowledge: known.Knowledge, moving: known.Moving, waiting: known.Waiting, peak: known.Peak}
		m.variants = make([]guardedVariant, len(m.Variants))
		var planned *ModelPlan
		if len(plan.Models) == len(p.Models) {
			planned = &plan.Models[i]
			m.shortfall = planned.Shortfall
		} else {
			m.knowledge = KnownNothing
		}
		for k, j := range sortedIndices(len(m.Variants), func(j int) string { return m.Variants[j].Name }) {
			v := &m.variants[k]
			*v = guardedVariant{Variant: &m.Variants[j], index: j, state: known.variant(j)}
			v.read(m.knowledge, planned)
			v.takes = make([]take, 0, len(v.Uses))
			for name, use := range v.Uses {
				if row, ok := rows[name]; ok && use > 0 {
					v.takes = append(v.takes, take{row, use})
				}
			}
		}
	}
	return g
}

// read sets what follows from the state and the plan.
func (v *guardedVariant) read(known Knowledge, plan *ModelPlan) {
	least, reach := constrained(v.Variant, known, &v.state)
	v.least, v.reach, v.most = least, MaxReplicas, MaxReplicas
	if reach != nil {
		v.reach = *reach
	}
	if v.Max != nil {
		v.most = *v.Max
	}
	v.planned, v.reason = least, ReasonHold
	undecided := known == KnownNothing || v.state.Unknown
	if plan != nil && !undecided {
		v.planned, v.reason = plan.Variants[v.index].Replicas, plan.Variants[v.index].Reason
	}
	v.plan = v.planned
	v.settled = undecided || v.state.Current == nil
	v.current = v.planned
	if v.state.Current != nil {
		v.current = *v.state.Current
		v.ready = v.serving()
		if known == KnownFully && !undecided {
			v.ready = min(v.ready, v.most)
		}
		v.parts = v.split()
	}
	if known == KnownPartly {
		v.planned = max(v.planned, v.current)
	}
	v.allowed, v.n = v.planned, v.planned
}

// serving is how many of the current replicas are ready. If that is not known,
// only replicas that go may be serving: nothing relies on the others.
func (v *guardedVariant) serving() int {
	switch {
	case v.state.Ready != nil:
		return min(v.current, *v.state.Ready)
	case v.planned >= v.current:
		return 0
	case v.state.Stuck != nil:
		return min(v.current, *v.state.Stuck)
	}
	return v.current
}

// fallDown applies the failsafes that are below the present: what they free is
// room for replicas of other models that would have to go otherwise.
func (g *guard) fallDown() {
	for i := range g.models {
		for j := range g.models[i].variants {
			if v := &g.models[i].variants[j]; g.models[i].knowledge == KnownNothing && v.state.Failsafe != nil {
				v.n = min(v.n, max(v.failsafe(), v.Min))
			}
		}
	}
}

// fallBack applies the failsafes that are due. Known models go first: a failsafe
// above the present takes what the budgets have left.
func (g *guard) fallBack() {
	var room []float64
	for i := range g.models {
		for j := range g.models[i].variants {
			v := &g.models[i].variants[j]
			if g.models[i].knowledge != KnownNothing || v.state.Failsafe == nil {
				continue
			}
			if room == nil {
				room = g.left(func(v *guardedVariant) int { return v.n })
				for b := range room {
					room[b] += g.problem.Budgets[b].Limit * (1 + Tolerance)
				}
			}
			more := float64(v.failsafe() - v.n)
			for _, t := range v.takes {
				more = min(more, max(0, math.Floor(room[t.row]/t.use)))
			}
			n := max(v.n+int(more), v.Min)
			v.take(room, n-v.n)
			v.n = n
		}
	}
}

// failsafe is what to run while nothing is known.
func (v *guardedVariant) failsafe() int {
	return min(max(*v.state.Failsafe, v.Min), v.most)
}

// change notes the change that a guard made to a variant.
func (v *guardedVariant) change(by Reason, from, to *int) {
	v.reason = by
	v.effects = append(v.effects, Effect{Guard: by, From: from, To: to})
}

// limitChange keeps every variant within the limits on change. The result lies
// between the plan and the present, never beyond either. Replicas of a stuck
// variant that never became ready do not count as the present: giving them up
// changes nothing that serves.
func (g *guard) limitChange() {
	for i := range g.models {
		for j := range g.models[i].variants {
			v := &g.models[i].variants[j]
			if v.settled {
				continue
			}
			switch present := min(v.current, max(v.planned, v.reach)); {
			case v.planned > v.current && v.state.Most != nil:
				v.allowed = max(v.least, min(v.planned, max(v.current, *v.state.Most)))
			case v.planned < present && v.state.Fewest != nil && !g.models[i].replaced(v):
				v.allowed = max(v.planned, min(present, *v.state.Fewest))
			}
			if v.n = v.allowed; v.allowed != v.planned {
				v.change(ReasonRateLimit, new(v.planned), new(v.allowed))
			}
		}
	}
}

// replaced reports whether what the plan keeps of the other variants, and is
// ready, carries the peak.
func (m *guardedModel) replaced(v *guardedVariant) bool {
	others := func(w *guardedVariant) int {
		if w == v {
			return 0
		}
		return min(w.planned, w.ready)
	}
	return m.peak != nil && m.carries(others, want{demand: m.peak})
}

// decide writes down the numbers at hand as far as they can be trusted.
func (g *guard) decide() Decision {
	d := Decision{Models: make([]ModelDecision, len(g.models))}
	for i := range g.models {
		m := &g.models[i]
		variants := make([]VariantDecision, len(m.variants))
		for j := range m.variants {
			v := &m.variants[j]
			variants[v.index] = v.decide(m.knowledge)
		}
		d.Models[m.index].Variants = variants
	}
	return d
}

// decide holds what cannot be trusted.
func (v *guardedVariant) decide(known Knowledge) VariantDecision {
	desired := new(v.n)
	switch {
	case known == KnownNothing && v.state.Failsafe != nil:
		v.change(ReasonFailsafe, nil, desired)
	case known == KnownNothing, v.state.Unknown:
		desired, v.reason = nil, ReasonHold
	case known == KnownPartly && (v.state.Current == nil || v.n <= v.current):
		v.change(ReasonHold, desired, nil)
		desired = nil
	}
	return VariantDecision{Desired: desired, Reason: v.reason, Effects: v.effects}
}
