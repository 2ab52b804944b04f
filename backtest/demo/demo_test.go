package demo_test

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/variant-exporter/variant-exporter/backtest"
	"github.com/variant-exporter/variant-exporter/backtest/demo"
	"github.com/variant-exporter/variant-exporter/backtest/product"
	"github.com/variant-exporter/variant-exporter/backtest/report"
	"github.com/variant-exporter/variant-exporter/backtest/scenario"
	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/internal/long"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestDay runs the demo as fast as it goes, and holds what it shows to what the backtest says of the same files.
func TestDay(t *testing.T) {
	long.Test(t)
	var out bytes.Buffer
	d, err := demo.New(t.Context(), demo.Options{Seed: 1, Clock: time.Now, Out: &out, Every: time.Millisecond, Keep: true})
	require.NoError(t, err)
	defer func() { require.NoError(t, d.Close()) }()
	require.NotNil(t, d.Evaluate(t.Context(), time.Time{}), "there is a decision before the day begins")
	require.NoError(t, d.Run(t.Context(), "http://127.0.0.1:18270"))
	text := out.String()
	require.True(t, strings.HasPrefix(text, "The exporter, planning for a simulated fleet: http://127.0.0.1:18270\n"), "it opens with the address")
	for line := range strings.Lines(text) {
		require.LessOrEqual(t, len([]rune(strings.TrimRight(line, "\n"))), 80, line)
	}
	require.Equal(t, scenario.Start().Add(25*time.Hour), d.Now())

	_, final, found := strings.Cut(text, "After 24 hours and")
	require.True(t, found)
	for _, name := range demo.Policies() {
		require.Contains(t, final, "\n"+name+" ")
	}
	for _, p := range study(t, 1, "variant_exporter", "static").Settings[0].Policies {
		_, line, _ := strings.Cut(final, "\n"+p.Name+" ")
		shown := strings.Fields(line)
		inTime, err := strconv.ParseFloat(shown[0], 64)
		require.NoError(t, err)
		require.InDelta(t, 100*p.Mean["slo_attainment"], inTime, 0.1)
		require.Equal(t, fmt.Sprintf("%.2f", p.Mean["cost"]), shown[2])
	}
	require.Contains(t, text, "variant_exporter costs least")
	require.Contains(t, text, "The pages of this day stay at http://127.0.0.1:18270: Ctrl+C ends them.\n")
}

// TestDayOverSeeds holds what the demo says of a day to days with other noise: the program serves 99 % in time for a tenth less than
// the cheapest of the others that do.
func TestDayOverSeeds(t *testing.T) {
	long.Test(t)
	s := study(t, 2, "variant_exporter", "static", "rate-last")
	ours := s.Settings[0].Policies[0]
	for k := range s.Seeds {
		require.Greater(t, ours.Runs[k].SLOAttainment, 0.995)
		for _, other := range s.Settings[0].Policies[1:] {
			require.Less(t, ours.Runs[k].Cost, 0.9*other.Runs[k].Cost, other.Name)
		}
	}
}

func study(t *testing.T, seeds int, policies ...string) *report.Study {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, demo.WriteFiles(dir))
	o := backtest.StudyOptions{Policies: policies, Load: func() (*scenario.Scenario, *config.Config, error) {
		s, found, err := scenario.LoadFile(filepath.Join(dir, demo.ScenarioFile))
		require.Empty(t, found)
		require.NoError(t, err)
		c, remarks, err := product.LoadConfig(filepath.Join(dir, demo.ConfigFile))
		require.Empty(t, remarks)
		return s, c, err
	}}
	for i := range seeds {
		o.Seeds = append(o.Seeds, uint64(i+1))
	}
	r, err := backtest.RunStudy(t.Context(), o)
	require.NoError(t, err)
	return r
}

// TestInterrupted holds that a demo that is stopped sums up what there was.
func TestInterrupted(t *testing.T) {
	var out bytes.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	d, err := demo.New(ctx, demo.Options{Seed: 1, Length: time.Hour, Clock: time.Now, Out: &out, Every: time.Millisecond})
	require.NoError(t, err)
	time.AfterFunc(time.Second, cancel)
	require.NoError(t, d.Run(ctx, "http://127.0.0.1:1"))
	require.NoError(t, d.Close())
	require.Contains(t, out.String(), "After 0 hours and")
	require.Contains(t, out.String(), "request for the least: chat-h100, code-h100\n")
	require.Contains(t, out.String(), "The pages end with the day: variant_exporter demo --keep goes on serving them.\n")
}
