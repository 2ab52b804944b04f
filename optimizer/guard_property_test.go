package optimizer_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/variant-exporter/variant-exporter/optimizer"
)

// drawState draws what is known of a problem, and writes into it what runs.
func drawState(t *rapid.T, p *optimizer.Problem) optimizer.State {
	s := optimizer.State{Borrow: map[string]float64{}}
	for _, b := range p.Budgets {
		s.Borrow[b.Name] = float64(rapid.IntRange(0, 6).Draw(t, "borrow")) / 2
	}
	for i := range p.Models {
		m := optimizer.ModelState{Knowledge: optimizer.KnownFully}
		if rapid.IntRange(0, 3).Draw(t, "gap") == 0 {
			m.Knowledge = rapid.SampledFrom([]optimizer.Knowledge{optimizer.KnownNothing, optimizer.KnownPartly}).Draw(t, "knowledge")
		}
		for range p.Models[i].Variants {
			m.Variants = append(m.Variants, drawVariantState(t))
		}
		s.Models = append(s.Models, m)
	}
	place(p, s)
	return s
}

func drawVariantState(t *rapid.T) optimizer.VariantState {
	var s optimizer.VariantState
	number := func(name string, oneIn, most int) *int {
		if rapid.IntRange(1, oneIn).Draw(t, "has "+name) > 1 {
			return nil
		}
		return new(rapid.IntRange(0, most).Draw(t, name))
	}
	if rapid.IntRange(0, 9).Draw(t, "knows current") > 0 {
		s.Current = number("current", 1, 10)
	}
	if rapid.IntRange(0, 5).Draw(t, "knows ready") > 0 {
		s.Ready = number("ready", 1, 10)
	}
	s.Unknown = rapid.IntRange(0, 14).Draw(t, "unknown") == 0
	s.Stuck, s.Failsafe = number("stuck", 6, 6), number("failsafe", 4, 10)
	s.Fewest, s.Most = number("fewest", 6, 10), number("most", 6, 10)
	return s
}

// outcome is what a decision comes to for one variant.
type outcome struct {
	*optimizer.Variant
	state optimizer.VariantState
	// current and ready are the present, planned the plan with the stuck
	// requests that are kept, least what no guard may go below, after what is
	// asked for in the end.
	current, ready, planned, least, after int
}

// outcomes states what is to hold of every variant independently of how Guard
// does it.
func outcomes(p optimizer.Problem, plan optimizer.Plan, s optimizer.State, d optimizer.Decision) [][]outcome {
	all := make([][]outcome, len(p.Models))
	for i := range p.Models {
		for j := range p.Models[i].Variants {
			o := outcome{Variant: &p.Models[i].Variants[j], state: s.Models[i].Variants[j], planned: plan.Models[i].Variants[j].Replicas}
			decision := d.Models[i].Variants[j]
			for _, e := range decision.Effects {
				if e.Guard == optimizer.ReasonStuck {
					o.planned = *e.To
				}
			}
			o.current = o.planned
			if o.state.Current != nil {
				o.current = *o.state.Current
				o.ready = o.current
				switch {
				case o.state.Ready != nil:
					o.ready = min(o.current, *o.state.Ready)
				case o.planned >= o.current:
					o.ready = 0 // what does not go is not to be relied on
				case o.state.Stuck != nil:
					o.ready = min(o.current, *o.state.Stuck)
				}
			}
			o.after = o.current
			if decision.Desired != nil {
				o.after = *decision.Desired
			}
			o.least = o.lowest(s.Models[i].Knowledge)
			all[i] = append(all[i], o)
		}
	}
	return all
}

