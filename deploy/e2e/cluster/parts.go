package cluster

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Parts finds what build.sh has built.
type Parts struct {
	script string
}

// NewParts names the script that knows where it has put everything.
func NewParts(script string) Parts { return Parts{script: script} }

// Path returns where a file of a part is.
func (p Parts) Path(ctx context.Context, part string, file ...string) (string, error) {
	out, err := exec.CommandContext(ctx, p.script, "--directory", part).Output()
	if err != nil {
		return "", fmt.Errorf("ask where %s is: %w", part, err)
	}
	path := filepath.Join(append([]string{strings.TrimSpace(string(out))}, file...)...)
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("%s is not built, build.sh does that: %w", part, err)
	}
	return path, nil
}

// Prometheus returns where a Prometheus is: the one on PATH, or the one that was built in its absence.
func (p Parts) Prometheus(ctx context.Context) (string, error) {
	if path, err := exec.LookPath("prometheus"); err == nil {
		return path, nil
	}
	return p.Path(ctx, "prometheus", "prometheus")
}
