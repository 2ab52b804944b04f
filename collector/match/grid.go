package match

import (
	"math"
	"slices"
	"time"

	"github.com/variant-exporter/variant-exporter/optimizer/forecast"
)

// Grid is a history, matched: the number of every owner at every step. A step is a number of whole Steps since the epoch.
type Grid struct {
	Step  time.Duration
	First int64       // the first step
	Steps int         // how many there are
	Cells [][]float64 // by owner, then by step; nil for an owner without any number
	// Strays are the sums of positive numbers that belong to no model, by namespace, or how many replicas were asked for of workloads that are no
	// variant's, by the text of their podTarget.
	Strays map[string][]float64
	// Spoilt says that some cell may have a series that cannot be used.
	Spoilt bool

	nothing []float64 // the history of owners without any number
}

// unusable marks a cell with a series that cannot be used. No usable number is so large.
const unusable = math.MaxFloat64

// History is the history of one owner before a moment. Its values may be shared, and must not be changed.
func (g *Grid) History(owner int, at time.Time) forecast.History {
	last := time.Unix(0, (g.First+int64(g.Steps)-1)*int64(g.Step))
	h := forecast.History{Step: g.Step, Since: at.Sub(last), Values: g.Cells[owner]}
	if h.Values == nil {
		if len(g.nothing) != g.Steps {
			g.nothing = unknown(g.Steps)
		}
		h.Values = g.nothing
	}
	if g.spoilt(owner) {
		h.Values = slices.Clone(h.Values)
		for i, v := range h.Values {
			if v == unusable {
				h.Values[i] = math.NaN()
			}
		}
	}
	return h
}

// spoilt reports whether an owner has a cell with a series that cannot be used.
func (g *Grid) spoilt(owner int) bool { return g.lastSpoilt(owner) >= 0 }

// lastSpoilt is the newest step at which an owner has a series that cannot be used; -1 for none.
func (g *Grid) lastSpoilt(owner int) int {
	if !g.Spoilt {
		return -1
	}
	for step, value := range slices.Backward(g.Cells[owner]) {
		if value == unusable {
			return step
		}
	}
	return -1
}

func unknown(steps int) []float64 { return appendUnknown(make([]float64, 0, steps), steps) }

func appendUnknown(to []float64, steps int) []float64 {
	for range steps {
		to = append(to, math.NaN())
	}
	return to
}

// stray reports whether a step has demand of no model that may be that of a model in a namespace.
func (g *Grid) stray(namespace string, step int) bool {
	for _, in := range []string{namespace, ""} {
		if values := g.Strays[in]; values != nil && values[step] > 0 {
			return true
		}
	}
	return false
}

// filled is History, where a step without any result is zero while the source was up and all demand belonged to some model.
func (g *Grid) filled(owner int, namespace string, at time.Time, alive forecast.History) forecast.History {
	h := g.History(owner, at)
	h.Values = slices.Clone(h.Values)
	for i := range h.Values {
		absent := g.Cells[owner] == nil || math.IsNaN(g.Cells[owner][i])
		if absent && alive.At(h.Ago(i)) > 0 && !g.stray(namespace, i) {
			h.Values[i] = 0
		}
	}
	return h
}

// Cut returns the steps of a grid from one of them to before another. It shares their memory.
func (g *Grid) Cut(first, end int64) Grid {
	from, to := first-g.First, end-g.First
	out := Grid{Step: g.Step, First: first, Steps: int(end - first), Cells: make([][]float64, len(g.Cells)), Spoilt: g.Spoilt && int(to) > g.Usable()}
	for owner, cells := range g.Cells {
		if cells != nil {
			out.Cells[owner] = cells[from:to:to]
		}
	}
	for namespace, values := range g.Strays {
		if out.Strays == nil {
			out.Strays = map[string][]float64{}
		}
		out.Strays[namespace] = values[from:to:to]
	}
	return out
}

// Every returns the steps of a coarser grid that lie on this one, from one of them on.
func (g *Grid) Every(step time.Duration, first int64, steps int) Grid {
	every := int64(step / g.Step)
	begin := first*every - g.First
	take := func(to, values []float64) []float64 {
		for i := range int64(steps) {
			to = append(to, values[begin+i*every])
		}
		return to
	}
	out := Grid{Step: step, First: first, Steps: steps, Cells: make([][]float64, len(g.Cells)), Spoilt: g.Spoilt}
	free := make([]float64, 0, steps*len(g.Cells))
	for owner, cells := range g.Cells {
		if cells == nil {
			continue
		}
		if taken := take(free, cells); !forecast.None(taken) {
			out.Cells[owner], free = slices.Clip(taken), taken[steps:]
		}
	}
	for namespace, values := range g.Strays {
		if out.Strays == nil {
			out.Strays = map[string][]float64{}
		}
		out.Strays[namespace] = take(nil, values)
	}
	return out
}

// Covers reports whether the steps of a coarser grid lie on this one.
func (g *Grid) Covers(step time.Duration, first int64, steps int) bool {
	every := int64(step / g.Step)
	return first*every >= g.First && (first+int64(steps)-1)*every < g.First+int64(g.Steps)
}

// Owners is how many owners have any number.
func (g *Grid) Owners() int {
	n := 0
	for _, cells := range g.Cells {
		if !forecast.None(cells) {
			n++
		}
	}
	return n
}

// Usable is the number of steps before the first one with a series that cannot be used.
func (g *Grid) Usable() int {
	steps := g.Steps
	if !g.Spoilt {
		return steps
	}
	for _, cells := range g.Cells {
		if i := slices.Index(cells[:min(len(cells), steps)], unusable); i >= 0 {
			steps = i
		}
	}
	return steps
}

// Newest is the newest step with a number of any owner; false for none.
func (g *Grid) Newest() (step int64, ok bool) {
	newest := -1
	for _, cells := range g.Cells {
		for i := len(cells) - 1; i > newest; i-- {
			if !math.IsNaN(cells[i]) {
				newest = i
			}
		}
	}
	return g.First + int64(newest), newest >= 0
}

// SameAt reports whether two grids are equal at a step that both have, strays included.
func (g *Grid) SameAt(o *Grid, step int64) bool {
	same := func(mine, other []float64) bool {
		a, b := at(mine, step-g.First), at(other, step-o.First)
		return a == b || math.IsNaN(a) && math.IsNaN(b)
	}
	for owner := range g.Cells {
		if !same(g.Cells[owner], o.Cells[owner]) {
			return false
		}
	}
	for _, strays := range []map[string][]float64{g.Strays, o.Strays} {
		for namespace := range strays {
			if !same(g.Strays[namespace], o.Strays[namespace]) {
				return false
			}
		}
	}
	return true
}

// at is the number of a step; NaN where there are none.
func at(cells []float64, step int64) float64 {
	if cells == nil {
		return math.NaN()
	}
	return cells[step]
}
