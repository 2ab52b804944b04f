package fleet_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/variant-exporter/variant-exporter/backtest/fleet"
)

// TestDemoCapacities states what the documentation of Demo says, and what a reader can work out from the profiles.
func TestDemoCapacities(t *testing.T) {
	t.Parallel()
	got := map[string]int{}
	for _, m := range fleet.Demo().Models {
		for _, v := range m.Variants {
			got[v.Name] = m.Capacity(&v)
		}
	}
	want := map[string]int{
		"llama-8b-h100": 96, "llama-8b-a100": 48, "llama-8b-l4": 12, "llama-70b-h100x4": 64, "llama-70b-a100x4": 28,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("capacities in requests (-want +got):\n%s", diff)
	}
}
