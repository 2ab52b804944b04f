package embedded

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
)

// Series in memory stay there for hours. Without a bound, targets whose labels are new at each scrape take all of it.
const (
	// seriesBytes is about what a series takes: 700 bytes with two short labels and one sample (BenchmarkSeries), and its garbage.
	seriesBytes = 2 << 10
	// fewestSeries is a small fleet, whatever memory there is; mostSeries is for a process without a memory limit.
	fewestSeries = 50_000
	mostSeries   = 1_000_000
	// fewOf makes the share of the limit up to which a target has few series: 1,000 of 50,000, twice what a server of models exposes.
	fewOf = 50
	// relieveAfter is how often what was not scraped lately leaves the memory when that is full. Each time makes a block on disk.
	relieveAfter = 10 * time.Minute
	// lately is what stays in memory then: what PromQL looks back.
	lately = 2 * DefaultLookback
)

var errFull = errors.New("there are too many series in memory")

// defaultMaxSeries lets series take half of Go's memory limit.
func defaultMaxSeries() int {
	return int(min(max(debug.SetMemoryLimit(-1)/2/seriesBytes, fewestSeries), mostSeries))
}

// bounded takes samples until there are too many series. Then it takes only those of series that it knows, and a scrape that has others
// fails as a whole: a part of a target could pass for all of it. A target with few series of its own is taken all the same while there is
// room left for such: one target that fills the memory must not keep a new pod out.
type bounded struct {
	db   *tsdb.DB
	most uint64
	full chan struct{} // tells that the limit is reached; of size 1

	mu    sync.Mutex
	added map[target]uint64 // new series of each target since the memory was relieved
}

// target names who is scraped.
type target struct{ job, instance string }

func newBounded(db *tsdb.DB, most int) *bounded {
	return &bounded{db: db, most: uint64(most), full: make(chan struct{}, 1), added: map[target]uint64{}}
}

// AppenderV2 implements storage.AppendableV2.
func (b *bounded) AppenderV2(ctx context.Context) storage.AppenderV2 {
	return &boundedAppender{b.db.AppenderV2(ctx), b}
}

// relieve takes series that were not scraped lately out of the memory whenever that was full, until the context ends.
func (b *bounded) relieve(ctx context.Context, logger *slog.Logger) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.full:
		}
		head := b.db.Head()
		if to := head.MaxTime() - lately.Milliseconds(); to > head.MinTime() {
			if err := b.db.CompactHead(tsdb.NewRangeHead(head, head.MinTime(), to)); err != nil {
				logger.Error("Could not take old series out of the memory.", "err", err)
			}
		}
		b.mu.Lock()
		clear(b.added)
		b.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-time.After(relieveAfter):
		}
	}
}

// admits reports whether there is room for one more series of a target when there are so many. The first eighth above the limit is for
// targets with few series, the second for what a scrape says of itself, such as up.
func (b *bounded) admits(l labels.Labels, series uint64) bool {
	who := target{l.Get(model.JobLabel), l.Get(model.InstanceLabel)}
	b.mu.Lock()
	defer b.mu.Unlock()
	if series >= b.most {
		select {
		case b.full <- struct{}{}:
		default:
		}
		name := l.Get(model.MetricNameLabel)
		few := b.added[who] < b.most/fewOf && series < b.most+b.most/8
		itself := (name == "up" || strings.HasPrefix(name, "scrape_")) && series < b.most+b.most/4
		if !few && !itself {
			return false
		}
	}
	b.added[who]++
	return true
}

type boundedAppender struct {
	storage.AppenderV2
	of *bounded
}

// Append implements storage.AppenderV2.
func (a *boundedAppender) Append(
	ref storage.SeriesRef, l labels.Labels, st, t int64, v float64, h *histogram.Histogram, fh *histogram.FloatHistogram, opts storage.AppendV2Options,
) (storage.SeriesRef, error) {
	if a.refuses(ref, l) {
		return 0, errFull
	}
	return a.AppenderV2.Append(ref, l, st, t, v, h, fh, opts)
}

// refuses reports whether a series is new and there is no room.
func (a *boundedAppender) refuses(ref storage.SeriesRef, l labels.Labels) bool {
	if ref != 0 {
		return false
	}
	if known, ok := a.AppenderV2.(storage.GetRef); ok {
		if ref, _ := known.GetRef(l, l.Hash()); ref != 0 {
			return false
		}
	}
	return !a.of.admits(l, a.of.db.Head().NumSeries())
}
