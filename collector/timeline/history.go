// Package timeline answers instant queries at many steps from a few range queries. It asks a source of PromQL answers, and knows no
// clock: what it keeps could be asked for again, and would be answered the same.
package timeline

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

// History answers instant queries at the steps of a grid from range queries that it sends for many steps at once. PromQL defines
// each step of a range query as the instant query at that time, so that the answers are the same. What cannot be had in this way
// is asked as it is: other times, and expressions that mean something else over a range.
//
// The answers are those of the source at each single step. Where the source has no usable answer to a range, the range is divided,
// down to instant queries, so that one bad moment spoils no other. What says nothing of a moment, such as a lost connection, is
// kept as the reason to give up, see Err.
type History struct {
	source     promapi.RangeQuerier
	start, end time.Time // the first and the last step
	step       time.Duration
	chunkSteps int
	slots      chan struct{} // one for each query in flight
	allowance  *promapi.Allowance
	loading    sync.WaitGroup

	mu        sync.Mutex
	timelines map[timelineKey]*timeline
	now       time.Time
	fatal     error
}

var _ promapi.RangeQuerier = (*History)(nil)

// timelineKey tells apart what is asked at the steps of the grid, and over ranges with steps of their own.
type timelineKey struct {
	expr   string
	ranges bool
	step   time.Duration
	phase  time.Duration // of the steps against the epoch
}

// Options bound what a History asks for.
type Options struct {
	Concurrency int // queries in flight at once; at least 1
	// ChunkSteps is how many steps are asked for at once; 0 stands for 1000. Prometheus answers at most 11,000. Fewer bound the size
	// of an answer, and let the first steps be evaluated while the next are under way.
	ChunkSteps int
	// Allowance is the memory that the answers may take which are kept for later steps; nil: no bound.
	Allowance *promapi.Allowance
}

const defaultChunkSteps = 1000

// New answers from source for the steps of a grid.
func New(source promapi.RangeQuerier, grid v1.Range, o Options) *History {
	if o.ChunkSteps <= 0 {
		o.ChunkSteps = defaultChunkSteps
	}
	return &History{
		source: source, start: grid.Start, end: grid.End, step: grid.Step, chunkSteps: o.ChunkSteps,
		slots: make(chan struct{}, max(1, o.Concurrency)), timelines: map[timelineKey]*timeline{}, now: grid.Start,
		allowance: o.Allowance,
	}
}

// Query implements promapi.Querier.
func (h *History) Query(ctx context.Context, expr string, at time.Time) (model.Vector, error) {
	since := at.Sub(h.start)
	if since < 0 || since%h.step != 0 || at.After(h.end) {
		return h.instant(ctx, expr, at)
	}
	t := h.timeline(timelineKey{expr: expr, step: h.step}, h.start)
	if !t.rangeable {
		return h.instant(ctx, expr, at)
	}
	i := int(since / h.step)
	c, err := h.chunk(ctx, t, i/h.chunkSteps)
	if err != nil {
		return nil, err
	}
	return c.vector(i, model.TimeFromUnixNano(at.UnixNano()))
}

// QueryRange implements promapi.RangeQuerier. Ranges overlap from one step of the grid to the next: they are put together from
// answers to larger ones.
func (h *History) QueryRange(ctx context.Context, expr string, r v1.Range) (model.Matrix, error) {
	if r.Step <= 0 || r.End.Before(r.Start) || r.End.After(h.end) {
		return h.overRange(ctx, expr, r)
	}
	epoch := time.Unix(0, 0)
	phase := r.Start.Sub(epoch) % r.Step
	t := h.timeline(timelineKey{expr, true, r.Step, phase}, epoch.Add(phase))
	h.mu.Lock()
	t.lookback = max(t.lookback, h.now.Sub(r.Start))
	h.mu.Unlock()
	first, last := t.stepOf(r.Start)/h.chunkSteps, t.stepOf(r.End)/h.chunkSteps
	var chunks []*chunk
	for n := first; t.rangeable && n <= last; n++ {
		c, err := h.chunk(ctx, t, n)
		if err != nil {
			return nil, err
		}
		if !c.whole() {
			break // Over a range that holds a bad moment, the answer is an error of the source's choice.
		}
		chunks = append(chunks, c)
	}
	if len(chunks) != last-first+1 {
		return h.overRange(ctx, expr, r)
	}
	return join(chunks, model.TimeFromUnixNano(r.Start.UnixNano()), model.TimeFromUnixNano(r.End.UnixNano())), nil
}

