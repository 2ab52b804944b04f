package match

import (
	"math"
	"slices"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/query"
)

// A replica of a LeaderWorkerSet is a group of pods. Which of them tell a signal depends on the server: the leader alone, or workers too. All
// groups are alike: each should have as many pods which tell as any has, or had within the window. A group of which fewer do does
// not count: what it tells is a part of its load.

// team counts the sources of one LeaderWorkerSet.
type team struct {
	leaders float64
	workers []float64 // of each group with any
}

func (t *team) add(worker bool, pods float64) {
	if worker {
		t.workers = append(t.workers, pods)
	} else {
		t.leaders += pods
	}
}

// each is how many pods of a group tell, where all of its pods do that should.
func (t *team) each() float64 {
	if t == nil {
		return 0
	}
	n := 0.0
	if t.leaders > 0 {
		n = 1
	}
	if len(t.workers) > 0 {
		n += slices.Max(t.workers)
	}
	return n
}

// whole is how many groups tell with so many pods each.
func (t *team) whole(each float64) float64 {
	if t == nil || t.each() < each {
		return 0
	}
	if len(t.workers) == 0 {
		return t.leaders
	}
	most, groups := slices.Max(t.workers), 0.0
	for _, n := range t.workers {
		if n == most {
			groups++
		}
	}
	if t.leaders > 0 {
		return min(t.leaders, groups)
	}
	return groups
}

// isTeam reports whether an owner of sources is a variant that is a LeaderWorkerSet.
func (m *Matcher) isTeam(owner int) bool {
	return owner < len(m.program.Variants) && m.program.Variants[owner].ScaleTarget.Kind == config.KindLeaderWorkerSet
}

// eachPlace is the place of the cells that say how many pods of a group of a variant tell.
func (m *Matcher) eachPlace(variant int) int {
	return m.Owners(query.OfWorkload) - len(m.program.Variants) + variant
}

// team gives the pods of one workload to the LeaderWorkerSet that they are of.
func (l *layer) team(s *stream, owner int, worker bool) {
	steps := l.teams[owner]
	if steps == nil {
		steps = make([]team, l.grid.Steps)
		l.teams[owner] = steps
	}
	seen := l.seenAt(s.key)
	l.each(s, func(step int, value float64, bad string) {
		if bad != "" || !math.IsNaN(seen[step]) {
			l.cells(owner)[step] = unusable
		}
		seen[step] = value
		steps[step].add(worker, value)
	})
}

// finishTeams counts the groups of which all pods tell that do in any, at each step.
func (l *layer) finishTeams() {
	for owner, steps := range l.teams {
		cells, each := l.cells(owner), l.cells(l.eachPlace(owner))
		for i := range steps {
			if cells[i] != unusable {
				each[i] = steps[i].each()
				cells[i] = steps[i].whole(each[i])
			}
		}
	}
}

// whole notes how many groups of a LeaderWorkerSet are told to be ready with all of their workers. Two numbers for a step are no number.
func (l *layer) whole(s *stream, owner int) {
	steps := l.wholes[owner]
	if steps == nil {
		steps = unknown(l.grid.Steps)
		l.wholes[owner] = steps
	}
	l.each(s, func(step int, value float64, bad string) {
		if bad != "" || !whole(value) || !math.IsNaN(steps[step]) && steps[step] != value {
			value = unusable
		}
		steps[step] = value
	})
}

// finishWhole counts as ready only groups of a LeaderWorkerSet whose workers are all ready.
func (l *layer) finishWhole() {
	for owner, steps := range l.wholes {
		cells := l.cells(owner)
		for i, groups := range steps {
			switch {
			case math.IsNaN(groups) || cells[i] == unusable:
			case groups == unusable || math.IsNaN(cells[i]):
				cells[i] = groups
			default:
				cells[i] = min(cells[i], groups)
			}
		}
	}
}

// teamTold is how many groups of a LeaderWorkerSet tell a signal.
func (r *reader) teamTold(m *query.Model, s *query.Signal, now *team, variant int) Told {
	past, each := r.toldOver(m, s, variant), r.toldOver(m, s, r.matcher.eachPlace(variant))
	most := now.each()
	for _, n := range each.Values {
		if n > most { // never where it is not known
			most = n
		}
	}
	if len(past.Values) > 0 {
		past.Values = slices.Clone(past.Values)
		for i, n := range each.Values {
			if n < most {
				past.Values[i] = 0
			}
		}
	}
	return Told{Now: now.whole(most), Past: past}
}

func (c *workloadCounts) team(variant int) *team {
	if c.teams[variant] == nil {
		c.teams[variant] = &team{}
	}
	return c.teams[variant]
}
