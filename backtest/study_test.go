package backtest_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/backtest"
	"github.com/variant-exporter/variant-exporter/backtest/product"
	"github.com/variant-exporter/variant-exporter/backtest/report"
	"github.com/variant-exporter/variant-exporter/backtest/scenario"
	"github.com/variant-exporter/variant-exporter/backtest/sim"
	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/internal/long"
)

// stepping is a load that doubles, on a fleet that has to start for it.
var stepping = strings.NewReplacer("shape: constant, rate: 24", "shape: steps, points: {0s: 20, 10m: 40}", "duration: 32m", "duration: 20m",
	"warmup: 10m", "warmup: 5m").Replace(fleet)

func studyOf(t *testing.T, policies []string, seeds int, sweeps ...string) backtest.StudyOptions {
	t.Helper()
	o := backtest.StudyOptions{Policies: policies, Mode: sim.Auto, Load: func() (*scenario.Scenario, *config.Config, error) {
		s, _ := scenario.Load("test.yml", stepping)
		c, _ := product.ParseConfig("test.conf.yml", rates)
		return s, c, nil
	}}
	for i := range seeds {
		o.Seeds = append(o.Seeds, uint64(i+1))
	}
	for _, text := range sweeps {
		settings, err := backtest.ParseSweep(text)
		require.NoError(t, err)
		o.Settings = append(o.Settings, settings...)
	}
	return o
}

func study(t *testing.T, o backtest.StudyOptions) *report.Study {
	t.Helper()
	r, err := backtest.RunStudy(t.Context(), o)
	require.NoError(t, err)
	return r
}

// TestSweeps holds that what is varied does what it says, to service or to cost.
func TestSweeps(t *testing.T) {
	long.Test(t)
	r := study(t, studyOf(t, []string{"variant_exporter"}, 1, "load=1,2", "startup=30s,5m", "capacity=0.7,1.4", "price=3", "metrics_gone=5m", "lag=2m", "failed_starts=0.9"))
	mean := map[string]map[string]float64{}
	for _, s := range r.Settings {
		require.Len(t, s.Policies, 1)
		mean[s.Name] = s.Policies[0].Mean
	}
	as := mean["load=1"]
	require.InEpsilon(t, 2*as["requests"], mean["load=2"]["requests"], 0.02)
	require.InEpsilon(t, 2*as["cost"], mean["load=2"]["cost"], 0.2, "the fleet grows with the load")
	require.Greater(t, mean["startup=30s"]["slo_attainment"], mean["startup=5m"]["slo_attainment"]+0.05)
	require.Greater(t, mean["capacity=0.7"]["cost"], 1.2*mean["capacity=1.4"]["cost"], "who believes less of a replica has more of them")
	require.Greater(t, mean["capacity=0.7"]["slo_attainment"], mean["capacity=1.4"]["slo_attainment"])
	require.Greater(t, mean["price=3"]["cost"], 1.1*as["cost"], "the dearer variant seems the cheaper one")
	require.Less(t, mean["metrics_gone=5m"]["slo_attainment"], as["slo_attainment"]-0.02, "the step is not seen")
	require.Less(t, mean["lag=2m"]["slo_attainment"], as["slo_attainment"]-0.01)
	require.Positive(t, mean["failed_starts=0.9"]["failed_starts"])
	require.Empty(t, r.Expect)
}

func TestParseSweep(t *testing.T) {
	for text, want := range map[string]string{
		"speed=1":          `there is no "speed" to vary; there are capacity, failed_starts, lag,`,
		"startup":          "no values; write startup=FIRST,SECOND",
		"startup=1,2m":     `"1": a time is expected`,
		"load=2,x":         `"x": a number is expected`,
		"load=0":           "a factor from 0.01 to 100 is expected",
		"failed_starts=10": "a share is expected, such as 0.1",
	} {
		_, err := backtest.ParseSweep(text)
		require.ErrorContains(t, err, want)
	}
}

// TestMatch holds that the service that is asked for is reached by the cheapest fill, and said where it is not.
func TestMatch(t *testing.T) {
	o := studyOf(t, []string{"rate-last"}, 1)
	o.Match = []float64{0.5, 0.9}
	r := study(t, o)
	require.Equal(t, "match=0.5", r.Settings[0].Name)
	cheap, dear := r.Settings[0].Policies[0], r.Settings[1].Policies[0]
	require.True(t, *cheap.Reach && *dear.Reach)
	require.Greater(t, *cheap.Fill, *dear.Fill)
	require.Less(t, cheap.Mean["cost"], dear.Mean["cost"])
	require.GreaterOrEqual(t, cheap.Mean["slo_attainment"], 0.5)
	require.GreaterOrEqual(t, dear.Mean["slo_attainment"], 0.9)
	o.Settings, _ = backtest.ParseSweep("startup=15m")
	o.Policies, o.Match = []string{"rate-last"}, []float64{0.9999999}
	r = study(t, o)
	require.Equal(t, "startup=15m match=0.9999999", r.Settings[0].Name)
	require.False(t, *r.Settings[0].Policies[0].Reach)
}

func TestSeveralSeeds(t *testing.T) {
	o := studyOf(t, []string{"rate-last"}, 3)
	load := o.Load
	o.Load = func() (*scenario.Scenario, *config.Config, error) {
		s, c, err := load()
		one := 1.0
		s.Expect.SLOAttainment = &scenario.Bounds{Min: &one}
		return s, c, err
	}
	r := study(t, o)
	p := r.Settings[0].Policies[0]
	require.Len(t, p.Runs, 3)
	require.InDelta(t, (p.Runs[0].Cost+p.Runs[1].Cost+p.Runs[2].Cost)/3, p.Mean["cost"], 1e-6)
	require.Positive(t, p.Spread["requests"])
	require.Len(t, r.Expect, 1)
	require.False(t, r.Expect[0].Holds)
	var b strings.Builder
	require.NoError(t, report.WriteStudy(&b, r))
	require.Regexp(t, `as it is +rate-last +\d+\.\d+% ±\d+\.\d+`, b.String())
	require.Contains(t, b.String(), "FAILED  slo_attainment >= 1")
	b.Reset()
	require.NoError(t, report.WriteStudyCSV(&b, r))
	require.Equal(t, 4, strings.Count(b.String(), "\n"))
}
