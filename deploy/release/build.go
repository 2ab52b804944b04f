package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// program is one built program.
type program struct {
	os, arch string
	file     string
}

func (p program) platform() string { return p.os + "-" + p.arch }

const (
	name    = "variant_exporter"
	linking = "github.com/prometheus/common/version"
)

// build makes the programs, static and without paths of this machine, in an empty output folder.
func build(ctx context.Context, o *options) ([]program, error) {
	if err := os.RemoveAll(o.output); err != nil {
		return nil, err
	}
	var programs []program
	for _, platform := range o.platforms {
		system, arch, ok := strings.Cut(platform, "/")
		if !ok {
			return nil, fmt.Errorf("%q is not a platform: write it like linux/amd64", platform)
		}
		p := program{os: system, arch: arch}
		folder, err := filepath.Abs(filepath.Join(o.output, "bin", p.platform()))
		if err != nil {
			return nil, err
		}
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return nil, err
		}
		p.file = filepath.Join(folder, name)
		flags := fmt.Sprintf("-s -w -buildid= -X %s.Version=%s -X %s.Revision=%s -X %s.Branch=HEAD", linking, o.version, linking, o.revision, linking)
		// The linker's flags say the version; what Go knows of the checkout would differ between a clone and an archive of it.
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", flags, "-o", p.file, ".")
		cmd.Dir = o.root
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+system, "GOARCH="+arch, "GOFLAGS=")
		cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
		if err := cmd.Run(); err != nil {
			return nil, fmt.Errorf("build for %s: %w", platform, err)
		}
		programs = append(programs, p)
	}
	return programs, nil
}
