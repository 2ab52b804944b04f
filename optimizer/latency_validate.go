package optimizer

import "fmt"

// Limits on what is taken for a model server. They are far outside of what
// there is and keep all times and rates finite.
const (
	minAlpha  = 1e-9 // seconds
	maxTime   = 1e6  // seconds
	maxTokens = 1e9
	maxBatch  = 1 << 16
	maxQueue  = 1 << 20
)

func (p *Profile) validate() error {
	if !(p.Alpha >= minAlpha && p.Alpha <= maxTime) {
		return &FieldError{"profile.alpha", fmt.Sprintf("%g s is not within %g and %g: no iteration takes that long", p.Alpha, minAlpha, maxTime)}
	}
	if !(p.Beta >= 0 && p.Beta <= maxTime) {
		return &FieldError{"profile.beta", fmt.Sprintf("%g s is not within 0 and %g", p.Beta, maxTime)}
	}
	if !(p.Gamma >= 0 && p.Gamma <= maxTime) {
		return &FieldError{"profile.gamma", fmt.Sprintf("%g s is not within 0 and %g", p.Gamma, maxTime)}
	}
	if p.MaxBatch < 1 || p.MaxBatch > maxBatch {
		return &FieldError{"profile.max_batch", fmt.Sprintf("%d is not within 1 and %d", p.MaxBatch, maxBatch)}
	}
	if p.MaxQueue < 0 || p.MaxQueue > maxQueue {
		return &FieldError{"profile.max_queue", fmt.Sprintf("%d is not within 0 and %d", p.MaxQueue, maxQueue)}
	}
	return nil
}

func (l *Lengths) validate() error {
	if !(l.Input >= 0 && l.Input <= maxTokens) {
		return &FieldError{"input_tokens", fmt.Sprintf("%g is not within 0 and %g", l.Input, maxTokens)}
	}
	if !(l.Output >= 1 && l.Output <= maxTokens) {
		return &FieldError{"output_tokens", fmt.Sprintf("%g is not within 1 and %g", l.Output, maxTokens)}
	}
	return nil
}

func (s *SLO) validate() error {
	if !(s.TTFT >= 0 && s.TTFT <= maxNumber) {
		return &FieldError{"slo.ttft", fmt.Sprintf("%g s is not within 0 and %g", s.TTFT, maxNumber)}
	}
	if !(s.ITL >= 0 && s.ITL <= maxNumber) {
		return &FieldError{"slo.itl", fmt.Sprintf("%g s is not within 0 and %g", s.ITL, maxNumber)}
	}
	if !(s.Quantile >= 0 && s.Quantile < 1) {
		return &FieldError{"slo.quantile", fmt.Sprintf("%g is not within 0 (the mean) and 1", s.Quantile)}
	}
	return nil
}
