package match

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// The reasons why a sample of an answer cannot be used.
const (
	BadNaN       = "nan"
	BadInf       = "inf"
	BadNegative  = "negative"
	BadRange     = "range" // a number that nothing real has, or replicas that are not whole
	BadHistogram = "histogram"
	BadDuplicate = "duplicate" // two samples for one place
	BadRule      = "rule"      // recorded from another expression than the configuration has
	BadLabels    = "labels"    // a label that should be numeric is not, the namespace is not named, or several owners are possible
)

// MaxValue is far above any demand, capacity, cost or limit, and the most that the optimizer takes. What is above it is a mistake,
// and must not keep everything else from being planned.
const MaxValue = config.MaxQuantity

// valueOf returns the number that a sample stands for, or why it cannot be used.
func valueOf(s *model.Sample, from string) (value float64, bad string) {
	if s.Histogram != nil {
		return 0, BadHistogram
	}
	return numberOf(float64(s.Value), s.Metric, from)
}

// numberOf returns the number that a value stands for, or why it cannot be used. With labels to read it from, each followed by a
// comma, it is their product times the value, which is 1 for an info metric.
func numberOf(value float64, metric model.Metric, from string) (number float64, bad string) {
	for l := range strings.SplitSeq(strings.TrimSuffix(from, ","), ",") {
		if l == "" {
			continue
		}
		n, err := strconv.ParseFloat(string(metric[model.LabelName(l)]), 64)
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

// median is the middle value, the mean of the two middle ones when there is an even number.
func median(values []float64) float64 {
	ordered := slices.Sorted(slices.Values(values))
	n := len(ordered)
	return (ordered[(n-1)/2] + ordered[n/2]) / 2
}

// otherRule reports whether a series was recorded from another expression than it should have been.
func otherRule(metric model.Metric, rule string) bool {
	return rule != "" && string(metric[config.LabelRecorded]) != rule
}