// Advance says that nothing before a step will be asked for any more but what ranges look back at. It frees what is behind, and
// starts to ask for what comes next, without waiting for it.
func (h *History) Advance(ctx context.Context, to time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = to
	for _, t := range h.timelines {
		behind := t.stepOf(to.Add(-t.lookback)) / h.chunkSteps
		for n, c := range t.chunks {
			if n < behind {
				delete(t.chunks, n)
				h.loading.Go(c.drop)
			}
		}
		next := t.stepOf(to)/h.chunkSteps + 1
		if t.chunks[next] != nil || len(t.chunks) == 0 || t.at(next*h.chunkSteps).After(h.end) {
			continue
		}
		c := t.add(next)
		h.loading.Go(func() { h.load(ctx, t, c, next) })
	}
}

// Wait waits until nothing is being asked for. Cancel the context that Advance was given to be done soon.
func (h *History) Wait() { h.loading.Wait() }

// Close waits, and frees what is kept.
func (h *History) Close() {
	h.Wait()
	h.mu.Lock()
	var kept []*chunk
	for _, t := range h.timelines {
		kept = slices.AppendSeq(kept, maps.Values(t.chunks))
		clear(t.chunks)
	}
	h.mu.Unlock()
	for _, c := range kept {
		c.drop()
	}
}

// Err is why the source cannot be asked, or nil. Whatever was answered after it is not history.
func (h *History) Err() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.fatal
}

func (h *History) fail(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.fatal == nil {
		h.fatal = err
	}
}

func (h *History) timeline(key timelineKey, origin time.Time) *timeline {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.timelines[key]
	if t == nil {
		t = &timeline{expr: key.expr, origin: origin, step: key.step, chunks: map[int]*chunk{}}
		t.rangeable, t.span = inspect(key.expr, h.chunkSteps)
		h.timelines[key] = t
	}
	return t
}

// chunk returns a chunk of a timeline, asking for it the first time.
func (h *History) chunk(ctx context.Context, t *timeline, n int) (*chunk, error) {
	h.mu.Lock()
	c, ok := t.chunks[n]
	if !ok {
		c = t.add(n)
	}
	h.mu.Unlock()
	if !ok {
		h.load(ctx, t, c, n)
	}
	select {
	case <-c.done:
		return c, c.err
	case <-ctx.Done():
		return nil, &promapi.Error{Reason: promapi.ReasonCanceled, Err: ctx.Err()}
	}
}

// instant asks for one moment. An error that says nothing of the moment is also the reason to give up.
func (h *History) instant(ctx context.Context, expr string, at time.Time) (model.Vector, error) {
	defer h.slot(ctx)()
	asking, closeAccount := h.allowance.Account(ctx)
	defer closeAccount()
	vector, err := h.source.Query(asking, expr, at)
	if err != nil && !ofData(promapi.ReasonOf(err)) {
		h.fail(err)
	}
	return vector, err
}

func (h *History) overRange(ctx context.Context, expr string, r v1.Range) (model.Matrix, error) {
	defer h.slot(ctx)()
	asking, closeAccount := h.allowance.Account(ctx)
	defer closeAccount()
	matrix, err := h.source.QueryRange(asking, expr, r)
	if err != nil && !ofData(promapi.ReasonOf(err)) {
		h.fail(err)
	}
	return matrix, err
}

// slot waits until another query may be sent. Where the wait is given up, the query that follows fails by itself.
func (h *History) slot(ctx context.Context) (release func()) {
	select {
	case h.slots <- struct{}{}:
		return func() { <-h.slots }
	case <-ctx.Done():
		return func() {}
	}
}

// ofData says that a failure is a property of the data or the expression: then, too, it would have been the answer.
func ofData(r promapi.Reason) bool {
	switch r {
	case promapi.ReasonWarnings, promapi.ReasonExecution, promapi.ReasonBadQuery, promapi.ReasonWrongType, promapi.ReasonTooLarge:
		return true
	default:
		return false
	}
}

// timestampSpan is how many steps of an expression with timestamp() are asked for at once. Prometheus 2 (2.42 was measured) reads
// the series below it from the beginning of the range at every step: the work grows with the square of the steps.
const timestampSpan = 50

// inspect says whether each step of a range query with an expression is the instant query at that time, and how many steps to ask
// for at once. It is where the expression is of the type that an instant query must have, where a range query takes scalars too,
// and does not look at start() or end(), which over a range are the ends of the range.
func inspect(expr string, most int) (rangeable bool, span int) {
	e, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
	if err != nil || e.Type() != parser.ValueTypeVector {
		return false, 1
	}
	rangeable, span = true, most
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		switch x := n.(type) {
		case *parser.VectorSelector:
			rangeable = rangeable && x.StartOrEnd == 0
		case *parser.SubqueryExpr:
			rangeable = rangeable && x.StartOrEnd == 0
		case *parser.Call:
			if x.Func.Name == "timestamp" {
				span = min(most, timestampSpan)
			}
		}
		return nil
	})
	return rangeable, span
}
