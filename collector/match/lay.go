package match

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"github.com/prometheus/common/model"

	"github.com/variant-exporter/variant-exporter/collector/query"
	"github.com/variant-exporter/variant-exporter/optimizer"
)

// The numbers of a source's cells: it is up, by a series that names no model, or by the model's own name.
const (
	sourceUp      = 1
	sourceUpNamed = 2
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

// Owners is how many owners a grid has cells for.
func (m *Matcher) Owners(o query.Owner) int {
	switch o {
	case query.OfModel, query.OfSource:
		return len(m.program.Models)
	case query.OfEverything:
		return 1
	case query.OfWorkload:
		return 2*len(m.program.Variants) + len(m.program.Models) + len(m.namespaces)
	default:
		return len(m.program.Variants)
	}
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

// target gives replicas to the variants of a scale target. The same number told twice is told once.
func (l *layer) target(s *stream) {
	target := targetIn(s.id.metric, model.LabelName(l.program.Config.ScaleTargets.Labels.Namespace))
	if owner, ok := l.Matcher.groups[target]; ok {
		l.whole(s, owner)
		return
	}
	owners := l.targets[target]
	if _, ours := l.namespaces[target.namespace]; len(owners) == 0 && ours && l.others {
		l.other(s, target.String())
	}
	for _, owner := range owners {
		cells := l.cells(owner)
		l.each(s, func(step int, value float64, bad string) {
			switch {
			case bad != "" || !whole(value), !math.IsNaN(cells[step]) && cells[step] != value:
				cells[step] = unusable
			default:
				cells[step] = value
			}
		})
	}
}

// keepsOthers reports whether a history is to tell how many replicas were asked for of gateways: that of starts, and the one that tells the newest
// steps of it, which are compared.
func (m *Matcher) keepsOthers(h *query.History) bool {
	starts := m.program.Targets.Current.Starts
	return m.gateways && starts != nil && (h == starts || h == starts.Finer)
}

// other keeps the replicas of a workload that is no variant's.
func (l *layer) other(s *stream, target string) {
	l.each(s, func(step int, value float64, bad string) {
		if bad != "" {
			return
		}
		if values := l.strays(target); !(values[step] >= value) {
			values[step] = value
		}
	})
}

// whole reports whether a value is a number of replicas.
func whole(value float64) bool { return value == math.Trunc(value) && value <= optimizer.MaxReplicas }

// source marks the steps at which a source was up, for every model whose source it may be.
func (l *layer) source(s *stream) {
	up := float64(sourceUp)
	if s.id.model != "" {
		up = sourceUpNamed
	}
	for i, x := range l.program.Models {
		if !agrees(&s.id, x.Model, l.by.Labels) {
			continue
		}
		cells := l.cells(i)
		l.each(s, func(step int, value float64, bad string) {
			if bad == "" && value > 0 && !(cells[step] >= up) {
				cells[step] = up
			}
		})
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