// lowest is what no budget can take from a variant.
func (o *outcome) lowest(known optimizer.Knowledge) int {
	switch {
	case known == optimizer.KnownNothing || o.state.Unknown || o.state.Current == nil:
		return o.after
	case known == optimizer.KnownPartly:
		return max(o.current, o.Min)
	case o.planned > o.current && o.state.Most != nil && max(o.Min, *o.state.Most) <= o.current:
		return o.current // it is not to change
	case o.planned > o.current:
		return max(o.Min, o.ready)
	case o.state.Fewest != nil && o.planned < o.current:
		present := o.current
		if o.state.Stuck != nil {
			present = min(o.current, max(o.planned, o.Min, *o.state.Stuck))
		}
		return max(o.planned, min(present, *o.state.Fewest, maxOf(o.Variant)))
	}
	return o.planned
}

// total sums what numbers of replicas use of a budget.
func total(all [][]outcome, budget string, number func(*outcome) int) float64 {
	sum := 0.0
	for i := range all {
		for j := range all[i] {
			sum += all[i][j].Uses[budget] * float64(number(&all[i][j]))
		}
	}
	return sum
}

// supply is what numbers of replicas carry of a signal.
func supply(m []outcome, signal string, number func(*outcome) int) float64 {
	sum := 0.0
	for j := range m {
		sum += m[j].Capacity[signal] * float64(number(&m[j]))
	}
	return sum
}

// fitsAll reports whether numbers of replicas keep what may be used of budgets.
func fitsAll(p optimizer.Problem, s optimizer.State, all [][]outcome, number func(*outcome) int) bool {
	for _, b := range p.Budgets {
		present := total(all, b.Name, func(o *outcome) int { return o.current })
		if total(all, b.Name, number) > max(b.Limit+s.Borrow[b.Name], present)*(1+optimizer.Tolerance) {
			return false
		}
	}
	return true
}

func TestGuardIsNeverWorseThanPlanAndPresent(t *testing.T) {
	generate := problems(medium)
	rapid.Check(t, func(t *rapid.T) {
		p := generate.Draw(t, "problem")
		s := drawState(t, &p)
		plan, d := guarded(t, p, s)
		all := outcomes(p, plan, s, d)
		stays := func(o *outcome) int { return max(o.least, min(o.ready, maxOf(o.Variant))) }
		everything := func(o *outcome) int { return max(o.least, o.current, o.planned) }
		roomForReady, roomForAll := fitsAll(p, s, all, stays), fitsAll(p, s, all, everything)
		for i := range p.Models {
			if s.Models[i].Knowledge != optimizer.KnownFully {
				continue
			}
			for signal, demand := range p.Models[i].Demand {
				most := func(o *outcome) int { return min(o.ready, max(o.after, maxOf(o.Variant))) }
				need := min(demand, supply(all[i], signal, func(o *outcome) int { return o.planned }), supply(all[i], signal, most))
				after := supply(all[i], signal, func(o *outcome) int { return min(o.ready, o.after) })
				if roomForReady && after < need*(1-2*optimizer.Tolerance) {
					t.Fatalf("models[%d]: %g of %s is ready, of %g\n%v\n%+v", i, after, signal, need, told(d), all[i])
				}
				asked := func(o *outcome) int {
					if o.state.Stuck != nil && !o.state.Unknown {
						return min(o.current, max(o.planned, o.Min, *o.state.Stuck), max(o.after, maxOf(o.Variant)))
					}
					return min(o.current, max(o.after, maxOf(o.Variant)))
				}
				need = min(demand, supply(all[i], signal, func(o *outcome) int { return o.planned }), supply(all[i], signal, asked))
				after = supply(all[i], signal, func(o *outcome) int { return o.after })
				if roomForAll && after < need*(1-2*optimizer.Tolerance) {
					t.Fatalf("models[%d]: %g of %s is asked for, of %g\n%v\n%+v", i, after, signal, need, told(d), all[i])
				}
			}
		}
	})
}

