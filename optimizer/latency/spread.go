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
	beside  []place    // of the numbers in service, at n-1
	decodes []float64  // of them, at n-1
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
	w.beside, w.decodes = make([]place, s.batch()), make([]float64, s.batch())
	for i := range w.beside {
		n := float64(i + 1)
		w.beside[i], w.decodes[i] = w.placeOf(n), w.decoding(n)
	}
	for i := range w.full {
		late := 1 - (float64(i)+0.5)/float64(len(w.full))
		w.full[i] = atLeast(late, w.mixes[nodes-1].later, roughly)
	}
	return w
}

// fill chooses the bins of prompt tokens: a quarter of a prompt and an eighth
// of the token budget at most, unless long prompts, or so many as wait in a full
// batch, need wider ones.
func (w *spread) fill() {
	k := &w.server.kinds
	if k.input == 0 {
		w.prompts.fill([atoms]float64{}, 1, 0)
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
	w.prompts.fill(k.lengths(), unit, w.server.maxRate*longest)
}

// place is where a number in service lies among the nodes: how far from one to
// the next.
type place struct {
	below int
	part  float64
}

func (w *spread) placeOf(n float64) place {
	last := w.node[nodes-1]
	if last <= 1 {
		return place{}
	}
	below := min(int((nodes-1)*math.Sqrt((n-1)/(last-1))), nodes-2)
	return place{below, (n - w.node[below]) / (w.node[below+1] - w.node[below])}
}

// lateTokens is the share of the output tokens that come later than a target
// after the one before.
//
// Tokens come from a batch of n in proportion to n/(service time with n) =
// mu(n), and in balance mu(n) p(n) = rate p(n-1): a token is made among n as
// often as an arrival finds n-1.
func (w *spread) lateTokens(target float64) float64 { return w.chain.meanAt(w.lateAmong(target)) }

// lateAmong is the share of late tokens among n in service, at n-1. It does not
// depend on the rate.
//
// How many tokens are in the cache varies also with whose they are: by
// contextCV/sqrt(n), which stands here for a normal distribution in three
// points.
func (w *spread) lateAmong(target float64) []float64 {
	cv := w.server.kinds.contextCV
	late := make([]float64, w.server.batch())
	if cv*w.server.kinds.gamma == 0 && cv*w.server.kinds.chunkGamma == 0 {
		w.lateWith(target, 0, 1, late)
		return late
	}
	w.lateWith(target, 0, 2.0/3, late)
	w.lateWith(target, cv*math.Sqrt(3), 1.0/6, late)
	w.lateWith(target, -cv*math.Sqrt(3), 1.0/6, late)
	return late
}

// lateWith adds the shares of late tokens if requests have more in the cache
// than on average, times a weight.
func (w *spread) lateWith(target, more, weight float64, late []float64) {
	// Longer iterations are late with fewer in service.
	next := len(late) + 1
	for j := range bins {
		if !w.happens(j) {
			continue
		}
		first := 1 + sort.Search(next-1, func(x int) bool { return w.time(1+x, j, more) > target })
		for n := first; n < next; n++ {
			at := w.beside[n-1]
			late[n-1] += weight * ((1-at.part)*w.mixes[at.below].longer[j] + at.part*w.mixes[at.below+1].longer[j])
		}
		next = first
	}
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
func (w *spread) time(n, j int, more float64) float64 {
	k, d := &w.server.kinds, w.decodes[n-1]
	cached := d * k.context * max(0, 1+more/math.Sqrt(d))
	if j == 0 {
		return k.plain(d, cached)
	}
	return k.with(d, cached, min(float64(j)*w.prompts.unit, k.room(d)))
}

// lateFirst is the share of the requests let in whose first token comes later
// than a target.
func (w *spread) lateFirst(target float64) float64 { return w.firstLater(target)() }

// firstLater is lateFirst of a target, ready to be asked at several rates.
func (w *spread) firstLater(target float64) func() float64 {
	if w.server.kinds.input == 0 {
		return func() float64 { return w.lateDecode(target) }
	}
	f := w.firstTokens(target)
	return func() float64 { return f.late(w) }
}

// firstTokens are the shares of the requests whose first token comes later than
// a target, by what they find. They do not depend on the rate.
type firstTokens struct {
	target float64
	among  []float64 // with n others in service, at n
	most   float64   // in a full batch
}

func (w *spread) firstTokens(target float64) *firstTokens {
	f := &firstTokens{target: target, among: make([]float64, w.server.batch()), most: w.lateAlone(target)}
	f.among[0] = f.most
	var late [nodes]float64
	for i := range w.mixes {
		// More in service are not faster: what bins and the continuation of
		// their tail say otherwise is their error, and a search needs it gone.
		f.most = max(f.most, w.mixes[i].later(target))
		late[i] = f.most
	}
	for n := 1; n < len(f.among); n++ {
		at := w.beside[n-1]
		f.among[n] = (1-at.part)*late[at.below] + at.part*late[at.below+1]
	}
	return f
}

// late is the share of the requests let in.
func (f *firstTokens) late(w *spread) float64 {
	o, late := &w.chain, 0.0
	for n, found := range o.head[:o.batch()] {
		late += found * f.among[n]
	}
	return (late + w.lateQueued(f.target, f.most)) / o.accepted()
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

func (w *spread) itlQuantile(q float64) float64 { return atLeast(1-q, w.lateTokens, exactly) }

func (w *spread) ttftQuantile(q float64) float64 { return atLeast(1-q, w.lateFirst, exactly) }
