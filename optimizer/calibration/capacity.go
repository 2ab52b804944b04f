package calibration

import (
	"fmt"
	"math"

	"github.com/variant-exporter/variant-exporter/optimizer/latency"
)

// Capacity is the largest load at which a fitted profile keeps an SLO. Plan with
// the low ends of the intervals: a capacity that is too high costs more than one
// that is too low.
type Capacity struct {
	// Lengths are those of the question.
	Lengths latency.Lengths `json:"lengths"`
	// Rate is in requests per second and replica.
	Rate Estimate `json:"rate"`
	// Concurrency is the mean number of requests in service at that rate.
	Concurrency Estimate `json:"concurrency"`
	// Binding is what a higher rate would break.
	Binding latency.Binding `json:"binding"`
	// Reason is set if no load keeps the SLO, or if the observations do not
	// tell which one does, and says why.
	Reason string `json:"reason,omitempty"`
	// Reach is the concurrency up to which latency decides the answer: the
	// concurrency at which the target is reached or, if the target is for the
	// mean, Concurrency.
	Reach float64 `json:"reach"`
	// Extrapolated says that Reach is beyond what was observed.
	Extrapolated bool `json:"extrapolated"`
}

// CapacityQuestion asks for the capacity of a replica.
type CapacityQuestion struct {
	SLO      latency.SLO
	Lengths  latency.Lengths
	MaxBatch int
	MaxQueue int
	KVTokens float64 // the size of the cache; 0 without a bound
}

// Capacity returns the largest load at which the fitted profile keeps an SLO.
//
// The interval of the rate comes from that of the coefficients by the delta
// method, on the logarithm of the rate and for each target alone: the rate
// that keeps both targets is the smaller of the two, and so are the ends of
// its interval. If beta and gamma cannot be told apart, the interval spans both
// extremes of the split. The requests in service are those of the fitted
// profile at the rates.
//
// The interval is widened by the error at loads and lengths that were left out of
// the fit, and its low end lowered where latency bends upward at high load. It is
// of no load that was not seen.
func (c *Fitted) Capacity(q CapacityQuestion) (Capacity, error) {
	best, err := q.of(c.Profile(q.MaxBatch, q.MaxQueue))
	if err != nil {
		return Capacity{}, err
	}
	result := Capacity{Lengths: q.Lengths, Binding: best.Binding}
	if best.Unreachable != nil {
		result.Reason = best.Unreachable.String()
		return result, nil
	}
	if result.Rate, err = c.rates(&q, best.Rate); err != nil {
		return Capacity{}, err
	}
	if result.Rate.Low*widest < best.Rate || result.Rate.High > widest*best.Rate {
		result.Reason = fmt.Sprintf("the observations do not tell it: its interval is %.3g to %.3g requests per second", result.Rate.Low, result.Rate.High)
		result.Rate = Estimate{}
		return result, nil
	}
	fitted := c.Profile(q.MaxBatch, q.MaxQueue)
	fitted.KVTokens = q.KVTokens
	server, err := latency.NewServer(fitted, q.Lengths)
	if err != nil {
		return Capacity{}, err
	}
	inService := func(rate float64) float64 { return server.Means(rate).InService }
	result.Concurrency = Estimate{inService(best.Rate), inService(result.Rate.Low), inService(result.Rate.High)}
	result.Reach = c.reach(&q, &result)
	result.Extrapolated = result.Reach > trustedReach*c.Concurrency.Max
	if seen := trustedReach * c.Concurrency.Max; result.Concurrency.Low > seen {
		// Nothing was seen of such a load: plan with what was.
		result.Rate.Low = min(result.Rate.Low, server.RateOf(seen))
		result.Concurrency.Low = inService(result.Rate.Low)
	}
	return result, nil
}

// widest is how many times the best estimate an end of its interval may be off:
// beyond it, nothing is known of a capacity.
const widest = 1000

// spreadReach is how far the number in service goes beyond its mean in what
// decides a quantile.
const spreadReach = 1.3

