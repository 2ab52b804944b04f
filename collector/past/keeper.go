package past

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
	"github.com/variant-exporter/variant-exporter/collector/query"
	"github.com/variant-exporter/variant-exporter/collector/timeline"
)

const (
	// settled is the age from which on everything about a moment has been stored.
	settled = 2 * time.Minute
	// Interval is how long an answer about the present is as good as a new one.
	Interval = 15 * time.Second
	// maxCourses bounds how many ranges are kept.
	maxCourses = 6
	// maxChunkSteps and chunkVariants bound the size of an answer, what is kept of answers meanwhile, and what a source must do at once: so
	// many steps, but fewer of large fleets.
	maxChunkSteps, chunkVariants = 120, 12000
	// fillTimeout bounds the work on one range. What is left is taken up when the range is asked for again.
	fillTimeout = 2 * time.Minute
	// evaluationTimeout bounds one evaluation.
	evaluationTimeout = 20 * time.Second
)

// Options are what a Keeper needs besides the configuration.
type Options struct {
	Concurrency int              // queries in flight at once; at least 1
	AnswerBytes int64            // memory that answers may take together, about; 0: no bound
	Now         func() time.Time // required
}

// Keeper makes past decisions again, and keeps them for as long as they are looked at. It can be used by several at once. The caller
// owes it a Close.
type Keeper struct {
	config  *config.Config
	source  promapi.RangeQuerier
	options Options

	base    context.Context //nolint:containedctx // Work goes on after the request that asked for it, and ends with the keeper.
	stop    context.CancelFunc
	work    sync.WaitGroup
	slot    chan struct{} // one evaluation of the past at once: scrapes come first
	moments *moments
	answers *promapi.Allowance
	models  []*query.Model // for what signals there are

	mu      sync.Mutex
	closed  bool
	courses map[courseKey]*course
	used    int64 // counts the uses of courses
	latency map[latencyKey]latencyEntry
}

// NewKeeper returns a Keeper for a configuration and the source that it asks. It asks nothing yet.
func NewKeeper(c *config.Config, source promapi.RangeQuerier, o Options) (*Keeper, error) {
	if c == nil || source == nil || o.Concurrency < 1 || o.Now == nil {
		return nil, errors.New("new keeper: a configuration, a source, a concurrency and a clock are needed")
	}
	k := &Keeper{
		config: c, source: source, options: o, answers: promapi.NewAllowance(o.AnswerBytes), slot: make(chan struct{}, 1),
		courses: map[courseKey]*course{}, latency: map[latencyKey]latencyEntry{}, models: query.Compile(c).Models,
	}
	e, err := k.evaluator(source)
	if err != nil {
		return nil, err
	}
	k.moments = &moments{evaluator: e, kept: map[int64]moment{}}
	k.base, k.stop = context.WithCancel(context.Background())
	return k, nil
}

// Close ends all work and waits for its end.
func (k *Keeper) Close() {
	k.mu.Lock()
	k.closed = true
	k.mu.Unlock()
	k.stop()
	k.work.Wait()
}

func (k *Keeper) evaluator(source promapi.RangeQuerier) (*collector.Evaluator, error) {
	return collector.NewEvaluator(k.config, source, collector.EvaluatorOptions{
		AnswerBytes: k.options.AnswerBytes, Concurrency: k.options.Concurrency, Now: k.options.Now, Logger: slog.New(slog.DiscardHandler), // the pages say it all
	})
}

// Record returns the course of decisions over a range up to a time, the present for the zero time. It waits for what is missing until
// ctx ends, and then returns what there is: the rest is worked out meanwhile.
func (k *Keeper) Record(ctx context.Context, r Range, end time.Time) (*Record, error) {
	c, err := k.course(courseKey{name: r.Name}, r, end)
	if err != nil {
		return nil, err
	}
	k.wait(ctx, c)
	return c.record(k.options.Now()), nil
}

