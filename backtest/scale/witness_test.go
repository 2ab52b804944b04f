package scale_test

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
	"github.com/variant-exporter/variant-exporter/collector/query"
)

const (
	rounds    = 3 // of evaluators that know nothing
	following = 6 // evaluations of each after the first
)

// BenchmarkWitness reports the processor seconds that an evaluation takes of Prometheus with the queries that count sources and without
// them: the first of an evaluator, and those that follow every 15 seconds. Nobody else asks this Prometheus, and it scrapes nothing.
// With -v it says what each expression takes.
func BenchmarkWitness(b *testing.B) {
	if testing.Short() {
		b.Skip("minutes of a large fleet: make scale-bench")
	}
	source, now := startFleet(b, fleet, longPast)
	for _, name := range []string{"simple", "rich"} {
		b.Run(name, func(b *testing.B) {
			m := newMeter(b, source, configuration("http://"+source.address, name == "rich"))
			m.evaluate(b, now, 0) // Prometheus reads its files.
			var cold, steady costs
			for b.Loop() {
				for range rounds {
					for _, m.without = range []bool{false, true} {
						first, later := m.evaluate(b, now, following)
						cold.add(first, m.without)
						steady.add(later, m.without)
					}
				}
			}
			b.ReportMetric(0, "ns/op")
			cold.report(b, "cold")
			steady.report(b, "steady")
			if testing.Verbose() {
				m.log(b, cold.with[0], steady.with[0])
			}
		})
	}
}

// costs are what evaluations took of Prometheus, by expression, with the queries that count sources and without them.
type costs struct{ with, without []map[string]time.Duration }

func (c *costs) add(spent map[string]time.Duration, without bool) {
	if without {
		c.without = append(c.without, spent)
		return
	}
	c.with = append(c.with, spent)
}

// report says what was taken, and how much more that is with witnesses, in hundredths.
func (c *costs) report(b *testing.B, what string) {
	b.Helper()
	with, without := typical(c.with), typical(c.without)
	b.ReportMetric(with, what+"-s")
	b.ReportMetric(without, what+"-without-s")
	b.ReportMetric(100*(with-without)/without, what+"-witness-%")
}

// typical is the median of what evaluations took in all, in seconds.
func typical(evaluations []map[string]time.Duration) float64 {
	var sums []float64
	for _, spent := range evaluations {
		var sum time.Duration
		for _, d := range spent {
			sum += d
		}
		sums = append(sums, sum.Seconds())
	}
	slices.Sort(sums)
	return sums[len(sums)/2]
}

// log says what each expression took.
func (m *meter) log(b *testing.B, cold, steady map[string]time.Duration) {
	b.Helper()
	for _, expr := range slices.SortedFunc(maps.Keys(cold), func(a, b string) int { return cmp.Compare(m.names[a], m.names[b]) }) {
		b.Logf("%8v %8v  %s", cold[expr].Round(time.Millisecond), steady[expr].Round(time.Millisecond), m.names[expr])
	}
}

// meter evaluates a configuration, and measures what that takes of Prometheus: by itself for every expression.
type meter struct {
	config  *config.Config
	client  *promapi.Client
	source  *process
	names   map[string]string // what an expression is for
	without bool              // without the expressions that count sources
	spent   map[string]time.Duration
}

func newMeter(b *testing.B, source *process, text string) *meter {
	b.Helper()
	c, found := config.Load("ve.yml", text)
	require.NotNil(b, c, "%v", found)
	client, err := promapi.New(promapi.Config{URL: "http://" + source.address, Timeout: 30 * time.Minute, MaxBodyBytes: 1 << 30})
	require.NoError(b, err)
	m := &meter{config: c, client: client, source: source, names: map[string]string{}}
	p := query.Compile(c)
	for _, q := range p.AllQueries() {
		m.names[q.Expr] = q.Name
	}
	for _, h := range p.Histories {
		m.names[h.Expr] = cmp.Or(m.names[h.Expr], h.Name)
	}
	return m
}

// isWitness reports whether an expression counts sources, or looks for silent ones.
func (m *meter) isWitness(expr string) bool {
	return strings.HasSuffix(m.names[expr], ".sources") || strings.HasSuffix(m.names[expr], ".silent")
}

// evaluate makes a new evaluator evaluate at every 15 seconds up to a time, and returns what the first evaluation took, and one of those
// that followed.
func (m *meter) evaluate(b *testing.B, until time.Time, again int) (cold, steady map[string]time.Duration) {
	b.Helper()
	e, err := collector.NewEvaluator(m.config, m, collector.EvaluatorOptions{
		Concurrency: 1, Now: time.Now, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(b, err)
	evaluate := func(at time.Time) {
		for _, input := range e.Evaluate(b.Context(), at).Inputs {
			require.NoError(b, input.Err, input.Name)
		}
	}
	m.spent = map[string]time.Duration{}
	evaluate(until.Add(-time.Duration(again) * scrapeInterval))
	cold, m.spent = m.spent, map[string]time.Duration{}
	for i := range again {
		evaluate(until.Add(-time.Duration(again-1-i) * scrapeInterval))
	}
	for expr := range m.spent {
		m.spent[expr] /= time.Duration(again)
	}
	return cold, m.spent
}

// Query implements promapi.Querier.
func (m *meter) Query(ctx context.Context, expr string, at time.Time) (model.Vector, error) {
	if m.without && m.isWitness(expr) {
		return nil, nil
	}
	before := m.source.processor()
	defer func() { m.spent[expr] += m.source.processor() - before }()
	return m.client.Query(ctx, expr, at) //nolint:wrapcheck // as the evaluator expects it
}

// QueryRange implements promapi.RangeQuerier.
func (m *meter) QueryRange(ctx context.Context, expr string, r v1.Range) (model.Matrix, error) {
	if m.without && m.isWitness(expr) {
		return nil, nil
	}
	before := m.source.processor()
	defer func() { m.spent[expr] += m.source.processor() - before }()
	return m.client.QueryRange(ctx, expr, r) //nolint:wrapcheck // as the evaluator expects it
}
