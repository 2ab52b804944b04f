package calibrate_test

import (
	"maps"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/calibrate"
	"github.com/variant-exporter/variant-exporter/internal/recorded"
	"github.com/variant-exporter/variant-exporter/optimizer/calibration"
	"github.com/variant-exporter/variant-exporter/optimizer/latency"
)

// recordedRun is a run of real vLLM pods under a staircase of load.
type recordedRun struct{ *recorded.Run }

// observations are one per sample of the pods: the mean running of those that serve, and what the requests in service then met.
// The recording does not say which pod served a request.
func (r recordedRun) observations() []calibration.Observation {
	type load struct{ running, waiting, pods float64 }
	at := map[float64]*load{}
	var times []float64
	for _, name := range slices.Sorted(maps.Keys(r.Pods)) {
		for _, s := range r.Pods[name].Series {
			l := at[s.T]
			if l == nil {
				l = &load{}
				at[s.T] = l
				times = append(times, s.T)
			}
			if s.Running > 0 {
				l.running, l.waiting, l.pods = l.running+s.Running, l.waiting+s.Waiting, l.pods+1
			}
		}
	}
	slices.Sort(times)
	var observations []calibration.Observation
	for _, t := range times {
		l := at[t]
		var n, input, output, itl float64
		for _, q := range r.Requests {
			if q.Outcome == "ok" && q.ITL > 0 && q.Arrival <= t && t < q.Departure {
				n, input, output, itl = n+1, input+q.Input, output+q.Output, itl+q.ITL/1000
			}
		}
		if l.pods > 0 && n >= 5 {
			observations = append(observations, calibration.Observation{
				Concurrency: l.running / l.pods, Lengths: latency.Lengths{Input: input / n, Output: output / n}, ITL: itl / n,
			})
		}
	}
	return observations
}

// TestRecordedRuns fits recorded runs of Llama-3.1-8B on H100s, with requests of about 2,000 input and 500 output tokens, and holds
// the result against the least squares line that the recording brings of its own. (Another published line for this model and
// accelerator, of a run whose lengths are not known, is 6.91 + 0.0852 n ms: a profile is of one load's lengths and one setup.)
func TestRecordedRuns(t *testing.T) {
	for _, name := range recorded.Staircases() {
		t.Run(name, func(t *testing.T) {
			run := recordedRun{recorded.Staircase(t, name)}
			r := calibrate.Fit(calibrate.Subject{
				Observations: run.observations(), MaxBatch: 256, MaxQueue: 2560, SLO: &latency.SLO{ITL: 0.03},
			})
			require.Empty(t, r.Error)
			idle, _ := r.Latency(0, r.Lengths())
			loaded, _ := r.Latency(1, r.Lengths())
			t.Logf("itl = %.3g + %.4g n ms at %.0f/%.0f tokens, n %.3g to %.3g, %d observations, %.2g %% off, R2 %.3g, %d outliers, high load %+.2g %%",
				1000*idle.Value, 1000*(loaded.Value-idle.Value), r.Input.Median, r.Output.Median, r.Concurrency.Min, r.Concurrency.Max,
				r.ITL.Observations, 100*r.ITL.Median, r.ITL.R2, r.ITL.Outliers, 100*r.ITL.AtHighLoad)
			t.Logf("the recording's own line: %.3g + %.4g n ms; capacity %+v, in service %+v; %q",
				run.Derived.ITL.Base, run.Derived.ITL.PerRequest, r.Capacity.Rate, r.Capacity.Concurrency, r.Warnings)
			assert.InEpsilon(t, run.Derived.ITL.Base, 1000*idle.Value, 0.1)
			assert.InEpsilon(t, run.Derived.ITL.PerRequest, 1000*(loaded.Value-idle.Value), 0.25)
			assert.False(t, r.Separable, "the lengths are all alike")
		})
	}
}

// TestSplitwise fits measurements of Llama-2-70B on eight H100s: time per output token by batch and prompt size.
func TestSplitwise(t *testing.T) {
	lines := recorded.Table(t, "profiles/splitwise-perf-model.csv")
	for _, hardware := range []string{"a100-80gb", "h100-80gb"} {
		var observations []calibration.Observation
		for _, l := range lines {
			number := func(name string) float64 {
				v, err := strconv.ParseFloat(l[name], 64)
				require.NoError(t, err)
				return v
			}
			if l["model"] == "llama2-70b" && l["hardware"] == hardware && number("tensor_parallel") == 8 {
				observations = append(observations, calibration.Observation{
					Concurrency: number("batch_size"), ITL: number("token_time") / 1000,
					Lengths: latency.Lengths{Input: number("prompt_size"), Output: number("token_size")},
				})
			}
		}
		r := calibrate.Fit(calibrate.Subject{Observations: observations, MaxBatch: 64, MaxQueue: 640})
		require.Empty(t, r.Error)
		t.Logf("%s: alpha %+v, beta %+v, gamma %+v; %.2g %% off, R2 %.3g; %q",
			hardware, r.Alpha, r.Beta, r.Gamma, 100*r.ITL.Median, r.ITL.R2, r.Warnings)
		assert.Less(t, r.ITL.Median, 0.1)
	}
}
