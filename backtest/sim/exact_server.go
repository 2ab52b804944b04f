package sim

import (
	"container/heap"
	"math"

	"github.com/variant-exporter/variant-exporter/backtest/sim/expose"
)

// iterate begins an iteration, if there is anything to do. What it holds was settled when the one before it began, if that is how the
// server works and there was one.
func (e *exact) iterate(sv *server, now float64) {
	settled := now
	if sv.Async && sv.load() > len(sv.waiting) {
		settled = sv.began
	}
	e.admit(sv, now, settled)
	decode := len(sv.running)
	tokens, prompts, context, before := float64(decode), 0.0, sv.context, 0.0
	sv.chunks = sv.chunks[:0]
	budget := sv.MaxBatchTokens - decode
	for _, q := range sv.prefill {
		if budget <= 0 {
			break
		}
		n := min(budget, q.prompt)
		budget -= n
		prompts += float64(n)
		before += float64(n) * (float64(q.input-q.prompt) + float64(n)/2)
		context += float64(q.input - q.prompt)
		sv.chunks = append(sv.chunks, chunk{q, n})
		sv.count.PromptTokens += float64(n)
	}
	if tokens += prompts; tokens == 0 {
		sv.until = math.Inf(1)
		if sv.place >= 0 {
			heap.Remove(&e.busy, sv.place)
		}
		return
	}
	sv.length = sv.attending(tokens, prompts, context, before, sv.longest(prompts)) * sv.pod.v.slow
	sv.began = now
	sv.until = now + sv.length
	if sv.place >= 0 {
		heap.Fix(&e.busy, sv.place)
	} else {
		heap.Push(&e.busy, sv)
	}
}

// longest is the longest context of those that decode, where an iteration with tokens of prompts waits for it.
func (sv *server) longest(prompts float64) float64 {
	most := 0
	if sv.Chunk != nil && sv.Chunk.Longest > 0 && prompts > 0 {
		for _, q := range sv.running {
			most = max(most, q.input+q.output-(q.ends-sv.turns))
		}
	}
	return float64(most)
}

// admit takes requests that wait since a time into service, in their order, while the batch and the cache have room.
func (e *exact) admit(sv *server, now, since float64) {
	for len(sv.waiting) > 0 && len(sv.prefill)+len(sv.running) < sv.MaxBatch {
		q := sv.waiting[0]
		if q.tired(now) {
			e.model.books.giveUp(q.arrived, 1)
			sv.waiting = sv.waiting[1:]
			continue
		}
		if q.given > since {
			return
		}
		need := float64(q.input + q.output)
		if sv.kv > 0 && sv.reserved > 0 && sv.reserved+need > sv.kv {
			return
		}
		sv.waiting = sv.waiting[1:]
		sv.reserved += need
		if sv.role == roleDecode {
			sv.context += float64(q.input)
			q.ends = sv.turns + max(1, q.output-1)
			heap.Push(&sv.running, q)
			continue
		}
		sv.prefill = append(sv.prefill, q)
	}
}

// turn ends an iteration: every request that decodes has one more token, and prompts are further on.
func (e *exact) turn(sv *server, now float64) {
	sv.turns++
	st := stageOf(e.stages, sv.pod)
	if decoding := float64(len(sv.running)); decoding > 0 {
		sv.context += decoding
		sv.count.GenerationTokens += decoding
		sv.count.ITLSum += decoding * sv.length
		sv.count.ITLCount += decoding
		sv.count.ITL.Add(sv.length, decoding)
		e.model.books.tokens(now, sv.length, decoding)
	}
	for len(sv.running) > 0 && sv.running[0].ends <= sv.turns {
		q := heap.Pop(&sv.running).(*request)
		sv.context -= float64(q.input + q.output)
		if sv.role == roleDecode {
			sv.context++ // its first token came with the prompt
		}
		e.complete(st, sv, q, now)
	}
	for _, c := range sv.chunks {
		if c.request.prompt -= c.tokens; c.request.prompt == 0 {
			e.begin(st, sv, c.request, now)
		}
	}
	sv.prefill = unfinished(sv.prefill)
	if len(sv.running) == 0 {
		sv.context = 0
	}
	e.iterate(sv, now)
	e.dispatch(st, now)
}

func unfinished(prefill []*request) []*request {
	kept := prefill[:0]
	for _, q := range prefill {
		if q.prompt > 0 {
			kept = append(kept, q)
		}
	}
	return kept
}

// begin books the first token of a request, which then decodes.
func (e *exact) begin(st *exactStage, sv *server, q *request, now float64) {
	q.first = now
	sv.count.Begun++
	sv.count.GenerationTokens++
	sv.count.TTFTSum += now - q.arrived
	sv.count.TTFT.Add(now-q.arrived, 1)
	e.model.books.begin(q.arrived, 1, now-q.arrived)
	if q.output == 1 || !st.last {
		e.complete(st, sv, q, now)
		return
	}
	q.ends = sv.turns + q.output - 1
	sv.context += float64(q.input + 1)
	heap.Push(&sv.running, q)
}

// complete ends a request's time in a server.
func (e *exact) complete(st *exactStage, sv *server, q *request, now float64) {
	m := e.model
	sv.reserved -= float64(q.input + q.output)
	for _, c := range []*expose.Counters{&sv.count, &m.count} {
		if c == &m.count && !st.last && q.output > 1 {
			continue
		}
		c.Finished++
		c.FinishedInput += float64(q.input)
		c.FinishedOutput += float64(q.output)
	}
	if !st.last && q.output > 1 {
		e.enter(e.stages[1], q, now)
		return
	}
	m.books.serve(q.arrived, 1)
	if told := e.sim.Served; told != nil {
		told(Request{m.Model.Model, q.arrived, q.first, now, q.input, q.output})
	}
	steady := m.itl == 0 || q.output < 2 || (now-q.first)/float64(q.output-1) <= m.itl
	if steady && (m.ttft == 0 || q.first-q.arrived <= m.ttft) {
		m.books.well(q.arrived, 1)
	}
}

// finish judges what is under way at the end by what is known of it, and returns how much that is.
func (e *exact) finish(now float64) float64 {
	m := e.model
	under := 0.0
	for _, st := range e.stages {
		queued := st.queue
		for _, p := range st.pods {
			sv := p.server.(*server)
			queued = append(queued, sv.waiting...)
			for _, q := range append(append([]*request{}, sv.prefill...), sv.running...) {
				under += m.books.under(q.arrived)
				if waited := q.waited(now); m.ttft == 0 || waited <= m.ttft {
					m.books.well(q.arrived, 1)
				}
			}
		}
		for _, q := range queued {
			switch {
			case q.first > 0:
				under += m.books.under(q.arrived)
			case m.ttft > 0 && now-q.arrived <= m.ttft:
				under += m.books.under(q.arrived) // its time is not over
				m.books.well(q.arrived, 1)
			default:
				m.books.never(q.arrived, 1)
			}
		}
	}
	return under
}

// waited is how long the client has waited for its first token.
func (q *request) waited(now float64) float64 {
	if q.first == 0 {
		return now - q.arrived
	}
	return q.first - q.arrived
}