// wait works out what a course lacks, and waits for it until ctx ends.
func (k *Keeper) wait(ctx context.Context, c *course) {
	select {
	case <-k.fill(c):
	case <-ctx.Done():
	}
}

// courseKey tells ranges apart: those that end now go on, and have no end.
type courseKey struct {
	name   string
	end    int64 // the last step; 0 for the present
	gauges bool  // it is read from gauges
	model  int   // of those: the place of the only model that is read, or everyModel
}

// everyModel stands for all models where there could be one.
const everyModel = -1

// course is a range with what has been worked out of it.
type course struct {
	Range
	end       int64                // the last step; 0 for the present
	model     int                  // see courseKey
	evaluator *collector.Evaluator // nil for one that is read from gauges
	source    *switched
	base      context.Context //nolint:containedctx // Work on it ends when it is forgotten.
	stop      context.CancelFunc

	mu      sync.Mutex
	points  []*Point
	err     error
	looked  time.Time     // what the last work on it took for the present, or where that failed, when it did
	filling chan struct{} // closed when the work under way ends; nil for none
	used    int64         // guarded by Keeper.mu
}

func (k *Keeper) course(key courseKey, r Range, end time.Time) (*course, error) {
	if !end.IsZero() {
		_, key.end = r.steps(end)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.used++
	if c := k.courses[key]; c != nil {
		c.used = k.used
		return c, nil
	}
	c := &course{Range: r, end: key.end, model: key.model, source: &switched{RangeQuerier: k.source}, used: k.used}
	if !key.gauges {
		var err error
		if c.evaluator, err = k.evaluator(c.source); err != nil {
			return nil, err
		}
	}
	c.base, c.stop = context.WithCancel(k.base)
	k.courses[key] = c
	k.forget()
	return c, nil
}

// forget drops the course that was not used for the longest, where there are too many, and ends the work on it.
func (k *Keeper) forget() {
	for len(k.courses) > maxCourses {
		var oldest courseKey
		least := k.used + 1
		for key, c := range k.courses {
			if c.used < least {
				oldest, least = key, c.used
			}
		}
		k.courses[oldest].stop()
		delete(k.courses, oldest)
	}
}

// window is the first and the last step of a course at a time.
func (c *course) window(now time.Time) (first, last int64) {
	if c.end != 0 {
		return c.steps(c.time(c.end))
	}
	return c.steps(now)
}

// record is what there is of a course.
func (c *course) record(now time.Time) *Record {
	c.mu.Lock()
	defer c.mu.Unlock()
	first, last := c.window(now)
	r := &Record{Range: c.Range, From: c.time(first), To: c.time(last), Points: since(c.points, c.time(first)), Err: c.err}
	r.Complete = c.filling == nil && c.err == nil && len(r.Points) > 0
	return r
}

// since leaves out the points before a time.
func since(points []*Point, first time.Time) []*Point {
	for len(points) > 0 && points[0].At.Before(first) {
		points = points[1:]
	}
	return points
}

// fill works out what a course lacks, unless that is under way, or was done a moment ago. The channel is closed at the end.
func (k *Keeper) fill(c *course) <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.filling != nil {
		return c.filling
	}
	done := make(chan struct{})
	now := k.options.Now()
	if c.whole() || !c.looked.IsZero() && now.Sub(c.looked) < Interval && now.Sub(c.looked) >= 0 || !k.begin() {
		close(done)
		return done
	}
	c.filling = done
	go func() {
		defer k.work.Done()
		err := k.complete(c, now)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.err, c.looked, c.filling = err, now, nil
		if err != nil {
			c.looked = k.options.Now()
		}
		close(done)
	}()
	return done
}

// whole reports whether a course ends in the past, and would be worked out the same again. The caller has its lock.
func (c *course) whole() bool {
	n := len(c.points)
	return c.end != 0 && n > 0 && c.points[n-1].settled && !c.points[n-1].At.Before(c.time(c.end))
}

