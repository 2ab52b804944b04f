package latency

import "math"

// longest is the time in which the longest context of a batch is attended to
// during a chunk, by the number of requests that decode.
type longest struct {
	alone float64            // with one that decodes
	more  [doublings]float64 // with twice as many, and so on; nothing where it is 0
}

const doublings = 17 // up to the largest batch

// newLongest works it out for a time per token. Contexts are assumed to be
// lognormal, and the largest of d of them is at the quantile of G. Blom
// (Statistical Estimates and Transformed Beta-Variables, 1958).
func newLongest(perToken float64, l Lengths) (t longest) {
	if perToken == 0 {
		return t
	}
	cv := l.contextCV()
	sigma := math.Sqrt(math.Log1p(cv * cv))
	median := l.context() / math.Exp(sigma*sigma/2)
	for i := range t.more {
		d := float64(int(1) << i)
		above := math.Sqrt2 * math.Erfinv(2*(d-0.375)/(d+0.25)-1)
		t.more[i] = perToken * max(l.context(), median*math.Exp(sigma*above))
	}
	t.alone = t.more[0]
	return t
}

// of is the time while d requests decode. With less than one it is there for a
// part of the time.
func (t *longest) of(d float64) float64 {
	if t.alone == 0 || d <= 1 {
		return d * t.alone
	}
	at := min(math.Log2(d), doublings-1)
	low := min(int(at), doublings-2)
	return t.more[low] + (at-float64(low))*(t.more[low+1]-t.more[low])
}

// waited is how much longer the work of many cores takes because of one part
// that cannot be shared, if it is begun at any time while the others are busy:
// from the end of all to the end of that part, on average.
func waited(part, others float64) float64 {
	if part >= others {
		return part - others/2
	}
	return part * part / (2 * others)
}
