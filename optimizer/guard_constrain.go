package optimizer

import "slices"

// Constrain returns the problem with the guards that act before planning: the
// plan then avoids what they forbid. The given problem is not changed; the
// result shares maps with it.
//
// A variant about which nothing can be decided stays where it is. It is not
// lowered if only part of the demand is known. It is capped at what it reached
// if it is stuck.
func Constrain(p Problem, s State) Problem {
	out := Problem{Budgets: slices.Clone(p.Budgets), Models: slices.Clone(p.Models)}
	for i := range out.Models {
		m, known := &out.Models[i], s.model(i)
		m.Variants = slices.Clone(m.Variants)
		for j := range m.Variants {
			v, state := &m.Variants[j], known.variant(j)
			v.Min, v.Max = constrained(v, known.Knowledge, &state)
		}
		if known.Knowledge == KnownNothing {
			m.Demand, m.MinReplicas = map[string]float64{}, 0
		}
	}
	return out
}

// constrained returns the bounds of a variant under what is known of it.
func constrained(v *Variant, known Knowledge, s *VariantState) (least int, most *int) {
	least, most = v.Min, v.Max
	if known == KnownNothing || s.Unknown {
		stays := least
		if s.Current != nil {
			stays = *s.Current
		}
		return stays, &stays
	}
	if known == KnownPartly && s.Current != nil {
		least = max(least, *s.Current)
		if most != nil {
			least = min(least, *most)
		}
	}
	if s.Stuck != nil {
		if reach := max(least, *s.Stuck); most == nil || reach < *most {
			most = &reach
		}
	}
	return least, most
}

// model returns what is known of a model; nothing if it is not listed.
func (s *State) model(i int) ModelState {
	if i < len(s.Models) {
		return s.Models[i]
	}
	return ModelState{}
}

// variant returns what is known of a variant.
func (m *ModelState) variant(j int) VariantState {
	if j < len(m.Variants) {
		return m.Variants[j]
	}
	return VariantState{Unknown: true}
}
