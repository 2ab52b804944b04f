package latency

import "math"

// kinds are the times of the two kinds of iterations: those that only decode,
// and those that also carry a chunk of a prompt.
type kinds struct {
	alpha, beta, gamma                float64
	chunkAlpha, chunkBeta, chunkGamma float64
	// attention is what a token of a chunk adds by the tokens before it in its
	// prompt, at their mean; perPair is what it adds for each.
	attention, perPair float64
	// longest is what the longest context of the batch adds, by the number that
	// decode.
	longest longest
	// input and output are the mean tokens of a request, context the mean
	// tokens in the cache of a request that decodes.
	input, output, context float64
	// inputCV is the coefficient of variation of the input, and contextCV that
	// of the tokens in the cache of one request.
	inputCV, contextCV float64
	// budget is the largest number of tokens in an iteration.
	budget float64
}

func newKinds(p *Profile, l Lengths) kinds {
	k := kinds{
		alpha: p.Alpha, beta: p.Beta, gamma: p.Gamma,
		chunkAlpha: p.Alpha, chunkBeta: p.Beta, chunkGamma: p.Gamma,
		input: l.Input, output: l.Output, context: l.context(),
		inputCV: l.InputCV, contextCV: l.contextCV(),
		budget: math.Inf(1),
	}
	if p.Chunk != (Chunk{}) {
		k.chunkAlpha, k.chunkBeta, k.chunkGamma = p.Chunk.Alpha, p.Chunk.Beta, p.Chunk.Gamma
		k.perPair = p.Chunk.Attention
		k.attention = k.perPair * l.before()
		k.longest = newLongest(p.Chunk.Longest, l)
	}
	if p.MaxBatchTokens > 0 {
		k.budget = float64(p.MaxBatchTokens)
	}
	return k
}

// plain is the time of an iteration of d decoding requests with their tokens in
// the cache.
func (k *kinds) plain(d, cached float64) float64 { return k.alpha + d*k.beta + cached*k.gamma }

// with is the time of an iteration with a chunk. It is not shorter than one
// without.
func (k *kinds) with(d, cached, chunk float64) float64 {
	return max(k.plain(d, cached), k.chunkAlpha+k.chunkBeta*(d+chunk)+k.chunkGamma*(cached+chunk)+k.attention*chunk+waited(k.longest.of(d), k.chunkGamma*cached))
}

// felt is the length of a prompt that takes as long at the mean attention as
// this one at its own: long prompts have more tokens before each.
func (k *kinds) felt(tokens float64) float64 {
	if k.perPair == 0 {
		return tokens
	}
	own := k.perPair * tokens / 2
	return tokens * (1 + (own-k.attention)/(k.chunkBeta+k.chunkGamma+k.attention))
}

// decode is plain with the mean tokens in the cache.
func (k *kinds) decode(d float64) float64 { return k.plain(d, d*k.context) }

// mixed is with the mean tokens in the cache.
func (k *kinds) mixed(d, chunk float64) float64 { return k.with(d, d*k.context, chunk) }

// room is the largest chunk while d requests decode.
func (k *kinds) room(d float64) float64 { return max(k.budget-d, 1) }
