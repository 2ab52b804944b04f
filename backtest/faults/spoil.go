package faults

import (
	"math"

	"github.com/prometheus/common/model"
)

// spoil returns what a fault makes of the values of an answer, and the warnings that come with it.
func (f Fault) spoil(value model.Value) (model.Value, []string) {
	switch v := value.(type) {
	case model.Vector:
		return f.spoilVector(v)
	case model.Matrix:
		return f.spoilMatrix(v)
	}
	return value, nil
}

// spares says whether an answer is what it was: one without series has nothing to spoil but its form.
func (f Fault) spares(value model.Value) bool {
	switch f {
	case Empty, NaN, Infinite, Negative, Histogram, Doubled:
	default:
		return false
	}
	switch v := value.(type) {
	case model.Vector:
		return len(v) == 0
	case model.Matrix:
		return len(v) == 0
	}
	return false
}

// warning is what Thanos says where a store does not answer.
const warning = "receive series from store: context deadline exceeded"

func (f Fault) spoilVector(v model.Vector) (model.Value, []string) {
	switch f {
	case Empty:
		return model.Vector{}, nil
	case Partial:
		return v[:len(v)/2], []string{warning}
	case Doubled:
		for _, s := range v {
			twin := *s
			twin.Metric = double(s.Metric)
			v = append(v, &twin)
		}
	case Histogram:
		for _, s := range v {
			s.Histogram = &model.SampleHistogram{Count: 1, Sum: 1}
		}
	default:
		for _, s := range v {
			s.Value = f.spoilValue(s.Value)
		}
	}
	return v, nil
}

func (f Fault) spoilMatrix(m model.Matrix) (model.Value, []string) {
	switch f {
	case Empty:
		return model.Matrix{}, nil
	case Partial:
		return m[:len(m)/2], []string{warning}
	case Doubled:
		for _, s := range m {
			twin := *s
			twin.Metric = double(s.Metric)
			m = append(m, &twin)
		}
	case Histogram:
		for _, s := range m {
			for _, p := range s.Values {
				s.Histograms = append(s.Histograms, model.SampleHistogramPair{
					Timestamp: p.Timestamp, Histogram: &model.SampleHistogram{Count: 1, Sum: 1},
				})
			}
			s.Values = nil
		}
	default:
		for _, s := range m {
			for i := range s.Values {
				s.Values[i].Value = f.spoilValue(s.Values[i].Value)
			}
		}
	}
	return m, nil
}

func (f Fault) spoilValue(x model.SampleValue) model.SampleValue {
	switch f {
	case NaN:
		return model.SampleValue(math.NaN())
	case Infinite:
		return model.SampleValue(math.Inf(1))
	case Negative:
		return -x - 1
	default:
		return x
	}
}

// double is a metric as a second replica of a Prometheus would have it.
func double(m model.Metric) model.Metric {
	twin := m.Clone()
	twin["prometheus_replica"] = "b"
	return twin
}
