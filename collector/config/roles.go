package config

import "slices"

// ActiveSignals returns the signals that a model is planned by, in the order of their names. Every request passes through a prefill and
// a decode: a rate of requests that variants of both have a capacity for is a signal of each of these roles.
func (m *Model) ActiveSignals() []ActiveSignal {
	signals := make([]ActiveSignal, 0, len(m.active))
	for _, s := range m.active {
		if !m.passesBoth(s) {
			signals = append(signals, s)
			continue
		}
		for _, role := range []Role{RolePrefill, RoleDecode} {
			signals = append(signals, ActiveSignal{Name: s.Name + "/" + string(role), Role: role, Signal: s.Signal, whole: s.Name})
		}
	}
	return signals
}

// passesBoth reports whether a signal counts what each of two roles must carry: a rate that comes to the model. Servers' own rates
// count a request in each role, and what is in service is in one role at a time: of these, all roles carry the sum.
func (m *Model) passesBoth(s ActiveSignal) bool {
	if !s.Rate() || !s.Usage.IsZero() || s.OfPreset() && !s.ofGateway {
		return false
	}
	carried := func(role Role) bool {
		return slices.ContainsFunc(m.Variants, func(v Variant) bool {
			q, _ := v.CapacityOf(s)
			return v.Role == role && (q.Set && !(q.IsNumber() && q.Number == 0) || !q.Set && !s.Latency.IsZero() && v.Profile != nil)
		})
	}
	return carried(RolePrefill) && carried(RoleDecode)
}

// Serves reports whether a variant may serve a signal: it is of the signal's role, or serves whole requests.
func (v *Variant) Serves(s ActiveSignal) bool {
	return s.Role == "" || v.Role == s.Role || v.Role == RoleBoth
}

// CapacityOf is what a replica of the variant can serve of a signal: its own, or the one that the signal brings. It is not set where there
// is neither.
func (v *Variant) CapacityOf(s ActiveSignal) (q Quantity, own bool) {
	if !v.Serves(s) {
		return Quantity{}, false
	}
	if q = v.Capacity[s.configured()]; q.Set {
		return q, true
	}
	return s.Capacity, false
}

// configured is the name that the signal has in the configuration.
func (s ActiveSignal) configured() string {
	if s.whole != "" {
		return s.whole
	}
	return s.Name
}
