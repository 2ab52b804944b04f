package embedded

import (
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/prometheus/tsdb/fileutil"
)

const (
	tempPrefix = "variant_exporter-tsdb-"
	// lockFile is the TSDB's own: a process that lives holds a lock on it, and one that was killed no longer does.
	lockFile = "lock"
	// newborn is how long a folder is left alone whose process may not have locked it yet.
	newborn = time.Minute
)

// removeLeftovers removes the temporary folders of processes that were killed before they could.
func removeLeftovers(logger *slog.Logger) {
	folders, err := filepath.Glob(filepath.Join(os.TempDir(), tempPrefix+"*"))
	if err != nil {
		return
	}
	for _, folder := range folders {
		info, err := os.Lstat(folder)
		if err != nil || !info.IsDir() || !isOwn(info) || time.Since(info.ModTime()) < newborn {
			continue
		}
		lock, _, err := fileutil.Flock(filepath.Join(folder, lockFile))
		if err != nil {
			continue // It is in use.
		}
		if err = os.RemoveAll(folder); err == nil {
			logger.Info("Removed the samples of a process that was killed.", "folder", folder)
		}
		_ = lock.Release()
	}
}

// isOwn reports whether a file is this user's. Others can write to the folder of temporary files, too.
func isOwn(info fs.FileInfo) bool {
	uid, known := ownerOf(info)
	return !known || uid == os.Getuid()
}
