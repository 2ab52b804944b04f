package collector_test

import (
	"fmt"
	"maps"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/value"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/embedded"
	"github.com/variant-exporter/variant-exporter/collector/match"
	"github.com/variant-exporter/variant-exporter/optimizer/forecast"
)

// swap plans 40 requests on a, which costs less since its price fell, while b serves them.
const swap = `
signals: {load: {unit: requests, demand: demand}}
models: [{name: m, namespace: ns, variants: [
  {name: a, cost: 1, capacity: {load: 10}},
  {name: b, cost: 2, capacity: {load: 10}, replicas: {min: %s}}]}]`

func TestSwap(t *testing.T) {
	text := fmt.Sprintf(swap, "0")
	at := func(current, ready string) canned {
		return canned{"demand": load("40"), "current": current, "ready": ready}
	}
	runCases(t, map[string]decisionCase{
		"what is replaced stays until its replacement is ready": {
			config:  text,
			answers: at(runs("a", "0", "b", "4"), runs("a", "0", "b", "4")),
			want: `
				variant_decision{reason="demand",variant="a"} 1
				variant_decision{reason="make_before_break",variant="b"} 1
				variant_desired_replicas{variant="a"} 4
				variant_desired_replicas{variant="b"} 4
				variant_planned_replicas{variant="a"} 4
				variant_planned_replicas{variant="b"} 0`,
		},
		"as many go as have a replacement": {
			config:  text,
			answers: at(runs("a", "4", "b", "4"), runs("a", "3", "b", "4")),
			want: `
				variant_desired_replicas{variant="a"} 4
				variant_desired_replicas{variant="b"} 1`,
		},
		"all go when all have one": {
			config:  text,
			answers: at(runs("a", "4", "b", "1"), runs("a", "4", "b", "1")),
			want: `
				variant_decision{reason="demand",variant="a"} 1
				variant_decision{reason="not_needed",variant="b"} 1
				variant_desired_replicas{variant="a"} 4
				variant_desired_replicas{variant="b"} 0`,
		},
		"nothing is known of the ready ones of what comes, though they are asked for": {
			config:  text,
			answers: at(runs("a", "4", "b", "4"), runs("b", "4")),
			want: `
				variant_decision{reason="demand",variant="a"} 1
				variant_decision{reason="make_before_break",variant="b"} 1
				variant_desired_replicas{variant="a"} 4
				variant_desired_replicas{variant="b"} 4`,
		},
		"a number of ready ones that is none: nothing is lowered": {
			config:  text,
			answers: at(runs("a", "4", "b", "4"), runs("a", "NaN", "b", "4")),
			want: `
				variant_up{variant="a"} 0
				variant_up{variant="b"} 0`,
			absent: []string{"variant_desired_replicas"},
		},
		"what runs of one is not known: nothing is lowered": {
			config:  text,
			answers: at(runs("a", "4"), runs("a", "0", "b", "4")),
			want: `
				variant_decision{reason="hold",variant="a"} 1
				variant_decision{reason="hold",variant="b"} 1
				variant_up{variant="a"} 0
				variant_up{variant="b"} 0`,
			absent: []string{"variant_desired_replicas"},
		},
		"nothing is known of what runs": {
			config:  text,
			answers: at("", ""),
			want: `
				variant_up{variant="a"} 0
				variant_up{variant="b"} 0`,
			absent: []string{"variant_desired_replicas"},
		},
		"which replicas are ready could not be asked for: nothing is lowered": {
			config:  text,
			answers: canned{"demand": load("40"), "current": runs("a", "4", "b", "4"), "ready": "error: timeout"},
			want: `
				variant_decision{reason="hold",variant="a"} 1
				variant_decision{reason="hold",variant="b"} 1
				variant_up{variant="a"} 0
				variant_up{variant="b"} 0`,
			absent: []string{"variant_desired_replicas"},
		},
	})
}

// budgeted is the swap with accelerators for five replicas.
func budgeted(borrow string) string {
	return `
signals: {load: {unit: requests, demand: demand}}
budgets: [{name: gpu, unit: accelerators, limit: 5` + borrow + `}]
models: [{name: m, namespace: ns, variants: [
  {name: a, cost: 1, capacity: {load: 10}, uses: {gpu: 1}},
  {name: b, cost: 2, capacity: {load: 10}, uses: {gpu: 1}}]}]`
}

