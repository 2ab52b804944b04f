package collector_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
)

// TestQuantities is about costs, capacities and uses that are asked for.
func TestQuantities(t *testing.T) {
	one := func(cost, rest string) string {
		return `
signals: {load: {unit: requests, demand: demand}}
models: [{name: m, namespace: ns, variants: [
  {name: a, cost: ` + cost + rest + `, capacity: {load: 10}},
  {name: b, cost: 5, capacity: {load: 10}}]}]
`
	}
	// Variant a costs what is asked for, b 5; both carry the same.
	chosen := func(a, b string) string {
		return `
			variant_desired_replicas{variant="a"} ` + a + `
			variant_desired_replicas{variant="b"} ` + b
	}
	cost := func(a string) string {
		return `
			variant_replica_cost_per_hour{variant="a"} ` + a + `
			variant_replica_cost_per_hour{variant="b"} 5`
	}
	unknown := func(current string) canned {
		return canned{"demand": load("25"), "price": "", "current": current}
	}
	runCases(t, map[string]decisionCase{
		"a number":                           {config: one("4", ""), answers: canned{"demand": load("25")}, want: chosen("3", "0") + cost("4")},
		"a series that names the variant":    {config: one("price", ""), answers: canned{"demand": load("25"), "price": `{namespace="ns", llm_d_ai_variant="a"} 6`}, want: chosen("0", "3") + cost("6")},
		"a series that names nothing":        {config: one("price", ""), answers: canned{"demand": load("25"), "price": `{} 6`}, want: chosen("0", "3") + cost("6")},
		"a series that names the namespace":  {config: one("price", ""), answers: canned{"demand": load("25"), "price": `{namespace="ns"} 4`}, want: chosen("3", "0") + cost("4")},
		"a series that names the model":      {config: one("price", ""), answers: canned{"demand": load("25"), "price": `{namespace="ns", model_name="m"} 4`}, want: chosen("3", "0") + cost("4")},
		"series by pod: the median":          {config: one("price", ""), answers: canned{"demand": load("25"), "price": podPrices}, want: chosen("3", "0") + cost("3")},
		"from labels, times the value":       {config: one("{query: price, from_labels: [x, y]}", ""), answers: canned{"demand": load("25"), "price": `{x="1.5", y="2"} 2`}, want: chosen("0", "3") + cost("6")},
		"of another variant, model or place": {config: one("price", ""), answers: canned{"demand": load("25"), "price": otherPrices, "current": runs("a", "0", "b", "0")}, want: `variant_desired_replicas{variant="b"} 3`},
		"two series that name nothing": {
			config:  one("price", ""),
			answers: canned{"demand": load("25"), "price": "{job=\"x\"} 6\n{job=\"y\"} 6", "current": runs("a", "0", "b", "0")},
			want:    `variant_desired_replicas{variant="b"} 3`,
		},
		"energy: 700 W at 2 per kWh": {
			config:  "energy_price: 2" + one("4", ", uses: {power: 700}"),
			answers: canned{"demand": load("25")},
			want:    chosen("0", "3") + cost("5.4"),
		},
		"energy at a price that is asked for": {
			config:  "energy_price: kwh" + one("4", ", uses: {power: watts}"),
			answers: canned{"demand": load("25"), "kwh": `{} 2`, "watts": `{llm_d_ai_variant="a", namespace="ns"} 700`},
			want:    chosen("0", "3") + cost("5.4"),
		},
		"energy follows the load: 450 W on average, 700 at most": {
			config:  "energy_price: 2" + one("4", ", uses: {power: 700, mean_power: watts}"),
			answers: canned{"demand": load("25"), "watts": `{llm_d_ai_variant="a", namespace="ns"} 450`},
			want:    chosen("3", "0") + cost("4.9"),
		},
		"energy where the mean is not known: at most": {
			config:  "energy_price: 2" + one("4", ", uses: {power: 700, mean_power: watts}"),
			answers: canned{"demand": load("25"), "watts": ""},
			want:    chosen("0", "3") + cost("5.4"),
		},
		"the mean is not asked for without a price": {
			config:  one("4", ", uses: {power: 700, mean_power: watts}"),
			answers: canned{"demand": load("25")},
			want:    chosen("3", "0") + cost("4"),
		},
		"energy at no known price": {
			config:  "energy_price: kwh" + one("4", ", uses: {power: 700}"),
			answers: canned{"demand": load("25"), "kwh": "", "current": runs("a", "0", "b", "0")},
			want: `
				variant_desired_replicas{variant="b"} 3
				variant_replica_cost_per_hour{variant="b"} 5
				variant_up{variant="a"} 0
				variant_up{variant="b"} 1`,
		},
		"unknown, of a variant that runs nothing": {
			config:  one("price", ""),
			answers: unknown(runs("a", "0", "b", "0")),
			want: `
				variant_decision{reason="demand",variant="b"} 1
				variant_decision{reason="hold",variant="a"} 1
				variant_desired_replicas{variant="b"} 3
				variant_up{variant="a"} 0
				variant_up{variant="b"} 1`,
		},
		"unknown, of a variant that runs: it is planned around": {
			config:  one("price", ""),
			answers: unknown(runs("a", "1", "b", "7")),
			want: `
				variant_desired_replicas{variant="b"} 2
				variant_up{variant="a"} 0
				variant_up{variant="b"} 1`,
		},
		"unknown, of a variant that may run or not: nothing is decided": {
			config:  one("price", ""),
			answers: unknown(runs("b", "7")),
			want: `
				variant_up{variant="a"} 0
				variant_up{variant="b"} 0`,
			absent: []string{"variant_desired_replicas", "variant_planned_replicas", "variant_model_shortfall_ratio"},
		},
	})
}

