package scenarios

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/backtest"
	"github.com/variant-exporter/variant-exporter/backtest/policy"
	"github.com/variant-exporter/variant-exporter/backtest/product"
	"github.com/variant-exporter/variant-exporter/backtest/report"
	"github.com/variant-exporter/variant-exporter/backtest/scenario"
	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/internal/long"
)

// knownFailures are the scenarios that the program does not pass yet, each with what was seen. A mark goes when its scenario passes; an
// expectation is never weakened for it.
var knownFailures = map[string]string{}

// always are scenarios that run each time. Another one takes a second for each of its hours.
func always() []string { return []string{"one-sample", "readiness-blips", "spike"} }

// TestScenarios holds the program to what every scenario expects.
func TestScenarios(t *testing.T) {
	if testing.Short() {
		t.Skip("seconds of simulation")
	}
	all := names(t)
	for name := range knownFailures {
		require.Contains(t, all, name, "a mark on a scenario that is not there")
	}
	require.Subset(t, all, always())
	for _, name := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, found, err := scenario.LoadFile(name + ".yml")
			require.NoError(t, err)
			require.Empty(t, found, "%v", found)
			if !slices.Contains(always(), name) {
				long.Test(t)
			}
			failed := failures(run(t, s, name+".conf.yml"))
			why, known := knownFailures[name]
			switch {
			case known && len(failed) == 0:
				t.Errorf("it passes: remove the mark %q", why)
			case !known && len(failed) > 0:
				t.Errorf("expected:\n%s", strings.Join(failed, "\n"))
			}
		})
	}
}

// TestSpikesCancelLittle: what is ordered for a step in demand is not taken back and ordered again while it is not seen yet.
func TestSpikesCancelLittle(t *testing.T) {
	if testing.Short() {
		t.Skip("seconds of simulation")
	}
	for seed := 1; seed <= 5; seed++ {
		s, _, err := scenario.LoadFile("spike.yml")
		require.NoError(t, err)
		s.Seed = seed
		require.LessOrEqual(t, run(t, s, "spike.conf.yml").Policies[0].CancelledStarts, 2, "seed %d", seed)
	}
}

// TestWakesOrderWhatWaits: a model that wakes orders at once what works off the queue that grows until then, and nothing for what its servers
// still have in service when the queue has gone.
func TestWakesOrderWhatWaits(t *testing.T) {
	if testing.Short() {
		t.Skip("seconds of simulation")
	}
	for seed := 1; seed <= 5; seed++ {
		s, _, err := scenario.LoadFile("on-off.yml")
		require.NoError(t, err)
		s.Seed, s.Duration = seed, config.Duration(30*time.Minute)
		s.Expect.Desired = slices.DeleteFunc(s.Expect.Desired, func(d scenario.ExpectDesired) bool { return d.At > s.Duration })
		r := run(t, s, "on-off.conf.yml").Policies[0]
		require.GreaterOrEqual(t, r.SLOAttainment, 0.85, "seed %d", seed)
		require.Zero(t, r.CancelledStarts, "seed %d", seed)
		require.LessOrEqual(t, r.Starts, 8, "seed %d", seed)
	}
}

// names are the scenarios of this folder.
func names(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*.yml")
	require.NoError(t, err)
	var all []string
	for _, f := range files {
		if name := strings.TrimSuffix(f, ".yml"); !strings.HasSuffix(name, ".conf") {
			all = append(all, name)
		}
	}
	require.NotEmpty(t, all)
	return all
}

// run runs a scenario with a configuration, which may have no remark.
func run(t *testing.T, s *scenario.Scenario, conf string) *report.Result {
	t.Helper()
	c, remarks, err := product.LoadConfig(conf)
	require.NoError(t, err)
	require.Empty(t, remarks, "%v", remarks)
	r, err := backtest.Run(t.Context(), backtest.Options{Scenario: s, Config: c, Policies: []string{policy.Product}, Seed: uint64(s.Seed)})
	require.NoError(t, err)
	require.NotEmpty(t, r.Expect, "a scenario without expectations")
	return r
}

func failures(r *report.Result) []string {
	var failed []string
	for _, e := range r.Expect {
		if !e.Holds {
			failed = append(failed, e.What+": "+e.Found)
		}
	}
	return failed
}
