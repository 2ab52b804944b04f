package sim

import (
	"container/heap"
	"math"
	"math/rand/v2"

	"github.com/variant-exporter/variant-exporter/backtest/sim/expose"
)

// inServer is how many requests may wait in a server before the gateway holds more of them back.
const inServer = 5

// exact implements engine: it follows every request through the iterations of its server.
type exact struct {
	sim    *Sim
	model  *model
	rng    []*rand.Rand // of each stream
	stages []*exactStage
	slot   int // whose requests are in coming
	coming []*request
	busy   servers // that have an iteration under way, by the time of its end
	seq    int
}

// exactStage is the servers of one role, and the requests that the gateway holds back.
type exactStage struct {
	group
	queue []*request
	turn  int // of the pods, where there is no gateway
}

// request is one request under way.
type request struct {
	input, output int
	arrived       float64
	given         float64 // to the server that has it
	first         float64 // token; 0: none yet
	patience      float64
	prompt        int // tokens left to compute
	ends          int // iteration of its server at which it is done
}

// server is what one pod serves.
type server struct {
	physics
	pod      *pod
	count    expose.Counters
	waiting  []*request
	prefill  []*request // in service, with a prompt that is not computed yet
	running  finishing  // in service, decoding
	reserved float64    // tokens of the cache
	context  float64    // cached tokens of those that decode
	turns    int        // iterations so far
	until    float64    // when the iteration under way ends; +Inf: none
	chunks   []chunk
	began    float64 // the iteration under way
	length   float64 // of it
	place    int     // in the heap
	order    int
	dead     bool
}

// chunk is a part of a prompt in the iteration under way.
type chunk struct {
	request *request
	tokens  int
}

func newExact(s *Sim, m *model) *exact {
	e := &exact{sim: s, model: m, slot: -1}
	for i := range m.streams {
		e.rng = append(e.rng, rand.New(rand.NewPCG(s.Seed, uint64(1000*(m.place+1)+i))))
	}
	for _, g := range groupsOf(m) {
		e.stages = append(e.stages, &exactStage{group: g})
	}
	return e
}

func (e *exact) join(p *pod) {
	if p.server == nil {
		e.seq++
		p.server = &server{physics: physicsOf(p.v, e.model), pod: p, until: math.Inf(1), place: -1, order: e.seq}
	}
	st := stageOf(e.stages, p)
	st.pods = append(st.pods, p)
	e.dispatch(st, e.sim.now)
}

func (e *exact) leave(p *pod, _ float64) {
	st := stageOf(e.stages, p)
	st.remove(p)
	sv, ok := p.server.(*server)
	if !ok {
		return
	}
	if sv.place >= 0 {
		heap.Remove(&e.busy, sv.place)
	}
	sv.dead = true
	for _, q := range sv.all() {
		e.model.books.lost(q.arrived, 1, false)
	}
	p.server = nil
}

func (sv *server) all() []*request {
	all := append([]*request{}, sv.waiting...)
	all = append(all, sv.prefill...)
	return append(all, sv.running...)
}

func (e *exact) empty(p *pod) bool {
	sv, ok := p.server.(*server)
	return !ok || sv.load() == 0
}

func (sv *server) load() int { return len(sv.waiting) + len(sv.prefill) + len(sv.running) }

func (e *exact) load(p *pod) expose.Load {
	sv, ok := p.server.(*server)
	if !ok {
		return expose.Load{}
	}
	l := expose.Load{Running: float64(len(sv.prefill) + len(sv.running)), Waiting: float64(len(sv.waiting))}
	if sv.kv > 0 {
		l.KV = min(1, sv.context/sv.kv)
	}
	return l
}

func (e *exact) counted(p *pod) *expose.Counters {
	if sv, ok := p.server.(*server); ok {
		return &sv.count
	}
	return &expose.Counters{}
}

func (e *exact) queued() float64 {
	n := 0
	for _, st := range e.stages {
		n += len(st.queue)
	}
	return float64(n)
}

