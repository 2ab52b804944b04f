package embedded_test

import (
	"math"
	"os"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/value"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/embedded"
)

func TestAppendTakesSamplesInAnyOrderWithinACall(t *testing.T) {
	engine := open(t, embedded.Config{})
	samples := every(time.Hour, "load", "a", 1, 2, 3, 4, 5, 6)
	samples = append(samples, every(time.Hour, "load", "b", 10, 20, 30, 40, 50, 60)...)
	require.NoError(t, engine.Append(t.Context(), samples))
	for hours, want := range []string{"{} 11", "{} 22", "{} 33", "{} 44", "{} 55", "{} 66"} {
		assert.Equal(t, []string{want}, ask(t, engine, "sum(load)", start.Add(time.Duration(hours)*time.Hour)))
	}
}

func TestAppendIsAllOrNone(t *testing.T) {
	engine := open(t, embedded.Config{})
	require.NoError(t, engine.Append(t.Context(), every(time.Minute, "load", "a", 1, 2)))
	native := sample("load", "d", start.Add(time.Minute), 0)
	native.Histogram = &model.SampleHistogram{}
	for want, bad := range map[string]*model.Sample{
		"out of order sample":                   sample("load", "a", start, 3),
		"native histograms can only be scraped": native,
		"duplicate sample for timestamp":        sample("load", "a", start.Add(time.Minute), 3),
	} {
		err := engine.Append(t.Context(), model.Vector{sample("load", "c", start, 1), bad})
		require.ErrorContains(t, err, want)
	}
	assert.Equal(t, []string{`load{pod="a"} 2`}, ask(t, engine, "load", start.Add(time.Minute)))
}

func TestAppendTakesStalenessMarkers(t *testing.T) {
	engine := open(t, embedded.Config{})
	stale := math.Float64frombits(value.StaleNaN)
	require.NoError(t, engine.Append(t.Context(), every(15*time.Second, "load", "a", 1, stale)))
	assert.Equal(t, []string{`load{pod="a"} 1`}, ask(t, engine, "load", start.Add(14*time.Second)))
	assert.Empty(t, ask(t, engine, "load", start.Add(15*time.Second)))
}

func TestTemporaryDirectoryGoesWithTheEngine(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	engine := open(t, embedded.Config{})
	require.NoError(t, engine.Append(t.Context(), every(time.Minute, "load", "a", 1)))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1)
	require.NoError(t, engine.Close())
	entries, err = os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, entries)
}

func TestNewSaysThatItCannotStore(t *testing.T) {
	t.Setenv("TMPDIR", "/nonexistent")
	_, err := embedded.New(embedded.Config{})
	require.ErrorContains(t, err, "create a directory for samples: ")
	_, err = embedded.New(embedded.Config{Dir: "/dev/null/tsdb"})
	require.ErrorContains(t, err, "open the TSDB in /dev/null/tsdb: ")
}

func TestDirectoryKeepsSamplesAcrossRestarts(t *testing.T) {
	dir := t.TempDir()
	first := open(t, embedded.Config{Dir: dir})
	require.NoError(t, first.Append(t.Context(), every(time.Minute, "load", "a", 1, 2)))
	require.NoError(t, first.Close())

	second := open(t, embedded.Config{Dir: dir})
	assert.Equal(t, []string{`load{pod="a"} 2`}, ask(t, second, "load", start.Add(time.Minute)))
	_, err := embedded.New(embedded.Config{Dir: dir})
	assert.Error(t, err, "two engines on one directory")
}

func TestRetention(t *testing.T) {
	engine := open(t, embedded.Config{Retention: time.Hour})
	for hour := range 12 {
		at := start.Add(time.Duration(hour) * time.Hour)
		for minute := range 60 {
			require.NoError(t, engine.Append(t.Context(), model.Vector{sample("load", "a", at.Add(time.Duration(minute)*time.Minute), 1)}))
		}
	}
	end := start.Add(12 * time.Hour)
	assert.Equal(t, []string{`{pod="a"} 59`}, ask(t, engine, "count_over_time(load[59m])", end.Add(-time.Minute)), "the retained hour")
	deadline := time.Now().Add(waitFor)
	for len(ask(t, engine, "load", start.Add(5*time.Hour))) > 0 { // Compaction deletes in the background.
		require.True(t, time.Now().Before(deadline), "samples seven hours old are still there")
		<-time.After(20 * time.Millisecond)
	}
}
