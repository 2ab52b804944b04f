package sim

import "math"

// serve lets the pods of a stage work for a step that ends now.
func (f *fluid) serve(place int, st *stage, now, h float64) {
	books := f.model.books
	giveUp := func(c cohort) { books.giveUp(c.arrived, c.n) }
	st.queue.expire(now, giveUp)
	f.spread(st)
	finished := 0.0
	for _, p := range st.pods {
		t := p.server.(*tank)
		source := &st.queue
		if f.model.Gateway.None {
			t.queue.expire(now, giveUp)
			source = &t.queue
		}
		if room := t.target - t.n; room > 0 {
			f.admit(st, p, source, room, now-h/2)
		}
		if t.n <= 0 {
			continue
		}
		slow := p.v.slow
		iteration, service := t.mean(t.n)
		service *= slow
		done := t.n * h / service
		if again := min(done, source.total); p.serves(now) && t.n >= t.most-1e-9 && again >= done-1e-12 {
			f.admit(st, p, source, again, now-h/2) // it stays full
		} else {
			done = t.n * -math.Expm1(-h/service)
		}
		done = min(done, t.n)
		t.n -= done
		finished += done
		f.count(st, t, done, iteration*slow, h)
	}
	if !st.last && finished > 0 {
		f.enter(f.stages[place+1], cohort{arrived: now, n: finished, good: st.share()})
	}
}

// spread sets how many requests each pod of a stage should have in service: those of a gateway go where the least share of the room is
// taken.
func (f *fluid) spread(st *stage) {
	var room, most, taken float64
	for _, p := range st.pods {
		t := p.server.(*tank)
		t.target = t.n
		if !p.serves(f.sim.now) {
			continue
		}
		if f.model.Gateway.None {
			t.target = t.most
			continue
		}
		room += max(0, t.most-t.n)
		most += t.most
		taken += t.n
	}
	waiting := st.queue.total
	if f.model.Gateway.None || waiting <= 0 || most == 0 {
		return
	}
	level := min(1, (taken+waiting)/most)
	lacking := 0.0
	for _, p := range st.pods {
		if t := p.server.(*tank); p.serves(f.sim.now) {
			lacking += max(0, level*t.most-t.n)
		}
	}
	share := 1.0
	if lacking > waiting {
		share = waiting / lacking
	}
	for _, p := range st.pods {
		if t := p.server.(*tank); p.serves(f.sim.now) {
			t.target = max(t.n, t.n+share*(level*t.most-t.n))
		}
	}
}

// admit takes requests from a queue into service, in the middle of a step, and judges them: a fluid knows
// already how they will fare.
func (f *fluid) admit(st *stage, p *pod, source *queue, room, now float64) {
	m, t := f.model, p.server.(*tank)
	taken := source.take(room)
	sum := 0.0
	for _, c := range taken {
		sum += c.n
	}
	if sum == 0 {
		return
	}
	n := min(t.n+sum, t.most)
	first, itl := t.first(n)*p.v.slow, t.itl(n)*p.v.slow
	t.n += sum
	for _, c := range taken {
		wait := now - c.arrived
		steady := m.itl == 0 || itl <= m.itl
		ttft := max(0, wait) + first
		inTime := m.ttft == 0 || ttft <= m.ttft
		if st.role != roleDecode {
			t.count.TTFTSum += c.n * ttft
			t.count.TTFT.Add(ttft, c.n)
			m.books.begin(c.arrived, c.n, ttft)
		}
		if st.role != rolePrefill {
			m.books.tokens(c.arrived, itl, c.n*max(0, t.output-1))
		}
		switch {
		case st.role == rolePrefill:
			st.judged += c.n
			if inTime {
				st.good += c.n
			}
		case steady && (inTime || st.role == roleDecode):
			m.books.well(c.arrived, c.n*c.good)
		}
	}
	t.count.Begun += sum
	t.count.PromptTokens += sum * t.input
}

// count keeps the counters of a pod.
func (f *fluid) count(st *stage, t *tank, done, iteration, h float64) {
	c, m := &t.count, f.model
	if st.role != rolePrefill {
		c.GenerationTokens += t.n * h / iteration
		c.ITLSum += t.n * h
		c.ITLCount += t.n * h / iteration
		c.ITL.Add(iteration, t.n*h/iteration)
	}
	c.Finished += done
	c.FinishedInput += done * t.input
	c.FinishedOutput += done * t.output
	if st.last {
		m.count.Finished += done
		m.count.FinishedInput += done * t.input
		m.count.FinishedOutput += done * t.output
		m.books.serve(f.sim.now, done)
	}
}

// finish books what has not begun at the end, and returns how much is under way.
func (f *fluid) finish(float64) float64 {
	under := 0.0
	for i, st := range f.stages {
		queues := []*queue{&st.queue}
		for _, p := range st.pods {
			t := p.server.(*tank)
			under += t.n
			queues = append(queues, &t.queue)
		}
		for _, q := range queues {
			for _, c := range q.drain() {
				if i > 0 {
					under += c.n
				} else {
					f.model.books.never(c.arrived, c.n)
				}
			}
		}
	}
	return under
}
