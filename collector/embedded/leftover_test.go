package embedded_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/embedded"
)

// TestLeftoversAreRemoved: the folder of a process that was killed goes, that of one that lives stays.
func TestLeftoversAreRemoved(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	alive := open(t, embedded.Config{})
	folders, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	require.Len(t, folders, 1)
	killed, fresh := filepath.Join(dir, "variant_exporter-tsdb-1"), filepath.Join(dir, "variant_exporter-tsdb-2")
	hourAgo := time.Now().Add(-time.Hour)
	for _, folder := range []string{killed, fresh} {
		require.NoError(t, os.MkdirAll(filepath.Join(folder, "wal"), 0o700))
	}
	require.NoError(t, os.Chtimes(killed, hourAgo, hourAgo))
	require.NoError(t, os.Chtimes(folders[0], hourAgo, hourAgo))
	next := open(t, embedded.Config{})
	require.NoDirExists(t, killed)
	require.DirExists(t, fresh)
	require.DirExists(t, folders[0])
	require.NoError(t, next.Close())
	require.NoError(t, alive.Close())
}

// TestStartsAfterAFullDisk: a disk that is full cuts what is written at any byte, and a kill leaves it so.
func TestStartsAfterAFullDisk(t *testing.T) {
	for _, cut := range []int64{1, 7, 100, 1000} {
		dir, at := t.TempDir(), time.Now().Add(-time.Minute)
		engine := open(t, embedded.Config{Dir: dir})
		for i := range 50 {
			require.NoError(t, engine.Append(t.Context(), model.Vector{sample("up", "a", at.Add(time.Duration(i)*time.Second), 1)}))
		}
		require.NoError(t, engine.Close())
		segments, err := filepath.Glob(filepath.Join(dir, "wal", "0*"))
		require.NoError(t, err)
		last := segments[len(segments)-1]
		info, err := os.Stat(last)
		require.NoError(t, err)
		require.NoError(t, os.Truncate(last, max(0, info.Size()-cut)))
		for _, half := range []string{"01ABCDEFGHJKMNPQRSTVWXYZ00.tmp-for-creation", "checkpoint.00000001.tmp"} {
			require.NoError(t, os.MkdirAll(filepath.Join(dir, half), 0o700))
		}
		again := open(t, embedded.Config{Dir: dir})
		require.NoError(t, again.Append(t.Context(), model.Vector{sample("up", "a", time.Now(), 1)}))
		require.NoError(t, again.Close())
	}
}

// TestErrorsAreLoggedOnceAMinute is about an engine all of whose targets fail in the same way.
func TestErrorsAreLoggedOnceAMinute(t *testing.T) {
	var out bytes.Buffer
	handler := slog.NewTextHandler(&out, nil)
	logger := embedded.Throttled(slog.New(handler))
	start := time.Unix(1_800_000_000, 0)
	for second := range 120 {
		record := slog.NewRecord(start.Add(time.Duration(second)*time.Second), slog.LevelError, "Scrape commit failed", 0)
		require.NoError(t, logger.With("target", second).Handler().Handle(t.Context(), record))
	}
	require.Equal(t, 2, strings.Count(out.String(), "Scrape commit failed"))
}