func TestSwapWithinBudget(t *testing.T) {
	answers := canned{"demand": load("40"), "current": runs("a", "0", "b", "4"), "ready": runs("a", "0", "b", "4")}
	with := func(expr, answer string) canned {
		out := maps.Clone(answers)
		out[expr] = answer
		return out
	}
	runCases(t, map[string]decisionCase{
		"in steps that fit": {
			config: budgeted(""), answers: answers,
			want: `
				variant_decision{reason="make_before_break",variant="a"} 1
				variant_decision{reason="make_before_break",variant="b"} 1
				variant_desired_replicas{variant="a"} 1
				variant_desired_replicas{variant="b"} 4`,
		},
		"as much more as may be borrowed": {
			config: budgeted(", borrow: 2"), answers: answers,
			want: `
				variant_desired_replicas{variant="a"} 3
				variant_desired_replicas{variant="b"} 4`,
		},
		"what may be borrowed is not known": {
			config: budgeted(", borrow: spare"), answers: with("spare", `{} NaN`),
			want: `
				variant_desired_replicas{variant="a"} 1
				variant_desired_replicas{variant="b"} 4`,
		},
	})
}

// Limits of a replica a minute down and two up, of which the past minute has used some.
const limited = `
defaults: {headroom: 0, scale_down_window: 0s, scale_up_limit: {replicas: 2}, scale_down_limit: {percent: 10, per: 5m}}
signals: {load: {unit: requests, demand: demand}}
models: [{name: m, namespace: ns, variants: [{name: a, cost: 1, capacity: {load: 10}}]}]`

func TestChangeLimits(t *testing.T) {
	// One history on the finer of the two grids: a minute with a limit on the way up, and five with one on the way down.
	were := func(n, ages string) string { return strings.TrimSuffix(runs("a", n), "\n") + " @" + ages }
	runCases(t, map[string]decisionCase{
		"up from the fewest of the minute": {
			config: limited,
			answers: canned{
				"demand": load("100"), "current": runs("a", "5"), "ready": runs("a", "4"), "past current": joined(were("1", "6m..1m"), were("4", "45s..45s"), were("5", "30s..0s")),
			},
			want: `
				variant_decision{reason="rate_limit",variant="a"} 1
				variant_desired_replicas{variant="a"} 6
				variant_planned_replicas{variant="a"} 10`,
		},
		"not below the present, however few there were": {
			config: limited,
			answers: canned{
				"demand": load("100"), "current": runs("a", "8"), "ready": runs("a", "8"), "past current": joined(were("8", "5m..1m"), were("1", "45s..45s"), were("8", "30s..0s")),
			},
			want: `
				variant_desired_replicas{variant="a"} 8`,
		},
		"down by a tenth of the most": {
			config: limited,
			answers: canned{
				"demand": load("10"), "current": runs("a", "28"), "ready": runs("a", "28"), "past current": joined(were("90", "6m..5m"), were("30", "4m45s..4m45s"), were("28", "4m30s..0s")),
			},
			want: `
				variant_decision{reason="rate_limit",variant="a"} 1
				variant_desired_replicas{variant="a"} 27`,
		},
		"by one at least": {
			config: limited,
			answers: canned{
				"demand": load("10"), "current": runs("a", "5"), "ready": runs("a", "5"), "past current": were("5", "5m..0s"),
			},
			want: `variant_desired_replicas{variant="a"} 4`,
		},
		"without a past, from the present": {
			config:  limited,
			answers: canned{"demand": load("100"), "current": runs("a", "5"), "ready": runs("a", "5")},
			want:    `variant_desired_replicas{variant="a"} 7`,
		},
		"a past that could not be asked for lowers nothing": {
			config: limited,
			answers: canned{
				"demand": load("10"), "current": runs("a", "5"), "ready": runs("a", "5"), "past current": "error: timeout",
			},
			want: `
				variant_decision{reason="hold",variant="a"} 1
				variant_up{variant="a"} 0`,
			absent: []string{"variant_desired_replicas"},
		},
	})
}

// failsafe has a fixed number after a quarter of an hour without data.
const failsafe = `
signals: {load: {unit: requests, demand: demand}, tokens: {unit: tokens, usage: usage}}
models: [{name: m, namespace: ns, variants: [
  {name: a, cost: 1, capacity: {load: 10, tokens: 100}, failsafe: {after: 15m, replicas: 6}},
  {name: b, cost: 1, capacity: {load: 10, tokens: 100}}]}]`

