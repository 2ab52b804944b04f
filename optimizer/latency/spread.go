package latency

import (
	"math"
	"sort"
)

// nodes are the numbers in service that the mixture is solved at; between them
// it is interpolated.
const nodes = 8

// spread is how latencies are spread at a load.
type spread struct {
	load
	prompts prompts
	node    [nodes]float64 // rising
	mixes   [nodes]mixture
	full    [3]float64 // times to the first token in a full batch, in the middle of equally likely thirds
}

func newSpread(s *Server) *spread {
	w := &spread{load: *newLoad(s)}
	w.fill()
	for i := range w.mixes {
		part := float64(i) / (nodes - 1)
		w.node[i] = 1 + float64(s.batch()-1)*part*part
		others := (w.node[i] - 1) / w.node[i] // of those in service: what meets the tokens of one is of these
		w.mixes[i].solve(&s.kinds, &w.prompts, w.decoding(w.node[i]), others*w.between(w.node[i], rateOf))
	}
	for i := range w.full {
		late := 1 - (float64(i)+0.5)/float64(len(w.full))
		w.full[i] = atLeast(late, w.mixes[nodes-1].later)
	}
	return w
}

// fill chooses the bins of prompt tokens: a quarter of a prompt and an eighth
// of the token budget at most, unless long prompts, or so many as wait in a full
// batch, need wider ones.
func (w *spread) fill() {
	k := &w.server.kinds
	if k.input == 0 {
		w.prompts.fill(0, 0, 1, 0)
		return
	}
	full := &w.means[knots-1]
	joined := full.rate * full.step
	most := k.input * (joined + 4*math.Sqrt(joined*(1+k.inputCV*k.inputCV)) + 1 + 2*k.inputCV)
	unit := max(min(k.input/4, k.budget/8), min(most, 8*k.budget)/bins, 3*k.input*(1+k.inputCV)/bins)
	if unit < k.input {
		unit = k.input / math.Ceil(k.input/unit) // a whole number of bins
	}
	longest := k.mixed(full.decoding, min(k.room(full.decoding), bins*unit))
	w.prompts.fill(k.input, k.inputCV, unit, w.server.maxRate*longest)
}

// beside returns the nodes on both sides of a number in service, and the share
// of the upper one.
func (w *spread) beside(n float64) (below int, part float64) {
	last := w.node[nodes-1]
	if last <= 1 {
		return 0, 0
	}
	below = min(int((nodes-1)*math.Sqrt((n-1)/(last-1))), nodes-2)
	return below, (n - w.node[below]) / (w.node[below+1] - w.node[below])
}

// lateTokens is the share of the output tokens that come later than a target
// after the one before.
//
// Tokens come from a batch of n in proportion to n/(service time with n) =
// mu(n), and in balance mu(n) p(n) = rate p(n-1): a token is made among n as
// often as an arrival finds n-1.
//
// How many tokens are in the cache varies also with whose they are: by
// contextCV/sqrt(n), which stands here for a normal distribution in three
// points.
func (w *spread) lateTokens(target float64) float64 {
	cv := w.server.kinds.contextCV
	if cv*w.server.kinds.gamma == 0 && cv*w.server.kinds.chunkGamma == 0 {
		return w.lateWith(target, 0)
	}
	return w.lateWith(target, 0)*2/3 + (w.lateWith(target, cv*math.Sqrt(3))+w.lateWith(target, -cv*math.Sqrt(3)))/6
}

