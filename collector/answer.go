package collector

import (
	"cmp"
	"math"
	"slices"
	"strconv"

	"github.com/prometheus/common/model"
)

// answer is what a query brought.
type answer struct {
	vector model.Vector
	err    error
}

// The reasons why a sample of an answer cannot be used.
const (
	badNaN       = "nan"
	badInf       = "inf"
	badNegative  = "negative"
	badRange     = "range" // a number that nothing real has, or replicas that are not whole
	badHistogram = "histogram"
	badDuplicate = "duplicate" // two samples for one place
	badLabels    = "labels"    // a label that should be numeric is not, or it is not clear whom the sample means
)

// maxValue is far above any demand, capacity, cost or limit, and what the optimizer takes. What is above it is a mistake, and
// must not keep everything else from being planned.
const maxValue = 1e18

// valueOf returns the number that a sample stands for, or why it cannot be used. With labels to read it from, it is their
// product times the sample's value, which is 1 for an info metric.
func valueOf(s *model.Sample, fromLabels []string) (value float64, bad string) {
	if s.Histogram != nil {
		return 0, badHistogram
	}
	value = float64(s.Value)
	for _, l := range fromLabels {
		n, err := strconv.ParseFloat(string(s.Metric[model.LabelName(l)]), 64)
		if err != nil {
			return 0, badLabels
		}
		value *= n
	}
	switch {
	case math.IsNaN(value):
		return 0, badNaN
	case math.IsInf(value, 0):
		return 0, badInf
	case value < 0:
		return 0, badNegative
	case value > maxValue:
		return 0, badRange
	}
	return value, ""
}

// reading is what an answer says of one model or variant: a number per source, or why it cannot be used.
type reading struct {
	samples []sourced
	bad     string
}

// sourced is a number and the pod that it comes from, if it comes from one.
type sourced struct {
	pod   string
	value float64
}

func (r *reading) sum() float64 { return sumOf(r.samples) }

// sumOf adds numbers up in an order of their own: an answer over a range has its series in another order than one at an instant,
// and a replay is to find the very same sum.
func sumOf(samples []sourced) float64 {
	ordered := samples
	if len(samples) > 2 {
		ordered = slices.SortedFunc(slices.Values(samples), func(a, b sourced) int { return cmp.Compare(a.value, b.value) })
	}
	total := 0.0
	for _, s := range ordered {
		total += s.value
	}
	return total
}

// sumOf adds up what a reading of the past says of the pods that there are at present, and what it says of no pod: a pod that is
// gone does not count beside the one that took its place. Where all pods are new, nothing is older than the present.
func (r *reading) sumOf(present *reading) float64 {
	var still []sourced
	for _, s := range r.samples {
		if s.pod == "" || slices.ContainsFunc(present.samples, func(p sourced) bool { return p.pod == s.pod }) {
			still = append(still, s)
		}
	}
	if len(still) == 0 {
		return present.sum()
	}
	return sumOf(still)
}

// median is the middle value, the mean of the two middle ones when there is an even number.
func (r *reading) median() float64 {
	values := make([]float64, len(r.samples))
	for i, s := range r.samples {
		values[i] = s.value
	}
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}
