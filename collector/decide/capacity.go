package decide

import (
	"slices"

	"github.com/variant-exporter/variant-exporter/collector/match"
)

// readCapacities works out what a replica of each variant can serve of each signal. What is not known of a variant without
// replicas keeps only that variant out of the plan; of one that serves, it makes the signal say nothing.
func (d *decider) readCapacities(m *model) {
	for _, v := range m.variants {
		v.capacities = make([]float64, len(m.signals))
		for i, s := range m.signals {
			if !v.Carries(s.Signal) {
				continue // of another role
			}
			capacity := d.capacity(v, s)
			if capacity.Missing.OK() {
				v.capacities[i] = capacity.Number
				continue
			}
			if s.out.Ignored {
				continue
			}
			v.missing = capacity.Missing
			if serves(v.runs) && s.out.Planned != nil {
				s.silence(capacity.Missing)
			}
		}
	}
	for _, s := range m.signals {
		m.holdToQueue(s)
	}
}

// unserved makes a signal say nothing of which no capacity is known: its demand would stay unserved whatever is planned, and
// nothing planned for the others would help.
func (m *model) unserved() {
	for i, s := range m.signals {
		carried := slices.ContainsFunc(m.variants, func(v *variant) bool { return v.capacities[i] > 0 })
		if s.out.Planned != nil && *s.out.Planned > 0 && !carried {
			s.silence(match.Missing{Why: "no variant has a known capacity for it"})
		}
	}
}

// silence takes back what a signal says of its demand.
func (s *signal) silence(missing match.Missing) {
	s.missing = missing
	s.out = Signal{
		Name: s.out.Name, Unit: s.out.Unit, Inputs: s.out.Inputs, Measured: s.out.Measured, Missing: missing.String(),
	}
}

// capacity is what one replica of a variant can serve of a signal.
func (d *decider) capacity(v *variant, s *signal) match.Value {
	if v.Sized(s.Signal) {
		return d.size(v, s)
	}
	value := v.toldCapacity(s)
	if value.Missing.OK() && value.Number > 0 {
		value.Number = v.hold(s, value.Number)
	}
	return value
}

// toldCapacity is a capacity that does not follow from a profile.
func (v *variant) toldCapacity(s *signal) match.Value {
	value := v.read.Capacities[s.Place]
	if q := v.Capacities[s.Place].Query; value.Missing.OK() && value.Number == 0 && q != nil {
		// A server that starts, or one without requests all night, tells 0; only a 0 in the file says that a variant carries nothing.
		value.Missing = match.Missing{Input: q.Name, Why: "a capacity of 0"}
	}
	return value
}