func (e *exact) inSystem() float64 {
	n := e.queued()
	for _, st := range e.stages {
		for _, p := range st.pods {
			n += float64(p.server.(*server).load())
		}
	}
	return n
}

// advance handles arrivals and the ends of iterations in the order of time.
func (e *exact) advance(slot int, from, to float64) {
	e.fill(slot)
	e.expire(from)
	for {
		arrival, end := math.Inf(1), math.Inf(1)
		if len(e.coming) > 0 {
			arrival = e.coming[0].arrived
		}
		if len(e.busy) > 0 {
			end = e.busy[0].until
		}
		switch at := min(arrival, end); {
		case at >= to:
			return
		case arrival <= end:
			q := e.coming[0]
			e.coming = e.coming[1:]
			e.model.count.Arrived++
			e.model.books.arrive(q.arrived, 1)
			e.enter(e.stages[0], q, at)
		default:
			e.turn(e.busy[0], at)
		}
	}
}

// expire lets clients give up whose patience has ended. Those at the front have waited longest.
func (e *exact) expire(now float64) {
	cut := func(waiting []*request) []*request {
		for len(waiting) > 0 && waiting[0].tired(now) {
			e.model.books.giveUp(waiting[0].arrived, 1)
			waiting = waiting[1:]
		}
		return waiting
	}
	for _, st := range e.stages {
		st.queue = cut(st.queue)
		for _, p := range st.pods {
			sv := p.server.(*server)
			sv.waiting = cut(sv.waiting)
		}
		e.dispatch(st, now)
	}
}

// tired reports whether the client has given up.
func (q *request) tired(now float64) bool {
	return q.patience > 0 && q.first == 0 && now-q.arrived >= q.patience
}

// fill makes the requests of a slot when it begins.
func (e *exact) fill(slot int) {
	if slot == e.slot {
		return
	}
	e.slot = slot
	for i, a := range e.model.streams {
		for _, r := range a.Spread(slot, e.rng[i]) {
			e.coming = append(e.coming, &request{
				input: r.Input, output: r.Output, arrived: r.At.Seconds(), patience: r.Patience.Seconds(), prompt: r.Input,
			})
		}
	}
	sortRequests(e.coming)
}

// enter lets a request into a stage.
func (e *exact) enter(st *exactStage, q *request, now float64) {
	if !e.model.Gateway.None {
		st.queue = append(st.queue, q)
		e.dispatch(st, now)
		return
	}
	for range st.pods {
		p := st.pods[st.turn%len(st.pods)]
		st.turn++
		if !p.serves(now) {
			continue
		}
		sv := p.server.(*server)
		if sv.MaxQueue > 0 && len(sv.waiting) >= sv.MaxQueue {
			break
		}
		e.give(sv, q, now)
		return
	}
	e.model.books.refuse(q.arrived, 1)
}

// dispatch sends what the gateway holds back to the servers with the least share of their batch taken.
func (e *exact) dispatch(st *exactStage, now float64) {
	for len(st.queue) > 0 {
		if q := st.queue[0]; q.tired(now) {
			e.model.books.giveUp(q.arrived, 1)
			st.queue = st.queue[1:]
			continue
		}
		var best *server
		least := math.Inf(1)
		for _, p := range st.pods {
			if !p.serves(now) {
				continue
			}
			sv := p.server.(*server)
			if len(sv.waiting) >= inServer {
				continue
			}
			if share := float64(sv.load()) / float64(sv.MaxBatch); share < least {
				best, least = sv, share
			}
		}
		if best == nil {
			return
		}
		q := st.queue[0]
		st.queue = st.queue[1:]
		e.give(best, q, now)
	}
}

func (e *exact) give(sv *server, q *request, now float64) {
	q.given = now
	sv.waiting = append(sv.waiting, q)
	if math.IsInf(sv.until, 1) {
		e.iterate(sv, now)
	}
}