const (
	podPrices = `
		{namespace="ns", pod="a-6d4cf56db6-xxxxx"} 1
		{namespace="ns", pod="a-6d4cf56db6-zzzzz"} 3
		{namespace="ns", pod="a-6d4cf56db6-bbbbb"} 7`
	otherPrices = `
		{namespace="ns", llm_d_ai_variant="z"} 1
		{namespace="ns", model_name="z"} 1
		{namespace="other"} 1`
)

// TestUnknownCapacity is about a variant whose capacity is asked for and not known.
func TestUnknownCapacity(t *testing.T) {
	text := `
signals: {load: {unit: requests, demand: demand}}
models: [{name: m, namespace: ns, variants: [
  {name: a, cost: 1, capacity: {load: carries}},
  {name: b, cost: 5, capacity: {load: 10}}]}]
`
	runCases(t, map[string]decisionCase{
		"it runs nothing: the others are planned without it": {
			config:  text,
			answers: canned{"demand": load("25"), "carries": "", "current": runs("a", "0", "b", "9")},
			want: `
				variant_desired_replicas{variant="b"} 3
				variant_up{variant="a"} 0
				variant_up{variant="b"} 1`,
		},
		"it runs: what it carries is not known, so nothing is lowered for it": {
			config:  text,
			answers: canned{"demand": load("25"), "carries": "", "current": runs("a", "1", "b", "9")},
			want: `
				variant_model_demand{signal="load",unit="requests"} 25
				variant_up{variant="a"} 0
				variant_up{variant="b"} 0`,
			absent: []string{"variant_desired_replicas", "variant_model_planned_demand"},
		},
		"a failure": {
			config:  text,
			answers: canned{"demand": load("25"), "carries": "error: timeout", "current": runs("a", "0", "b", "9")},
			want:    `variant_desired_replicas{variant="b"} 3`,
		},
	})
}

