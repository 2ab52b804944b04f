package expose

import "math"

// Counters are what has been served since the start, as series count it.
type Counters struct {
	Arrived          float64 // requests
	PromptTokens     float64 // computed
	GenerationTokens float64
	Begun            float64 // requests with a first token
	Finished         float64
	FinishedInput    float64 // tokens of finished requests
	FinishedOutput   float64
	ITLSum, ITLCount float64 // times between tokens, in seconds
	TTFTSum          float64
	ITL, TTFT        Buckets
}

// bucketCount is how many buckets a histogram of times has.
const bucketCount = 27

// bucketEdges are the upper edges of the buckets of vLLM's histograms of times, in seconds; the last has none.
func bucketEdges() [bucketCount]float64 {
	return [...]float64{
		0.001, 0.005, 0.01, 0.02, 0.025, 0.04, 0.05, 0.06, 0.075, 0.08, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, math.Inf(1),
	}
}

// Buckets count times up to each edge, and above the one before.
type Buckets [bucketCount]float64

// Add counts so many times of a length.
func (b *Buckets) Add(seconds, n float64) {
	for i, edge := range bucketEdges() {
		if seconds <= edge {
			b[i] += n
			return
		}
	}
}