func TestFailsafe(t *testing.T) {
	watched := func(name string) string { return strings.TrimSuffix(runs(name, "9"), "\n") }
	known := canned{"current": runs("a", "9", "b", "1"), "ready": runs("a", "9", "b", "1"), "past current": watched("a")}
	with := func(more canned) canned {
		out := maps.Clone(known)
		maps.Copy(out, more)
		return out
	}
	held := []string{"variant_desired_replicas"}
	runCases(t, map[string]decisionCase{
		"nothing for so long": {
			config: failsafe, answers: with(nil),
			want: `
				variant_decision{reason="failsafe",variant="a"} 1
				variant_decision{reason="hold",variant="b"} 1
				variant_desired_replicas{variant="a"} 6
				variant_up{variant="a"} 0
				variant_up{variant="b"} 0`,
		},
		"nothing usable": {
			config: failsafe, answers: with(canned{"demand": load("NaN")}),
			want: `variant_desired_replicas{variant="a"} 6`,
		},
		"something before that": {
			config: failsafe, answers: with(canned{"past demand": load("3 @20m..15m")}),
			want: `variant_desired_replicas{variant="a"} 6`,
		},
		"something unusable before that, on the same grid": {
			config: failsafe, answers: with(canned{"past demand": load("NaN @20m..15m15s")}),
			want: `variant_desired_replicas{variant="a"} 6`,
		},
		"something unusable meanwhile: there is something, and it may be spoilt only for now": {
			config: failsafe, answers: with(canned{"past demand": load("NaN @10m..8m")}), absent: held,
		},
		"something infinite meanwhile": {config: failsafe, answers: with(canned{"past demand": load("+Inf @7m45s..7m45s")}), absent: held},
		"something negative meanwhile": {config: failsafe, answers: with(canned{"past demand": load("-1 @6m..0s")}), absent: held},
		"watched for just so long": {
			config: failsafe, answers: with(canned{"past current": watched("a") + " @15m..15s"}),
			want: `variant_desired_replicas{variant="a"} 6`,
		},
		"watched for four fifths of the time": {
			config: failsafe, answers: with(canned{"past current": joined(watched("a")+" @15m..8m", watched("a")+" @5m..0s")}),
			want: `variant_desired_replicas{variant="a"} 6`,
		},
		"something meanwhile":             {config: failsafe, answers: with(canned{"past demand": load("3 @14m45s..14m45s")}), absent: held},
		"some use meanwhile":              {config: failsafe, answers: with(canned{"past usage": `{namespace="ns", llm_d_ai_variant="b"} 3 @30s..30s`}), absent: held},
		"Prometheus has no past":          {config: failsafe, answers: with(canned{"past current": ""}), absent: held},
		"Prometheus has too short a past": {config: failsafe, answers: with(canned{"past current": watched("a") + " @14m30s..0s"}), absent: held},
		"Prometheus was away meanwhile":   {config: failsafe, answers: with(canned{"past current": joined(watched("a")+" @15m..8m", watched("a")+" @4m30s..0s")}), absent: held},
		"only another was watched":        {config: failsafe, answers: with(canned{"past current": watched("b")}), absent: held},
		"the past could not be asked for": {config: failsafe, answers: with(canned{"past demand": "error: timeout"}), absent: held},
		"the watch could not be asked for": {
			config: failsafe, answers: with(canned{"past current": "error: timeout"}), absent: held,
		},
		"a signal whose absence is ignored was there meanwhile": {
			config:  strings.Replace(failsafe, "demand: demand", "demand: demand, on_missing: ignore", 1),
			answers: with(canned{"past demand": load("3")}), absent: held,
		},
		"a signal is known": {
			config: failsafe, answers: with(canned{"demand": load("300")}),
			want: `
				variant_decision{reason="demand",variant="a"} 1
				variant_decision{reason="hold",variant="b"} 1
				variant_desired_replicas{variant="a"} 29`,
		},
	})
}