// TestTrust is about what may be decided when only part of the demand is known. Replicas carry 10 requests or 100 tokens.
func TestTrust(t *testing.T) {
	text := `
signals:
  load: {unit: requests, demand: demand}
  tokens: {unit: tokens, demand: tokens}
models: [{name: m, namespace: ns, variants: [
  {name: a, cost: 1, capacity: {load: 10, tokens: 100}, replicas: {max: 4}},
  {name: b, cost: 2, capacity: {load: 10, tokens: 100}}]}]
`
	answers := func(tokens, current string) canned {
		return canned{"demand": load("60"), "tokens": tokens, "current": current}
	}
	held := `
		variant_up{variant="a"} 0
		variant_up{variant="b"} 0`
	const hold = `variant_decision{reason="hold",`
	runCases(t, map[string]decisionCase{
		"all known": {
			config:  text,
			answers: answers(load("700"), runs("a", "4", "b", "9")),
			want: `
				variant_desired_replicas{variant="a"} 4
				variant_desired_replicas{variant="b"} 3
				variant_up{variant="a"} 1
				variant_up{variant="b"} 1`,
		},
		"one missing, and what is known asks for less than what runs": {
			config:  text,
			answers: answers("", runs("a", "4", "b", "9")),
			want:    held,
			absent:  []string{"variant_desired_replicas"},
		},
		"one missing, and what is known asks for more of one variant": {
			config:  text,
			answers: answers("", runs("a", "1", "b", "1")),
			want:    `variant_desired_replicas{variant="a"} 4` + "\n" + `variant_desired_replicas{variant="b"} 2` + held,
		},
		"one missing, and what is known asks for more than a variant may run": {
			config:  text,
			answers: answers("", runs("a", "9", "b", "1")),
			want:    `variant_desired_replicas{variant="b"} 2` + held,
		},
		"one missing, and nothing is known of what runs": {
			config:  text,
			answers: answers("error: connection", ""),
			want:    held,
			absent:  []string{"variant_desired_replicas"},
		},
		"one missing: the reasons tell which was raised": {
			config:  text,
			answers: answers(load("NaN"), runs("a", "3", "b", "5")),
			want: `
				variant_decision{reason="hold",variant="a"} 1
				variant_decision{reason="hold",variant="b"} 1
				variant_planned_replicas{variant="a"} 3
				variant_planned_replicas{variant="b"} 5`,
			absent: []string{"variant_desired_replicas"},
		},
		"all missing": {
			config:  text,
			answers: canned{"demand": "error: timeout", "current": runs("a", "4", "b", "9")},
			want:    hold + `variant="a"} 1` + "\n" + hold + `variant="b"} 1` + held,
			absent: []string{
				"variant_desired_replicas", "variant_planned_replicas", "variant_exporter_plan_cost_per_hour",
				"variant_exporter_optimality_gap_ratio", "variant_model_shortfall_ratio",
			},
		},
	})
}

