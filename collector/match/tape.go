package match

import (
	"math"
	"time"

	"github.com/variant-exporter/variant-exporter/optimizer/forecast"
)

// Tape keeps the newest steps of a history in memory that is allocated once. New steps are appended, old ones are skipped. When the memory
// is full, what is left moves to its beginning.
type Tape struct {
	grid  Grid        // parts of the rows
	rows  [][]float64 // by owner; nil for an owner without any number
	begin int         // where the grid begins in each row
	room  int         // the length of a row
}

// tapeSpare says how much spare room a tape has: one step for so many that it holds.
const tapeSpare = 32

// NewTape makes a tape without any step, for so many owners.
func NewTape(step time.Duration, owners int) *Tape {
	return &Tape{grid: Grid{Step: step, Cells: make([][]float64, owners)}, rows: make([][]float64, owners)}
}

// Clone returns a tape with memory of its own.
func (t *Tape) Clone() *Tape {
	c := NewTape(t.grid.Step, len(t.rows))
	c.Write(t.grid.First, t.grid.Steps, &t.grid)
	return c
}

// Grid is what the tape holds. It is valid until Write.
func (t *Tape) Grid() Grid { return t.grid }

// Write puts steps, which go on from those that are there without a gap, in the place of those from their first one on, and forgets what
// is before the step first. The tape is to hold about so many steps. No other goroutine may read it meanwhile.
func (t *Tape) Write(first int64, steps int, next *Grid) {
	g := &t.grid
	if g.Steps == 0 {
		g.First = next.First
	}
	spoilt := g.Spoilt && next.First > g.First+int64(g.Usable())
	past := min(int(max(0, first-g.First)), g.Steps)
	kept := max(0, min(int(next.First-g.First), g.Steps)-past)
	t.joinStrays(past, kept, next)
	t.move(past, kept, next.Steps, steps)
	g.First, g.Steps, g.Spoilt, g.nothing = next.First-int64(kept), kept+next.Steps, next.Spoilt || spoilt, nil
	for owner, cells := range next.Cells {
		row := t.rows[owner]
		switch {
		case row == nil && cells == nil:
			continue
		case row == nil:
			row = make([]float64, t.room)
			t.rows[owner] = row
			forget(row[t.begin : t.begin+kept])
		}
		held := row[t.begin : t.begin+g.Steps : t.begin+g.Steps]
		if cells == nil {
			forget(held[kept:])
		}
		copy(held[kept:], cells)
		g.Cells[owner] = held
	}
}

// move makes place for more steps behind those kept after some that are past.
func (t *Tape) move(past, kept, more, steps int) {
	begin := t.begin + past
	if begin+kept+more <= t.room {
		t.begin = begin
		return
	}
	t.begin = 0
	if steps = max(steps, kept+more); steps > t.room {
		t.room = steps + steps/tapeSpare + 1
		t.grow(begin, kept)
		return
	}
	for _, row := range t.rows {
		if row != nil {
			copy(row, row[begin:begin+kept])
		}
	}
}

// grow gives the rows more memory.
func (t *Tape) grow(begin, kept int) {
	for owner, row := range t.rows {
		if row != nil {
			t.rows[owner] = make([]float64, t.room)
			copy(t.rows[owner], row[begin:begin+kept])
		}
	}
}

// joinStrays joins the demand that belongs to no model, of which there is little, and the replicas of workloads that are no variant's.
func (t *Tape) joinStrays(past, kept int, next *Grid) {
	g, joined := &t.grid, map[string][]float64{}
	for _, strays := range []map[string][]float64{g.Strays, next.Strays} {
		for namespace := range strays {
			values := unknown(kept + next.Steps)
			if was := g.Strays[namespace]; was != nil {
				copy(values, was[past:past+kept])
			}
			copy(values[kept:], next.Strays[namespace])
			if !forecast.None(values) {
				joined[namespace] = values
			}
		}
	}
	if g.Strays = nil; len(joined) > 0 {
		g.Strays = joined
	}
}

func forget(values []float64) {
	for i := range values {
		values[i] = math.NaN()
	}
}