func TestMaxAge(t *testing.T) {
	const ages = `label_replace(max(timestamp(current)), "selector", "0", "", "") or label_replace(max(timestamp(ready)), "selector", "1", "", "") or ` +
		`label_replace(max(timestamp(demand)), "selector", "2", "", "")`
	text := func(more string) string {
		return `
max_age: 90s
signals: {load: {unit: requests, demand: demand` + more + `}}
models: [{name: m, namespace: ns, variants: [{name: a, cost: 1, capacity: {load: 10}}]}]`
	}
	answers := func(age string) canned {
		return canned{"demand": load("100"), "current": runs("a", "2"), "ready": runs("a", "2"), ages: age}
	}
	runCases(t, map[string]decisionCase{
		"young enough": {
			config: text(""), answers: answers(`{selector="2"} 1767225510`),
			want: `
				variant_desired_replicas{variant="a"} 10
				variant_exporter_query_up{input="load.demand"} 1
				variant_exporter_query_up{input="scale_targets.current"} 1
				variant_exporter_query_up{input="scale_targets.ready"} 1`,
		},
		"too old": {
			config: text(""), answers: answers(`{selector="2"} 1767225509`),
			want: `
				variant_exporter_query_failure{input="load.demand",reason="stale"} 1
				variant_exporter_query_up{input="load.demand"} 0
				variant_exporter_query_up{input="scale_targets.current"} 1
				variant_exporter_query_up{input="scale_targets.ready"} 1
				variant_up{variant="a"} 0`,
			absent: []string{"variant_desired_replicas"},
		},
		"an age of the signal's own": {
			config: text(", max_age: 2m"), answers: answers(`{selector="2"} 1767225509`),
			want: `variant_desired_replicas{variant="a"} 10`,
		},
		"replicas that are too old lower nothing": {
			config: text(""),
			answers: canned{
				"demand": load("10"), "current": runs("a", "2"), "ready": runs("a", "2"), ages: `{selector="0"} 1767225000`,
			},
			want:   `variant_decision{reason="hold",variant="a"} 1`,
			absent: []string{"variant_desired_replicas"},
		},
		"ages that could not be asked for lower nothing": {
			config:  text(""),
			answers: canned{"demand": load("10"), "current": runs("a", "2"), "ready": runs("a", "2"), ages: "error: timeout"},
			want: `
				variant_decision{reason="hold",variant="a"} 1
				variant_up{variant="a"} 0`,
			absent: []string{"variant_desired_replicas"},
		},
	})
}

// provisioning is a variant whose replicas should be ready within ten minutes, and a dearer one beside it.
const provisioning = `
defaults: {headroom: 0, scale_down_window: 0s, provision_timeout: 10m}
signals: {load: {unit: requests, demand: demand}}
models: [{name: m, namespace: ns, variants: [
  {name: a, cost: 1, capacity: {load: 10}},
  {name: b, cost: 2, capacity: {load: 10}}]}]`

// TestStuck runs the query for what is stuck on a real engine: replicas of a that are asked for and do not come.
func TestStuck(t *testing.T) {
	begin := time.Unix(1767225600, 0)
	engine, err := embedded.New(embedded.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, engine.Close()) })
	e := newEvaluator(t, provisioning, engine, collector.EvaluatorOptions{})
	// What is asked of a and what of it is ready, from a minute on.
	wanted := map[int]int{0: 1, 5: 4, 30: 2, 50: 4}
	ready := map[int]int{0: 1, 7: 2, 55: 4}
	var lines []string
	asked, running := 0, 0
	for minute := range 65 {
		now := begin.Add(time.Duration(minute) * time.Minute)
		if n, ok := wanted[minute]; ok {
			asked = n
		}
		if n, ok := ready[minute]; ok {
			running = n
		}
		require.NoError(t, engine.Append(t.Context(), minuteOf(now, asked, running)))
		s := e.Evaluate(t.Context(), now)
		require.Empty(t, failures(s))
		a, b := &s.Models[0].Variants[0], &s.Models[0].Variants[1]
		line := fmt.Sprintf("%s a %s, b %s", stuckAt(a), desired(a), desired(b))
		if len(lines) == 0 || !strings.HasSuffix(lines[len(lines)-1], line) {
			lines = append(lines, fmt.Sprintf("%d: %s", minute, line))
		}
	}
	require.Equal(t, []string{
		"0: not stuck a 4, b 0",
		"15: stuck at 2 a 2, b 2", // ten minutes after minute 5
		"45: not stuck a 4, b 2",  // fifteen minutes after it was last seen, just before less was asked for in minute 30
		"50: not stuck a 4, b 0",  // more is asked for, so that nobody has to stand in
	}, lines)
}

