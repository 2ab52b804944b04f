package fleet

import "math"

// PodState is where a pod is in its life.
type PodState string

// The states of a pod. A terminating one takes no new requests and goes when it has completed those that it has.
const (
	PodStarting    PodState = "starting"
	PodReady       PodState = "ready"
	PodTerminating PodState = "terminating"
)

// instant is the time, in seconds, that counts as none: what rounding leaves over of a stage of service.
const instant = 1e-6

// stage is the part of its service that a request is in.
type stage int

const (
	prefill    stage = iota // one unit of work: the whole prefill
	firstToken              // one unit: the first output token
	decode                  // a unit for every further output token
)

// request is one request on its way through a gateway and a server. Times are in seconds since the fleet's start.
type request struct {
	Lengths
	arrived    float64 // at the gateway
	dispatched float64 // to the server
	first      float64 // when the first token came
	cut        bool    // finishes for its length

	stage   stage
	left    float64 // units of work left in the stage
	decoded int     // whole tokens of the decode stage so far

	share, prefillExtra, decodeExtra float64 // see Profile
	blocks                           int     // of cache, for the whole length
}

// perUnit is the time of one unit of work in the present stage.
func (q *request) perUnit(iteration float64) float64 {
	if q.stage == prefill {
		return iteration + q.prefillExtra
	}
	return iteration + q.decodeExtra
}

// generated is the number of output tokens so far.
func (q *request) generated() int {
	if q.stage == decode {
		return 1 + q.decoded
	}
	return 0
}

// replica is one pod with a model server in it.
type replica struct {
	pod     string
	variant *variant
	state   PodState
	readyAt float64

	now       float64 // how far the requests in service have been brought
	iteration float64 // the time of one iteration with what is in service
	next      float64 // when a stage of a request in service ends
	running   []*request
	waiting   []*request
	reserved  int // blocks of cache
	metrics   ServerMetrics
}

// load is the number of requests in the server.
func (r *replica) load() int {
	return len(r.running) + len(r.waiting)
}

// fits is whether a request could join the batch at once.
func (r *replica) fits(q *request) bool {
	return len(r.running) < r.variant.Profile.MaxBatch && r.reserved+blocksFor(q.Input+q.Output, r.variant.BlockSize) <= r.variant.Blocks
}

// accepts is whether the gateway may dispatch a request to the server.
func (r *replica) accepts(q *request) bool {
	if r.state != PodReady {
		return false
	}
	return len(r.waiting) < r.variant.model.ReplicaQueue || len(r.waiting) == 0 && r.fits(q)
}

// enqueue hands a request to the server.
func (r *replica) enqueue(q *request, now float64) {
	r.advance(now)
	p := r.variant.Profile
	q.dispatched = now
	q.share, q.prefillExtra, q.decodeExtra = p.share(q.Lengths), p.prefillExtra(q.Lengths), p.decodeExtra(q.Lengths)
	q.blocks = blocksFor(q.Input+q.Output, r.variant.BlockSize)
	r.waiting = append(r.waiting, q)
	r.schedule()
}

// schedule lets waiting requests join the batch in order while there is room, and works out when the next stage ends.
func (r *replica) schedule() {
	for len(r.waiting) > 0 && r.fits(r.waiting[0]) {
		q := r.waiting[0]
		r.waiting = r.waiting[1:]
		r.reserved += q.blocks
		q.stage, q.left = prefill, 1
		r.running = append(r.running, q)
		r.metrics.PrefixCacheQueries += float64(q.Input)
	}
	r.iteration = r.variant.Profile.Alpha
	for _, q := range r.running {
		r.iteration += q.share
	}
	r.next = math.Inf(1)
	for _, q := range r.running {
		r.next = min(r.next, r.now+q.left*q.perUnit(r.iteration))
	}
}

// advance lets the batch work until now, which must not lie behind next: within this time its composition is constant.
func (r *replica) advance(now float64) {
	elapsed := now - r.now
	r.now = now
	if elapsed <= 0 {
		return
	}
	for _, q := range r.running {
		perUnit := q.perUnit(r.iteration)
		q.left = max(0, q.left-elapsed/perUnit)
		if q.left*perUnit < instant {
			q.left = 0
		}
		if q.stage == decode {
			r.countTokens(q, perUnit)
		}
	}
}

// countTokens counts the whole tokens that a request in its decode stage has got since the last time.
func (r *replica) countTokens(q *request, perToken float64) {
	decoded := int(float64(q.Output-1) - q.left)
	if decoded > q.decoded {
		fresh := decoded - q.decoded
		q.decoded = decoded
		r.metrics.GenerationTokens += float64(fresh)
		r.metrics.InterTokenLatency.observe(perToken, uint64(fresh))
	}
}

// finishStages moves every request whose stage has ended to the next, and returns those that had their first token or are done.
func (r *replica) finishStages() (first, done []*request) {
	kept := r.running[:0]
	for _, q := range r.running {
		switch {
		case q.left > 0 || q.stage == decode:
		case q.stage == prefill:
			q.stage, q.left = firstToken, 1
		default:
			q.stage, q.left, q.first = decode, float64(q.Output-1), r.now
			r.metrics.observeFirstToken(q)
			first = append(first, q)
		}
		if q.stage == decode && q.left == 0 {
			r.reserved -= q.blocks
			r.metrics.observeDone(q, r.now)
			done = append(done, q)
			continue
		}
		kept = append(kept, q)
	}
	clear(r.running[len(kept):])
	r.running = kept
	r.schedule()
	return first, done
}

// cacheUsage is the share of the key-value cache that holds tokens.
func (r *replica) cacheUsage() float64 {
	used := 0
	for _, q := range r.running {
		used += blocksFor(q.Input+q.generated(), r.variant.BlockSize)
	}
	return float64(used) / float64(r.variant.Blocks)
}
