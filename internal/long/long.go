// Package long holds back tests that take long: make test-long runs them, and so does CI, by setting TEST_LONG.
package long

import (
	"flag"
	"os"
	"strconv"
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

// Of returns few, or many if tests that take long are to run.
func Of[N any](few, many N) N {
	if Wanted() {
		return many
	}
	return few
}

// Checks sets how many cases property tests check, few or many, unless the command line says it. Restore takes it back.
func Checks(few, many int) (restore func()) {
	if !flag.Parsed() { // in TestMain
		flag.Parse()
	}
	checks := flag.Lookup("rapid.checks")
	was := checks.Value.String()
	if was == checks.DefValue {
		_ = flag.Set(checks.Name, strconv.Itoa(Of(few, many))) // It takes every number.
	}
	return func() { _ = flag.Set(checks.Name, was) }
}
