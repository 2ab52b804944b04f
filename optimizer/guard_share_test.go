package optimizer_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/optimizer"
)

// TestGuardSharesBudgets swaps several variants at once in a budget that is too
// small for all of it.
func TestGuardSharesBudgets(t *testing.T) {
	two := `{"budgets":[{"name":"gpu","limit":%g}],"models":[
		{"name":"n","priority":%d,"demand":{"s":40},"variants":[
			{"name":"old","cost":3,"capacity":{"s":10},"uses":{"gpu":1}},
			{"name":"new","cost":1,"capacity":{"s":10},"uses":{"gpu":1}}]},
		{"name":"m","priority":1,"demand":{"s":40},"variants":[
			{"name":"old","cost":3,"capacity":{"s":10},"uses":{"gpu":1}},
			{"name":"new","cost":1,"capacity":{"s":10},"uses":{"gpu":1}}]}]}`
	failsafe := having(seen(2, 2), func(s *optimizer.VariantState) { s.Failsafe = new(5) })
	for _, test := range []struct {
		name    string
		problem string
		states  []optimizer.ModelState
		// broken makes the problem one that cannot be planned.
		broken bool
		want   []int
	}{
		{
			"equals share", fmt.Sprintf(two, 10., 1),
			[]optimizer.ModelState{known(seen(4, 4), seen(0, 0)), known(seen(4, 4), seen(0, 0))},
			false,
			[]int{4, 1, 4, 1},
		},
		{
			"equals share in the middle of it", fmt.Sprintf(two, 10., 1),
			[]optimizer.ModelState{known(seen(2, 2), seen(2, 2)), known(seen(2, 2), seen(2, 2))},
			false,
			[]int{2, 3, 2, 3},
		},
		{
			"the more important first", fmt.Sprintf(two, 10., 2),
			[]optimizer.ModelState{known(seen(4, 4), seen(0, 0)), known(seen(4, 4), seen(0, 0))},
			false,
			[]int{4, 0, 4, 2},
		},
		{
			"without a planner, by name", fmt.Sprintf(two, 10., 1),
			[]optimizer.ModelState{known(seen(4, 4), seen(0, 0)), known(seen(4, 4), seen(0, 0))},
			true,
			[]int{4, 0, 4, 2},
		},
		{
			"without a planner, the more important first", fmt.Sprintf(two, 10., 0),
			[]optimizer.ModelState{known(seen(4, 4), seen(0, 0)), known(seen(4, 4), seen(0, 0))},
			true,
			[]int{4, 2, 4, 0},
		},
		{
			"a failsafe takes what others leave",
			`{"budgets":[{"name":"gpu","limit":6}],"models":[
				{"name":"m","demand":{"s":40},"variants":[{"name":"a","cost":1,"capacity":{"s":10},"uses":{"gpu":1}}]},
				{"name":"n","demand":{"s":40},"variants":[{"name":"a","cost":1,"capacity":{"s":10},"uses":{"gpu":1}}]}]}`,
			[]optimizer.ModelState{known(seen(0, 0)), {Variants: []optimizer.VariantState{failsafe}}},
			false,
			[]int{4, 2},
		},
		{
			"roles of which only one can start",
			`{"budgets":[{"name":"gpu","limit":3}],"models":[{"name":"m","demand":{"prefill":10,"decode":10},"variants":[
				{"name":"old-decode","cost":3,"capacity":{"decode":10},"uses":{"gpu":1}},
				{"name":"old-prefill","cost":3,"capacity":{"prefill":10},"uses":{"gpu":1}},
				{"name":"decode","cost":1,"capacity":{"decode":10},"uses":{"gpu":1}},
				{"name":"prefill","cost":1,"capacity":{"prefill":10},"uses":{"gpu":1}}]}]}`,
			[]optimizer.ModelState{known(seen(1, 1), seen(1, 1), seen(0, 0), seen(0, 0))},
			false,
			[]int{1, 1, 1, 0},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, s := parse(t, test.problem), optimizer.State{Models: test.states}
			place(&p, s)
			plan, _ := guarded(t, p, s)
			if test.broken {
				p.Models[0].Variants[1].Cost = math.NaN()
			}
			var got []int
			for _, m := range optimizer.Guard(p, plan, s, optimizer.Options{}).Models {
				for _, v := range m.Variants {
					got = append(got, *v.Desired)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestGuardIsSafeWithoutTime cuts the planner short in a choice among many
// variants that go: what stays still carries the demand.
func TestGuardIsSafeWithoutTime(t *testing.T) {
	m := optimizer.Model{Name: "m", Demand: map[string]float64{"r": 1234, "s": 1234, "t": 1234}}
	s := optimizer.State{Models: []optimizer.ModelState{known()}}
	for i := range 24 {
		m.Variants = append(m.Variants, optimizer.Variant{
			Name: fmt.Sprintf("old-%02d", i), Cost: 20 + float64(i*7%24)/10,
			Capacity: map[string]float64{"r": float64(20 + i*5%24), "s": float64(20 + i*11%24), "t": float64(20 + i*17%24)},
		})
		s.Models[0].Variants = append(s.Models[0].Variants, seen(3, 3))
	}
	m.Variants = append(m.Variants, optimizer.Variant{Name: "young", Cost: 1, Capacity: map[string]float64{"r": 100, "s": 100, "t": 100}})
	s.Models[0].Variants = append(s.Models[0].Variants, seen(0, 0))
	p := optimizer.Problem{Models: []optimizer.Model{m}}
	place(&p, s)
	plan, err := optimizer.Solve(p, optimizer.Options{})
	require.NoError(t, err)
	d := optimizer.Guard(p, plan, s, optimizer.Options{Interrupt: func() bool { return true }})
	for signal, demand := range m.Demand {
		ready := 0.0
		for j, v := range d.Models[0].Variants[:24] {
			ready += m.Variants[j].Capacity[signal] * float64(*v.Desired)
		}
		if ready < demand {
			t.Errorf("what is ready carries %g of %g %s", ready, demand, signal)
		}
	}
}

// TestGuardKeepsWhatItCannotPlan: where a number of the problem is no number,
// nothing that serves is given up.
func TestGuardKeepsWhatItCannotPlan(t *testing.T) {
	p := parse(t, fmt.Sprintf(oldAndNew, 100.))
	s := optimizer.State{Models: []optimizer.ModelState{known(seen(9, 9), seen(0, 0))}}
	plan, _ := guarded(t, p, s)
	p.Models[0].Variants[0].Cost = math.NaN()
	d := optimizer.Guard(p, plan, s, optimizer.Options{})
	want := []string{"9 make_before_break, make_before_break 0 to 9", "4 demand"}
	if diff := cmp.Diff(want, told(d)); diff != "" {
		t.Error(diff)
	}
}
