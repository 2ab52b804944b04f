package calibration

import (
	"math"
	"slices"

	"github.com/variant-exporter/variant-exporter/optimizer/latency"
)

// terms are the coefficients of both kinds of iterations: alpha, beta and gamma
// of those that only decode, then those of a chunk of a prompt, with attention and the longest context.
type terms [8]float64

func (t *terms) chunk() latency.Chunk {
	return latency.Chunk{Alpha: t[3], Beta: t[4], Gamma: t[5], Attention: t[6], Longest: t[7]}
}

// says are the latencies that they say an observation has.
func (t *terms) says(o *Observation, budget int) (itl, ttft float64) {
	p := latency.Profile{Alpha: max(t[0], latency.MinTime), Beta: t[1], Gamma: t[2], MaxBatch: 1, MaxBatchTokens: budget, Chunk: t.chunk()}
	if p.Chunk == (latency.Chunk{}) {
		p.Chunk.Alpha = latency.MinTime
	}
	return latency.InService(p, o.Lengths, o.Concurrency, o.Arrivals)
}

const (
	chunkSteps     = 30      // of the fit, at most
	chunkSettled   = 1e-5    // by how much a step still improves it
	chunkStep      = 1e-4    // of a numerical derivative, as a share of the coefficient
	itlScatter     = 0.03    // of ITL, as a share
	ttftScale      = 8       // the scatter of TTFT over it: it has what happens outside iterations
	leastScatter   = 0.02    // of what is left out that makes no difference
	outlierErrors  = 4       // scatters beyond which an observation counts for no more
	minChunkSeen   = 8       // observations of both latencies that chunks are fitted to
	maxChunkSeen   = 150     // that are enough
	maxChunkGroups = 10      // of the jackknife
	gainOfChunks   = 0.75    // the squared errors with chunks over those without, to take them
	enoughForOne   = 1       // squared errors of an observation with one kind that leave nothing to explain
	attentionShare = 1. / 32 // of gamma, that attention is expected to be
	attentionDoubt = 0.5     // of the logarithm of it
	longestShare   = 12      // of gamma, that a token of the longest context is expected to be
	longestDoubt   = 0.5     // likewise
	leastAttention = 1e-8    // of alpha, that makes no difference
	worseLeftOut   = 2.5     // how much worse they may be at what is left out
)

// chunkFit fits terms to observations.
type chunkFit struct {
	observations []Observation
	budget       int
	scatter      [kinds]float64
}

// residuals are the deviations of the logarithms, in scatters, each bounded
// for outliers.
func (f *chunkFit) residuals(t *terms) []float64 {
	var all []float64
	for i := range f.observations {
		o := &f.observations[i]
		itl, ttft := t.says(o, f.budget)
		for k, pair := range [kinds][2]float64{kindITL: {o.ITL, itl}, kindTTFT: {o.TTFT, ttft}} {
			if pair[0] > 0 {
				u := math.Log(pair[1]/pair[0]) / f.scatter[k]
				all = append(all, outlierErrors*math.Tanh(u/outlierErrors))
			}
		}
	}
	expected := t.beyondExpected()
	return append(all, expected[:]...)
}

// beyondExpected is how far attention and the longest context are from what
// gamma lets expect, in units of the doubt. Points of fixed lengths hardly tell attention from beta: a
// prompt that is twice as long is also twice the tokens. Without this, noise in
// them would decide what lengths that vary cost.
//
// To decode, a server reads a token in the cache once for all heads of a group,
// at the bandwidth of the memory. Attending to it in a prompt takes 4
// multiplications and additions per element and head. At four heads a group,
// 150 to 300 operations in the time of a byte, and half of the operations used,
// that is a 20th to a 40th of the time.
//
// While a chunk runs, a request that decodes has one block of threads for each KV
// head: with 8 heads, a 16th of 132 cores, of which each is somewhat faster
// than its share as long as the others are done.
func (t *terms) beyondExpected() [2]float64 {
	small := leastAttention * t[0]
	off := func(term, share, doubt float64) float64 { return math.Log((term+small)/(t[2]*share+small)) / doubt }
	return [2]float64{off(t[6], attentionShare, attentionDoubt), off(t[7], longestShare, longestDoubt)}
}

