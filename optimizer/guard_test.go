package optimizer_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/variant-exporter/variant-exporter/optimizer"
)

// failer is a test, or a run of a property test.
type failer interface {
	Helper()
	Fatal(args ...any)
}

// guarded plans under the guards, as an exporter does.
func guarded(t failer, p optimizer.Problem, s optimizer.State) (optimizer.Plan, optimizer.Decision) {
	t.Helper()
	plan, err := optimizer.Solve(optimizer.Constrain(p, s), optimizer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return plan, optimizer.Guard(p, plan, s, optimizer.Options{})
}

// seen is the state of a variant of which everything is known: what is asked
// for and what is ready.
func seen(current, ready int) optimizer.VariantState {
	return optimizer.VariantState{Current: &current, Ready: &ready}
}

// having returns a state with changes.
func having(s optimizer.VariantState, change func(*optimizer.VariantState)) optimizer.VariantState {
	change(&s)
	return s
}

func known(variants ...optimizer.VariantState) optimizer.ModelState {
	return optimizer.ModelState{Knowledge: optimizer.KnownFully, Variants: variants}
}

// place writes the replicas that are asked for now into the problem.
func place(p *optimizer.Problem, s optimizer.State) {
	for i := range p.Models {
		for j := range p.Models[i].Variants {
			if current := s.Models[i].Variants[j].Current; current != nil {
				p.Models[i].Variants[j].Current = *current
			}
		}
	}
}

// told prints a decision: per variant what is desired, why, and what each
// guard made of it.
func told(d optimizer.Decision) []string {
	number := func(n *int) string {
		if n == nil {
			return "none"
		}
		return strconv.Itoa(*n)
	}
	var lines []string
	for _, m := range d.Models {
		for _, v := range m.Variants {
			parts := []string{number(v.Desired) + " " + string(v.Reason)}
			for _, e := range v.Effects {
				parts = append(parts, fmt.Sprintf("%s %s to %s", e.Guard, number(e.From), number(e.To)))
			}
			lines = append(lines, strings.Join(parts, ", "))
		}
	}
	return lines
}

// oldAndNew is a model that runs on one variant and is cheaper on another.
const oldAndNew = `{"budgets":[{"name":"gpu","limit":%g}],"models":[{"name":"m","demand":{"s":40},"variants":[
	{"name":"old","cost":3,"capacity":{"s":10},"uses":{"gpu":1}},
	{"name":"new","cost":1,"capacity":{"s":10},"uses":{"gpu":1}}]}]}`

func TestGuard(t *testing.T) {
	partly := func(variants ...optimizer.VariantState) optimizer.ModelState {
		return optimizer.ModelState{Knowledge: optimizer.KnownPartly, Variants: variants}
	}
	nothing := func(variants ...optimizer.VariantState) optimizer.ModelState {
		return optimizer.ModelState{Variants: variants}
	}
	stuckAt := func(n int) func(*optimizer.VariantState) { return func(s *optimizer.VariantState) { s.Stuck = &n } }
	most := func(n int) func(*optimizer.VariantState) { return func(s *optimizer.VariantState) { s.Most = &n } }
	fewest := func(n int) func(*optimizer.VariantState) { return func(s *optimizer.VariantState) { s.Fewest = &n } }
	failsafe := func(n int) func(*optimizer.VariantState) { return func(s *optimizer.VariantState) { s.Failsafe = &n } }
	unready := func(s *optimizer.VariantState) { s.Ready = nil }
	unsteady := func(s *optimizer.VariantState) { s.Lately = 1 }
	unsteadySet := func(n int) func(*optimizer.VariantState) {
		return func(s *optimizer.VariantState) { s.Lately, s.Ordered = n, true }
	}
	wide, tight := fmt.Sprintf(oldAndNew, 100.), fmt.Sprintf(oldAndNew, 5.)
	single := `{"models":[{"name":"m","demand":{"s":%d},"variants":[{"name":"a","cost":1,"min":%d,"max":%d,"capacity":{"s":10}}]}]}`
	pair := `{"models":[{"name":"m","demand":{"p":60,"d":60},"variants":[
		{"name":"prefill","role":"prefill","cost":1,"capacity":{"p":10}},{"name":"decode","role":"decode","cost":1,"capacity":{"d":10}}]}]}`
	for _, test := range []struct {
		name    string
		problem string
		borrow  float64
		state   optimizer.ModelState
		want    []string
	}{
		{
			"a swap begins", wide, 0, known(seen(4, 4), seen(0, 0)),
			[]string{"4 make_before_break, make_before_break 0 to 4", "4 demand"},
		},
		{
			"half of a swap is done", wide, 0, known(seen(4, 4), seen(4, 2)),
			[]string{"2 make_before_break, make_before_break 0 to 2", "4 demand"},
		},
		{"a swap ends", wide, 0, known(seen(2, 2), seen(4, 4)), []string{"0 not_needed", "4 demand"}},
		{
			"what is ready carries less than the demand", wide, 0, known(seen(3, 2), seen(0, 0)),
			[]string{"2 make_before_break, make_before_break 0 to 2", "4 demand"},
		},
		{
			"more is ready than is needed", wide, 0, known(seen(9, 9), seen(0, 0)),
			[]string{"4 make_before_break, make_before_break 0 to 4", "4 demand"},
		},
		{
			"a swap in steps", tight, 0, known(seen(4, 4), seen(0, 0)),
			[]string{"4 make_before_break, make_before_break 0 to 4", "1 make_before_break, make_before_break 4 to 1"},
		},
		{
			"the next step", tight, 0, known(seen(4, 4), seen(1, 1)),
			[]string{"3 make_before_break, make_before_break 0 to 3", "2 make_before_break, make_before_break 4 to 2"},
		},
		{
			"a budget that lends", tight, 2, known(seen(4, 4), seen(0, 0)),
			[]string{"4 make_before_break, make_before_break 0 to 4", "3 make_before_break, make_before_break 4 to 3"},
		},
		{
			"no room for a step", fmt.Sprintf(oldAndNew, 4.), 0, known(seen(4, 4), seen(0, 0)),
			[]string{"4 make_before_break, make_before_break 0 to 4", "0 make_before_break, make_before_break 4 to 0"},
		},
		{
			"a budget that was lowered below what runs", fmt.Sprintf(oldAndNew, 4.), 0, known(seen(6, 6), seen(0, 0)),
			[]string{"4 make_before_break, make_before_break 0 to 4", "2 make_before_break, make_before_break 4 to 2"},
		},
		{
			"it is not known what is ready", wide, 0, known(having(seen(4, 4), unready), having(seen(2, 2), unready)),
			[]string{"4 make_before_break, make_before_break 0 to 4", "4 demand"},
		},
		{
			"it is not known what is ready of what was started", wide, 0, known(having(seen(4, 4), unready), having(seen(4, 4), unready)),
			[]string{"4 make_before_break, make_before_break 0 to 4", "4 demand"},
		},
		{"it is not known what runs", wide, 0, known(optimizer.VariantState{}, seen(0, 0)), []string{"0 not_needed", "4 demand"}},
		{
			"the plan avoids what is stuck", wide, 0, known(seen(0, 0), having(seen(4, 1), stuckAt(1))),
			[]string{"3 demand", "1 stuck, stuck 4 to 1"},
		},
		{
			"what is stuck is at its cap", wide, 0, known(seen(3, 3), having(seen(1, 1), stuckAt(1))),
			[]string{"3 demand", "1 stuck"},
		},
		{
			"no way round what is stuck", fmt.Sprintf(single, 40, 0, 9), 0, known(having(seen(6, 1), stuckAt(1))),
			[]string{"4 stuck, stuck 6 to 4"},
		},
		{
			"no way round, and both ways are stuck", wide, 0,
			known(having(seen(2, 0), stuckAt(0)), having(seen(9, 2), stuckAt(2))),
			[]string{"0 stuck, stuck 2 to 0", "4 stuck, stuck 9 to 4"},
		},
		{
			"no way round, and no budget for all of it", fmt.Sprintf(oldAndNew, 3.), 0,
			known(seen(0, 0), having(seen(9, 2), stuckAt(2))),
			[]string{"1 budget", "2 stuck, stuck 9 to 2"},
		},
		{
			"nothing stuck is needed", fmt.Sprintf(single, 0, 0, 9), 0, known(having(seen(3, 1), stuckAt(1))),
			[]string{"0 idle"},
		},
		{
			"a rise is limited", fmt.Sprintf(single, 80, 0, 9), 0, known(having(seen(2, 2), most(5))),
			[]string{"5 rate_limit, rate_limit 8 to 5"},
		},
		{
			"a rise from zero that is not allowed", fmt.Sprintf(single, 80, 0, 9), 0, known(having(seen(0, 0), most(0))),
			[]string{"0 rate_limit, rate_limit 8 to 0"},
		},
		{
			"a rise from zero keeps the minimum", fmt.Sprintf(single, 80, 2, 9), 0, known(having(seen(0, 0), most(0))),
			[]string{"2 rate_limit, rate_limit 8 to 2"},
		},
		{
			"what is allowed is above the plan", fmt.Sprintf(single, 80, 0, 9), 0, known(having(seen(2, 2), most(20))),
			[]string{"8 demand"},
		},
		{
			"a fall is limited", fmt.Sprintf(single, 20, 0, 9), 0, known(having(seen(8, 8), fewest(6))),
			[]string{"6 rate_limit, rate_limit 2 to 6"},
		},
		{
			"a fall is limited above what runs", fmt.Sprintf(single, 20, 0, 9), 0, known(having(seen(8, 8), fewest(9))),
			[]string{"8 rate_limit, rate_limit 2 to 8"},
		},
		{
			"a limited fall keeps the maximum", fmt.Sprintf(single, 20, 0, 5), 0, known(having(seen(8, 8), fewest(7))),
			[]string{"5 rate_limit, rate_limit 2 to 5"},
		},
		{
			"a limited fall of what is stuck", wide, 0,
			known(seen(3, 3), having(having(seen(6, 1), stuckAt(1)), fewest(5))),
			[]string{"3 demand", "1 stuck, stuck 6 to 1"},
		},
		{
			"a minimum that only what is stuck can keep",
			`{"models":[{"name":"m","min_replicas":1,"demand":{},"variants":[{"name":"a","cost":1,"capacity":{"s":10}}]}]}`, 0,
			known(having(seen(1, 0), stuckAt(0))),
			[]string{"1 stuck"},
		},
		{
			"a swap without demand",
			`{"models":[{"name":"m","min_replicas":1,"demand":{},"variants":[{"name":"old","cost":3},{"name":"new","cost":1}]}]}`, 0,
			known(seen(1, 1), seen(0, 0)),
			[]string{"1 make_before_break, make_before_break 0 to 1", "1 min"},
		},
		{
			"a limited rise holds back what goes", wide, 0, known(seen(4, 4), having(seen(0, 0), most(1))),
			[]string{"4 make_before_break, make_before_break 0 to 4", "1 rate_limit, rate_limit 4 to 1"},
		},
		{
			"requests stay while what comes is held back", wide, 0, known(seen(4, 1), having(seen(0, 0), most(1))),
			[]string{"3 make_before_break, make_before_break 0 to 3", "1 rate_limit, rate_limit 4 to 1"},
		},
		{
			"a set of which one crashes again and again", fmt.Sprintf(single, 20, 0, 9), 0, known(having(seen(6, 5), unsteadySet(1))),
			[]string{"3 make_before_break, make_before_break 2 to 3"},
		},
		{
			"a set of which all have lost their readiness", fmt.Sprintf(single, 20, 0, 9), 0, known(having(seen(6, 0), unsteadySet(6))),
			[]string{"6 make_before_break, make_before_break 2 to 6"},
		},
		{
			"a Deployment of which one crashes again and again", fmt.Sprintf(single, 20, 0, 9), 0, known(having(seen(6, 5), unsteady)),
			[]string{"2 demand"},
		},
		{
			"what is known in part may rise", fmt.Sprintf(single, 80, 0, 9), 0, partly(seen(2, 2)), []string{"8 demand"},
		},
		{
			"what is known in part may not fall", fmt.Sprintf(single, 10, 0, 9), 0, partly(seen(2, 2)),
			[]string{"none hold, hold 2 to none"},
		},
		{
			"nothing is known", fmt.Sprintf(single, 10, 0, 9), 0, nothing(seen(2, 2)), []string{"none hold"},
		},
		{
			"one variant is not known", wide, 0,
			known(seen(1, 1), having(seen(2, 2), func(s *optimizer.VariantState) { s.Unknown = true })),
			[]string{"2 demand", "none hold"},
		},
		{
			"nothing has been known for long", fmt.Sprintf(single, 10, 0, 9), 0, nothing(having(seen(2, 2), failsafe(5))),
			[]string{"5 failsafe, failsafe none to 5"},
		},
		{
			"a failsafe above the maximum", fmt.Sprintf(single, 10, 0, 3), 0, nothing(having(seen(2, 2), failsafe(5))),
			[]string{"3 failsafe, failsafe none to 3"},
		},
		{
			"the only decode waits, and prefill is planned for what is ready of it", pair, 0, known(seen(6, 6), having(seen(6, 3), stuckAt(3))),
			[]string{"3 demand", "6 stuck"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := parse(t, test.problem)
			s := optimizer.State{Borrow: map[string]float64{"gpu": test.borrow}, Models: []optimizer.ModelState{test.state}}
			place(&p, s)
			_, d := guarded(t, p, s)
			if diff := cmp.Diff(test.want, told(d)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestGuardWithoutAPlanHolds(t *testing.T) {
	p := parse(t, fmt.Sprintf(oldAndNew, 100.))
	s := optimizer.State{Models: []optimizer.ModelState{known(seen(9, 9), seen(0, 0))}}
	d := optimizer.Guard(p, optimizer.Plan{}, s, optimizer.Options{})
	if diff := cmp.Diff([]string{"none hold", "none hold"}, told(d)); diff != "" {
		t.Error(diff)
	}
}
