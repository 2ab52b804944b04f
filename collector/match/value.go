package match

import (
	"math"
	"strconv"

	"github.com/prometheus/common/model"
)

// The reasons why a sample of an answer cannot be used.
const (
	BadNaN       = "nan"
	BadInf       = "inf"
	BadNegative  = "negative"
	BadRange     = "range" // a number that nothing real has, or replicas that are not whole
	BadHistogram = "histogram"
	BadDuplicate = "duplicate" // two samples for one place
	BadLabels    = "labels"    // a label that should be numeric is not, or several owners are possible
)

// MaxValue is far above any demand, capacity, cost or limit, and the most that the optimizer takes. What is above it is a mistake,
// and must not keep everything else from being planned.
const MaxValue = 1e18

// valueOf returns the number that a sample stands for, or why it cannot be used. With labels to read it from, it is their product
// times the sample's value, which is 1 for an info metric.
func valueOf(s *model.Sample, fromLabels []string) (value float64, bad string) {
	if s.Histogram != nil {
		return 0, BadHistogram
	}
	value = float64(s.Value)
	for _, l := range fromLabels {
		n, err := strconv.ParseFloat(string(s.Metric[model.LabelName(l)]), 64)
		if err != nil {
			return 0, BadLabels
		}
		value *= n
	}
	return value, judge(value)
}

// judge says why a number cannot be used; empty where it can.
func judge(value float64) (bad string) {
	switch {
	case math.IsNaN(value):
		return BadNaN
	case math.IsInf(value, 0):
		return BadInf
	case value < 0:
		return BadNegative
	case value > MaxValue:
		return BadRange
	}
	return ""
}