func squares(residuals []float64) float64 {
	sum := 0.0
	for _, r := range residuals {
		sum += r * r
	}
	return sum
}

// solve improves terms by Levenberg's and Marquardt's steps, none below zero.
func (f *chunkFit) solve(t terms, steps int) terms {
	damping := 1e-2
	now := f.residuals(&t)
	for range steps {
		next, ok := f.step(&t, now, damping)
		residuals := now
		if ok {
			residuals = f.residuals(&next)
		}
		if !ok || squares(residuals) >= squares(now) {
			if damping *= 8; damping > 1e9 {
				break
			}
			continue
		}
		settled := squares(now)-squares(residuals) < chunkSettled*squares(now)
		t, now, damping = next, residuals, damping/4
		if settled {
			break
		}
	}
	return t
}

// step is where one step leads.
func (f *chunkFit) step(t *terms, now []float64, damping float64) (terms, bool) {
	var gram [len(t)]terms
	var right terms
	slopes := make([][]float64, len(t))
	for j := range t {
		moved := *t
		width := chunkStep * max(t[j], scales(t)[j])
		moved[j] += width
		slopes[j] = f.residuals(&moved)
		for i := range slopes[j] {
			slopes[j][i] = (slopes[j][i] - now[i]) / width * scales(t)[j]
		}
	}
	for j := range t {
		for k := range t {
			for i := range now {
				gram[j][k] += slopes[j][i] * slopes[k][i]
			}
		}
		for i := range now {
			right[j] -= slopes[j][i] * now[i]
		}
		gram[j][j] = gram[j][j]*(1+damping) + 1e-9
	}
	move, ok := eliminate(gram, right)
	next := *t
	for j := range next {
		next[j] = max(0, next[j]+move[j]*scales(t)[j])
	}
	next[0] = max(next[0], latency.MinTime)
	return next, ok
}

// scales are what coefficients are measured in, so that none is lost where it is
// zero.
func scales(t *terms) terms {
	whole := max(t[0], t[3])
	return terms{whole, whole / 1000, whole / 1e5, whole, whole / 1000, whole / 1e5, whole / 1e6, whole / 1e4}
}

// eliminate solves symmetric equations.
func eliminate(a [len(terms{})]terms, b terms) (x terms, ok bool) {
	for i := range a {
		if !(a[i][i] > 0) {
			return x, false
		}
		for r := i + 1; r < len(a); r++ {
			factor := a[r][i] / a[i][i]
			for c := i; c < len(a); c++ {
				a[r][c] -= factor * a[i][c]
			}
			b[r] -= factor * b[i]
		}
	}
	for i := len(a) - 1; i >= 0; i-- {
		sum := b[i]
		for c := i + 1; c < len(a); c++ {
			sum -= a[i][c] * x[c]
		}
		x[i] = sum / a[i][i]
	}
	return x, true
}

// chooseChunks takes both kinds of iterations into the profile if they explain
// the observations clearly better than one kind, and are not worse at what was
// left out.
func (c *Fitted) chooseChunks() {
	both := 0
	for i := range c.observations {
		if o := &c.observations[i]; o.ITL > 0 && o.TTFT > 0 && o.Lengths.Input > 0 && o.Lengths.Output > 1 {
			both++
		}
	}
	if both < minChunkSeen || both < len(c.observations)/2 {
		return
	}
	some := thin(c.observations, maxChunkSeen)
	f := newChunkFit(some, c.budget)
	one := f.cost(c.says)
	if one < enoughForOne*float64(len(some)) {
		return
	}
	t := fitChunks(some, c.budget, c.coefficients())
	if f.cost(func(o *Observation) (float64, float64) { return t.says(o, c.budget) }) > gainOfChunks*one {
		return
	}
	left := holdOut(some, chunked(c.budget))
	if left.worst() > worseLeftOut*c.HeldOut.worst()+leastScatter {
		return
	}
	c.HeldOut, c.terms = left, &t
	chunk := t.chunk()
	c.Chunk = &chunk
	c.estimateTerms(some)
}

