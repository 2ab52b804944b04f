package latency

import (
	"fmt"

	"github.com/variant-exporter/variant-exporter/optimizer/internal/strictjson"
)

// Limits on times and lengths. They are far beyond those of any server and keep
// all times and rates finite.
const (
	// MinTime is the shortest time of an iteration, in seconds.
	MinTime = 1e-9
	// MaxTime is the longest time of an iteration or a token, in seconds.
	MaxTime = 1e6
	// MaxTokens is the largest mean number of tokens.
	MaxTokens = 1e9

	maxBatch = 1 << 16
	maxQueue = 1 << 20
	// MaxCV is the largest coefficient of variation of lengths.
	MaxCV = 20
	// maxBatchTokens is the largest token budget.
	maxBatchTokens = 1 << 30
	maxNumber      = 1e18
)

// FieldError is a mistake in a profile, an SLO or a question: the path to a
// field, such as profile.alpha, and the reason.
type FieldError = strictjson.FieldError

func (p *Profile) validate() error {
	if !(p.Alpha >= MinTime && p.Alpha <= MaxTime) {
		return &FieldError{Path: "profile.alpha", Reason: fmt.Sprintf("%g s is not between %g and %g: no iteration takes that long", p.Alpha, MinTime, MaxTime)}
	}
	if !(p.Beta >= 0 && p.Beta <= MaxTime) {
		return &FieldError{Path: "profile.beta", Reason: fmt.Sprintf("%g s is not between 0 and %g", p.Beta, MaxTime)}
	}
	if !(p.Gamma >= 0 && p.Gamma <= MaxTime) {
		return &FieldError{Path: "profile.gamma", Reason: fmt.Sprintf("%g s is not between 0 and %g", p.Gamma, MaxTime)}
	}
	if p.MaxBatch < 1 || p.MaxBatch > maxBatch {
		return &FieldError{Path: "profile.max_batch", Reason: fmt.Sprintf("%d is not between 1 and %d", p.MaxBatch, maxBatch)}
	}
	if p.MaxQueue < 0 || p.MaxQueue > maxQueue {
		return &FieldError{Path: "profile.max_queue", Reason: fmt.Sprintf("%d is not between 0 and %d", p.MaxQueue, maxQueue)}
	}
	if !(p.KVTokens >= 0 && p.KVTokens <= maxNumber) {
		return &FieldError{Path: "profile.kv_tokens", Reason: fmt.Sprintf("%g is not between 1 and %g", p.KVTokens, maxNumber)}
	}
	return p.validateChunk()
}

// validateChunk checks what iterations with a chunk of a prompt need.
func (p *Profile) validateChunk() error {
	for _, c := range []struct {
		name  string
		value float64
	}{{"alpha", p.Chunk.Alpha}, {"beta", p.Chunk.Beta}, {"gamma", p.Chunk.Gamma}, {"attention", p.Chunk.Attention}, {"longest", p.Chunk.Longest}} {
		if !(c.value >= 0 && c.value <= MaxTime) {
			return &FieldError{Path: "profile.chunk." + c.name, Reason: fmt.Sprintf("%g s is not between 0 and %g", c.value, MaxTime)}
		}
	}
	switch {
	case p.MaxBatchTokens == 0:
		return nil
	case p.MaxBatchTokens < 0 || p.MaxBatchTokens > maxBatchTokens:
		return &FieldError{Path: "profile.max_batch_tokens", Reason: fmt.Sprintf("%d is not between 1 and %d", p.MaxBatchTokens, maxBatchTokens)}
	case p.MaxBatchTokens < p.MaxBatch:
		return &FieldError{Path: "profile.max_batch_tokens", Reason: fmt.Sprintf(
			"%d is less than max_batch %d: one token of each request that decodes would not fit in an iteration", p.MaxBatchTokens, p.MaxBatch)}
	}
	return nil
}

// Validate returns a *FieldError if a length is out of range.
func (l Lengths) Validate() error {
	if !(l.Input >= 0 && l.Input <= MaxTokens) {
		return &FieldError{Path: "input_tokens", Reason: fmt.Sprintf("%g is not between 0 and %g", l.Input, MaxTokens)}
	}
	if !(l.Output >= 1 && l.Output <= MaxTokens) {
		return &FieldError{Path: "output_tokens", Reason: fmt.Sprintf("%g is not between 1 and %g", l.Output, MaxTokens)}
	}
	for _, c := range []struct {
		path     string
		cv, mean float64
	}{{"input_tokens", l.InputCV, l.Input}, {"output_tokens", l.OutputCV, l.Output}} {
		if !(c.cv >= 0 && c.cv <= MaxCV) {
			return &FieldError{Path: c.path + ".cv", Reason: fmt.Sprintf(
				"%g is not between 0 and %d: at a mean of %g tokens the standard deviation would be %g", c.cv, MaxCV, c.mean, c.cv*c.mean)}
		}
	}
	switch {
	case l.Input == 0 && l.InputCV > 0:
		return &FieldError{Path: "input_tokens.cv", Reason: fmt.Sprintf("%g: lengths with a mean of 0 are all 0 and do not vary", l.InputCV)}
	case l.Output == 1 && l.OutputCV > 0:
		return &FieldError{Path: "output_tokens.cv", Reason: fmt.Sprintf("%g: lengths of at least 1 with a mean of 1 are all 1 and do not vary", l.OutputCV)}
	}
	return nil
}

func (s *SLO) validate() error {
	if !(s.TTFT >= 0 && s.TTFT <= maxNumber) {
		return &FieldError{Path: "slo.ttft", Reason: fmt.Sprintf("%g s is not between 0 and %g", s.TTFT, maxNumber)}
	}
	if !(s.ITL >= 0 && s.ITL <= maxNumber) {
		return &FieldError{Path: "slo.itl", Reason: fmt.Sprintf("%g s is not between 0 and %g", s.ITL, maxNumber)}
	}
	if !(s.Quantile >= 0 && s.Quantile < 1) {
		return &FieldError{Path: "slo.quantile", Reason: fmt.Sprintf("%g is not between 0 (the mean) and 1", s.Quantile)}
	}
	return nil
}
