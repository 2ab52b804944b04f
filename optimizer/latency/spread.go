package latency

import (
	"math"
	"sort"
)

// nodes are the numbers in service that the mixture is solved at. They span
// those that a server has; between them it is interpolated.
const nodes = 5

// spread is how latencies are spread at a load.
type spread struct {
	load
	prompts prompts
	at      [nodes]float64 // rising
	mixes   [nodes]mixture
}

func newSpread(s *Server) *spread {
	w := &spread{load: *newLoad(s)}
	w.fill()
	return w
}

// fill chooses the bins of prompt tokens: a quarter of a prompt and an eighth
// of the token budget at most, unless so many wait at the largest rate that
// they need wider ones.
func (w *spread) fill() {
	k := &w.server.kinds
	if k.input == 0 {
		w.prompts.fill(0, 0, 1, 0)
		return
	}
	batch := float64(w.server.batch())
	joined := w.server.maxRate * k.means(batch, w.server.maxRate).step
	cv := w.server.inputCV
	most := k.input * (joined + 4*math.Sqrt(joined*(1+cv*cv)) + 1 + 2*cv)
	unit := max(min(k.input/4, k.budget/8), min(most, 8*k.budget)/bins)
	if unit < k.input {
		unit = k.input / math.Ceil(k.input/unit) // a whole number of bins
	}
	longest := k.mixed(batch, min(k.budget, bins*unit))
	w.prompts.fill(k.input, cv, unit, w.server.maxRate*longest)
}

// solve finds the state at a rate.
func (w *spread) solve(rate float64) {
	w.load.solve(rate)
	w.place()
	for i := range w.mixes {
		w.mixes[i].solve(&w.server.kinds, &w.prompts, w.decoding(w.at[i]), w.rate)
	}
}

// outside is the share of the arrivals on each side of the nodes.
const outside = 1e-3

// place spreads the nodes over the numbers in service that arrivals find.
func (w *spread) place() {
	o := &w.chain
	all, sum := o.accepted(), 0.0
	batch := o.batch()
	low, high := float64(batch), float64(batch)
	for n, weight := range o.head[:batch] {
		next := sum + weight/all
		within := func(share float64) float64 { return float64(n) + (share-sum)/(next-sum) }
		if sum < outside && next >= outside {
			low = within(outside)
		}
		if sum < 1-outside && next >= 1-outside {
			high = within(1 - outside)
			break
		}
		sum = next
	}
	low, high = max(1, low), max(1, low, high)
	for i := range w.at {
		w.at[i] = low + (high-low)*float64(i)/(nodes-1)
	}
}

// beside returns the nodes on both sides of a number in service, and the share
// of the upper one.
func (w *spread) beside(n float64) (below int, part float64) {
	width := (w.at[nodes-1] - w.at[0]) / (nodes - 1)
	if width <= 0 || n <= w.at[0] {
		return 0, 0
	}
	x := min((n-w.at[0])/width, nodes-1)
	below = min(int(x), nodes-2)
	return below, x - float64(below)
}

// lateTokens is the share of the output tokens that come later than a target
// after the one before.
//
// Tokens come from a batch of n in proportion to n/(service time with n) =
// mu(n), and in balance mu(n) p(n) = rate p(n-1): a token is made among n as
// often as an arrival finds n-1.
func (w *spread) lateTokens(target float64) float64 {
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
		first := 1 + sort.Search(next-1, func(x int) bool { return w.time(float64(1+x), j) > target })
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
func (w *spread) time(n float64, j int) float64 {
	k, d := &w.server.kinds, w.decoding(n)
	if j == 0 {
		return k.decode(d)
	}
	return k.mixed(d, min(float64(j)*w.prompts.unit, k.room(d)))
}

// lateFirst is the share of the requests let in whose first token comes later
// than a target.
func (w *spread) lateFirst(target float64) float64 {
	o := &w.chain
	batch := o.batch()
	var weight [nodes]float64
	for n, found := range o.head[1:batch] {
		i, part := w.beside(float64(n + 1))
		weight[i] += found * (1 - part)
		weight[min(i+1, nodes-1)] += found * part
	}
	late := o.head[0] * w.lateAlone(target)
	for i := range weight {
		if weight[i] > negligible*o.accepted() {
			late += weight[i] * w.mixes[i].later(target)
		}
	}
	full := w.between(float64(batch), firstOf)
	return (late + o.longer((target-full)/w.period[batch-1])) / o.accepted()
}

// lateAlone is the share of the requests to an idle server whose first token
// comes later than a target.
func (w *spread) lateAlone(target float64) float64 {
	k, late := &w.server.kinds, 0.0
	if k.input == 0 && k.decode(1) > target {
		return 1
	}
	for j, share := range w.prompts.length {
		if share > 0 && k.input > 0 && k.decode(1)+k.prompt(0, float64(j)*w.prompts.unit) > target {
			late += share
		}
	}
	return late
}

func (w *spread) itlQuantile(q float64) float64 { return atLeast(1-q, w.lateTokens) }

func (w *spread) ttftQuantile(q float64) float64 { return atLeast(1-q, w.lateFirst) }