// estimateTerms sets the intervals of the terms by the grouped jackknife.
func (c *Fitted) estimateTerms(some []Observation) {
	groups := min(len(some), maxChunkGroups)
	fold := byRank(some, func(*Observation) float64 { return 0 }, groups)
	var left []terms
	for g := range groups {
		in := slices.Clone(some[:0:0])
		for i := range some {
			if fold[i] != g {
				in = append(in, some[i])
			}
		}
		left = append(left, newChunkFit(in, c.budget).solve(*c.terms, chunkSteps))
	}
	half := studentQuantile(groups - 1)
	for j, e := range []*Estimate{&c.Alpha, &c.Beta, &c.Gamma} {
		var mean, sum float64
		for _, t := range left {
			mean += t[j] / float64(groups)
		}
		for _, t := range left {
			sum += (t[j] - mean) * (t[j] - mean) * float64(groups-1) / float64(groups)
		}
		width := half*math.Sqrt(sum) + c.HeldOut.worst()*c.terms[j]
		*e = Estimate{Value: c.terms[j], Low: max(0, c.terms[j]-width), High: c.terms[j] + width}
	}
	c.Alpha.Low = max(c.Alpha.Low, latency.MinTime)
}

// thin is every so many of observations: at most so many are left.
func thin(observations []Observation, most int) []Observation {
	if len(observations) <= most {
		return observations
	}
	some := make([]Observation, most)
	for i := range some {
		some[i] = observations[i*len(observations)/most]
	}
	return some
}

func newChunkFit(observations []Observation, budget int) *chunkFit {
	return &chunkFit{
		observations: observations, budget: budget,
		scatter: [kinds]float64{kindITL: itlScatter, kindTTFT: itlScatter * ttftScale},
	}
}

// fitChunks fits both kinds of iterations, from a profile that knows one.
func fitChunks(observations []Observation, budget int, start coefficients) terms {
	f := newChunkFit(observations, budget)
	var best terms
	least := math.Inf(1)
	for _, from := range []terms{
		{start[alpha], start[beta] / 4, start[gamma], start[alpha] / 2, start[beta], start[gamma], 0, 0},
		{start[alpha], start[beta] / 4, max(start[gamma], start[beta]/1000), start[alpha] / 8, start[beta], max(start[gamma], start[beta]/500), start[beta] / 1e4, start[beta] / 100},
	} {
		t := f.solve(from, chunkSteps)
		if sum := squares(f.residuals(&t)); sum < least {
			best, least = t, sum
		}
	}
	return best
}

// deviations are those of the ITL of observations from what terms say, as
// logarithms.
func (t *terms) deviations(observations []Observation, budget int) []float64 {
	var all []float64
	for i := range observations {
		if o := &observations[i]; o.ITL > 0 {
			itl, _ := t.says(o, budget)
			all = append(all, math.Log(itl/o.ITL))
		}
	}
	return all
}

// rootMeanSquare is that of deviations, without the largest tenth.
func rootMeanSquare(deviations []float64) float64 {
	if len(deviations) == 0 {
		return 0
	}
	sizes := make([]float64, len(deviations))
	for i, d := range deviations {
		sizes[i] = math.Abs(d)
	}
	slices.Sort(sizes)
	sizes = sizes[:max(1, len(sizes)*9/10)]
	return math.Sqrt(squares(sizes) / float64(len(sizes)))
}

// cost is the sum of the squared deviations, bounded for outliers.
func (f *chunkFit) cost(says func(o *Observation) (itl, ttft float64)) float64 {
	sum := 0.0
	for i := range f.observations {
		o := &f.observations[i]
		itl, ttft := says(o)
		for k, pair := range [kinds][2]float64{kindITL: {o.ITL, itl}, kindTTFT: {o.TTFT, ttft}} {
			if pair[0] > 0 {
				u := outlierErrors * math.Tanh(math.Log(max(pair[1], latency.MinTime)/pair[0])/f.scatter[k]/outlierErrors)
				sum += u * u
			}
		}
	}
	return sum
}
