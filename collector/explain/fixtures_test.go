package explain_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/decide"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
	"github.com/variant-exporter/variant-exporter/optimizer"
)

var at = time.Date(2026, 11, 2, 3, 4, 5, 0, time.UTC)

// planned is the snapshot of an evaluation that trusted everything, with the plan that the planner makes of a problem. Demand
// rests on input 1, everything else on input 0.
func planned(t *testing.T, p optimizer.Problem) *collector.Snapshot {
	t.Helper()
	plan, err := optimizer.Solve(p, optimizer.Options{})
	require.NoError(t, err)
	s := &collector.Snapshot{
		At: at, Duration: 34 * time.Millisecond,
		Inputs: []collector.Input{
			{Name: "scale_targets.current", Query: "current", Series: new(9), Matched: new(5), Stray: `{name="other"}`, Age: new(12.0), Duration: 0.003, Bad: map[string]int{}},
			{Name: "own.concurrency.demand", Query: "sum by (model_name) (\n  running + waiting\n)", Series: new(1), Matched: new(1), Duration: 0.031, Bad: map[string]int{}},
		},
		Decision: decide.Decision{
			Problem: p, Solution: plan,
			Plan: collector.Plan{Status: plan.Status, Gap: &plan.Gap, ShortfallGap: &plan.ShortfallGap, Cost: &plan.Cost},
		},
	}
	for i, b := range plan.Budgets {
		s.Budgets = append(s.Budgets, collector.Budget{
			Name: b.Name, Unit: "accelerators", Limit: &p.Budgets[i].Limit, Used: &plan.Budgets[i].Used, ShadowPrice: &plan.Budgets[i].ShadowPrice,
			Exceeded: slices.Contains(plan.OverBudget, b.Name),
		})
	}
	for m := range p.Models {
		s.Models = append(s.Models, modelOf(&p.Models[m], &plan.Models[m]))
	}
	return s
}

func modelOf(m *optimizer.Model, plan *optimizer.ModelPlan) collector.Model {
	namespace, name, _ := strings.Cut(m.Name, "/")
	out := collector.Model{Name: name, Namespace: namespace, Shortfall: &plan.Shortfall, Binding: plan.Binding}
	for signal, demand := range m.Demand {
		out.Signals = append(out.Signals, collector.Signal{
			Name: signal, Unit: "requests", Measured: new(0.7 * demand), Stabilized: new(0.8 * demand), Planned: new(demand), Inputs: []string{"own.concurrency.demand"},
		})
	}
	for i := range m.Variants {
		v, n := &m.Variants[i], &plan.Variants[i].Replicas
		x := collector.Variant{
			Name: v.Name, Accelerator: "H100", Role: "both", TargetKind: "Deployment", TargetName: v.Name, Current: new(v.Current),
			Ready: new(v.Current), Cost: new(v.Cost), Planned: n, Desired: n, Reason: plan.Variants[i].Reason, Up: true,
			Inputs: []string{"scale_targets.current"}, PlanReason: plan.Variants[i].Reason, Guards: []optimizer.Effect{}, Capacities: []collector.Capacity{},
		}
		for signal := range m.Demand {
			if c := v.Capacity[signal]; c > 0 {
				x.Capacities = append(x.Capacities, collector.Capacity{Signal: signal, Unit: "requests", Value: c})
			}
		}
		out.Variants = append(out.Variants, x)
	}
	return out
}

// variant is one that carries requests.
func variant(name string, cost, carries float64, current int, edits ...func(*optimizer.Variant)) optimizer.Variant {
	v := optimizer.Variant{
		Name: name, Cost: cost, StartCost: cost / 30, Current: current,
		Capacity: map[string]float64{"concurrency": carries}, Uses: map[string]float64{},
	}
	for _, edit := range edits {
		edit(&v)
	}
	return v
}

func least(n int) func(*optimizer.Variant) { return func(v *optimizer.Variant) { v.Min = n } }
func most(n int) func(*optimizer.Variant)  { return func(v *optimizer.Variant) { v.Max = &n } }
func uses(budget string, n float64) func(*optimizer.Variant) {
	return func(v *optimizer.Variant) { v.Uses[budget] = n }
}

// snapshots are evaluations of every kind, by name.
func snapshots(t *testing.T) map[string]*collector.Snapshot {
	all := map[string]*collector.Snapshot{
		"plan": planReasons(t), "guards": guardReasons(t), "missing": missing(t), "noplan": noPlan(), "quiet": quiet(t), "short": short(t),
		"waking": waking(t),
	}
	for _, s := range all {
		for i := range s.Models {
			for j := range s.Models[i].Signals {
				workOut(&s.Models[i], &s.Models[i].Signals[j])
			}
		}
	}
	return all
}

