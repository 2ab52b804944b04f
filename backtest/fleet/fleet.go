package fleet

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"time"
)

// Fleet is a simulated fleet. Its methods may be called concurrently.
type Fleet struct {
	mu       sync.Mutex
	start    time.Time
	now      float64 // seconds since start
	refresh  float64 // when the gateways' averages are refreshed next
	names    NameGeneration
	rng      *rand.Rand // of pod names
	models   []*servedModel
	variants map[string]*variant
	replicas []*replica // in the order of their creation
	ledger   ledger
}

// servedModel is a model with its state.
type servedModel struct {
	Model
	arrivals *arrivals
	gateway  gateway
	variants []*variant
	largest  *variant // the variant with the largest capacity per replica
	inSystem int
	tally    Tally
}

// variant is a variant with its state.
type variant struct {
	Variant
	model    *servedModel
	hash     string // of the pod template
	capacity int    // in requests
	desired  int    // the Deployment's spec.replicas
}

// New starts a fleet at a time, with everything random in it drawn from rng. Two fleets of the same models and seed get the same
// requests at the same times, whatever their variants.
func New(c Config, start time.Time, rng *rand.Rand) (*Fleet, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("fleet configuration: %w", err)
	}
	f := &Fleet{start: start, names: c.Names, rng: rng, variants: map[string]*variant{}, refresh: refreshInterval}
	for _, model := range c.Models {
		m := &servedModel{Model: model, gateway: gateway{lastActive: -1}}
		m.arrivals = newArrivals(m.Load, m.Tokens, rand.New(rand.NewPCG(rng.Uint64(), rng.Uint64())))
		f.models = append(f.models, m)
	}
	for _, m := range f.models {
		for i := range m.Variants {
			f.addVariant(m, m.Variants[i])
		}
		m.refresh(f.replicas, 0)
	}
	return f, nil
}

// addVariant adds a variant with its first replicas, which are ready at once.
func (f *Fleet) addVariant(m *servedModel, spec Variant) {
	v := &variant{Variant: spec, model: m, hash: randomName(f.rng, templateHashLength)}
	v.capacity = m.Capacity(&v.Variant)
	v.desired = v.Replicas
	if m.largest == nil || v.capacity > m.largest.capacity {
		m.largest = v
	}
	m.variants = append(m.variants, v)
	f.variants[v.Name] = v
	for range v.Replicas {
		f.createReplica(v, 0)
	}
}

// Advance lets the fleet run until now. A time that has passed already changes nothing. In how many steps a fleet is advanced
// has no influence on what happens in it.
func (f *Fleet) Advance(now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	until := now.Sub(f.start).Seconds()
	if until <= f.now {
		return
	}
	for {
		e := f.nextEvent(until)
		if e.at > until {
			break
		}
		f.elapse(e.at)
		f.handle(e)
	}
	f.elapse(until)
}

// event is the next thing that happens: to a server, to a model (a request arrives), or, with neither, to the gateways.
type event struct {
	at      float64
	model   *servedModel
	replica *replica
}

func (f *Fleet) nextEvent(limit float64) event {
	next := event{at: f.refresh}
	for _, m := range f.models {
		if at := m.arrivals.next(limit); at < next.at {
			next = event{at: at, model: m}
		}
	}
	for _, r := range f.replicas {
		at := r.next
		if r.state == PodStarting {
			at = r.readyAt
		}
		if at < next.at {
			next = event{at: at, replica: r}
		}
	}
	return next
}

// elapse brings the clock and the books to now.
func (f *Fleet) elapse(now float64) {
	f.ledger.accrue(f, now-f.now)
	f.now = max(f.now, now)
}

func (f *Fleet) handle(e event) {
	switch {
	case e.model != nil:
		e.model.arrive(e.at)
		e.model.dispatch(f.replicas, e.at)
	case e.replica == nil:
		f.refresh += refreshInterval
		for _, m := range f.models {
			m.refresh(f.replicas, e.at)
		}
	case e.replica.state == PodStarting:
		e.replica.state, e.replica.now, e.replica.next = PodReady, e.at, math.Inf(1)
		e.replica.variant.model.dispatch(f.replicas, e.at)
	default:
		f.serve(e.replica, e.at)
	}
}

func (m *servedModel) arrive(now float64) {
	lengths, cut := m.arrivals.take(now)
	m.gateway.queue = append(m.gateway.queue, &request{Lengths: lengths, cut: cut, arrived: now})
	m.gateway.lastActive = now
	m.inSystem++
	m.tally.Arrived++
}

// serve completes the stages that end now on a server, and fills the room that this makes.
func (f *Fleet) serve(r *replica, now float64) {
	m := r.variant.model
	r.advance(now)
	first, done := r.finishStages()
	for _, q := range first {
		m.tally.FirstTokens++
		if m.inTime(q, now) {
			m.tally.WithinTTFT++
		}
	}
	m.inSystem -= len(done)
	m.gateway.running -= len(done)
	m.tally.Done += len(done)
	if r.state == PodTerminating && r.load() == 0 {
		f.remove(r)
	}
	if len(done) > 0 {
		m.dispatch(f.replicas, now)
	}
}

// inTime is whether a request that has its first token at this time, or has none yet, is within the target.
func (m *servedModel) inTime(q *request, now float64) bool {
	return m.SLO.TTFT == 0 || now-q.arrived <= m.SLO.TTFT.Seconds()
}
