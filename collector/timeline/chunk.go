package timeline

import (
	"cmp"
	"context"
	"slices"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

// timeline is what an expression says at steps of a fixed length, in chunks.
type timeline struct {
	expr      string
	origin    time.Time // step 0
	step      time.Duration
	rangeable bool

	// Guarded by History.mu.
	span     int           // how many steps the source answers at once
	lookback time.Duration // how far behind the present ranges begin
	chunks   map[int]*chunk
	refused  error // why the source takes the expression at no time
}

// chunk are the answers at a number of steps. It is not changed once it is done.
type chunk struct {
	done   chan struct{}
	pieces []piece // in the order of time
	err    error   // the source cannot be asked

	accounts []func() // close those of the pieces
}

// drop gives back the memory of a chunk that is not asked for any more.
func (c *chunk) drop() {
	<-c.done
	for _, closeAccount := range c.accounts {
		closeAccount()
	}
	c.accounts = nil
}

// piece is one answer of the source: over a range of steps, or at a single one as an instant query.
type piece struct {
	first, last int
	matrix      model.Matrix
	instant     bool
	vector      model.Vector
	err         error
}

func (t *timeline) at(step int) time.Time { return t.origin.Add(time.Duration(step) * t.step) }

func (t *timeline) stepOf(at time.Time) int { return int(at.Sub(t.origin) / t.step) }

func (t *timeline) add(n int) *chunk {
	c := &chunk{done: make(chan struct{})}
	t.chunks[n] = c
	return c
}

// load asks for a chunk of a timeline, as far as the grid goes.
func (h *History) load(ctx context.Context, t *timeline, c *chunk, n int) {
	defer close(c.done)
	last := min((n+1)*h.chunkSteps-1, t.stepOf(h.end))
	for first := n * h.chunkSteps; first <= last && c.err == nil; {
		h.mu.Lock()
		until := min(first+t.span-1, last)
		h.mu.Unlock()
		c.err = h.fetch(ctx, t, c, first, until)
		first = until + 1
	}
	if c.err != nil {
		h.fail(c.err)
	}
}

// fetch asks for steps at once. Where that fails it asks for the first as an instant query, which tells what is wrong with the
// expression or the source as such, and divides the rest.
func (h *History) fetch(ctx context.Context, t *timeline, c *chunk, first, last int) error {
	if first > last {
		return nil
	}
	if first == last {
		return h.single(ctx, t, c, first)
	}
	h.mu.Lock()
	refused := t.refused
	h.mu.Unlock()
	if refused != nil {
		c.refuse(first, last, refused)
		return nil
	}
	release := h.slot(ctx)
	asking, closeAccount := h.allowance.Account(ctx)
	matrix, err := h.source.QueryRange(asking, t.expr, v1.Range{Start: t.at(first), End: t.at(last), Step: t.step})
	release()
	if err == nil {
		c.accounts = append(c.accounts, closeAccount)
		c.pieces = append(c.pieces, piece{first: first, last: last, matrix: matrix})
		return nil
	}
	closeAccount()
	reason := promapi.ReasonOf(err)
	tooMuch := reason == promapi.ReasonTimeout || reason == promapi.ReasonTooLarge || reason == promapi.ReasonServerError
	if !tooMuch && !ofData(reason) {
		return err
	}
	if err := h.single(ctx, t, c, first); err != nil {
		return err
	}
	middle := first + (last-first)/2
	if tooMuch {
		h.mu.Lock()
		t.span = max(1, min(t.span, middle-first))
		h.mu.Unlock()
	}
	if err := h.fetch(ctx, t, c, first+1, middle); err != nil {
		return err
	}
	return h.fetch(ctx, t, c, middle+1, last)
}

// single asks for one step as an instant query. An expression that the source does not take there, it takes nowhere.
func (h *History) single(ctx context.Context, t *timeline, c *chunk, step int) error {
	vector, err := h.instant(ctx, t.expr, t.at(step))
	if err != nil && !ofData(promapi.ReasonOf(err)) {
		return err
	}
	if err != nil && promapi.ReasonOf(err) == promapi.ReasonBadQuery {
		h.mu.Lock()
		t.refused = err
		h.mu.Unlock()
	}
	c.pieces = append(c.pieces, piece{first: step, last: step, instant: true, vector: vector, err: err})
	return nil
}

func (c *chunk) refuse(first, last int, err error) {
	c.pieces = append(c.pieces, piece{first: first, last: last, instant: true, err: err})
}

// whole says that the source answered ranges throughout.
func (c *chunk) whole() bool {
	return !slices.ContainsFunc(c.pieces, func(p piece) bool { return p.instant })
}

// vector is the answer at a step of the chunk.
func (c *chunk) vector(step int, at model.Time) (model.Vector, error) {
	i, _ := slices.BinarySearchFunc(c.pieces, step, func(p piece, step int) int { return cmp.Compare(p.last, step) })
	if p := &c.pieces[i]; p.instant {
		return p.vector, p.err
	}
	return sampleAt(c.pieces[i].matrix, at), nil
}

// sampleAt are the samples of a moment.
func sampleAt(matrix model.Matrix, at model.Time) model.Vector {
	vector := make(model.Vector, 0, len(matrix))
	for _, s := range matrix {
		if i, ok := slices.BinarySearchFunc(s.Values, at, byTime); ok {
			vector = append(vector, &model.Sample{Metric: s.Metric, Value: s.Values[i].Value, Timestamp: at})
			continue
		}
		if i, ok := slices.BinarySearchFunc(s.Histograms, at, histogramByTime); ok {
			vector = append(vector, &model.Sample{Metric: s.Metric, Histogram: s.Histograms[i].Histogram, Timestamp: at})
		}
	}
	return vector
}
