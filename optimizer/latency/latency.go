// Package latency predicts the latencies of a continuously batching model
// server with a queueing model, and the largest rate of requests that keeps an
// SLO. It takes a [Profile] of the server and the [Lengths] of the requests; a
// [Server] made from them gives the [Means], quantiles and [Capacity]. [Size]
// answers the same questions for the command size.
//
// It is pure and needs nothing but the standard library. docs/latency.md says
// where the model comes from, what it leaves out, and how far it is off.
package latency

import (
	"fmt"
	"math"
)

// Profile is how fast a continuously batching model server is: the
// coefficients of its iteration time and how many requests it takes in.
//
// With n requests of i input and o output tokens in service
//
//	T(n)       = Alpha + n (Beta (i+o)/(o+1) + Gamma (i + o/2))  an iteration
//	prefill(n) = T(n) + (Beta+Gamma) i                           0 without input
//	decode(n)  = T(n) + Beta + Gamma (i + o/2)                   an output token
//	mu(n)      = n / (prefill(n) + o decode(n))                  completions
//
// in seconds and requests per second. This is the model of the queue analyzer
// of llm-inferno and of llm-d's workload variant autoscaler; docs/latency.md
// has its source and what it leaves out.
type Profile struct {
	// Alpha is the fixed time of an iteration, in seconds: loading the
	// weights, launching kernels.
	Alpha float64 `json:"alpha"`
	// Beta is the compute time per token, in seconds.
	Beta float64 `json:"beta"`
	// Gamma is the time to read one cached token from memory, in seconds.
	Gamma float64 `json:"gamma"`
	// MaxBatch is the largest number of requests in service at once.
	MaxBatch int `json:"max_batch"`
	// MaxQueue is the largest number of requests that wait; further ones are
	// refused. 0 means that none may wait. See DefaultMaxQueue if it is not
	// known.
	MaxQueue int `json:"max_queue"`
	// MaxBatchTokens is the largest number of tokens in an iteration, vLLM's
	// max-num-batched-tokens: those of a chunk and one of each request that
	// decodes. 0 means that there is no bound.
	MaxBatchTokens int `json:"max_batch_tokens,omitempty"`
	// KVTokens is the size of the cache in tokens. No more requests are in
	// service than fit into it with all of their mean input and output: what is
	// admitted beyond that is preempted before its end. 0 means that there is no
	// bound.
	KVTokens float64 `json:"kv_tokens,omitempty"`
	// Chunk are the coefficients of an iteration that carries a chunk of a
	// prompt. Zero means the three above.
	Chunk Chunk `json:"chunk,omitzero"`
}

// Chunk is the time of an iteration that carries a chunk of a prompt: Alpha,
// and Beta for each token that is computed, Gamma for each in the cache, and
// Attention for each token of the chunk and each before it in its own prompt. It
// is not shorter than the same iteration without the chunk.
type Chunk struct {
	Alpha float64 `json:"alpha"`
	Beta  float64 `json:"beta"`
	Gamma float64 `json:"gamma"`
	// Attention is the time in which one token of a prompt attends to one token
	// before it, in seconds. It makes long prompts dearer than short ones of
	// as many tokens, and lengths that vary dearer than lengths that do not.
	Attention float64 `json:"attention,omitempty"`
	// Longest is the time for each token of the longest context in the batch,
	// in seconds: during a chunk, a request that decodes is attended to by few
	// of the accelerator's cores, and the iteration waits for the longest one.
	Longest float64 `json:"longest,omitempty"`
}

// Scaled is the profile of a server that takes so many times as long.
func (p Profile) Scaled(by float64) Profile {
	for _, time := range []*float64{&p.Alpha, &p.Beta, &p.Gamma, &p.Chunk.Alpha, &p.Chunk.Beta, &p.Chunk.Gamma, &p.Chunk.Attention, &p.Chunk.Longest} {
		*time *= by
	}
	return p
}

