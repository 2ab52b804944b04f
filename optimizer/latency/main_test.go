package latency_test

import (
	"flag"
	"os"
	"testing"
)

// TestMain makes every property test check 1,200 cases unless the command line
// asks for another number.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "1200"); err != nil {
		panic(err)
	}
	flag.Parse()
	os.Exit(m.Run())
}
