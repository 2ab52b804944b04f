package latency

import "fmt"

// Sizing is a question about one replica: its latencies at a rate, the largest
// rate that keeps an SLO, or both: whether a rate keeps an SLO.
type Sizing struct {
	Profile Profile
	Lengths Lengths
	// Rate is the rate of arrivals, in requests per second; nil asks for the
	// largest one that keeps the SLO.
	Rate *float64
	// SLO may be nil if a rate is given.
	SLO *SLO
	// Quantile asks for the latencies that this share does not exceed; 0 asks
	// for means only. With an SLO it must be 0.
	Quantile float64
}

// SizingResult is the answer.
type SizingResult struct {
	// Means are those at the rate asked for or found.
	Means
	// TTFTQuantile and ITLQuantile are set if a quantile is asked for.
	TTFTQuantile float64 `json:"ttft_quantile,omitempty"`
	ITLQuantile  float64 `json:"itl_quantile,omitempty"`
	// Feasible is set if there is an SLO. It reports whether the rate, or any
	// rate, keeps it.
	Feasible *bool `json:"feasible,omitempty"`
	// Binding is set if there is an SLO. It is what a higher rate would break.
	Binding Binding `json:"binding,omitempty"`
	// Reason says why the answer is not feasible.
	Reason string `json:"reason,omitempty"`
}

// Size answers a question. Its errors are *FieldError.
func Size(q Sizing) (SizingResult, error) {
	if err := q.validate(); err != nil {
		return SizingResult{}, err
	}
	server, err := NewServer(q.Profile, q.Lengths)
	if err != nil {
		return SizingResult{}, err
	}
	var result SizingResult
	rate, quantile := 0.0, q.Quantile
	if q.Rate != nil {
		rate = *q.Rate
	}
	if q.SLO != nil {
		quantile = q.SLO.Quantile
		if rate, err = result.judge(server, q); err != nil {
			return SizingResult{}, err
		}
	}
	result.Means = server.Means(rate)
	if quantile > 0 {
		w := newSpread(server)
		w.solve(rate)
		result.TTFTQuantile = w.ttftQuantile(quantile)
		result.ITLQuantile = w.itlQuantile(quantile)
	}
	return result, nil
}

// judge compares a server with the SLO and returns the rate to show latencies
// at.
func (r *SizingResult) judge(server *Server, q Sizing) (rate float64, err error) {
	capacity, err := server.Capacity(*q.SLO)
	if err != nil {
		return 0, err
	}
	rate = capacity.Rate
	feasible := capacity.Unreachable == nil
	r.Binding = capacity.Binding
	if !feasible {
		r.Reason = capacity.Unreachable.String()
	}
	if q.Rate != nil {
		if feasible && *q.Rate > rate {
			feasible = false
			r.Reason = fmt.Sprintf("%s: %.4g requests per second at most", r.Binding, rate)
		}
		rate = *q.Rate
	}
	r.Feasible = &feasible
	return rate, nil
}

func (q *Sizing) validate() error {
	if err := q.Profile.validate(); err != nil {
		return err
	}
	if err := q.Lengths.Validate(); err != nil {
		return err
	}
	if q.SLO != nil {
		if err := q.SLO.validate(); err != nil {
			return err
		}
	}
	return q.asks()
}

// asks refuses what is not a question.
func (q *Sizing) asks() error {
	if q.Rate != nil && !(*q.Rate >= 0 && *q.Rate <= maxNumber) {
		return &FieldError{Path: "rate", Reason: fmt.Sprintf("%g is not between 0 and %g", *q.Rate, float64(maxNumber))}
	}
	if !(q.Quantile >= 0 && q.Quantile < 1) {
		return &FieldError{Path: "quantile", Reason: fmt.Sprintf("%g is not between 0 (means alone) and 1", q.Quantile)}
	}
	switch {
	case q.SLO == nil && q.Rate == nil:
		return &FieldError{Path: "rate", Reason: "is missing: set rate, slo or both"}
	case q.SLO != nil && q.Quantile != 0:
		return &FieldError{Path: "quantile", Reason: "must be inside slo"}
	case q.SLO != nil && q.Rate == nil && q.SLO.TTFT == 0 && q.SLO.ITL == 0:
		return &FieldError{Path: "slo", Reason: "has no target: ttft or itl"}
	}
	return nil
}