// fitting is the profile with the batch that its cache has room for.
func (p Profile) fitting(l Lengths) (Profile, error) {
	if p.KVTokens == 0 {
		return p, nil
	}
	each := l.Input + l.Output
	if each > p.KVTokens {
		return p, &FieldError{Path: "profile.kv_tokens", Reason: fmt.Sprintf(
			"a request of %g input and %g output tokens needs %g in the cache, which has %g", l.Input, l.Output, each, p.KVTokens)}
	}
	p.MaxBatch = int(min(float64(p.MaxBatch), p.KVTokens/each))
	return p, nil
}

// DefaultMaxQueue is the queue assumed if none is given: ten batches, the
// convention of the tuner of llm-d's variant autoscaler. At the loads that a
// latency target allows, its length hardly matters.
func DefaultMaxQueue(maxBatch int) int {
	return 10 * maxBatch
}

// Lengths are the mean tokens of a request.
type Lengths struct {
	// Input is the mean number of prompt tokens, 0 for a server that only
	// decodes.
	Input float64 `json:"input_tokens"`
	// Output is the mean number of generated tokens, at least 1.
	Output float64 `json:"output_tokens"`
	// InputCV and OutputCV are their coefficients of variation; 0 means that
	// all are alike, or that it is not known.
	InputCV  float64 `json:"input_cv,omitempty"`
	OutputCV float64 `json:"output_cv,omitempty"`
}

// context is the mean number of tokens in the cache of a request that decodes.
// A long output is met more often, in proportion to its length, and at an age
// between nothing and all of it: that makes it half the second moment over the
// mean.
func (l Lengths) context() float64 {
	return l.Input + l.Output*(1+l.OutputCV*l.OutputCV)/2
}

// before is the mean number of tokens that a token of a prompt has before it in
// its prompt. A token is more often one of a long prompt, in proportion to its
// length, and lies between its start and its end: that makes it half the second
// moment over the mean.
func (l Lengths) before() float64 { return l.Input * (1 + l.InputCV*l.InputCV) / 2 }

// contextCV is the coefficient of variation of these tokens, with the third
// moment of a lognormal distribution.
func (l Lengths) contextCV() float64 {
	spread := 1 + l.OutputCV*l.OutputCV
	made := l.Output * spread / 2
	variance := l.InputCV*l.InputCV*l.Input*l.Input + l.Output*l.Output*spread*spread*spread/3 - made*made
	return math.Sqrt(variance) / l.context()
}

// SLO is the latency that users are promised.
type SLO struct {
	// TTFT is the target for the time to the first token, in seconds; 0 sets
	// none.
	TTFT float64 `json:"ttft,omitempty"`
	// ITL is the target for the time between output tokens, in seconds; 0
	// sets none.
	ITL float64 `json:"itl,omitempty"`
	// Quantile is the share of requests, and of output tokens, that must be
	// within the targets, between 0 and 1; 0 means that the mean must be.
	Quantile float64 `json:"quantile,omitempty"`
}

// Means are the mean latencies at a load, in seconds, and the rates, in requests
// per second. They are those of the published model, see Server.Means.
type Means struct {
	// Rate is the rate at which requests arrive.
	Rate float64 `json:"rate"`
	// Throughput is the rate at which they complete. It is less than Rate if
	// some find the queue full.
	Throughput float64 `json:"throughput"`
	// Wait is the mean time from arrival to service.
	Wait float64 `json:"wait"`
	// Prefill is the mean time of the prefill.
	Prefill float64 `json:"prefill"`
	// TTFT is the mean time to the first token.
	TTFT float64 `json:"ttft"`
	// ITL is the mean time between output tokens.
	ITL float64 `json:"itl"`
	// Response is the mean time from arrival to completion.
	Response float64 `json:"response"`
	// InService is the mean number of requests in service.
	InService float64 `json:"in_service"`
	// MaxRate is mu(MaxBatch), the rate of completions while the batch is
	// always full.
	MaxRate float64 `json:"max_rate"`
}
