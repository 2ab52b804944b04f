package latency

import (
	"fmt"
	"math"
)

// Binding is what keeps a replica from serving more.
type Binding string

// What can bind. A server is saturated if no target binds before its batch is
// always full.
const (
	BindingTTFT       Binding = "ttft"
	BindingITL        Binding = "itl"
	BindingSaturation Binding = "saturation"
)

// Capacity is the largest rate that keeps an SLO.
type Capacity struct {
	// Rate is in requests per second and replica; 0 if no load keeps it.
	Rate float64
	// Binding is what a higher rate would break.
	Binding Binding
	// Unreachable is set if no load keeps the SLO.
	Unreachable *Unreachable
}

// Unreachable is a target below what even an idle server delivers, in seconds.
type Unreachable struct {
	// Target is the target, BindingTTFT or BindingITL.
	Target Binding
	// Want is the target's value, Prefill and Decode the two steps of a
	// request alone in the server.
	Want, Prefill, Decode float64
}

// String gives the arithmetic.
func (u *Unreachable) String() string {
	if u.Target == BindingITL {
		return fmt.Sprintf("itl %.4g s is below the idle latency: one decode step takes %.4g s", u.Want, u.Decode)
	}
	return fmt.Sprintf("ttft %.4g s is below the idle latency: prefill %.4g s + one decode step %.4g s = %.4g s",
		u.Want, u.Prefill, u.Decode, u.Prefill+u.Decode)
}

// precision is that of a capacity, as a share of it.
const precision = 1e-6

// Capacity returns the largest rate at which the SLO is kept, found to six
// digits. It does not exceed 0.999 MaxRate.
//
// A search between two rates is sound because latencies grow with the rate:
// iterations become longer, and in the chain the weight of n grows with the
// rate the more, the larger n is, so that its distribution, also seen by
// arrivals that are let in, grows in the likelihood ratio order; wait, prefill
// and decode step grow with the number found, and hence every quantile and
// mean of theirs, and the share turned away. Of the published means only ITL
// is no mean over states: with a batch of one or two it can fall again near
// saturation, and then the rate returned still keeps the SLO. Requests turned
// away count as misses of a TTFT quantile.
func (s *Server) Capacity(slo SLO) (Capacity, error) {
	if err := slo.validate(); err != nil {
		return Capacity{}, err
	}
	if slo.TTFT == 0 && slo.ITL == 0 {
		return Capacity{Rate: stability * s.MaxRate(), Binding: BindingSaturation}, nil
	}
	excess := s.excess(slo)
	low, high := 0.0, stability*s.MaxRate()
	above, binding := excess(high)
	if above <= 0 {
		return Capacity{Rate: high, Binding: BindingSaturation}, nil
	}
	below, target := excess(low)
	if below > 0 {
		return Capacity{Binding: target, Unreachable: s.unreachable(slo, target)}, nil
	}
	b := bracket{low: low, high: high, below: below, above: above}
	for b.high-b.low > precision*b.high && b.high > 1e-15*s.MaxRate() {
		rate := b.next()
		over, what := excess(rate)
		if over > 0 {
			binding = what
		}
		b.narrow(rate, over)
	}
	return Capacity{Rate: b.low, Binding: binding}, nil
}

// excess returns a function that says by how much a rate exceeds an SLO, and
// which target: as a share of a target, or in the logarithm of the share that
// misses it, which is nearly a straight line and so found in a few steps. It is
// not above zero where the SLO is kept.
func (s *Server) excess(slo SLO) func(rate float64) (float64, Binding) {
	if slo.Quantile > 0 {
		w := newSpread(s)
		first, among := w.firstLater(slo.TTFT), w.lateAmong(slo.ITL)
		return func(rate float64) (float64, Binding) {
			w.solve(rate)
			ttft, itl := math.Inf(-1), math.Inf(-1)
			if slo.TTFT > 0 {
				ttft = times(w.missed(first()), 1-slo.Quantile)
			}
			if slo.ITL > 0 {
				itl = times(w.chain.meanAt(among), 1-slo.Quantile)
			}
			return worse(ttft, itl)
		}
	}
	means := s.meansOf()
	return func(rate float64) (float64, Binding) {
		mean := means(rate)
		ttft, itl := -1.0, -1.0
		if slo.TTFT > 0 {
			ttft = mean.TTFT/slo.TTFT - 1
		}
		if slo.ITL > 0 {
			itl = mean.ITL/slo.ITL - 1
		}
		return worse(ttft, itl)
	}
}

// missed is the share of requests that are turned away, or late, of those let in.
func (w *spread) missed(late float64) float64 {
	return (late*w.chain.accepted() + w.chain.full) / (w.chain.accepted() + w.chain.full)
}

// times is the logarithm of a share over what is allowed.
func times(share, allowed float64) float64 {
	const none = 1e-12
	return math.Log(max(share, none) / allowed)
}

func worse(ttft, itl float64) (float64, Binding) {
	if ttft >= itl {
		return ttft, BindingTTFT
	}
	return itl, BindingITL
}

// unreachable explains the target that an idle server does not keep.
func (s *Server) unreachable(slo SLO, target Binding) *Unreachable {
	u := &Unreachable{Target: target, Want: slo.TTFT}
	if target == BindingITL {
		u.Want = slo.ITL
	}
	if slo.Quantile == 0 {
		mean := s.Means(0)
		u.Prefill, u.Decode = mean.Prefill, mean.ITL
		return u
	}
	w := newSpread(s)
	w.solve(0)
	u.Decode = s.kinds.decode(1)
	if target == BindingITL {
		u.Decode = w.itlQuantile(slo.Quantile)
	}
	u.Prefill = max(0, w.ttftQuantile(slo.Quantile)-u.Decode)
	return u
}

// bracket encloses the root of a rising function.
type bracket struct {
	low, high    float64
	below, above float64 // the function there
	stayed       int     // steps that the high end stayed, or as a negative number the low end
	slow         int     // steps since the bracket was last halved
	width        float64 // then
}

// next is where to look: where a straight line crosses zero, after Illinois'
// rule, and in the middle if that is slow.
func (b *bracket) next() float64 {
	middle := b.low + (b.high-b.low)/2
	if b.slow > 2 {
		return middle
	}
	below, above := b.below, b.above
	if b.stayed > 1 {
		above /= 2
	}
	if b.stayed < -1 {
		below /= 2
	}
	x := b.low + (b.high-b.low)*below/(below-above)
	edge := precision / 4 * b.high
	if !(x > b.low && x < b.high) {
		return middle
	}
	return min(max(x, b.low+edge), b.high-edge)
}

// narrow keeps the part that has the root.
func (b *bracket) narrow(x, value float64) {
	if value > 0 {
		b.high, b.above = x, value
		b.stayed = min(b.stayed, 0) - 1
	} else {
		b.low, b.below = x, value
		b.stayed = max(b.stayed, 0) + 1
	}
	if b.width == 0 || b.high-b.low < b.width/2 {
		b.width, b.slow = b.high-b.low, 0
		return
	}
	b.slow++
}
