package optimizer_test

import (
	"os"
	"testing"

	"github.com/variant-exporter/variant-exporter/internal/long"
)

func TestMain(m *testing.M) {
	long.Checks(300, 1200)
	os.Exit(m.Run())
}
