package match

import (
	"math"

	"github.com/variant-exporter/variant-exporter/collector/query"
)

// place gives the numbers of a series to its owner. They cannot be used if the series may belong to several owners or has no namespace, or
// if two series stand for one place.
func (l *layer) place(s *stream, owners []int) {
	if len(owners) == 0 {
		l.stray(s)
		return
	}
	seen := l.seenAt(s.key)
	l.each(s, func(step int, value float64, bad string) {
		switch {
		case len(owners) > 1 || l.by.Owner != query.OfEverything && s.id.nowhere():
			bad = BadLabels
		case !math.IsNaN(seen[step]):
			bad = BadDuplicate
		}
		seen[step] = value
		for _, owner := range owners {
			l.put(s, owner, step, value, bad != "")
		}
	})
}

// seenAt is what was told of a key. Series of one key follow each other.
func (l *layer) seenAt(key string) []float64 {
	if l.seen == nil || l.seenOf != key {
		l.seenOf, l.seen = key, appendUnknown(l.seen[:0], l.grid.Steps)
	}
	return l.seen
}

// put adds one number to an owner's cell, by way of its group or its list where it has one.
func (l *layer) put(s *stream, owner, step int, value float64, bad bool) {
	index := ""
	if l.by.Owner == query.OfVariant {
		index = l.groupOf(owner, s.id.pod)
	}
	switch {
	case bad:
		l.cells(owner)[step] = unusable
	case index != "":
		g := l.groups[group{owner, index}]
		if g == nil {
			g = &groupCells{make([]float64, l.grid.Steps), make([]float64, l.grid.Steps)}
			l.groups[group{owner, index}] = g
		}
		g.sum[step], g.pods[step] = g.sum[step]+value, g.pods[step]+1
	default:
		l.add(owner, step, value)
	}
}

// add adds one number to an owner's cell.
func (l *layer) add(owner, step int, value float64) {
	cells := l.cells(owner)
	switch {
	case cells[step] == unusable:
	case l.by.Median:
		if l.lists == nil {
			l.lists = map[int][][]float64{}
		}
		if l.lists[owner] == nil {
			l.lists[owner] = make([][]float64, l.grid.Steps)
		}
		l.lists[owner][step] = append(l.lists[owner][step], value)
	case math.IsNaN(cells[step]):
		cells[step] = value
	default:
		cells[step] += value
	}
}

// stray adds up the demand that belongs to no model.
func (l *layer) stray(s *stream) {
	if l.by.Owner != query.OfModel {
		return
	}
	l.each(s, func(step int, value float64, bad string) {
		if bad != "" || value == 0 {
			return
		}
		values := l.strays(s.id.namespace)
		if math.IsNaN(values[step]) {
			values[step] = 0
		}
		values[step] += value
	})
}

// strays are the numbers of what has no owner.
func (l *layer) strays(of string) []float64 {
	if l.grid.Strays == nil {
		l.grid.Strays = map[string][]float64{}
	}
	if l.grid.Strays[of] == nil {
		l.grid.Strays[of] = unknown(l.grid.Steps)
	}
	return l.grid.Strays[of]
}
