package latency

import "fmt"

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

// Capacity returns the largest rate at which the SLO is kept, found to ten
// digits. It does not exceed 0.999 MaxRate.
//
// Bisection is sound because latencies grow with the rate. In the chain the
// weight of n is proportional to rate^n, so that its distribution, also seen
// by arrivals that are let in, grows with the rate in the likelihood ratio
// order; wait, prefill and decode step grow with the number found, and hence
// every quantile and mean of theirs, and the share turned away. Of the
// published means only ITL is no mean over states: with a batch of one or two
// it can fall again near saturation, and then the rate returned still keeps
// the SLO. Requests turned away count as misses of a TTFT quantile.
func (s *Server) Capacity(slo SLO) (Capacity, error) {
	if err := slo.validate(); err != nil {
		return Capacity{}, err
	}
	var o occupancy
	broken := func(rate float64) Binding {
		o.solve(s, rate)
		return s.broken(&o, slo)
	}
	low, high := 0.0, stability*s.MaxRate()
	binding := broken(high)
	if binding == "" {
		return Capacity{Rate: high, Binding: BindingSaturation}, nil
	}
	if target := broken(low); target != "" {
		return Capacity{Binding: target, Unreachable: s.unreachable(&o, slo, target)}, nil
	}
	for high-low > 1e-10*high && high > 1e-15*s.MaxRate() {
		middle := low + (high-low)/2
		if target := broken(middle); target != "" {
			high, binding = middle, target
		} else {
			low = middle
		}
	}
	return Capacity{Rate: low, Binding: binding}, nil
}

// broken is a target that is not kept, or nothing.
func (s *Server) broken(o *occupancy, slo SLO) Binding {
	if slo.Quantile > 0 {
		switch {
		case slo.TTFT > 0 && !s.keepsTTFT(o, slo.TTFT, slo.Quantile):
			return BindingTTFT
		case slo.ITL > 0 && !s.keepsITL(o, slo.ITL, slo.Quantile):
			return BindingITL
		}
		return ""
	}
	mean := s.means(o)
	switch {
	case slo.TTFT > 0 && mean.TTFT > slo.TTFT:
		return BindingTTFT
	case slo.ITL > 0 && mean.ITL > slo.ITL:
		return BindingITL
	}
	return ""
}

// unreachable explains the target that an idle server does not keep.
func (s *Server) unreachable(o *occupancy, slo SLO, target Binding) *Unreachable {
	u := &Unreachable{Target: target, Want: slo.TTFT, Prefill: s.Prefill(1), Decode: s.Decode(1)}
	if target == BindingITL {
		u.Want = slo.ITL
	}
	if slo.Quantile == 0 {
		mean := s.means(o)
		u.Prefill, u.Decode = mean.Prefill, mean.ITL
	}
	return u
}
