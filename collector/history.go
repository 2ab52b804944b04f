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
	cellsAtOnce = 50_000
)

// histories asks for the histories of a program. It keeps the steps that are settled, so an evaluation asks only for what is new.
// Whatever it keeps can be dropped at any time: it would be answered the same again.
type histories struct {
	matcher *match.Matcher
	querier promapi.RangeQuerier

	mu   sync.Mutex
	kept []match.Grid // by History.Place
}

func newHistories(p *query.Program, m *match.Matcher, q promapi.RangeQuerier) *histories {
	return &histories{matcher: m, querier: q, kept: make([]match.Grid, len(p.Histories))}
}

// ask reads a history at a moment. The newest step that is kept is asked for again, and the newest of those at which anything was told:
// where they are told otherwise now, such as by a store that is back or a Prometheus that has lost its past, nothing that is kept can be
// relied on. A history that ends where samples are settled is asked for once in a step.
func (h *histories) ask(ctx context.Context, allowance *promapi.Allowance, q *query.History, at time.Time) match.History {
	first, last := stepAt(at.Add(-q.From), q.Step), stepAt(at.Add(-q.Until), q.Step)
	kept := h.known(q, first, last)
	if q.Until >= query.Settled && kept.Steps > 0 && kept.First+int64(kept.Steps) > last {
		grid := kept.Join(first) // Nothing has settled since.
		return match.History{Grid: grid, Series: grid.Owners()}
	}
	grid, err := h.read(ctx, allowance, q, kept, first, last)
	if err == nil && kept.Steps > 0 {
		var same bool
		if same, err = h.agree(ctx, allowance, q, &kept, &grid); err == nil && !same {
			grid, err = h.read(ctx, allowance, q, h.nothing(q, first), first, last)
		}
	}
	if err != nil {
		return match.History{Err: err}
	}
	h.keep(q, grid, stepAt(at.Add(-query.Settled), q.Step))
	return match.History{Grid: grid, Series: grid.Owners()}
}

// read asks for what is not kept, and for the newest step that is. It returns the steps from first on.
func (h *histories) read(ctx context.Context, allowance *promapi.Allowance, q *query.History, kept match.Grid, first, last int64) (match.Grid, error) {
	from := first
	if kept.Steps > 0 {
		from = kept.First + int64(kept.Steps) - 1
	}
	most := min(stepsAtOnce, max(1, cellsAtOnce/int64(max(1, len(kept.Cells)))))
	var news []match.Grid
	for from <= last {
		steps := int(min(most, last-from+1))
		grid, err := h.lay(ctx, allowance, q, from, steps)
		if err != nil {
			return match.Grid{}, err
		}
		news = append(news, grid)
		from += int64(steps)
	}
	if kept.Steps == 0 && len(news) == 1 {
		return news[0], nil
	}
	return kept.Join(first, news...), nil
}

// lay asks for some steps. The memory of the answer is free again once it is laid out.
func (h *histories) lay(ctx context.Context, allowance *promapi.Allowance, q *query.History, from int64, steps int) (match.Grid, error) {
	ctx, closeAccount := allowance.Account(ctx)
	defer closeAccount()
	matrix, err := h.querier.QueryRange(ctx, q.Expr, v1.Range{
		Start: timeOf(from, q.Step), End: timeOf(from+int64(steps)-1, q.Step), Step: q.Step,
	})
	if err != nil {
		return match.Grid{}, err //nolint:wrapcheck // The querier says what it was doing.
	}
	return h.matcher.Lay(ctx, q, matrix, from, steps) //nolint:wrapcheck // It says what it was doing.
}

// agree reports whether a grid says the same as what is kept of its newest step. A step at which nothing was told says nothing of those
// before it, so the newest that was told is asked for too.
func (h *histories) agree(ctx context.Context, allowance *promapi.Allowance, q *query.History, kept, grid *match.Grid) (bool, error) {
	newest := kept.First + int64(kept.Steps) - 1
	if !kept.SameAt(grid, newest) {
		return false, nil
	}
	told, ok := kept.Newest()
	if !ok || told == newest {
		return true, nil
	}
	again, err := h.lay(ctx, allowance, q, told, 1)
	if err != nil {
		return false, err
	}
	return kept.SameAt(&again, told), nil
}

// known returns what is kept, where it goes on from first or before without a gap, and up to last at the most.
func (h *histories) known(q *query.History, first, last int64) match.Grid {
	h.mu.Lock()
	defer h.mu.Unlock()
	kept := h.kept[q.Place]
	end := kept.First + int64(kept.Steps)
	if kept.Steps == 0 || kept.First > first || end <= first {
		return h.nothing(q, first)
	}
	if end > last+1 {
		return kept.Cut(int(last + 1 - kept.First))
	}
	return kept
}

// nothing is a grid of no steps.
func (h *histories) nothing(q *query.History, first int64) match.Grid {
	return match.Grid{Step: q.Step, First: first, Cells: make([][]float64, h.matcher.Owners(q.By.Owner))}
}

// keep remembers the steps of a grid up to one that is settled, and before the first that holds what cannot be used.
func (h *histories) keep(q *query.History, grid match.Grid, until int64) {
	steps := min(int64(grid.Steps), until-grid.First+1, int64(grid.Usable()))
	h.mu.Lock()
	defer h.mu.Unlock()
	h.kept[q.Place] = match.Grid{}
	if steps > 0 {
		h.kept[q.Place] = grid.Cut(int(steps))
	}
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
