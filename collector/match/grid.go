package match

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/variant-exporter/variant-exporter/collector/query"
	"github.com/variant-exporter/variant-exporter/optimizer"
	"github.com/variant-exporter/variant-exporter/optimizer/forecast"
)

// Grid is a history, matched: the number of every owner at every step. A step is a number of whole Steps since the epoch.
type Grid struct {
	Step  time.Duration
	First int64       // the first step
	Steps int         // how many there are
	Cells [][]float64 // by model or variant, then by step; nil for an owner without any number
}

// unusable marks a cell with a series that cannot be used. No usable number is infinite.
var unusable = math.Inf(1)

// The numbers of a source's cells: it is up, by the model's own name, or by a series that names no model.
const (
	sourceUp      = 1
	sourceUpNamed = 2
)

// Lay lays the answer to a history out on its grid.
func (m *Matcher) Lay(h *query.History, matrix model.Matrix, first int64, steps int) Grid {
	g := Grid{Step: h.Step, First: first, Steps: steps, Cells: make([][]float64, m.Owners(h.By.Owner))}
	l := layer{Matcher: m, history: h, grid: &g, seen: map[string][]bool{}}
	// In one order, whatever that of the answer is: sums of floating point numbers depend on it.
	ordered := make([]stream, len(matrix))
	for i, s := range matrix {
		id := identify(s.Metric, h.By.Labels)
		ordered[i] = stream{m.key(id), id, s}
		if h.By.Owner == query.OfTarget {
			t := targetIn(s.Metric, model.LabelName(m.program.Config.Labels.Namespace))
			ordered[i].key = strings.Join([]string{t.namespace, string(t.kind), t.name}, "\x00")
		}
	}
	slices.SortStableFunc(ordered, func(a, b stream) int { return cmp.Compare(a.key, b.key) })
	for i := range ordered {
		l.lay(&ordered[i])
	}
	return g
}

// Owners is how many models or variants a grid has cells for.
func (m *Matcher) Owners(o query.Owner) int {
	if o == query.OfModel || o == query.OfSource {
		return len(m.program.Models)
	}
	return len(m.program.Variants)
}

type stream struct {
	key    string
	id     identity
	series *model.SampleStream
}

// layer lays out one answer.
type layer struct {
	*Matcher
	history *query.History
	grid    *Grid
	seen    map[string][]bool // key -> steps at which there was a series already
}

func (l *layer) lay(s *stream) {
	switch l.history.By.Owner {
	case query.OfModel:
		l.place(s, l.modelsOf(s.id))
	case query.OfVariant:
		l.place(s, l.variantsOf(s.id))
	case query.OfTarget:
		l.place(s, l.targets[targetIn(s.id.metric, model.LabelName(l.program.Config.Labels.Namespace))])
	case query.OfSource:
		l.source(s)
	}
}

// step is the place of a time on the grid; false where it is not on it.
func (l *layer) step(at model.Time) (int, bool) {
	since := at.Time().UnixNano()
	step := since/int64(l.grid.Step) - l.grid.First
	return int(step), since%int64(l.grid.Step) == 0 && step >= 0 && step < int64(l.grid.Steps)
}

// cells are those of an owner.
func (l *layer) cells(owner int) []float64 {
	if l.grid.Cells[owner] == nil {
		l.grid.Cells[owner] = unknown(l.grid.Steps)
	}
	return l.grid.Cells[owner]
}

// place gives the numbers of a series to its owner. Variants that share a scale target all get them. Any other series that may
// belong to several owners is usable for none of them.
func (l *layer) place(s *stream, owners []int) {
	if len(owners) == 0 {
		return
	}
	target := l.history.By.Owner == query.OfTarget
	seen := l.seen[s.key]
	if seen == nil {
		seen = make([]bool, l.grid.Steps)
		l.seen[s.key] = seen
	}
	put := func(at model.Time, value float64, bad bool) {
		step, ok := l.step(at)
		if !ok {
			return
		}
		bad = bad || seen[step] || len(owners) > 1 && !target || target && !whole(value)
		seen[step] = true
		for _, owner := range owners {
			add(l.cells(owner), step, value, bad)
		}
	}
	for _, v := range s.series.Values {
		put(v.Timestamp, float64(v.Value), judge(float64(v.Value)) != "")
	}
	for _, v := range s.series.Histograms {
		put(v.Timestamp, 0, true)
	}
}

// whole reports whether a value is a number of replicas.
func whole(value float64) bool { return value == math.Trunc(value) && value <= optimizer.MaxReplicas }

func add(cells []float64, step int, value float64, bad bool) {
	switch {
	case bad || cells[step] == unusable:
		cells[step] = unusable
	case math.IsNaN(cells[step]):
		cells[step] = value
	default:
		cells[step] += value
	}
}

// source marks the steps at which a source was up, for the models that it may be one of.
func (l *layer) source(s *stream) {
	up := float64(sourceUp)
	if s.id.model != "" {
		up = sourceUpNamed
	}
	for i, x := range l.program.Models {
		if !agrees(&s.id, x.Model, l.history.By.Labels) {
			continue
		}
		cells := l.cells(i)
		for _, v := range s.series.Values {
			if step, ok := l.step(v.Timestamp); ok && float64(v.Value) > 0 && judge(float64(v.Value)) == "" && !(cells[step] >= up) {
				cells[step] = up
			}
		}
	}
}

// History is the history of one owner before a moment. Its values may be shared, and must not be changed.
func (g *Grid) History(owner int, at time.Time) forecast.History {
	last := time.Unix(0, (g.First+int64(g.Steps)-1)*int64(g.Step))
	h := forecast.History{Step: g.Step, Since: at.Sub(last), Values: g.Cells[owner]}
	if h.Values == nil {
		h.Values = unknown(g.Steps)
	}
	if slices.Contains(h.Values, unusable) {
		h.Values = slices.Clone(h.Values)
		for i, v := range h.Values {
			if v == unusable {
				h.Values[i] = math.NaN()
			}
		}
	}
	return h
}

func unknown(steps int) []float64 {
	values := make([]float64, steps)
	for i := range values {
		values[i] = math.NaN()
	}
	return values
}

// filled is History, where a step without any result is zero while the source was up.
func (g *Grid) filled(owner int, at time.Time, alive forecast.History) forecast.History {
	h := g.History(owner, at)
	h.Values = slices.Clone(h.Values)
	for i := range h.Values {
		absent := g.Cells[owner] == nil || math.IsNaN(g.Cells[owner][i])
		if absent && i < len(alive.Values) && alive.Values[i] > 0 {
			h.Values[i] = 0
		}
	}
	return h
}

// Join returns the steps from first on of a grid, followed by those of another that continues it.
func (g *Grid) Join(first int64, next Grid) Grid {
	skip := int(first - g.First)
	out := Grid{Step: g.Step, First: first, Steps: g.Steps - skip + next.Steps, Cells: make([][]float64, len(next.Cells))}
	for owner := range out.Cells {
		before, after := g.Cells[owner], next.Cells[owner]
		if before == nil && after == nil {
			continue
		}
		if before == nil {
			before = unknown(g.Steps)
		}
		if after == nil {
			after = unknown(next.Steps)
		}
		out.Cells[owner] = slices.Concat(before[skip:], after)
	}
	return out
}

// Cut returns the first steps of a grid.
func (g *Grid) Cut(steps int) Grid {
	out := Grid{Step: g.Step, First: g.First, Steps: steps, Cells: make([][]float64, len(g.Cells))}
	for owner, cells := range g.Cells {
		if cells != nil {
			out.Cells[owner] = cells[:steps:steps]
		}
	}
	return out
}
