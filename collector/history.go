package collector

import (
	"context"
	"sync"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"

	"github.com/variant-exporter/variant-exporter/collector/match"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
	"github.com/variant-exporter/variant-exporter/collector/query"
)

const (
	// stepsAtOnce and cellsAtOnce bound the size of one answer: an evaluation has several in memory, as text and as numbers.
	stepsAtOnce = 360
	cellsAtOnce = 25_000

	mostHalved = 16 // one step is left of as many as there can be
)

// histories asks for the histories of a program. It keeps the steps that are settled, so an evaluation asks only for what is new.
// Whatever it keeps can be dropped at any time: it would be answered the same again.
type histories struct {
	matcher *match.Matcher
	querier promapi.RangeQuerier

	mu      sync.Mutex
	readers int     // evaluations that may be reading what is kept
	kept    []*kept // by History.Place; nil for nothing
	halved  []int   // by History.Place: how often the steps asked for at once were, because no answer came in time
}

// kept is what is kept of a history. Steps that are not settled are there for those who read it now.
type kept struct {
	tape    *match.Tape
	settled int
}

// wanted are the steps that are asked for, and the newest that is settled.
type wanted struct{ first, last, settled int64 }

func newHistories(p *query.Program, m *match.Matcher, q promapi.RangeQuerier) *histories {
	return &histories{matcher: m, querier: q, kept: make([]*kept, len(p.Histories)), halved: make([]int, len(p.Histories))}
}

// open says that what is kept is being read, until it is closed: it is changed in its place only where nothing else reads it.
func (h *histories) open() (closed func()) {
	h.count(1)
	return func() { h.count(-1) }
}

func (h *histories) count(more int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.readers += more
}

// reading is one history being read.
type reading struct {
	*query.History
	wanted
	allowance *promapi.Allowance
	finer     *match.Grid // what the finer history told now, where steps are taken from it
}

// ask reads a history at a moment. The newest step that is kept is asked for again, and the newest of those at which anything was told:
// where they are told otherwise now, such as by a store that is back or a Prometheus that has lost its past, nothing that is kept can be
// relied on. The answer may be used until histories are closed.
func (h *histories) ask(ctx context.Context, allowance *promapi.Allowance, q *query.History, at time.Time, finer *match.Grid) match.History {
	r := &reading{q, wanted{stepAt(at.Add(-q.From), q.Step), stepAt(at.Add(-q.Until), q.Step), stepAt(at.Add(-query.Settled), q.Step)}, allowance, finer}
	base, known := h.known(q, r.wanted)
	grid, same, err := h.read(ctx, r, base, known)
	if err == nil && !same {
		grid, _, err = h.read(ctx, r, nil, h.nothing(q, r.first))
	}
	if err != nil {
		return match.History{Err: err}
	}
	return match.History{Grid: grid, Series: grid.Owners()}
}

// read asks for what is not known, and for the newest step that is. Each part of the answer is kept as it comes, so that where a later one
// fails, the next evaluation goes on from there. It reports whether the answer agrees with what is known, and ends where it does not.
func (h *histories) read(ctx context.Context, r *reading, base *kept, known match.Grid) (grid match.Grid, same bool, err error) {
	from := r.first
	if r.Seldom && known.Steps > 0 && known.First+int64(known.Steps) > r.last {
		return known, true, nil
	}
	if known.Steps > 0 {
		from = known.First + int64(known.Steps) - 1
	} else {
		r.finer = nil // Who knows nothing of a day asks for all of it: the newest steps are not what it is about.
	}
	most := h.atOnce(r.History, len(known.Cells))
	begun := from
	defer func() { h.took(r.History, from > begun, err) }()
	for from <= r.last {
		steps := int(min(most, r.last-from+1))
		part, err := h.lay(ctx, r, from, steps)
		if err == nil && known.Steps > 0 {
			same, err = h.agree(ctx, r, &known, &part)
			if err == nil && !same {
				return grid, false, nil
			}
			known.Steps = 0
		}
		if err != nil {
			return grid, false, err
		}
		base, grid = h.write(r, base, &part)
		from += int64(steps)
	}
	return grid, true, nil
}

