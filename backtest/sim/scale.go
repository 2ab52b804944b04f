package sim

import (
	"slices"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// rollout replaces the pods of older templates.
type rollout struct {
	surge, unavailable int
	broken             bool
}

// scale asks for a number of replicas.
func (s *Sim) scale(v *variant, replicas int) {
	if replicas == v.spec {
		return
	}
	s.ledger.changed(s, v, replicas)
	v.spec = replicas
	s.reconcile(v)
}

// reconcile creates and removes pods until there are as many as are asked for.
func (s *Sim) reconcile(v *variant) {
	if v.rollout != nil {
		s.roll(v)
		return
	}
	live := s.live(v)
	for n := len(live); n < v.spec; n++ {
		s.ledger.started(s, s.create(v))
	}
	if extra := len(live) - v.spec; extra > 0 {
		for _, p := range s.victims(v, live)[:extra] {
			s.remove(p)
		}
	}
}

// live lists the pods of a variant that count, in the order of their creation.
func (s *Sim) live(v *variant) []*pod {
	var live []*pod
	for _, p := range s.pods {
		if p.v == v && p.live() {
			live = append(live, p)
		}
	}
	return live
}

// victims orders pods as Kubernetes removes them: of a Deployment first those that do not serve, then the newest; of the others
// the highest ordinals.
func (s *Sim) victims(v *variant, pods []*pod) []*pod {
	sorted := slices.Clone(pods)
	rank := func(p *pod) int {
		switch {
		case p.serves(s.now):
			return 2
		case p.state == pending:
			return 0
		}
		return 1
	}
	slices.SortStableFunc(sorted, func(a, b *pod) int {
		if v.Kind != config.KindDeployment {
			return b.ordinal - a.ordinal
		}
		if x, y := rank(a), rank(b); x != y {
			return x - y
		}
		return b.id - a.id
	})
	return sorted
}

// remove takes a pod away. One that serves drains.
func (s *Sim) remove(p *pod) {
	s.ledger.removed(s, p)
	if p.state == ready {
		s.become(p, draining)
		return
	}
	s.become(p, gone)
}

// roll takes one step of a roll-out: as many new pods as surge allows, and away with old ones as far as enough serve.
func (s *Sim) roll(v *variant) {
	var old, fresh []*pod
	serving := 0
	for _, p := range s.live(v) {
		if p.serves(s.now) {
			serving++
		}
		if p.revision == v.revision {
			fresh = append(fresh, p)
		} else {
			old = append(old, p)
		}
	}
	for len(fresh) < v.spec && len(old)+len(fresh) < v.spec+v.rollout.surge {
		fresh = append(fresh, s.create(v))
	}
	for len(fresh) > v.spec {
		p := s.victims(v, fresh)[0]
		if p.serves(s.now) {
			serving--
		}
		fresh = slices.DeleteFunc(fresh, func(x *pod) bool { return x == p })
		s.remove(p)
	}
	for _, p := range s.victims(v, old) {
		if p.serves(s.now) {
			if serving <= v.spec-v.rollout.unavailable {
				continue
			}
			serving--
		}
		old = slices.DeleteFunc(old, func(x *pod) bool { return x == p })
		s.remove(p)
	}
	if len(old) == 0 && !slices.ContainsFunc(fresh, func(p *pod) bool { return !p.serves(s.now) }) && len(fresh) == v.spec {
		v.rollout = nil
	}
}
