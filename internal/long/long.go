// Package long holds back tests that take long: make test-long runs them, and so does CI, by setting TEST_LONG.
package long

import (
	"os"
	"testing"
)

// Wanted reports whether tests that take long are to run. With -short they never do.
func Wanted() bool { return os.Getenv("TEST_LONG") != "" && !testing.Short() }

// Test skips the test unless tests that take long are to run.
func Test(t *testing.T) {
	t.Helper()
	if !Wanted() {
		t.Skip("takes long: make test-long runs it")
	}
}