// atOnce is how many steps are asked for at once.
func (h *histories) atOnce(q *query.History, owners int) int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return max(1, min(stepsAtOnce, cellsAtOnce/int64(max(1, owners)))>>h.halved[q.Place])
}

// took notes whether answers came in time: where not even one did, half as much is asked for the next time, until all have come.
func (h *histories) took(q *query.History, some bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case err == nil:
		h.halved[q.Place] = 0
	case !some && promapi.ReasonOf(err) == promapi.ReasonTimeout && h.halved[q.Place] < mostHalved:
		h.halved[q.Place]++
	}
}

// lay takes some steps from a finer history, or asks for them. The memory of an answer is free again once it is laid out.
func (h *histories) lay(ctx context.Context, r *reading, from int64, steps int) (match.Grid, error) {
	if r.finer != nil && r.finer.Covers(r.Step, from, steps) {
		return r.finer.Every(r.Step, from, steps), nil
	}
	ctx, closeAccount := r.allowance.Account(ctx)
	defer closeAccount()
	matrix, err := h.querier.QueryRange(ctx, r.Expr, v1.Range{
		Start: timeOf(from, r.Step), End: timeOf(from+int64(steps)-1, r.Step), Step: r.Step,
	})
	if err != nil {
		return match.Grid{}, err //nolint:wrapcheck // The querier says what it was doing.
	}
	return h.matcher.Lay(ctx, r.History, matrix, from, steps) //nolint:wrapcheck // It says what it was doing.
}

// agree reports whether a grid says the same as what is kept of its newest step. A step at which nothing was told says nothing of those
// before it, so the newest that was told is asked for too.
func (h *histories) agree(ctx context.Context, r *reading, kept, grid *match.Grid) (bool, error) {
	newest := kept.First + int64(kept.Steps) - 1
	if !kept.SameAt(grid, newest) {
		return false, nil
	}
	told, ok := kept.Newest()
	if !ok || told == newest {
		return true, nil
	}
	again, err := h.lay(ctx, r, told, 1)
	if err != nil {
		return false, err
	}
	return kept.SameAt(&again, told), nil
}

// known returns what is kept, and of what is wanted what is settled, where that begins with the first step.
func (h *histories) known(q *query.History, w wanted) (*kept, match.Grid) {
	h.mu.Lock()
	defer h.mu.Unlock()
	k := h.kept[q.Place]
	if k == nil {
		return nil, h.nothing(q, w.first)
	}
	grid := k.tape.Grid()
	end := min(grid.First+int64(k.settled), w.last+1)
	if k.settled == 0 || grid.First > w.first || end <= w.first {
		return nil, h.nothing(q, w.first)
	}
	return k, grid.Cut(w.first, end)
}

// nothing is a grid of no steps.
func (h *histories) nothing(q *query.History, first int64) match.Grid {
	return match.Grid{Step: q.Step, First: first, Cells: make([][]float64, h.matcher.Owners(q.By.Owner))}
}

// write puts some steps behind what is kept, nil for nothing, and keeps it: up to a step that is settled, and before the first that holds
// what cannot be used. Where others may be reading what is kept, it is copied.
func (h *histories) write(r *reading, base *kept, part *match.Grid) (*kept, match.Grid) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case base == nil:
		base = &kept{tape: match.NewTape(r.Step, len(part.Cells))}
	case h.readers > 1 || h.kept[r.Place] != base:
		base = &kept{tape: base.tape.Clone()}
	}
	base.tape.Write(r.first, int(r.last-r.first+1), part)
	grid := base.tape.Grid()
	base.settled = int(max(0, min(int64(grid.Steps), r.settled-grid.First+1, int64(grid.Usable()))))
	h.kept[r.Place] = base
	return base, grid
}

// stepAt is the number of the last step at or before a time.
func stepAt(at time.Time, step time.Duration) int64 {
	n := at.UnixNano() / int64(step)
	if at.UnixNano()%int64(step) < 0 {
		n--
	}
	return n
}

// timeOf is the time of a step.
func timeOf(n int64, step time.Duration) time.Time { return time.Unix(0, n*int64(step)).UTC() }
