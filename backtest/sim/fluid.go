package sim

import "github.com/variant-exporter/variant-exporter/backtest/sim/expose"

// The fluid engine moves amounts of requests in short steps. Requests of a step are a cohort, and cohorts wait in the order of their
// arrival. What a step is too long for does not show: the order within a second, and the spread of single lengths.
const (
	longestStep  = 1.0
	shortestStep = 0.05
)

// fluid implements engine.
type fluid struct {
	sim   *Sim
	model *model
	// stages are what a request goes through: one, or prefill and then decode.
	stages []*stage
	step   float64
}

// stage is the pods of one role, and what waits for them.
type stage struct {
	group
	queue queue // at the gateway

	judged, good float64 // requests that had their first token lately, and those of them that had it in time
}

// share is the share of the first tokens that were in time lately.
func (st *stage) share() float64 {
	if st.judged == 0 {
		return 1
	}
	share := st.good / st.judged
	st.judged, st.good = st.judged/2, st.good/2
	return share
}

// tank is what one pod serves.
type tank struct {
	physics
	count  expose.Counters
	n      float64 // in service
	most   float64
	queue  queue // of its own, where there is no gateway
	target float64
}

func newFluid(s *Sim, m *model) *fluid {
	f := &fluid{sim: s, model: m, step: longestStep}
	for _, g := range groupsOf(m) {
		f.stages = append(f.stages, &stage{group: g})
	}
	for _, v := range m.variants {
		p := physicsOf(v, m)
		_, service := p.mean(p.most())
		f.step = min(f.step, max(shortestStep, service/4))
	}
	return f
}

func (f *fluid) join(p *pod) {
	if p.server == nil {
		t := &tank{physics: physicsOf(p.v, f.model)}
		t.most = t.physics.most()
		p.server = t
	}
	st := stageOf(f.stages, p)
	st.pods = append(st.pods, p)
}

func (f *fluid) leave(p *pod, now float64) {
	st := stageOf(f.stages, p)
	st.remove(p)
	t, ok := p.server.(*tank)
	if !ok {
		return
	}
	f.model.books.lost(now, t.n, true)
	t.n = 0
	for _, c := range t.queue.drain() {
		f.model.books.lost(c.arrived, c.n, false)
	}
	p.server = nil
}

func (f *fluid) empty(p *pod) bool {
	t, ok := p.server.(*tank)
	return !ok || t.n < 0.5 && t.queue.total < 0.5
}

func (f *fluid) load(p *pod) expose.Load {
	t, ok := p.server.(*tank)
	if !ok {
		return expose.Load{}
	}
	l := expose.Load{Running: t.n, Waiting: t.queue.total}
	if t.kv > 0 {
		l.KV = min(1, t.n*(t.input+t.output/2)/t.kv)
	}
	return l
}

func (f *fluid) counted(p *pod) *expose.Counters {
	if t, ok := p.server.(*tank); ok {
		return &t.count
	}
	return &expose.Counters{}
}

func (f *fluid) queued() float64 {
	total := 0.0
	for _, st := range f.stages {
		total += st.queue.total
	}
	return total
}

func (f *fluid) inSystem() float64 {
	total := f.queued()
	for _, st := range f.stages {
		for _, p := range st.pods {
			l := f.load(p)
			total += l.Running + l.Waiting
		}
	}
	return total
}

func (f *fluid) advance(slot int, from, to float64) {
	f.lengths(slot)
	for now := from; now < to-1e-9; {
		h := min(f.step, to-now)
		f.arrive(slot, now+h/2, h)
		for i, st := range f.stages {
			f.serve(i, st, now+h, h)
		}
		now += h
	}
}

// lengths lets the lengths of requests follow the load.
func (f *fluid) lengths(slot int) {
	if slot%12 != 0 { // once a minute
		return
	}
	var rate, input, output float64
	for _, a := range f.model.streams {
		rate += a.Rates[slot]
		input += a.Rates[slot] * a.Input[slot]
		output += a.Rates[slot] * a.Output[slot]
	}
	if rate <= 0 {
		return
	}
	for _, st := range f.stages {
		for _, p := range st.pods {
			t := p.server.(*tank)
			t.input, t.output = input/rate, output/rate
			t.most = t.physics.most()
		}
	}
}

// arrive takes the requests of a step.
func (f *fluid) arrive(slot int, at, h float64) {
	m := f.model
	for _, a := range m.streams {
		n := float64(a.Counts[slot]) * h / slotSeconds
		if n == 0 {
			continue
		}
		m.count.Arrived += n
		m.books.arrive(at, n)
		f.enter(f.stages[0], cohort{arrived: at, n: n, good: 1, patience: a.Patience.Seconds()})
	}
}

// enter lets a cohort wait for a stage: at the gateway, or where there is none at the pods, which get equal shares.
func (f *fluid) enter(st *stage, c cohort) {
	if !f.model.Gateway.None {
		st.queue.push(c)
		return
	}
	serving := 0.0
	for _, p := range st.pods {
		if p.serves(f.sim.now) {
			serving++
		}
	}
	if serving == 0 {
		f.model.books.refuse(c.arrived, c.n)
		return
	}
	share := c
	share.n /= serving
	for _, p := range st.pods {
		if !p.serves(f.sim.now) {
			continue
		}
		t := p.server.(*tank)
		if over := t.queue.total + share.n - float64(t.MaxQueue); t.MaxQueue > 0 && over > 0 {
			f.model.books.refuse(c.arrived, min(over, share.n))
			if share.n > over {
				t.queue.push(cohort{arrived: c.arrived, n: share.n - over, good: c.good, patience: c.patience})
			}
			continue
		}
		t.queue.push(share)
	}
}
