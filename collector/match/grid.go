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
	// Strays are the sums of positive numbers that belong to no model, by namespace.
	Strays map[string][]float64
}

// unusable marks a cell with a series that cannot be used. No usable number is so large.
const unusable = math.MaxFloat64

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

// stray reports whether there was demand at a step that belongs to no model, and may be that of one in a namespace.
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

// Join returns the steps from first on of a grid, followed by those of another that continues it.
func (g *Grid) Join(first int64, next Grid) Grid {
	skip := int(first - g.First)
	out := Grid{Step: g.Step, First: first, Steps: g.Steps - skip + next.Steps, Cells: make([][]float64, len(next.Cells))}
	join := func(before, after []float64) []float64 {
		if before == nil && after == nil {
			return nil
		}
		if before == nil {
			before = unknown(g.Steps)
		}
		if after == nil {
			after = unknown(next.Steps)
		}
		return slices.Concat(before[skip:], after)
	}
	for owner := range out.Cells {
		out.Cells[owner] = join(g.Cells[owner], next.Cells[owner])
	}
	for _, strays := range []map[string][]float64{g.Strays, next.Strays} {
		for namespace := range strays {
			joined := join(g.Strays[namespace], next.Strays[namespace])
			if joined == nil {
				continue // all of it is past
			}
			if out.Strays == nil {
				out.Strays = map[string][]float64{}
			}
			out.Strays[namespace] = joined
		}
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
	for namespace, values := range g.Strays {
		if out.Strays == nil {
			out.Strays = map[string][]float64{}
		}
		out.Strays[namespace] = values[:steps:steps]
	}
	return out
}

// Owners is how many owners have any number.
func (g *Grid) Owners() int {
	n := 0
	for _, cells := range g.Cells {
		if forecast.Known(cells) > 0 {
			n++
		}
	}
	return n
}

// Usable is how many steps there are before the first at which something was told that cannot be used.
func (g *Grid) Usable() int {
	steps := g.Steps
	for _, cells := range g.Cells {
		if i := slices.Index(cells[:min(len(cells), steps)], unusable); i >= 0 {
			steps = i
		}
	}
	return steps
}

// SameAt reports whether two grids say the same of a step that both have.
func (g *Grid) SameAt(o *Grid, step int64) bool {
	at := func(g *Grid, cells []float64) float64 {
		if cells == nil {
			return math.NaN()
		}
		return cells[step-g.First]
	}
	for owner := range g.Cells {
		a, b := at(g, g.Cells[owner]), at(o, o.Cells[owner])
		if a != b && !(math.IsNaN(a) && math.IsNaN(b)) {
			return false
		}
	}
	return true
}