// TestBudgets is about limits that variants share.
func TestBudgets(t *testing.T) {
	text := func(limit string) string {
		return `
budgets: [{name: gpus, unit: accelerators, limit: ` + limit + `}]
signals: {load: {unit: requests, demand: demand}}
models:
  - {name: m, namespace: ns, priority: 2, variants: [{name: a, cost: 1, uses: {gpus: 1}, capacity: {load: 10}}]}
  - {name: vital, namespace: ns, priority: 1, variants: [{name: v, cost: 1, uses: {gpus: 2}, capacity: {load: 10}}]}
`
	}
	answers := func(more canned) canned {
		all := canned{"demand": load("60") + "\n" + `{namespace="ns", model_name="vital"} 40`}
		maps.Copy(all, more)
		return all
	}
	plan := func(a, v string) string {
		return `
			variant_desired_replicas{variant="a"} ` + a + `
			variant_desired_replicas{model="vital",target_namespace="ns",variant="v"} ` + v
	}
	budget := func(limit, used string) string {
		return `
			variant_budget_limit{budget="gpus",unit="accelerators"} ` + limit + `
			variant_budget_used{budget="gpus",unit="accelerators"} ` + used
	}
	runCases(t, map[string]decisionCase{
		"enough for all":                 {config: text("20"), answers: answers(nil), want: budget("20", "14") + plan("6", "4")},
		"the more important model first": {config: text("10"), answers: answers(nil), want: budget("10", "10") + plan("2", "4")},
		"the smallest of several limits": {
			config:  text("[20, quota, bought]"),
			answers: answers(canned{"quota": `{} 12`, "bought": `{} 10`}),
			want: budget("10", "10") + plan("2", "4") + `
				variant_exporter_query_up{input="budget.gpus.limit"} 1
				variant_exporter_query_up{input="budget.gpus.limit#2"} 1
				variant_exporter_query_up{input="budget.gpus.limit.history"} 1
				variant_exporter_query_up{input="budget.gpus.limit.history#2"} 1
				variant_exporter_query_up{input="load.demand"} 1`,
		},
		"one of several limits fails: nobody knows the smallest": {
			config:  text("[20, quota]"),
			answers: answers(canned{"quota": "error: timeout", "current": runs("a", "1", "v", "1")}),
			want: `
				variant_up{variant="a"} 0
				variant_up{model="vital",target_namespace="ns",variant="v"} 0`,
			absent: []string{"variant_desired_replicas", "variant_budget_limit", "variant_budget_used"},
		},
		"what is held counts against the budget": {
			config: text("10"),
			answers: canned{
				"demand":  load("NaN") + "\n" + `{namespace="ns", model_name="vital"} 40`,
				"current": runs("a", "6", "v", "1"),
			},
			want: budget("10", "10") + `
				variant_desired_replicas{model="vital",target_namespace="ns",variant="v"} 2`,
		},
	})
}

// TestNoPlan is about a problem that the optimizer refuses, such as one of more variants than it takes: nothing is desired.
func TestNoPlan(t *testing.T) {
	var many strings.Builder
	for i := range 10_001 {
		fmt.Fprintf(&many, ", {name: v%d, cost: 1, capacity: {load: 10}}", i)
	}
	q := newCanned(t, canned{"demand": load("25")})
	s := evaluateWith(t, complete(unseen+strings.Replace(oneSignal, "}}]}]", "}}"+many.String()+"]}]", 1)), q)
	require.Contains(t, s.Plan.Error, "variants: more than 10000")
	require.Equal(t, collector.Plan{Error: s.Plan.Error}, s.Plan)
	require.Nil(t, s.Models[0].Shortfall)
	for _, v := range s.Models[0].Variants {
		require.Nil(t, v.Planned)
		require.Nil(t, v.Desired)
		require.False(t, v.Up)
		require.Equal(t, "there is no plan", v.Missing)
	}
}

// TestUnknownUse is about a variant that runs and does not tell what it takes of a budget: it takes more than nothing.
func TestUnknownUse(t *testing.T) {
	const config = `
signals: {load: {unit: requests, demand: demand}}
budgets: [{name: power, unit: watts, limit: 10}]
models:
  - {name: m, namespace: ns, variants: [{name: a, cost: 1, uses: {power: watts}, capacity: {load: 10}}]}
  - {name: n, namespace: ns, variants: [{name: b, cost: 1, uses: {power: 1}, capacity: {load: 10}}]}
`
	demand := `{namespace="ns", model_name="m"} 60
		{namespace="ns", model_name="n"} 90`
	runCases(t, map[string]decisionCase{
		"known": {
			config: config,
			answers: canned{
				"demand": demand, "watts": `{namespace="ns", llm_d_ai_variant="a"} 1`, "current": runs("a", "6", "b", "3"),
			},
			want: "variant_desired_replicas{variant=\"a\"} 4\n" + `variant_desired_replicas{model="n",target_namespace="ns",variant="b"} 6`,
		},
		"not known while it runs": {
			config:  config,
			answers: canned{"demand": demand, "watts": "", "current": runs("a", "6", "b", "3")},
			absent:  []string{"variant_desired_replicas"},
		},
		"not known of what does not run": {
			config:  config,
			answers: canned{"demand": demand, "watts": "", "current": runs("a", "0", "b", "3")},
			want:    `variant_desired_replicas{model="n",target_namespace="ns",variant="b"} 9`,
		},
	})
}
