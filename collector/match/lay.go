package match

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"github.com/prometheus/common/model"

	"github.com/variant-exporter/variant-exporter/collector/query"
)

// Lay lays the answer to a history out on its grid. It fails where the context ends before that is done.
func (m *Matcher) Lay(ctx context.Context, h *query.History, matrix model.Matrix, first int64, steps int) (Grid, error) {
	c := &clock{ctx: ctx}
	g := Grid{Step: h.Step, First: first, Steps: steps, Cells: make([][]float64, m.Owners(h.By.Owner))}
	l := layer{Matcher: m, clock: c, by: h.By, others: m.keepsOthers(h), grid: &g, groups: map[group]*groupCells{}, teams: map[int][]team{}, wholes: map[int][]float64{}}
	l.free = make([]float64, 0, min(len(matrix), len(g.Cells))*steps)
	// In one order, whatever that of the answer is: sums of floating point numbers depend on it.
	streams, ordered := make([]stream, len(matrix)), make([]*stream, len(matrix))
	for i, s := range matrix {
		if c.over() {
			return Grid{}, c.err()
		}
		id := identify(s.Metric, h.By.Labels)
		key := m.key(id)
		if h.By.Owner == query.OfWorkload {
			key = m.workloadKey(&id)
		}
		streams[i] = stream{key, id, s}
		ordered[i] = &streams[i]
	}
	slices.SortStableFunc(ordered, func(a, b *stream) int {
		if c.over() {
			return 0 // so that it ends soon
		}
		return cmp.Compare(a.key, b.key)
	})
	var other []*stream
	for _, s := range ordered {
		if c.over() {
			return Grid{}, c.err()
		}
		if otherRule(s.series.Metric, h.Rule) {
			other = append(other, s)
			continue
		}
		l.lay(s)
	}
	l.finish()
	l.spoil(other)
	if c.ended {
		return Grid{}, c.err()
	}
	g.Spoilt = slices.ContainsFunc(g.Cells, func(cells []float64) bool { return slices.Contains(cells, unusable) })
	return g, nil
}

type stream struct {
	key    string
	id     identity
	series *model.SampleStream
}

// layer lays out one answer.
type layer struct {
	*Matcher
	clock  *clock
	by     query.Reader
	others bool // whether the replicas of workloads that are no variant's are kept
	grid   *Grid
	free   []float64 // memory for cells
	seenOf string    // the key of the series before
	seen   []float64 // what series of this key told already at each step, NaN where nothing was
	groups map[group]*groupCells
	teams  map[int][]team      // LeaderWorkerSet -> step -> who tells
	wholes map[int][]float64   // LeaderWorkerSet -> step -> groups whose workers are ready
	lists  map[int][][]float64 // owner -> step -> numbers, where their median counts
	loose  []*stream           // series that name nothing whose median counts
}

// group is one replica of a LeaderWorkerSet.
type group struct {
	variant int
	index   string
}

// groupCells add up what the pods of one group tell.
type groupCells struct{ sum, pods []float64 }

func (l *layer) lay(s *stream) {
	switch l.by.Owner {
	case query.OfModel:
		if l.by.Median && !l.names(&s.id) {
			l.loose = append(l.loose, s)
			return
		}
		l.place(s, l.modelsOf(s.id))
	case query.OfVariant:
		if s.id.variant == "" && s.id.pod == "" && l.by.Median {
			l.loose = append(l.loose, s)
			return
		}
		l.place(s, l.variantsOf(s.id))
	case query.OfTarget:
		l.target(s)
	case query.OfSource:
		l.source(s)
	case query.OfWorkload:
		l.workload(s)
	case query.OfEverything:
		l.place(s, []int{0})
	}
}

// step is the place of a time on the grid; false where it is not on it.
func (l *layer) step(at model.Time) (int, bool) {
	since := int64(at) * int64(time.Millisecond)
	step := since/int64(l.grid.Step) - l.grid.First
	return int(step), since%int64(l.grid.Step) == 0 && step >= 0 && step < int64(l.grid.Steps)
}

// each gives every sample of a series that lies on the grid, and why it cannot be used.
func (l *layer) each(s *stream, do func(step int, value float64, bad string)) {
	for _, v := range s.series.Values {
		if step, ok := l.step(v.Timestamp); ok {
			value, bad := numberOf(float64(v.Value), s.id.metric, l.by.From)
			do(step, value, bad)
		}
	}
	for _, v := range s.series.Histograms {
		if step, ok := l.step(v.Timestamp); ok {
			do(step, 0, BadHistogram)
		}
	}
}

// cells are those of an owner.
func (l *layer) cells(owner int) []float64 {
	if l.grid.Cells[owner] == nil {
		cells := appendUnknown(l.free, l.grid.Steps)
		l.grid.Cells[owner], l.free = slices.Clip(cells), cells[len(cells):]
	}
	return l.grid.Cells[owner]
}

// finish folds groups, medians and series that name no variant into the cells.
func (l *layer) finish() {
	order := make([]group, 0, len(l.groups))
	for g := range l.groups {
		order = append(order, g)
	}
	slices.SortFunc(order, func(a, b group) int { return cmp.Or(a.variant-b.variant, cmp.Compare(a.index, b.index)) })
	for _, g := range order {
		cells := l.groups[g]
		for step, pods := range cells.pods {
			switch {
			case pods == 0:
			case l.by.Median:
				l.add(g.variant, step, cells.sum[step]) // a group can do what its pods can together
			default:
				l.add(g.variant, step, cells.sum[step]/pods) // and is in use as much as they are on average
			}
		}
	}
	l.finishTeams()
	l.finishWhole()
	l.placeLoose()
	for owner, lists := range l.lists {
		cells := l.cells(owner)
		for step, values := range lists {
			if len(values) > 0 && cells[step] != unusable {
				cells[step] = median(values)
			}
		}
	}
}

// spoil marks the steps at which all numbers of an owner were recorded from another expression.
func (l *layer) spoil(other []*stream) {
	for _, s := range other {
		if l.clock.over() {
			return
		}
		owners := l.modelsOf(s.id)
		if l.by.Owner == query.OfVariant {
			owners = l.variantsOf(s.id)
		}
		if l.by.Owner != query.OfModel && l.by.Owner != query.OfVariant {
			continue // Sources that are not told count as missing.
		}
		l.each(s, func(step int, _ float64, _ string) {
			for _, owner := range owners {
				if cells := l.cells(owner); math.IsNaN(cells[step]) {
					cells[step] = unusable
				}
			}
		})
	}
}