// lateWith is the share of late tokens if requests have more in the cache than
// on average.
func (w *spread) lateWith(target, more float64) float64 {
	o := &w.chain
	batch := o.batch()
	// Of the numbers in service from which on a state is late, the weight by
	// nodes. Longer iterations are late with fewer in service.
	var weight [nodes]float64
	next, sum := batch+1, 0.0
	for j := range bins {
		if !w.happens(j) {
			continue
		}
		first := 1 + sort.Search(next-1, func(x int) bool { return w.time(float64(1+x), j, more) > target })
		for n := next - 1; n >= first; n-- {
			found := o.head[n-1]
			if n == batch {
				found += o.queued
			}
			i, part := w.beside(float64(n))
			weight[i] += found * (1 - part)
			weight[min(i+1, nodes-1)] += found * part
		}
		next = first
		for i := range w.mixes {
			sum += weight[i] * w.mixes[i].share[j]
		}
	}
	return sum / o.accepted()
}

// happens reports whether a state of the mixture has a share that counts.
func (w *spread) happens(j int) bool {
	for i := range w.mixes {
		if w.mixes[i].share[j] > negligible {
			return true
		}
	}
	return false
}

// time is that of an iteration with n in service, by the state.
func (w *spread) time(n float64, j int, more float64) float64 {
	k, d := &w.server.kinds, w.decoding(n)
	cached := d * k.context * max(0, 1+more/math.Sqrt(d))
	if j == 0 {
		return k.plain(d, cached)
	}
	return k.with(d, cached, min(float64(j)*w.prompts.unit, k.room(d)))
}

// lateFirst is the share of the requests let in whose first token comes later
// than a target.
func (w *spread) lateFirst(target float64) float64 {
	o := &w.chain
	batch := o.batch()
	if w.server.kinds.input == 0 {
		return w.lateDecode(target)
	}
	var weight [nodes]float64
	for n, found := range o.head[1:batch] {
		i, part := w.beside(float64(n + 1))
		weight[i] += found * (1 - part)
		weight[min(i+1, nodes-1)] += found * part
	}
	floor := w.lateAlone(target)
	late, left := o.head[0]*floor, o.accepted()-o.head[0]
	for i := range w.mixes {
		if left <= negligible*o.accepted() {
			break
		}
		// More in service are not faster: what bins and the continuation of
		// their tail say otherwise is their error, and a search needs it gone.
		floor = max(floor, w.mixes[i].later(target))
		late += weight[i] * floor
		left -= weight[i]
	}
	return (late + w.lateQueued(target, floor)) / o.accepted()
}

// lateQueued is the weight of the requests that find the batch full and whose
// first token comes later than a target; a share is late without waiting for a
// departure, the slowest first. It takes the time to the first token
// of a third from its middle, but a request that would be late without waiting
// for a departure is late with it: otherwise quantiles beyond the last middle
// would fall where the batch fills up.
func (w *spread) lateQueued(target, share float64) float64 {
	o, late := &w.chain, 0.0
	if o.queued <= negligible*o.accepted() {
		return 0
	}
	const third = 1.0 / float64(len(w.full))
	for i := len(w.full) - 1; i >= 0; i-- {
		anyway := min(share, third)
		share -= anyway
		late += anyway*o.queued + (third-anyway)*o.longer((target-w.full[i])/w.period[o.batch()-1])
	}
	return late
}

// lateAlone is the share of the requests to an idle server whose first token
// comes later than a target.
func (w *spread) lateAlone(target float64) float64 {
	k, late := &w.server.kinds, 0.0
	for _, tokens := range w.prompts.exact {
		if k.decode(1)+k.prompt(0, tokens) > target {
			late += 1.0 / atoms
		}
	}
	return late
}

// lateDecode is lateFirst of a server without prompts: an iteration with those
// found makes the first token.
func (w *spread) lateDecode(target float64) float64 {
	o := &w.chain
	late, batch := 0.0, o.batch()
	for n, found := range o.head[:batch] {
		if w.between(float64(n+1), stepOf) > target {
			late += found
		}
	}
	return (late + o.longer((target-w.between(float64(batch), stepOf))/w.period[batch-1])) / o.accepted()
}

func (w *spread) itlQuantile(q float64) float64 { return atLeast(1-q, w.lateTokens) }

func (w *spread) ttftQuantile(q float64) float64 { return atLeast(1-q, w.lateFirst) }