// TestStuckWhileRolling is about pods that are replaced one by one: that one is always missing does not say that none can be had.
func TestStuckWhileRolling(t *testing.T) {
	begin := time.Unix(1767225600, 0)
	engine, err := embedded.New(embedded.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, engine.Close()) })
	text := "scale_targets: {current: current, ready: ready, rolling: rolling}\n" + provisioning
	e := newEvaluator(t, text, engine, collector.EvaluatorOptions{})
	stuck := map[int]bool{}
	for minute := range 45 {
		now := begin.Add(time.Duration(minute) * time.Minute)
		samples := minuteOf(now, 4, 3)
		if minute < 20 { // and then it is over, and one is missing still
			samples = append(samples, &model.Sample{
				Metric: model.Metric{"__name__": "rolling", "namespace": "ns", "scale_target_kind": "Deployment", "scale_target_name": "a"},
				Value:  model.SampleValue(1 + minute/3), Timestamp: model.TimeFromUnixNano(now.UnixNano()), // pods that are new already
			})
		}
		if minute == 20 {
			samples = append(samples, &model.Sample{
				Metric: model.Metric{"__name__": "rolling", "namespace": "ns", "scale_target_kind": "Deployment", "scale_target_name": "a"},
				Value:  model.SampleValue(math.Float64frombits(value.StaleNaN)), Timestamp: model.TimeFromUnixNano(now.UnixNano()),
			})
		}
		require.NoError(t, engine.Append(t.Context(), samples))
		s := e.Evaluate(t.Context(), now)
		require.Empty(t, failures(s))
		stuck[minute] = s.Models[0].Variants[0].Stuck != nil
	}
	require.False(t, stuck[29])
	require.True(t, stuck[30], "ten minutes after the last pod was replaced")
}

func minuteOf(now time.Time, asked, ready int) model.Vector {
	var all model.Vector
	add := func(name string, value int, labels ...string) {
		m := model.Metric{"__name__": model.LabelValue(name), "namespace": "ns"}
		for i := 0; i < len(labels); i += 2 {
			m[model.LabelName(labels[i])] = model.LabelValue(labels[i+1])
		}
		all = append(all, &model.Sample{Metric: m, Value: model.SampleValue(value), Timestamp: model.TimeFromUnixNano(now.UnixNano())})
	}
	add("demand", 40, "model_name", "m")
	for name, n := range map[string][2]int{"a": {asked, ready}, "b": {0, 0}} {
		add("current", n[0], "scale_target_kind", "Deployment", "scale_target_name", name)
		add("ready", n[1], "scale_target_kind", "Deployment", "scale_target_name", name)
	}
	return all
}

func stuckAt(v *collector.Variant) string {
	if v.Stuck == nil {
		return "not stuck"
	}
	return fmt.Sprintf("stuck at %d", *v.Stuck)
}

func desired(v *collector.Variant) string {
	if v.Desired == nil {
		return "-"
	}
	return strconv.Itoa(*v.Desired)
}

// running is a fleet other than the one that the scale targets' series tell of.
type running struct {
	current, ready int
	past           []float64 // by minute
}

func (r running) Replicas(_, _ string) match.Replicas {
	return match.Replicas{
		Current: match.Count{N: &r.current}, Ready: match.Count{N: &r.ready},
		Limits: match.Past{History: forecast.History{Step: time.Minute, Values: r.past}},
	}
}

func TestEvaluateFleet(t *testing.T) {
	q := newCanned(t, canned{"demand": load("100"), "current": runs("a", "2"), "ready": "error: timeout"})
	e := newEvaluator(t, complete(limited), q, collector.EvaluatorOptions{})
	v := e.EvaluateFleet(t.Context(), fleetAt, running{5, 4, []float64{1, 3}}).Models[0].Variants[0]
	require.Equal(t, []int{5, 4, 5}, []int{*v.Current, *v.Ready, *v.Desired}, "two more than the three of a minute ago")
	v = e.EvaluateFleet(t.Context(), fleetAt, running{20, 20, []float64{30, 22, 21, 20, 20, 20}}).Models[0].Variants[0]
	require.Equal(t, 20, *v.Desired, "a tenth of 22 fewer than that")
	require.True(t, v.Up)
}