// workOut fills in what follows from the rest of a model: headroom, and what the ready and the planned replicas serve.
func workOut(m *collector.Model, s *collector.Signal) {
	if s.Planned != nil {
		expected := max(*s.Stabilized, known(s.Forecast))
		if expected > 0 {
			s.Headroom = new(*s.Planned/expected - 1)
		}
	}
	if s.Inputs == nil {
		s.Inputs = []string{}
	}
	s.Ready = supply(m, s.Name, func(v *collector.Variant) *int { return v.Ready })
	s.Supply = supply(m, s.Name, func(v *collector.Variant) *int { return v.Planned })
	if !slices.ContainsFunc(m.Variants, func(v collector.Variant) bool { return len(v.Capacities) > 0 }) || s.Name != "concurrency" {
		s.Supply = nil // nothing serves it
	}
}

func known(x *float64) float64 {
	if x == nil {
		return 0
	}
	return *x
}

// supply is what some replicas of a model serve of a signal; nil where of one that serves it they are not known.
func supply(m *collector.Model, signal string, replicas func(*collector.Variant) *int) *float64 {
	supply := 0.0
	for i := range m.Variants {
		for _, c := range m.Variants[i].Capacities {
			switch n := replicas(&m.Variants[i]); {
			case c.Signal != signal:
			case n == nil:
				return nil
			default:
				supply += c.Value * float64(*n)
			}
		}
	}
	return &supply
}

// planReasons has every reason that the planner gives.
func planReasons(t *testing.T) *collector.Snapshot {
	s := planned(t, optimizer.Problem{
		Budgets: []optimizer.Budget{{Name: "h100", Limit: 4}},
		Models: []optimizer.Model{{
			Name: "llm/org/chat-8b", Demand: map[string]float64{"concurrency": 1150}, Variants: []optimizer.Variant{
				variant("at-most-three", 1, 100, 2, most(3)),
				variant("from-the-budget", 2, 100, 4, uses("h100", 1)),
				variant("as-needed", 9, 100, 3),
				variant("at-least-one", 20, 100, 1, least(1)),
				variant("too-dear", 30, 100, 1),
			},
		}, {
			Name: "dev/org/embed", MinReplicas: 1, Demand: map[string]float64{"concurrency": 0},
			Variants: []optimizer.Variant{variant("embed", 0.5, 10, 1)},
		}},
	})
	signal := &s.Models[0].Signals[0]
	signal.Forecast = new(1000.0)
	s.Models[0].Variants[2].Correction = new(1.2)
	s.Models[0].Variants[2].Missed = &collector.Missed{Signal: "concurrency", Target: "itl", Quantile: 0.95, Want: 0.04, Seen: 0.0512, Load: 118, From: 115, Looks: 9}
	return s
}

// guardReasons has every reason that a guard gives.
func guardReasons(t *testing.T) *collector.Snapshot {
	s := planned(t, optimizer.Problem{Models: []optimizer.Model{{
		Name: "llm/chat", Demand: map[string]float64{"concurrency": 400}, Variants: []optimizer.Variant{
			variant("leaving", 3, 100, 2), variant("coming", 1, 100, 1, most(3)), variant("rising", 2, 100, 1),
		},
	}, {
		Name: "llm/code", Demand: map[string]float64{"concurrency": 200},
		Variants: []optimizer.Variant{variant("cannot-be-had", 1, 100, 3), variant("blind", 9, 100, 1)},
	}, {
		Name: "llm/queued", Demand: map[string]float64{"concurrency": 400},
		Variants: []optimizer.Variant{variant("still-waiting", 1, 100, 3, most(1)), variant("no-room-yet", 2, 100, 0, most(2))},
	}}})
	effect := func(v *collector.Variant, guard optimizer.Reason, to *int) {
		v.Guards = append(v.Guards, optimizer.Effect{Guard: guard, From: v.Desired, To: to})
		v.Desired, v.Reason = to, guard
	}
	chat, code := s.Models[0].Variants, s.Models[1].Variants
	effect(&chat[0], optimizer.ReasonMakeBeforeBreak, new(1))
	effect(&chat[1], optimizer.ReasonRateLimit, new(2))
	effect(&code[0], optimizer.ReasonStuck, new(1))
	effect(&code[1], optimizer.ReasonHold, nil)
	effect(&code[1], optimizer.ReasonFailsafe, new(4))
	code[0].Stuck = new(1)
	chat[2].Unfollowed = new(1)
	queued := s.Models[2].Variants
	queued[0].Stuck = new(1)
	queued[0].Guards = []optimizer.Effect{{Guard: optimizer.ReasonStuck, From: new(3), To: new(2)}}
	queued[0].Desired, queued[0].Reason = new(2), optimizer.ReasonStuck
	effect(&queued[1], optimizer.ReasonMakeBeforeBreak, new(1))
	code[1].Up, code[1].Missing = false, "concurrency: no result"
	return s
}

