package sim

import (
	"math"
	"strconv"
)

// bucketCount is how many buckets a histogram of times has.
const bucketCount = 27

// bucketEdges are the upper edges of the buckets of vLLM's histograms of times, in seconds; the last has none.
func bucketEdges() [bucketCount]float64 {
	return [...]float64{
		0.001, 0.005, 0.01, 0.02, 0.025, 0.04, 0.05, 0.06, 0.075, 0.08, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, math.Inf(1),
	}
}

// buckets count times up to each edge, and above the one before.
type buckets [bucketCount]float64

func (b *buckets) add(seconds, n float64) {
	for i, edge := range bucketEdges() {
		if seconds <= edge {
			b[i] += n
			return
		}
	}
}

// buckets writes a histogram's buckets, as far as they are asked for.
func (x *exposer) buckets(p *pod, name, key string, b *buckets, share float64, labels []string) {
	if name += "_bucket"; !x.wants(name) {
		return
	}
	sum, edges := 0.0, bucketEdges()
	for i, n := range b {
		sum += n
		le := strconv.FormatFloat(edges[i], 'g', -1, 64)
		x.put(p.series, name, key+"/"+le, sum*share, append([]string{"le", le}, labels...)...)
	}
}
