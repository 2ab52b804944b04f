package sim

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/variant-exporter/variant-exporter/backtest/policy"

	"github.com/variant-exporter/variant-exporter/backtest/scenario"
	"github.com/variant-exporter/variant-exporter/backtest/sim/expose"
	"github.com/variant-exporter/variant-exporter/collector/config"
)

// state is how far a pod has come.
type state int

const (
	pending  state = iota // its pool has no room
	starting              // it loads
	ready                 // it serves, unless it fails its probes
	draining              // it serves what it has
	gone
)

// pod is one replica of a variant: as many pods as the variant says.
type pod struct {
	v        *variant
	id       int
	ordinal  int
	name     string
	revision int
	state    state
	ordered  float64
	due      float64 // when the state ends by itself
	readyAt  float64 // when it was ready first
	wasReady bool
	unready  float64 // until when it fails its probes
	slow     float64
	server   any // the engine's own
	shown    expose.Target
}

// variant is a variant with its state.
type variant struct {
	*scenario.Variant
	place    int // in Sim.variants
	model    *model
	spec     int // replicas asked for
	hash     []string
	revision int
	rollout  *rollout
	rate     float64 // requests per second that a replica serves within the targets
	told     []saying
	frozen   *freeze
	copies   int
	mute     int // pods that cannot be scraped; -1: all
	slow     float64
	advised  []recommendation
	idle     float64 // since when KEDA has seen no demand; negative: it has
	steps    []scaled
}

// saying is what a policy said at a time.
type saying struct {
	at       float64
	replicas int
	absent   bool
}

func (s *Sim) newVariant(spec *scenario.Variant) *variant {
	v := &variant{Variant: spec, place: len(s.variants), spec: spec.Replicas, copies: 1, slow: 1, idle: -1}
	v.hash = []string{randomName(s.rng, 10)}
	for _, m := range s.models {
		if m.Model.Model == spec.Model {
			v.model = m
		}
	}
	v.model.variants = append(v.model.variants, v)
	return v
}

// create orders a pod.
func (s *Sim) create(v *variant) *pod {
	p := &pod{v: v, id: s.nextPod, ordinal: s.freeOrdinal(v), revision: v.revision, ordered: s.now, due: math.Inf(1), slow: 1}
	s.nextPod++
	switch v.Kind {
	case config.KindDeployment:
		p.name = s.podName(v)
	default:
		p.name = fmt.Sprintf("%s-%d", v.Name, p.ordinal)
	}
	s.pods = append(s.pods, p)
	return p
}

// podName is a name that no pod has had yet.
func (s *Sim) podName(v *variant) string {
	for {
		name := fmt.Sprintf("%s-%s-%s", v.Name, v.hash[v.revision], randomName(s.rng, 5))
		if !s.named[name] {
			s.named[name] = true
			return name
		}
	}
}

// freeOrdinal is the least ordinal that no replica has. Pods of Deployments have none.
func (s *Sim) freeOrdinal(v *variant) int {
	if v.Kind == config.KindDeployment {
		return 0
	}
	used := map[int]bool{}
	for _, p := range s.pods {
		if p.v == v && p.live() {
			used[p.ordinal] = true
		}
	}
	n := 0
	for used[n] {
		n++
	}
	return n
}

// live reports whether the pod counts as a replica.
func (p *pod) live() bool { return p.state < draining }

// serves reports whether the pod gets requests.
func (p *pod) serves(now float64) bool { return p.state == ready && now >= p.unready }

// become moves a pod on.
func (s *Sim) become(p *pod, to state) {
	from := p.state
	p.state, p.due = to, math.Inf(1)
	switch to {
	case pending:
	case starting:
		p.due = s.now + s.startup(p.v)
	case ready:
		p.readyAt, p.wasReady = s.now, true
		p.v.model.engine.join(p)
	case draining:
		p.due = s.now + time.Duration(*p.v.Drain).Seconds()
	case gone:
		if from == ready || from == draining {
			p.v.model.engine.leave(p, s.now)
		}
	}
}

func (s *Sim) startup(v *variant) float64 {
	if i, ok := s.Policy.(policy.Instant); ok && i.Instant() {
		return 0
	}
	mean := time.Duration(v.Startup).Seconds()
	if v.StartupCV == 0 || mean == 0 {
		return mean
	}
	variance := math.Log1p(v.StartupCV * v.StartupCV)
	return mean * math.Exp(math.Sqrt(variance)*s.rng.NormFloat64()-variance/2)
}

// settle moves on whatever is due, until nothing is.
func (s *Sim) settle() {
	for _, p := range s.pods {
		switch {
		case p.state == draining && (s.now >= p.due || p.v.model.engine.empty(p)):
			s.become(p, gone)
		case p.state == starting && s.now >= p.due:
			s.started(p)
		}
	}
	for _, v := range s.variants {
		s.reconcile(v)
	}
	kept := s.pods[:0]
	for _, p := range s.pods {
		if p.state != gone {
			kept = append(kept, p)
		}
	}
	for i := len(kept); i < len(s.pods); i++ {
		s.pods[i] = nil
	}
	s.pods = kept
	s.place()
}

// started ends a start: it may have failed, and begins once more.
func (s *Sim) started(p *pod) {
	switch {
	case p.v.rollout != nil && p.v.rollout.broken && p.revision == p.v.revision:
		p.due = math.Inf(1) // never
	case p.v.FailsToStart > 0 && s.rng.Float64() < p.v.FailsToStart:
		s.ledger.failed++
		s.become(p, starting)
	default:
		s.become(p, ready)
	}
}

// place starts pending pods, in the order in which they were ordered, where their pools have room.
func (s *Sim) place() {
	used := map[string]int{}
	waiting := false
	for _, p := range s.pods {
		if p.state == pending {
			waiting = true
			continue
		}
		used[p.v.Pool] += *p.v.Accelerators
	}
	if !waiting {
		return
	}
	for _, p := range s.pods {
		need := *p.v.Accelerators
		if p.state == pending && used[p.v.Pool]+need <= s.pools[p.v.Pool] {
			used[p.v.Pool] += need
			s.become(p, starting)
			if p.due <= s.now {
				s.started(p)
			}
		}
	}
}

func randomName(rng *rand.Rand, length int) string {
	name := make([]byte, length)
	for i := range name {
		name[i] = expose.SafeAlphabet[rng.IntN(len(expose.SafeAlphabet))]
	}
	return string(name)
}
