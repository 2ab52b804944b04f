package fleet

import "slices"

// Histogram counts observations in buckets, as Prometheus' classic histograms do.
type Histogram struct {
	// Bounds are the buckets' upper bounds, ascending; the last bucket, without a bound, is not listed.
	Bounds []float64
	// Counts are the observations of each bucket alone, with the one above all bounds last.
	Counts []uint64
	Count  uint64
	Sum    float64
}

func newHistogram(bounds []float64) Histogram {
	return Histogram{Bounds: bounds, Counts: make([]uint64, len(bounds)+1)}
}

// observe counts the same value so many times.
func (h *Histogram) observe(value float64, times uint64) {
	bucket, _ := slices.BinarySearch(h.Bounds, value)
	h.Counts[bucket] += times
	h.Count += times
	h.Sum += value * float64(times)
}

// clone shares the bounds, which never change, and nothing else.
func (h *Histogram) clone() Histogram {
	c := *h
	c.Counts = slices.Clone(h.Counts)
	return c
}

// cumulative is the number of observations at or below each bound.
func (h *Histogram) cumulative() map[float64]uint64 {
	buckets := make(map[float64]uint64, len(h.Bounds))
	var below uint64
	for i, bound := range h.Bounds {
		below += h.Counts[i]
		buckets[bound] = below
	}
	return buckets
}

// The bounds are those of vLLM's v1 engine, which its users' queries are written for.

func ttftBounds() []float64 {
	return []float64{
		0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640, 2560,
	}
}

func itlBounds() []float64 {
	return []float64{0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80}
}

func e2eBounds() []float64 {
	return []float64{
		0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680,
	}
}

func tokenBounds() []float64 {
	return []float64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000}
}
