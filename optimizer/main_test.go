package optimizer_test

import (
	"flag"
	"os"
	"testing"
)

// TestMain makes every property test check 1,200 cases where the command line
// does not ask for another number, so that together they check more than
// 10,000.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "1200"); err != nil {
		panic(err)
	}
	flag.Parse()
	os.Exit(m.Run())
}
