package timeline

import (
	"cmp"
	"maps"
	"slices"

	"github.com/prometheus/common/model"
)

// join puts together what chunks hold between two times, as one answer over that range: one series for each metric, in the order in
// which Prometheus returns them.
func join(chunks []*chunk, from, to model.Time) model.Matrix {
	streams := map[model.Fingerprint]*model.SampleStream{}
	for _, c := range chunks {
		for i := range c.pieces {
			for _, s := range c.pieces[i].matrix {
				joinStream(streams, s, from, to)
			}
		}
	}
	return slices.SortedFunc(maps.Values(streams), func(a, b *model.SampleStream) int { return compareMetrics(a.Metric, b.Metric) })
}

func joinStream(streams map[model.Fingerprint]*model.SampleStream, s *model.SampleStream, from, to model.Time) {
	first, _ := slices.BinarySearchFunc(s.Values, from, byTime)
	behind, _ := slices.BinarySearchFunc(s.Values, to+1, byTime)
	firstHistogram, _ := slices.BinarySearchFunc(s.Histograms, from, histogramByTime)
	behindHistogram, _ := slices.BinarySearchFunc(s.Histograms, to+1, histogramByTime)
	values, histograms := s.Values[first:behind], s.Histograms[firstHistogram:behindHistogram]
	if len(values)+len(histograms) == 0 {
		return
	}
	id := s.Metric.Fingerprint()
	known := streams[id]
	if known == nil {
		streams[id] = &model.SampleStream{Metric: s.Metric, Values: slices.Clip(values), Histograms: slices.Clip(histograms)}
		return
	}
	known.Values = append(known.Values, values...)
	known.Histograms = append(known.Histograms, histograms...)
}

// compareMetrics orders by names and values of labels, in the order of names.
func compareMetrics(a, b model.Metric) int {
	namesA, namesB := slices.Sorted(maps.Keys(a)), slices.Sorted(maps.Keys(b))
	for i := range min(len(namesA), len(namesB)) {
		if c := cmp.Or(cmp.Compare(namesA[i], namesB[i]), cmp.Compare(a[namesA[i]], b[namesB[i]])); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(namesA), len(namesB))
}

func byTime(p model.SamplePair, at model.Time) int { return cmp.Compare(p.Timestamp, at) }

func histogramByTime(p model.SampleHistogramPair, at model.Time) int {
	return cmp.Compare(p.Timestamp, at)
}
