package store_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/backtest/store"
	"github.com/variant-exporter/variant-exporter/collector/embedded"
)

var start = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

func lines(vector model.Vector) []string {
	var all []string
	for _, s := range vector {
		all = append(all, fmt.Sprintf("%v %v", s.Metric, s.Value))
	}
	slices.Sort(all)
	return all
}

// TestAnswersAreThoseOfATSDB fills both with the same series, some of which end and begin again, and asks both the same.
func TestAnswersAreThoseOfATSDB(t *testing.T) {
	tsdb, err := embedded.New(embedded.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, tsdb.Close()) })
	st := store.New(time.Hour)
	over := embedded.Over(st, embedded.Config{})
	rng := rand.New(rand.NewPCG(1, 2))
	for step := range 80 {
		at := start.Add(time.Duration(step) * 15 * time.Second)
		var scrape model.Vector
		for pod := range 5 {
			if (step/10+pod)%4 == 0 {
				continue // no sample, and no marker: it is old only
			}
			name := fmt.Sprintf("m-%d", pod)
			for _, metric := range []string{"load", "served_total"} {
				value := float64(rng.IntN(100))
				if metric == "served_total" {
					value = float64(step * (pod + 1))
				}
				st.Add(labels.FromStrings("__name__", metric, "pod", name, "model", strconv.Itoa(pod%2))).Append(at.UnixMilli(), value)
				scrape = append(scrape, &model.Sample{
					Metric: model.Metric{
						"__name__": model.LabelValue(metric), "pod": model.LabelValue(name), "model": model.LabelValue(strconv.Itoa(pod % 2)),
					},
					Value: model.SampleValue(value), Timestamp: model.TimeFromUnixNano(at.UnixNano()),
				})
			}
		}
		require.NoError(t, tsdb.Append(t.Context(), scrape))
	}
	for _, expr := range []string{
		"load", `load{pod=~"m-[12]"}`, `{__name__="load",model!="0"}`, "sum by (model) (rate(served_total[2m]))", "max_over_time(load[5m])",
		"deriv(load[3m])", "load offset 4m", "sum(max_over_time(load[5m:15s]))", `label_replace(load, "x", "$1", "pod", "m-(.)")`,
		"timestamp(load)", "absent(load)", "load unless on (pod) served_total offset 1m", "count by (model) (load > 30)",
	} {
		for _, ago := range []time.Duration{0, 7 * time.Second, 4 * time.Minute, 12 * time.Minute} {
			at := start.Add(20*time.Minute - ago)
			want, err := tsdb.Query(t.Context(), expr, at)
			require.NoError(t, err)
			got, err := over.Query(t.Context(), expr, at)
			require.NoError(t, err)
			require.Equal(t, lines(want), lines(got), "%s at %s", expr, at)
		}
		r := v1.Range{Start: start, End: start.Add(20 * time.Minute), Step: 15 * time.Second}
		want, err := tsdb.QueryRange(t.Context(), expr, r)
		require.NoError(t, err)
		got, err := over.QueryRange(t.Context(), expr, r)
		require.NoError(t, err)
		require.ElementsMatch(t, want, got, expr)
	}
}

func TestEndTrimLoseClear(t *testing.T) {
	st := store.New(10 * time.Minute)
	over := embedded.Over(st, embedded.Config{})
	count := func(at time.Time, expr string) int {
		vector, err := over.Query(t.Context(), expr, at)
		require.NoError(t, err)
		return len(vector)
	}
	var all []*store.Series
	for i := range 100 {
		s := st.Add(labels.FromStrings("__name__", "x", "i", strconv.Itoa(i)))
		s.Append(start.UnixMilli(), 1)
		all = append(all, s)
	}
	require.Equal(t, 100, count(start, "x"))
	st.Lose(0.5)
	require.InDelta(t, 50, count(start, "x"), 20)
	st.Lose(0)
	for _, s := range all[:40] {
		s.End(start.Add(15 * time.Second).UnixMilli())
	}
	require.Equal(t, 60, count(start.Add(15*time.Second), "x"))
	st.Trim(start.Add(time.Hour).UnixMilli())
	require.True(t, all[0].Gone())
	require.False(t, all[99].Gone(), "it may go on")
	st.Clear()
	require.Zero(t, count(start, "x"))
	require.True(t, all[99].Gone())
}