// missing has everything that can be missing.
func missing(t *testing.T) *collector.Snapshot {
	s := planned(t, optimizer.Problem{Models: []optimizer.Model{
		{Name: "llm/partly", Demand: map[string]float64{"concurrency": 300}, Variants: []optimizer.Variant{
			variant("raised", 1, 100, 1), variant("kept", 5, 100, 2, least(2)),
		}},
		{Name: "llm/blind", Demand: map[string]float64{}, Variants: []optimizer.Variant{variant("lost", 1, 100, 2, least(2), most(2))}},
	}})
	partly, blind := &s.Models[0], &s.Models[1]
	partly.Signals[0].Partial = "2 of 3 ready replicas tell of their demand"
	partly.Signals = append(partly.Signals,
		collector.Signal{Name: "kv_cache", Unit: "tokens", Missing: "own.kv_cache.usage: timeout", Inputs: []string{"own.kv_cache.usage"}},
		collector.Signal{Name: "queue", Unit: "requests", Missing: "no result", Ignored: true})
	for i := range partly.Variants {
		partly.Variants[i].Up, partly.Variants[i].Missing = false, "concurrency: 2 of 3 ready replicas tell of their demand"
	}
	kept := &partly.Variants[1]
	kept.Desired, kept.Reason = nil, optimizer.ReasonHold
	blind.Shortfall, blind.Signals = nil, []collector.Signal{{Name: "concurrency", Unit: "requests", Measured: new(3.0), Missing: "no variant has a capacity for it that is known"}}
	lost := &blind.Variants[0]
	*lost = collector.Variant{Name: "lost", Reason: optimizer.ReasonHold, Missing: "llm/lost.cost: nan", Inputs: []string{"llm/lost.cost"}, Guards: []optimizer.Effect{}, Capacities: []collector.Capacity{}}
	s.Budgets = []collector.Budget{{Name: "power", Unit: "watts"}}
	s.Inputs = append(s.Inputs,
		collector.Input{Name: "own.kv_cache.usage", Query: "kv", Duration: 10, Bad: map[string]int{}},
		collector.Input{Name: "llm/lost.cost", Query: "price", Series: new(3), Matched: new(0), Age: new(400.0), Bad: map[string]int{"nan": 2, "duplicate": 1}, Example: `{zone="a"}`},
		collector.Input{Name: "budget.power.limit", Query: "limit", Series: new(2), Matched: new(0), Stray: `{site="x"}`, Bad: map[string]int{}})
	s.Inputs[2].Fail(&promapi.Error{Reason: promapi.ReasonTimeout, Err: errors.New("no answer within 10s")})
	return s
}

// noPlan is what becomes of a problem that the planner refuses.
func noPlan() *collector.Snapshot {
	return &collector.Snapshot{At: at, Decision: decide.Decision{
		Plan: collector.Plan{Error: "check problem: models[0].demand: out of range"},
		Models: []collector.Model{{Name: "m", Namespace: "ns", Signals: []collector.Signal{}, Variants: []collector.Variant{{
			Name: "v", Reason: optimizer.ReasonHold, Missing: "there is no plan",
			Capacities: []collector.Capacity{}, Guards: []optimizer.Effect{}, Inputs: []string{},
		}}}},
	}}
}

// quiet is a model without demand, which may go to zero.
func quiet(t *testing.T) *collector.Snapshot {
	return planned(t, optimizer.Problem{Models: []optimizer.Model{{
		Name: "llm/night", Demand: map[string]float64{"concurrency": 0}, Variants: []optimizer.Variant{variant("night", 1, 10, 1)},
	}}})
}

// short is a model that cannot be carried within two budgets.
func short(t *testing.T) *collector.Snapshot {
	return planned(t, optimizer.Problem{
		Budgets: []optimizer.Budget{{Name: "h100", Limit: 2}, {Name: "power", Limit: 1500}, {Name: "quota", Limit: 1}},
		Models: []optimizer.Model{{Name: "llm/chat", Demand: map[string]float64{"concurrency": 1000}, Variants: []optimizer.Variant{
			variant("chat", 4.1, 96, 1, uses("h100", 1), uses("power", 700)),
		}}, {Name: "llm/pinned", Demand: map[string]float64{"concurrency": 1}, Variants: []optimizer.Variant{
			variant("pinned", 1, 1, 1, least(2), uses("quota", 1)),
		}}},
	})
}

// waking is a model at zero that people wait for: its costs are those of waiting.
func waking(t *testing.T) *collector.Snapshot {
	s := planned(t, optimizer.Problem{Models: []optimizer.Model{{
		Name: "llm/asleep", MinReplicas: 1, Demand: map[string]float64{"concurrency": 3}, Variants: []optimizer.Variant{
			variant("cheap-and-slow", 1, 100, 0), variant("dear-and-fast", 0.5, 100, 0),
		},
	}}})
	for i, cost := range []float64{2, 8} {
		s.Problem.Models[0].Variants[i].StartCost = 0
		s.Models[0].Variants[i].Cost = &cost
	}
	s.Plan.Cost = new(8.0)
	return s
}
