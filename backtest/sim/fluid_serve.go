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
			f.admit(st, p, source, inflow{room, now - h/2, h, false})
		}
		if t.n <= 0 {
			continue
		}
		slow := p.v.slow
		iteration, done := t.work(h / slow)
		if again := min(done, source.total); p.serves(now) && t.n >= t.most-1e-9 && again > 0 {
			f.admit(st, p, source, inflow{again, now - h/2, h, true}) // it stays full
		}
		t.n = max(0, t.n-done)
		finished += done
		f.count(st, t, done, iteration*slow, h)
	}
	if !st.last && finished > 0 {
		f.enter(f.stages[place+1], cohort{arrived: now, n: finished, good: st.share()})
	}
}

// work lets a pod compute for a while: prompts as far as the token budget allows, and a token of each request that decodes in every
// iteration. It returns how long an iteration took, and how many requests are done, which are still counted in n.
func (t *tank) work(h float64) (iteration, done float64) {
	decoding := t.n - t.filled
	context := decoding * (t.input + t.output/2)
	room := max(1, float64(t.MaxBatchTokens)-decoding)
	computed := 0.0 // tokens of prompts in an iteration
	iteration = t.iteration(decoding, 0, context)
	for range 12 {
		computed = min(room, t.prompt/h*iteration)
		if iteration = t.typical(decoding, computed, context); computed >= room {
			iteration = t.iteration(decoding+room, room, context)
			break
		}
	}
	begun := 0.0
	if t.prompt > 0 {
		share := min(1, computed*h/iteration/t.prompt)
		begun = t.filled * share
		t.prompt -= t.prompt * share
		t.filled -= begun
	}
	if t.role == rolePrefill {
		return iteration, begun
	}
	return iteration, t.decode(begun, h/iteration)
}

// decode moves requests on through the phases of their answers, so many tokens further, and returns how many are done.
func (t *tank) decode(begun, tokens float64) (done float64) {
	phases := tokens / max(1, t.output-1) * float64(len(t.phase)) // the first token comes with the prompt
	steps := math.Ceil(phases)
	for range int(steps) {
		more := begun / steps
		for i, n := range t.phase {
			moved := n * phases / steps
			t.phase[i] += more - moved
			more = moved
		}
		done += more
	}
	return done
}

// pace is how many tokens of prompts a pod computes in a second at most.
func (t *tank) pace() float64 {
	decoding := t.n - t.filled
	room := max(1, float64(t.MaxBatchTokens)-decoding)
	return room / t.iteration(decoding+room, room, decoding*(t.input+t.output/2))
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

// inflow is how many requests are taken into service in a step, at its middle: what has just arrived comes little by little, what
// waited comes at its begin, unless it waited for those to be done that it replaces.
type inflow struct {
	most, now, length float64
	steady            bool
}

// admit takes requests from a queue into service, and judges them: a fluid knows already how they will fare. Their prompts are computed
// after those of the requests before them.
func (f *fluid) admit(st *stage, p *pod, source *queue, in inflow) {
	m, t := f.model, p.server.(*tank)
	taken, now := source.take(in.most), in.now
	sum := 0.0
	for _, c := range taken {
		sum += c.n
	}
	if sum == 0 {
		return
	}
	n := min(t.n+sum, t.most)
	first, itl := t.first(n)*p.v.slow, t.itl(n)*p.v.slow
	pace, before := t.pace()/p.v.slow, 0.0
	for _, c := range taken {
		wait := max(0, now-c.arrived)
		passed := 0.0 // of the step, when it comes
		if in.steady || c.arrived >= now-1e-9 {
			passed = in.length * before / sum
		}
		wait += t.take(c.n, pace, passed)
		before += c.n
		steady := m.itl == 0 || itl <= m.itl
		ttft := wait + first
		inTime := m.ttft == 0 || ttft <= m.ttft
		if st.role != roleDecode {
			t.count.ttftSum += c.n * ttft
			t.count.ttft.add(ttft, c.n)
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
	t.count.begun += sum
	t.count.promptTokens += sum * t.input
}

// take begins requests, and returns how long their prompts wait for those before them at a pace, less the time that has passed already.
func (t *tank) take(n, pace, passed float64) float64 {
	t.n += n
	if t.role == roleDecode {
		t.phase[0] += n
		return 0
	}
	wait := max(0, t.prompt/pace-passed)
	t.prompt += n * t.input
	t.filled += n
	return wait
}

// count keeps the counters of a pod.
func (f *fluid) count(st *stage, t *tank, done, iteration, h float64) {
	c, m := &t.count, f.model
	if st.role != rolePrefill {
		c.generationTokens += t.n * h / iteration
		c.itlSum += t.n * h
		c.itlCount += t.n * h / iteration
		c.itl.add(iteration, t.n*h/iteration)
	}
	c.finished += done
	c.finishedInput += done * t.input
	c.finishedOutput += done * t.output
	if st.last {
		m.count.finished += done
		m.count.finishedInput += done * t.input
		m.count.finishedOutput += done * t.output
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
