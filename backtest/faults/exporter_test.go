package faults_test

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

const (
	queryTimeout = 3 * time.Second
	evaluateTime = 9750 * time.Millisecond // of a scrape's ten seconds
	maxBody      = 1 << 19
)

// exposition is what one scrape of an exporter gives.
type exposition struct {
	*collector.Snapshot
	text    string             // without what differs from one scrape to the next: durations, and of how many series what is new of a history is
	desired map[string]float64 // by variant
}

func newEvaluator(t *testing.T, c *config.Config, q promapi.RangeQuerier) *collector.Evaluator {
	t.Helper()
	e, err := collector.NewEvaluator(c, q, collector.EvaluatorOptions{Concurrency: 8, Now: time.Now, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	return e
}

// connect makes an evaluator that asks over HTTP, as the program does.
func (w *world) connect() *collector.Evaluator {
	w.t.Helper()
	client, err := promapi.New(promapi.Config{
		URL: "http://prometheus.example", Timeout: queryTimeout, MaxBodyBytes: maxBody, DialContext: w.network.DialContext,
	})
	require.NoError(w.t, err)
	w.t.Cleanup(client.Close)
	return newEvaluator(w.t, w.scenario.config, client)
}

// scrape makes one evaluation within the time that a scrape leaves, and renders it.
func scrape(t *testing.T, e *collector.Evaluator, at time.Time) *exposition {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), evaluateTime)
	defer cancel()
	begun := time.Now()
	s := e.Evaluate(ctx, at)
	require.LessOrEqual(t, time.Since(begun), evaluateTime, "an evaluation takes longer than it may")
	return render(t, s)
}

func render(t *testing.T, s *collector.Snapshot) *exposition {
	t.Helper()
	families, err := prometheus.Gatherers{collector.NewGatherer(s)}.Gather()
	require.NoError(t, err)
	var b bytes.Buffer
	for _, f := range families {
		if strings.HasSuffix(f.GetName(), "_duration_seconds") {
			continue
		}
		if strings.HasSuffix(f.GetName(), "_series") {
			f.Metric = slices.DeleteFunc(f.GetMetric(), func(m *dto.Metric) bool { return strings.Contains(m.String(), ".history") })
			if len(f.GetMetric()) == 0 {
				continue
			}
		}
		_, err := expfmt.MetricFamilyToText(&b, f)
		require.NoError(t, err)
	}
	x := &exposition{Snapshot: s, text: b.String(), desired: map[string]float64{}}
	for line := range strings.Lines(x.text) {
		rest, ok := strings.CutPrefix(line, "variant_desired_replicas{")
		if !ok {
			continue
		}
		labels, number, _ := strings.Cut(strings.TrimSuffix(rest, "\n"), "} ")
		_, name, _ := strings.Cut(labels, `variant="`)
		name, _, _ = strings.Cut(name, `"`)
		value, err := strconv.ParseFloat(number, 64)
		require.NoError(t, err, line)
		require.NotContains(t, x.desired, name, "two gauges of one variant")
		x.desired[name] = value
	}
	return x
}
