package match

import (
	"math"

	"github.com/variant-exporter/variant-exporter/collector/query"
)

// placeLoose gives series that name no variant and no pod to variants, and series that name no model to models: to those that their labels
// do not contradict, and that have no other series.
func (l *layer) placeLoose() {
	switch {
	case len(l.loose) == 0:
	case l.by.Owner == query.OfModel:
		for _, m := range l.program.Models {
			l.placeLooseAt(m.Place, m)
		}
	default:
		for _, v := range l.program.Variants {
			l.placeLooseAt(v.Place, v.Model)
		}
	}
}

func (l *layer) placeLooseAt(owner int, m *query.Model) {
	if l.grid.Cells[owner] != nil {
		return
	}
	for _, s := range l.loose {
		if l.clock.over() {
			return
		}
		if (s.id.namespace == "" || s.id.namespace == m.Namespace) && (s.id.model == "" || s.id.model == m.Name) {
			l.each(s, func(step int, value float64, bad string) {
				cells := l.cells(owner)
				if bad != "" || !math.IsNaN(cells[step]) {
					value = unusable
				}
				cells[step] = value
			})
		}
	}
}
