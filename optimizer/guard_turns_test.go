package optimizer_test

import (
	"testing"

	"github.com/variant-exporter/variant-exporter/optimizer"
)

// TestGuardTakesTurns: while orders are on their way, one of two variants that
// could stand in for each other loses what serves, and the other waits for it.
func TestGuardTakesTurns(t *testing.T) {
	p := optimizer.Problem{Models: []optimizer.Model{{Name: "m", Demand: map[string]float64{"s": 4}, Variants: []optimizer.Variant{
		{Name: "a", Cost: 2, Capacity: map[string]float64{"s": 1}},
		{Name: "b", Cost: 3, Capacity: map[string]float64{"s": 1}},
		{Name: "c", Cost: 1, Capacity: map[string]float64{"s": 1}},
	}}}}
	ordered := func(s *optimizer.VariantState) { s.Ordered = true }
	fresh := func(s *optimizer.VariantState) { s.Fresh = true }
	for _, test := range []struct {
		name   string
		moving bool
		a, b   optimizer.VariantState
		want   [2]int
	}{
		{"nothing moves", false, seen(3, 3), seen(3, 3), [2]int{2, 0}},
		{"the first goes", true, seen(3, 3), seen(3, 3), [2]int{2, 3}},
		{"the first is gone", true, seen(0, 0), seen(3, 3), [2]int{0, 2}},
		{"the first has only just become ready", true, having(seen(3, 3), fresh), seen(3, 3), [2]int{3, 3}},
		{"the other loses its newest first", true, seen(3, 3), having(seen(4, 3), ordered), [2]int{2, 4}},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := known(test.a, test.b, seen(4, 2))
			m.Moving = test.moving
			s := optimizer.State{Models: []optimizer.ModelState{m}}
			place(&p, s)
			_, d := guarded(t, p, s)
			got := [2]int{*d.Models[0].Variants[0].Desired, *d.Models[0].Variants[1].Desired}
			if got != test.want {
				t.Errorf("%v, want %v", got, test.want)
			}
		})
	}
}
