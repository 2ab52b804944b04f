package policy

import "time"

// NewTuned makes a policy that fills its replicas to a multiple of what its rule says: at 0.8 it keeps a quarter more of them for the same
// load. Every rule compares load with a target for each replica, so seeing so much more load is the same as a lower target.
func NewTuned(name string, s Setup, fill float64) (Policy, error) {
	if fill == 1 {
		return New(name, s)
	}
	s.Future = s.Future.times(1 / fill)
	p, err := New(name, s)
	if err != nil {
		return nil, err
	}
	t := tuned{p, 1 / fill}
	if _, ok := p.(Periodic); ok {
		return periodic{t}, nil
	}
	return t, nil
}

// times is a future with another load.
func (f *Future) times(by float64) *Future {
	scaled := &Future{Tick: f.Tick, Rates: map[string][]float64{}, Arrivals: map[string][]float64{}, Burstiness: f.Burstiness}
	for _, m := range []struct{ from, to map[string][]float64 }{{f.Rates, scaled.Rates}, {f.Arrivals, scaled.Arrivals}} {
		for id, rates := range m.from {
			for _, r := range rates {
				m.to[id] = append(m.to[id], r*by)
			}
		}
	}
	return scaled
}

// tuned is a policy that sees a multiple of the load.
type tuned struct {
	Policy
	by float64
}

// Acts implements Actuator.
func (t tuned) Acts() bool {
	a, ok := t.Policy.(Actuator)
	return ok && a.Acts()
}

// Instant implements Instant.
func (t tuned) Instant() bool {
	i, ok := t.Policy.(Instant)
	return ok && i.Instant()
}

// Desired implements Policy.
func (t tuned) Desired(o *Observation) map[string]int {
	seen := *o
	seen.Models = nil
	for _, m := range o.Models {
		m.Rate, m.Queue, m.Arrived = m.Rate*t.by, m.Queue*t.by, m.Arrived*t.by
		pods := m.Pods
		m.Pods = nil
		for _, p := range pods {
			p.Running, p.Waiting, p.KV = p.Running*t.by, p.Waiting*t.by, p.KV*t.by
			m.Pods = append(m.Pods, p)
		}
		seen.Models = append(seen.Models, m)
	}
	return t.Policy.Desired(&seen)
}

// periodic is a tuned policy that decides less often.
type periodic struct{ tuned }

// Every implements Periodic.
func (p periodic) Every() time.Duration { return p.Policy.(Periodic).Every() }