// begin adds work, unless the keeper is closed.
func (k *Keeper) begin() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.closed {
		k.work.Add(1)
	}
	return !k.closed
}

// complete evaluates every step that a course lacks, or that may come out otherwise now that it is settled, from range queries over all
// of them.
func (k *Keeper) complete(c *course, now time.Time) error {
	ctx, cancel := context.WithTimeout(c.base, fillTimeout)
	defer cancel()
	if c.evaluator == nil {
		return k.sketch(ctx, c, now)
	}
	steps := c.lacking(now)
	if len(steps) == 0 {
		return nil
	}
	grid := v1.Range{Start: c.time(steps[0]), End: c.time(steps[len(steps)-1]), Step: c.Step}
	history := timeline.New(k.source, grid, timeline.Options{
		Concurrency: k.options.Concurrency, ChunkSteps: k.chunkSteps(), Allowance: k.answers,
	})
	defer history.Close()
	defer cancel()
	c.source.RangeQuerier = history
	for _, step := range steps {
		if err := k.step(ctx, c, history, c.time(step), now); err != nil {
			return err
		}
	}
	return nil
}

// queryRange asks for what is used at once.
func (k *Keeper) queryRange(ctx context.Context, expr string, r v1.Range) (model.Matrix, error) {
	ctx, closeAccount := k.answers.Account(ctx)
	defer closeAccount()
	return k.source.QueryRange(ctx, expr, r) //nolint:wrapcheck // The querier says what it was doing.
}

// chunkSteps is how many steps a source is asked for at once.
func (k *Keeper) chunkSteps() int {
	variants := 0
	for _, m := range k.models {
		variants += len(m.Variants)
	}
	return max(2, min(maxChunkSteps, chunkVariants/max(1, variants)))
}

// lacking lists the steps of a course to evaluate, in the order of time, and drops the points that are past.
func (c *course) lacking(now time.Time) []int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	first, last := c.window(now)
	c.points = since(c.points, c.time(first))
	var steps []int64
	for _, p := range c.points {
		step := p.At.UnixNano() / int64(c.Step)
		if !p.settled && now.Sub(p.At) >= settled {
			steps = append(steps, step)
		}
		first = step + 1
	}
	for ; first <= last; first++ {
		steps = append(steps, first)
	}
	return steps
}

// put sets a point. Records that share the points have their own list of them.
func (c *course) put(p *Point) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, found := slices.BinarySearchFunc(c.points, p.At, func(p *Point, at time.Time) int { return p.At.Compare(at) })
	c.points = slices.Clone(c.points)
	if found {
		c.points[at] = p
		return
	}
	c.points = slices.Insert(c.points, at, p)
}

// step evaluates one step, while no other evaluation of the past is under way.
func (k *Keeper) step(ctx context.Context, c *course, history *timeline.History, at, now time.Time) error {
	release, err := k.turn(ctx)
	if err != nil {
		return err
	}
	defer release()
	history.Advance(ctx, at)
	evaluating, cancel := context.WithTimeout(ctx, evaluationTimeout)
	defer cancel()
	snapshot := c.evaluator.Evaluate(evaluating, at)
	switch {
	case ctx.Err() != nil:
		return errors.New("there was not enough time: the rest follows")
	case history.Err() != nil:
		return fmt.Errorf("there is no answer about the past: %w", history.Err())
	}
	p := PointOf(snapshot)
	p.settled = now.Sub(at) >= settled
	c.put(p)
	return nil
}

// turn waits until it may evaluate.
func (k *Keeper) turn(ctx context.Context) (release func(), err error) {
	select {
	case k.slot <- struct{}{}:
		return func() { <-k.slot }, nil
	case <-ctx.Done():
		return nil, errors.New("there was not enough time: the rest follows")
	}
}

// switched is a source that can be exchanged between evaluations.
type switched struct{ promapi.RangeQuerier }
