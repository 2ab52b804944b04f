package match

import (
	"maps"
	"slices"

	"github.com/variant-exporter/variant-exporter/collector/query"
	"github.com/variant-exporter/variant-exporter/optimizer/forecast"
)

// enginePods is how many pods of a workload show so many engines.
type enginePods map[int]float64

// spread notes how many engines some pods of a variant show at a step, where they are several.
func (l *layer) spread(owner, step, engines int, pods float64) {
	if engines < 2 || owner >= len(l.program.Variants) {
		return
	}
	if l.pods[owner] == nil {
		l.pods[owner] = make([]enginePods, l.grid.Steps)
	}
	if l.pods[owner][step] == nil {
		l.pods[owner][step] = enginePods{}
	}
	l.pods[owner][step][engines] += pods
}

// finishSpreads finds how many engines at least half of a variant's pods show at each step, where they are several. A pod that is told
// twice for a moment, as its address has changed, shows more than it has.
func (l *layer) finishSpreads() {
	for owner, steps := range l.pods {
		cells, each := l.cells(owner), l.cells(l.eachPlace(owner))
		for i, pods := range steps {
			shown := 0.0
			for _, engines := range slices.Backward(slices.Sorted(maps.Keys(pods))) {
				if shown += pods[engines]; cells[i] != unusable && 2*shown >= cells[i] {
					each[i] = float64(engines)
					break
				}
			}
		}
	}
}

// showed is how many engines each pod of a variant showed within the last hour, or how many pods of each group of a LeaderWorkerSet told the
// signal. It is 0 where that is not known, and where a roll-out may have changed it since.
func (r *reader) showed(s *query.Signal, variant int) int {
	rolling := &r.program.Targets.Rolling
	if s.Sources.Hour == nil || forecast.Known(r.past(rolling.Hour, variant).Values) > 0 || forecast.Known(r.past(rolling.Starts, variant).Values) > 0 {
		return 0
	}
	most := 0.0
	for _, n := range r.past(s.Sources.Hour, r.matcher.eachPlace(variant)).Values {
		if n > most { // never where it is not known
			most = n
		}
	}
	return int(most)
}
