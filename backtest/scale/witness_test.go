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

// following is how many evaluations follow the first of an evaluator: a whole minute, since sources are counted at every one.
const following = 4

// BenchmarkWitness reports the processor seconds that an evaluation takes of Prometheus, and by how much the queries that count sources
// make it more, for evaluations every 15 seconds after a first one. Queries are sent one at a time, so that it is known what each takes.
// No other client asks this Prometheus, and it scrapes nothing. With -v it says what each expression takes.
func BenchmarkWitness(b *testing.B) {
	if testing.Short() {
		b.Skip("minutes of a large fleet: make scale-bench")
	}
	source, now := startFleet(b, fleet(), past) // What is asked for again and again does not depend on how long ago the fleet was started.
	for _, of := range []kind{kindSimple, kindRich, kindRecorded} {
		b.Run(string(of), func(b *testing.B) {
			source, ruled := source, time.Duration(0)
			if of == kindRecorded {
				source, ruled = startRecorded(b, source, now)
			}
			m := newMeter(b, source, configuration("http://"+source.address, of))
			for b.Loop() {
				spent := m.evaluate(b, now)
				b.ReportMetric(0, "ns/op")
				m.report(b, spent)
				m.log(b, spent)
				if of == kindRecorded {
					b.ReportMetric(ruled.Seconds(), "rules-s")
				}
			}
		})
	}
}

// costs are what an evaluation took of Prometheus, by expression.
type costs map[string]time.Duration

// report says what was taken, and how much more that is with witnesses than without them, in hundredths.
func (m *meter) report(b *testing.B, spent costs) {
	b.Helper()
	var all, witness time.Duration
	for expr, d := range spent {
		all += d
		if m.isWitness(expr) {
			witness += d
		}
	}
	b.ReportMetric(all.Seconds(), "prometheus-s")
	b.ReportMetric(witness.Seconds(), "witness-s")
	b.ReportMetric(100*witness.Seconds()/(all-witness).Seconds(), "witness-%")
}

// log says what each expression took.
func (m *meter) log(b *testing.B, spent costs) {
	b.Helper()
	if !testing.Verbose() {
		return
	}
	for _, expr := range slices.SortedFunc(maps.Keys(spent), func(a, b string) int { return cmp.Compare(m.names[a], m.names[b]) }) {
		b.Logf("%8v  %s", spent[expr].Round(time.Millisecond), m.names[expr])
	}
}

// meter evaluates a configuration, and measures what that takes of Prometheus: by itself for every expression.
type meter struct {
	config *config.Config
	client *promapi.Client
	source *process
	names  map[string]string // what an expression is for
	spent  costs
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
	name := m.names[expr]
	return strings.HasSuffix(name, ".sources") || strings.Contains(name, ".sources.history") || strings.Contains(name, ".silent")
}

// evaluate makes a new evaluator evaluate at every 15 seconds up to a time, and returns what one evaluation took of those that followed the
// first.
func (m *meter) evaluate(b *testing.B, until time.Time) costs {
	b.Helper()
	e, err := collector.NewEvaluator(m.config, m, collector.EvaluatorOptions{
		Concurrency: 1, Now: time.Now, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(b, err)
	for i := range following + 1 {
		if i <= 1 {
			m.spent = costs{}
		}
		for _, input := range e.Evaluate(b.Context(), until.Add(time.Duration(i-following)*scrapeInterval)).Inputs {
			require.NoError(b, input.Err, input.Name)
		}
	}
	for expr := range m.spent {
		m.spent[expr] /= following
	}
	return m.spent
}

// Query implements promapi.Querier.
func (m *meter) Query(ctx context.Context, expr string, at time.Time) (model.Vector, error) {
	before := m.source.processor()
	defer func() { m.spent[expr] += m.source.processor() - before }()
	return m.client.Query(ctx, expr, at) //nolint:wrapcheck // as the evaluator expects it
}

// QueryRange implements promapi.RangeQuerier.
func (m *meter) QueryRange(ctx context.Context, expr string, r v1.Range) (model.Matrix, error) {
	before := m.source.processor()
	defer func() { m.spent[expr] += m.source.processor() - before }()
	return m.client.QueryRange(ctx, expr, r) //nolint:wrapcheck // as the evaluator expects it
}
