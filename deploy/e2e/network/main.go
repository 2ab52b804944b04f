package network

import (
	"errors"
	"fmt"
	"os"
)

// Main runs tests, or another program, in a network of their own, and returns the exit code. That network reaches no module proxy, so
// prepare builds what they need before it is entered, into a directory that is removed afterwards. It returns a variable for their
// environment.
func Main(run func() int, prepare func(dir string) (variable string, err error)) (code int, err error) {
	if Inside() {
		if err := RaiseLoopback(); err != nil {
			return 0, err
		}
		return run(), nil
	}
	dir, err := os.MkdirTemp("", "variant_exporter-e2e-programs-")
	if err != nil {
		return 0, fmt.Errorf("make a directory for programs: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	variable, err := prepare(dir)
	if err != nil {
		return 0, err
	}
	return Isolate(variable)
}
