package calibrate_test

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/calibrate"
	"github.com/variant-exporter/variant-exporter/internal/long"
	"github.com/variant-exporter/variant-exporter/optimizer/calibration"
)

// TestRecordedTraffic fits the mixed traffic itself, as history would show it, alone and with the points of fixed lengths, and predicts it at the highest rate.
func TestRecordedTraffic(t *testing.T) {
	long.Test(t)
	all := segments(t)
	low := slices.Concat(traffic(t, &all[2], "mixed-0"), traffic(t, &all[3], "mixed-2"))
	for _, tc := range []struct {
		name  string
		shown []calibration.Observation
	}{
		{"up to 23.6/s", low},
		{"up to 23.6/s and the benchmark", slices.Concat(low, benchmarked(t))},
	} {
		r := calibrate.Fit(calibrate.Subject{Observations: tc.shown, MaxBatch: 256, MaxQueue: 2560, MaxBatchTokens: 2048})
		require.Empty(t, r.Error)
		for _, s := range all[2:] {
			errors := s.compare(t, *r.Profile)
			t.Logf("%s from traffic %s: p95 itl %+.0f %%, mean itl %+.0f %%, in service %+.0f %%, p95 ttft %+.0f %%", s.name, tc.name,
				100*errors["p95 itl"], 100*errors["mean itl"], 100*errors["in service"], 100*errors["p95 ttft"])
			assert.LessOrEqual(t, math.Abs(errors["mean itl"]), 0.25, "%s: mean itl", s.name)
		}
	}
}

// traffic are observations of a recorded segment, one for each two and a half seconds.
func traffic(t *testing.T, s *segment, name string) []calibration.Observation {
	t.Helper()
	const warmUp, end, span = 5.0, 30.0, 2.5
	iterations, requests := readTable(t, "main-"+name+"-iterations.csv.gz"), readTable(t, "main-"+name+"-requests.csv.gz")
	var all []calibration.Observation
	for from := warmUp; from+span <= end; from += span {
		within := func(at float64) bool { return at >= from && at < from+span }
		var waited, tokens, served, time, ttft, first float64
		for i := 1; i+1 < len(iterations); i++ {
			at := iterations[i].Number(t, "time")
			if !within(at) {
				continue
			}
			took := iterations[i+1].Number(t, "time") - at
			made := iterations[i-1].Number(t, "requests") // what is computed was scheduled one before
			waited, tokens = waited+took*made, tokens+made
			served, time = served+took*iterations[i].Number(t, "active"), time+took
		}
		for _, q := range requests {
			if q["first_token"] != "" && within(q.Number(t, "first_token")) {
				ttft, first = ttft+q.Number(t, "first_token")-q.Number(t, "arrival"), first+1
			}
		}
		if tokens > 0 && first > 0 {
			all = append(all, calibration.Observation{Concurrency: served / time, Lengths: s.lengths, ITL: waited / tokens, TTFT: ttft / first})
		}
	}
	return all
}