func TestGuardKeepsBoundsAndBudgets(t *testing.T) {
	generate := problems(medium)
	rapid.Check(t, func(t *rapid.T) {
		p := generate.Draw(t, "problem")
		s := drawState(t, &p)
		plan, d := guarded(t, p, s)
		all := outcomes(p, plan, s, d)
		for i := range all {
			for j, o := range all[i] {
				v := d.Models[i].Variants[j]
				if (v.Desired == nil) != (v.Reason == optimizer.ReasonHold) {
					t.Fatalf("models[%d].variants[%d]: %v", i, j, told(d))
				}
				if v.Desired == nil {
					continue
				}
				if *v.Desired < o.Min || *v.Desired > maxOf(o.Variant) {
					t.Fatalf("models[%d].variants[%d]: %d replicas", i, j, *v.Desired)
				}
				if low, high := min(o.planned, o.ready), max(o.planned, o.current); v.Reason != optimizer.ReasonFailsafe &&
					(*v.Desired < low || *v.Desired > high) {
					t.Fatalf("models[%d].variants[%d]: %d replicas, not within %d and %d", i, j, *v.Desired, low, high)
				}
			}
		}
		for _, b := range p.Budgets {
			// A failsafe never goes below the minimum, whatever else runs.
			raised := func(o *outcome) int {
				if o.state.Failsafe == nil {
					return 0
				}
				return max(0, o.Min-o.current)
			}
			bound := total(all, b.Name, raised) + max(
				b.Limit+s.Borrow[b.Name], total(all, b.Name, func(o *outcome) int { return o.current }),
				total(all, b.Name, func(o *outcome) int { return o.least }),
			)
			if used := total(all, b.Name, func(o *outcome) int { return o.after }); used > bound*(1+3*optimizer.Tolerance) {
				t.Fatalf("%g of %s used, of %g\n%v\n%s", used, b.Name, bound, told(d), printed(t, p, s, plan))
			}
		}
	})
}

func TestGuardDependsOnItsInputAlone(t *testing.T) {
	generate := problems(medium)
	rapid.Check(t, func(t *rapid.T) {
		p := generate.Draw(t, "problem")
		s := drawState(t, &p)
		before := printed(t, p, s)
		plan, d := guarded(t, p, s)
		planned := printed(t, plan)
		want := byVariant(p, d)
		if again := byVariant(p, optimizer.Guard(p, plan, s, optimizer.Options{})); again != want {
			t.Fatalf("got %s, want %s", again, want)
		}
		if after := printed(t, p, s); after != before || printed(t, plan) != planned {
			t.Fatalf("inputs changed from %s to %s", before, after)
		}
		q := optimizer.Problem{Budgets: rapid.Permutation(p.Budgets).Draw(t, "budgets")}
		r := optimizer.State{Borrow: s.Borrow}
		for _, i := range rapid.Permutation(indices(len(p.Models))).Draw(t, "models") {
			m, known := p.Models[i], s.Models[i]
			m.Variants, known.Variants = nil, nil
			for _, j := range rapid.Permutation(indices(len(p.Models[i].Variants))).Draw(t, "variants") {
				m.Variants, known.Variants = append(m.Variants, p.Models[i].Variants[j]), append(known.Variants, s.Models[i].Variants[j])
			}
			q.Models, r.Models = append(q.Models, m), append(r.Models, known)
		}
		if _, d := guarded(t, q, r); byVariant(q, d) != want {
			t.Fatalf("got %s, want %s", byVariant(q, d), want)
		}
	})
}

func indices(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

func printed(t *rapid.T, values ...any) string {
	text, err := json.Marshal(values)
	require.NoError(t, err)
	return string(text)
}

// byVariant prints a decision in the order of names.
func byVariant(p optimizer.Problem, d optimizer.Decision) string {
	var lines []string
	at, text := 0, told(d)
	for i := range p.Models {
		for j := range p.Models[i].Variants {
			lines = append(lines, fmt.Sprint(p.Models[i].Name, " ", p.Models[i].Variants[j].Name, " ", text[at]))
			at++
		}
	}
	slices.Sort(lines)
	return fmt.Sprint(lines)
}