// rates are the best rate and the ends of its interval: the smallest and the
// largest that noise, and errors at what was left out, make of it.
func (c *Fitted) rates(q *CapacityQuestion, best float64) (Estimate, error) {
	rates := Estimate{best, best, math.Inf(1)}
	if c.terms != nil {
		rates.High = best
	}
	for _, target := range q.targets() {
		if c.terms != nil {
			break
		}
		width := math.Exp(c.quantile * math.Sqrt(c.spread.along(target.slopes(c))))
		highest := 0.0
		for _, center := range c.extremes() {
			at, err := target.at(c, center)
			if err != nil {
				return Estimate{}, err
			}
			rates.Low = min(rates.Low, at.Rate/width)
			highest = max(highest, at.Rate*width)
		}
		rates.High = min(rates.High, highest)
	}
	off := c.HeldOut.worst()
	slowest := best
	for _, target := range q.targets() {
		bend := c.ITL.AtHighLoad
		if target.SLO.TTFT > 0 {
			bend = c.TTFT.AtHighLoad
		}
		slow, err := target.of(c.Profile(q.MaxBatch, q.MaxQueue).Scaled(1 + off + max(0, bend)))
		if err != nil {
			return Estimate{}, err
		}
		slowest = min(slowest, slow.Rate)
	}
	fast, err := q.of(c.Profile(q.MaxBatch, q.MaxQueue).Scaled(1 / (1 + off)))
	if err != nil {
		return Estimate{}, err
	}
	// Both errors are there at once.
	low := best * math.Exp(-math.Hypot(math.Log(best/rates.Low), math.Log(best/max(slowest, 1e-12*best))))
	return Estimate{best, low, max(best, rates.High*max(1, fast.Rate/best))}, nil
}

// reach is the concurrency at which the time between output tokens is that of
// a quantile's target, or the mean in service where something else binds.
func (c *Fitted) reach(q *CapacityQuestion, result *Capacity) float64 {
	if q.SLO.Quantile == 0 || result.Binding != latency.BindingITL {
		return result.Concurrency.Value
	}
	if c.terms != nil {
		return min(float64(q.MaxBatch), spreadReach*result.Concurrency.Value)
	}
	idle, _ := c.Latency(0, q.Lengths)
	one, _ := c.Latency(1, q.Lengths)
	most := float64(q.MaxBatch)
	if share := one.Value - idle.Value; share > 0 {
		most = min(most, (q.SLO.ITL-idle.Value)/share)
	}
	return max(most, result.Concurrency.Value)
}

// targets are questions for one target each.
func (q *CapacityQuestion) targets() []CapacityQuestion {
	var targets []CapacityQuestion
	if q.SLO.TTFT > 0 {
		one := *q
		one.SLO.ITL = 0
		targets = append(targets, one)
	}
	if q.SLO.ITL > 0 || len(targets) == 0 {
		one := *q
		one.SLO.TTFT = 0
		targets = append(targets, one)
	}
	return targets
}

// extremes are the profiles that fit equally well.
func (c *Fitted) extremes() []coefficients {
	fitted := []coefficients{c.coefficients()}
	if c.Separable {
		return fitted
	}
	return append(fitted, c.split())
}

// slopeStep is the step of a numerical derivative, in standard errors.
const slopeStep = 0.01

// slopes are the derivatives of the rate's logarithm by the coefficients.
func (q *CapacityQuestion) slopes(c *Fitted) coefficients {
	var slopes coefficients
	for j := range slopes {
		above, below := c.coefficients(), c.coefficients()
		step := slopeStep * math.Sqrt(c.spread[j][j])
		above[j] += step
		below[j] = max(below[j]-step, 0)
		if j == alpha {
			below[j] = max(below[j], latency.MinTime)
		}
		high, errHigh := q.at(c, above)
		low, errLow := q.at(c, below)
		if errHigh == nil && errLow == nil && high.Rate > 0 && low.Rate > 0 && above[j] > below[j] {
			slopes[j] = math.Log(high.Rate/low.Rate) / (above[j] - below[j])
		}
	}
	return slopes
}

// at is the capacity by coefficients.
func (q *CapacityQuestion) at(c *Fitted, by coefficients) (latency.Capacity, error) {
	p := by.profile(q.MaxBatch, q.MaxQueue)
	p.MaxBatchTokens = c.budget
	return q.of(p)
}

// of is the capacity of a profile.
func (q *CapacityQuestion) of(p latency.Profile) (latency.Capacity, error) {
	p.KVTokens = q.KVTokens
	server, err := latency.NewServer(p, q.Lengths)
	if err != nil {
		return latency.Capacity{}, err
	}
	return server.Capacity(q.SLO)
}
