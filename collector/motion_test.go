package collector_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
)

// Decisions while something moves: replicas load, roll, or are not there for a moment, and requests wait.

// watched has defaults under which starts have half an hour.
const watched = "defaults: {headroom: 0, scale_down_window: 0s, provision_timeout: 30m}\n"

// TestUnknownIdlenessStartsNothing: a Prometheus that is five minutes old cannot say whether a model was idle for ten. That is a reason
// to keep what runs of it, and none to start what does not run.
func TestUnknownIdlenessStartsNothing(t *testing.T) {
	const text = `
budgets: [{name: gpu, unit: accelerators, limit: 8}]
signals: {load: {unit: requests, demand: demand, on_missing: zero, alive: alive}}
models:
  - {name: m, namespace: ns, variants: [{name: a, cost: 1, capacity: {load: 10}, uses: {gpu: 1}}]}
  - {name: sleeper, namespace: ns, replicas: {min: 0}, variants: [{name: z, cost: 1, capacity: {load: 10}, uses: {gpu: 1}}]}
`
	of := func(text string) string { return joined(text, strings.Replace(text, `"m"`, `"sleeper"`, 1)) }
	at := func(current string) canned {
		return canned{
			"demand": load("70"), "past demand": load("70 @5m..0s"), "alive": of(load("1")), "past alive": of(load("1 @5m..0s")),
			"current": current,
		}
	}
	runCases(t, map[string]decisionCase{
		"it sleeps": {config: text, answers: at(runs("a", "8", "z", "0")), want: `
			variant_desired_replicas{variant="a"} 7
			variant_desired_replicas{model="sleeper",target_namespace="ns",variant="z"} 0`},
		"it runs": {config: text, answers: at(runs("a", "7", "z", "1")), want: `
			variant_desired_replicas{variant="a"} 7
			variant_desired_replicas{model="sleeper",target_namespace="ns",variant="z"} 1`},
	})
}

// TestReadinessBlip: replicas that were ready a moment ago are loaded and come back. Nothing else is started for them.
func TestReadinessBlip(t *testing.T) {
	const text = watched + `
signals: {load: {unit: requests, demand: demand}}
models: [{name: m, namespace: ns, variants: [
  {name: a, cost: 1, startup: 10m, capacity: {load: 10}},
  {name: b, cost: 4, startup: 2m, capacity: {load: 10}}]}]`
	at := func(ready string) canned {
		return canned{
			"demand": load("60"), "past demand": load("60"), "current": runs("a", "6", "b", "0"), "past current": runs("a", "6", "b", "0"),
			"ready": runs("a", "0", "b", "0"), "past ready": ready,
		}
	}
	runCases(t, map[string]decisionCase{
		"for half a minute": {
			config: text, answers: at(joined(runsOf("a", "6", "40m..45s"), runsOf("a", "0", "30s..0s"), runs("b", "0"))),
			want: `
				variant_desired_replicas{variant="a"} 6
				variant_desired_replicas{variant="b"} 0
				variant_provisioning_stuck{variant="a"} 0
				variant_provisioning_stuck{variant="b"} 0`,
		},
		"for good": {
			config: text, answers: at(joined(runsOf("a", "6", "50m..35m"), runsOf("a", "0", "34m45s..0s"), runs("b", "0"))),
			want: `
				variant_desired_replicas{variant="a"} 0
				variant_desired_replicas{variant="b"} 6
				variant_provisioning_stuck{variant="a"} 1
				variant_provisioning_stuck{variant="b"} 0`,
		},
	})
}

// TestWakeKeepsWhatLoads: the fast variant woke the model. What of it is ready in seconds is not given up for what costs less and is
// ready in minutes, while requests wait.
func TestWakeKeepsWhatLoads(t *testing.T) {
	const text = watched + `
signals: {load: {unit: requests, demand: demand, queued: queued}}
models: [{name: m, namespace: ns, variants: [
  {name: fast, cost: 4, startup: 2m, capacity: {load: 20}},
  {name: slow, cost: 1, startup: 12m, capacity: {load: 20}}]}]`
	at := func(running, waiting string) canned {
		return canned{
			"demand": load(running), "past demand": load("0"), "queued": load(waiting), "past queued": load("0 @40m..1m45s"),
			"current": runs("fast", "5", "slow", "0"), "ready": runs("fast", "1", "slow", "0"),
			"past current": joined(runsOf("fast", "0", "40m..2m"), runsOf("fast", "5", "1m45s..0s"), runs("slow", "0")),
			"past ready":   joined(runsOf("fast", "0", "40m..15s"), runsOf("fast", "1", "0s..0s"), runs("slow", "0")),
		}
	}
	runCases(t, map[string]decisionCase{
		"requests wait": {config: text, answers: at("20", "80"), want: `
			variant_desired_replicas{variant="fast"} 5
			variant_desired_replicas{variant="slow"} 1`},
		"none do": {config: text, answers: at("20", "0"), want: `
			variant_desired_replicas{variant="fast"} 1
			variant_desired_replicas{variant="slow"} 1`},
	})
}

// TestLeaderWorkerSetRolls: while a LeaderWorkerSet rolls, the StatefulSet of its leaders counts the surge. Nobody asked for that.
func TestLeaderWorkerSetRolls(t *testing.T) {
	const text = `
defaults: {headroom: 0, scale_down_window: 0s, provision_timeout: 30m, scale_down_limit: {replicas: 1, per: 5m}}
scale_targets: {current: current, ready: ready, rolling: rolling}
signals: {load: {unit: requests, demand: demand}}
models: [{name: m, namespace: ns, variants: [{name: a, cost: 1, capacity: {load: 10}, scale_target: {kind: KIND, name: a}}]}]`
	groups := func(replicas, ages string) string {
		return `{namespace="ns", scale_target_kind="StatefulSet", scale_target_name="a"} ` + replicas + ages
	}
	at := canned{
		"demand": load("80"), "past demand": load("80"), "current": groups("10", ""), "ready": groups("8", ""), "past ready": groups("8", ""),
		"past current": joined(groups("8", " @40m..4m"), groups("10", " @3m45s..0s")), "past rolling": groups("2", " @3m45s..0s"),
	}
	const two = `
defaults: {headroom: 0, scale_down_window: 0s, provision_timeout: 30m}
scale_targets: {current: current, ready: ready, rolling: rolling}
signals: {load: {unit: requests, demand: demand}}
models: [{name: m, namespace: ns, variants: [
  {name: a, cost: 1, capacity: {load: 10}, startup: 4m, scale_target: {kind: KIND, name: a}}, {name: b, cost: 3, capacity: {load: 10}}]}]`
	beside := func(answers canned) canned {
		other := maps.Clone(answers)
		for _, name := range []string{"current", "ready", "past current", "past ready"} {
			other[name] = joined(answers[name], runs("b", "0"))
		}
		return other
	}
	late := maps.Clone(at)
	late["past rolling"] = groups("2", " @3m15s..0s")
	failed := maps.Clone(at)
	failed["past current"] = "error: timeout"
	demanded := func(amount string) canned {
		other := maps.Clone(at)
		other["demand"], other["past demand"] = load(amount), load(amount)
		return other
	}
	runCases(t, map[string]decisionCase{
		"the surge of a LeaderWorkerSet": {
			config: strings.Replace(text, "KIND", "LeaderWorkerSet", 1), answers: at, want: `
				variant_current_replicas{variant="a"} 8
				variant_desired_replicas{variant="a"} 8`,
		},
		// Were it lowered to 7, 9 would be shown, which says no longer what was asked for.
		"it is not lowered meanwhile": {
			config: strings.NewReplacer("KIND", "LeaderWorkerSet", ", scale_down_limit: {replicas: 1, per: 5m}", "").Replace(text), answers: demanded("70"), want: `
				variant_current_replicas{variant="a"} 8
				variant_desired_replicas{variant="a"} 8`,
		},
		"but raised": {
			config: strings.Replace(text, "KIND", "LeaderWorkerSet", 1), answers: demanded("90"), want: `
				variant_current_replicas{variant="a"} 8
				variant_desired_replicas{variant="a"} 9`,
		},
		"another variant could stand in, and the surge is nothing new of it": {
			config: strings.Replace(two, "KIND", "LeaderWorkerSet", 1), answers: beside(at), want: `
				variant_desired_replicas{variant="a"} 8
				variant_desired_replicas{variant="b"} 0`,
		},
		"its revision shows after the surge": {
			config: strings.Replace(two, "KIND", "LeaderWorkerSet", 1), answers: beside(late), want: `
				variant_desired_replicas{variant="a"} 8
				variant_desired_replicas{variant="b"} 0`,
		},
		"what was asked for before is not known": {
			config: strings.Replace(text, "KIND", "LeaderWorkerSet", 1), answers: failed, want: `
				variant_current_replicas{variant="a"} 10`,
		},
		"what was asked for of a StatefulSet, and starts": {
			config: strings.Replace(text, "KIND", "StatefulSet", 1), answers: at, want: `
				variant_current_replicas{variant="a"} 10
				variant_desired_replicas{variant="a"} 10`,
		},
	})
}

// standIn is a variant, and a dearer one that could stand in for it.
const standIn = watched + `
scale_targets: {current: current, ready: ready, rolling: rolling}
signals: {load: {unit: requests, demand: demand}}
budgets: [{name: gpu, unit: accelerators, limit: LIMIT}]
models: [{name: m, namespace: ns, variants: [
  {name: a, cost: 1, capacity: {load: 10}, uses: {gpu: 1}},
  {name: b, cost: 3, capacity: {load: 10}, uses: {gpu: 1}}]}]`

// TestHungRollOut: a roll-out of which nothing comes does not explain that replicas are missing. The plan relies on what is ready; the
// number asked for stays, since a lowering during a roll-out may take away what is ready.
func TestHungRollOut(t *testing.T) {
	text := strings.Replace(standIn, "LIMIT", "12", 1)
	at := func(updated string) canned {
		return canned{
			"demand": load("60"), "past demand": load("60"), "current": runs("a", "6", "b", "0"), "ready": runs("a", "3", "b", "0"),
			"past current": runs("a", "6", "b", "0"), "past ready": runs("a", "3", "b", "0"), "past rolling": updated,
		}
	}
	stuck := `
		variant_desired_replicas{variant="a"} 6
		variant_desired_replicas{variant="b"} 3
		variant_planned_replicas{variant="a"} 3
		variant_planned_replicas{variant="b"} 3
		variant_provisioning_stuck{variant="a"} 1
		variant_provisioning_stuck{variant="b"} 0`
	proceeds := `
		variant_desired_replicas{variant="a"} 6
		variant_desired_replicas{variant="b"} 0
		variant_provisioning_stuck{variant="a"} 0
		variant_provisioning_stuck{variant="b"} 0`
	runCases(t, map[string]decisionCase{
		"hung":     {config: text, answers: at(runs("a", "3")), want: stuck},
		"proceeds": {config: text, answers: at(joined(runsOf("a", "1", "2h..20m"), runsOf("a", "2", "19m45s..0s"))), want: proceeds},
		"grows": {
			config: text, want: stuck, answers: func() canned {
				c := at(joined(runsOf("a", "2", "2h..20m"), runsOf("a", "3", "19m45s..0s")))
				c["past current"] = joined(runsOf("a", "5", "2h..20m"), runsOf("a", "6", "19m45s..0s"), runs("b", "0"))
				return c
			}(),
		},
		"loses a replica that serves": {
			config: text, want: strings.NewReplacer(`planned_replicas{variant="a"} 3`, `planned_replicas{variant="a"} 4`, `{variant="b"} 3`, `{variant="b"} 2`).Replace(stuck), answers: func() canned {
				c := at(runs("a", "3"))
				c["past ready"] = joined(runsOf("a", "4", "2h..20m"), runsOf("a", "3", "19m45s..0s"), runs("b", "0"))
				return c
			}(),
		},
		"with a startup it is noticed sooner": {
			config: strings.Replace(text, "{name: a, cost: 1,", "{name: a, cost: 1, startup: 2m,", 1), want: stuck,
			answers: at(joined(runsOf("a", "2", "20m..8m"), runsOf("a", "3", "7m45s..0s"))),
		},
		"has begun": {config: text, answers: at(joined(runsOf("a", "1", "20m..0s"))), want: proceeds},
	})
}

// TestOverdue: replicas that should be ready by now may still come. What replaces them cancels them only after provision_timeout.
func TestOverdue(t *testing.T) {
	const text = watched + `
signals: {load: {unit: requests, demand: demand}}
models: [{name: m, namespace: ns, variants: [
  {name: a, cost: 1, startup: 2m, provision_timeout: 20m, capacity: {load: 10}},
  {name: b, cost: 0.1, startup: 1m, capacity: {load: 10}}]}]`
	at := func(before, ordered string) canned {
		return canned{
			"demand": load("30"), "past demand": load("30"), "current": runs("a", "3", "b", "0"), "ready": runs("a", "1", "b", "0"),
			"past current": joined(runsOf("a", "1", "1d.."+before), runsOf("a", "3", ordered+"..0s"), runs("b", "0")), "past ready": runs("a", "1", "b", "0"),
		}
	}
	runCases(t, map[string]decisionCase{
		"they may come": {config: text, answers: at("15m15s", "15m"), want: `variant_desired_replicas{variant="a"} 3
			variant_desired_replicas{variant="b"} 3`},
		"they do not": {config: text, answers: at("25m15s", "25m"), want: `variant_desired_replicas{variant="a"} 1
			variant_desired_replicas{variant="b"} 3`},
		"nothing relies on them": {
			config: strings.NewReplacer("cost: 1,", "cost: 0.1,", "cost: 0.1,", "cost: 1,").Replace(text),
			answers: canned{
				"demand": load("30"), "past demand": load("30"), "current": runs("a", "3", "b", "2"), "ready": runs("a", "1", "b", "2"),
				"past current": joined(runsOf("a", "1", "1d..15m15s"), runsOf("a", "3", "15m..0s"), runs("b", "2")), "past ready": runs("a", "1", "b", "2"),
			},
			want: `variant_desired_replicas{variant="a"} 3
			variant_desired_replicas{variant="b"} 2
			variant_planned_replicas{variant="a"} 3
			variant_planned_replicas{variant="b"} 0`,
		},
	})
}

// TestAutoscalerDoesNotFollow: where more was needed for five minutes and no more was asked for, others stand in, and stay. The variant is
// still asked for: its autoscaler may go on at any time. What our own limits or budgets held back is no fault of an autoscaler.
func TestAutoscalerDoesNotFollow(t *testing.T) {
	at := func(demand, current string) canned {
		return canned{
			"demand": load("60"), "past demand": demand, "current": runs("a", "3", "b", "0"), "ready": runs("a", "3", "b", "0"),
			"past current": joined(current, runs("b", "0")), "past ready": joined(current, runs("b", "0")),
		}
	}
	wide, narrow := strings.Replace(standIn, "LIMIT", "12", 1), strings.Replace(standIn, "LIMIT", "6", 1)
	tiny := strings.Replace(standIn, "LIMIT", "3", 1)
	limited := strings.Replace(wide, "{name: m,", "{name: m, scale_up_limit: {replicas: 1, per: 15m},", 1)
	alone := strings.Replace(wide, "{name: b, cost: 3, capacity: {load: 10}", "{name: b, cost: 3, capacity: {load: 0}", 1)
	asks := func(a, b string) string {
		return `
			variant_desired_replicas{variant="a"} ` + a + `
			variant_desired_replicas{variant="b"} ` + b
	}
	runCases(t, map[string]decisionCase{
		"others stand in, and it is still asked for": {config: wide, answers: at(load("60"), runs("a", "3")), want: asks("6", "3") + `
			variant_planned_replicas{variant="a"} 3
			variant_planned_replicas{variant="b"} 3`},
		"as far as the budget has room": {config: narrow, answers: at(load("60"), runs("a", "3")), want: asks("3", "3")},
		"the other stands in already": {
			config: wide, want: asks("6", "3"), answers: canned{
				"demand": load("60"), "past demand": load("60"), "current": runs("a", "3", "b", "3"), "ready": runs("a", "3", "b", "3"),
				"past current": joined(runs("a", "3"), runsOf("b", "0", "2h..10m"), runsOf("b", "3", "9m45s..0s")), "past ready": runs("a", "3", "b", "3"),
			},
		},
		"our own limit held it back":      {config: limited, answers: at(load("60"), joined(runsOf("a", "2", "2h..16m"), runsOf("a", "3", "15m45s..0s"))), want: asks("4", "0")},
		"our own limit would have let it": {config: limited, answers: at(load("60"), joined(runsOf("a", "2", "2h..30m"), runsOf("a", "3", "29m45s..0s"))), want: asks("4", "1")},
		"the budget had no room":          {config: tiny, answers: at(load("60"), runs("a", "3")), want: asks("3", "0")},
		"there is no other": {config: alone, answers: at(load("60"), runs("a", "3")), want: asks("6", "0") + `
			variant_planned_replicas{variant="a"} 6
			variant_planned_replicas{variant="b"} 0`},
		"more is needed only since lately": {config: wide, answers: at(joined(load("30 @1h..4m45s"), load("60 @4m30s..0s")), runs("a", "3")), want: asks("6", "0")},
		"more was asked for": {
			config: wide, answers: at(load("60"), joined(runsOf("a", "2", "2h..4m"), runsOf("a", "3", "3m45s..0s"))), want: asks("6", "0"),
		},
		"nothing is known of it": {config: wide, answers: at(load("60"), runsOf("a", "3", "4m..0s")), want: asks("6", "0")},
	})
	// What others serve was never asked of a: c was replaced by b, or demand has grown and b with it. What is needed of a, is so since a moment ago.
	third := strings.Replace(wide, "{name: b,", "{name: c, cost: 5, capacity: {load: 10}}, {name: b,", 1)
	later := func(demand, b, c string) canned {
		now := runs("a", "3", "b", "3", "c", "0")
		return canned{
			"demand": load("60"), "past demand": demand, "current": now, "ready": now, "past ready": now,
			"past current": joined(runs("a", "3"), runsOf("b", b, "2h..20m"), runsOf("b", "3", "19m45s..0s"), runsOf("c", c, "2h..20m"), runsOf("c", "0", "19m45s..0s")),
		}
	}
	relied := `
		variant_planned_replicas{variant="a"} 6
		variant_planned_replicas{variant="b"} 0
		variant_planned_replicas{variant="c"} 0`
	runCases(t, map[string]decisionCase{
		"another was replaced":    {config: third, answers: later(load("60"), "0", "3"), want: relied},
		"the others grew":         {config: third, answers: later(joined(load("30 @2h..19m45s"), load("60 @19m30s..0s")), "0", "0"), want: relied},
		"they grew a little late": {config: third, answers: later(joined(load("30 @2h..21m"), load("60 @20m45s..0s")), "0", "0"), want: relied},
		"they grew for it": {config: third, answers: later(joined(load("30 @2h..26m"), load("60 @25m45s..0s")), "0", "0"), want: `
			variant_planned_replicas{variant="a"} 3
			variant_planned_replicas{variant="b"} 3
			variant_planned_replicas{variant="c"} 0`},
		"and it was not needed meanwhile": {
			config: third, answers: later(joined(load("30 @2h..26m"), load("60 @25m45s..10m"), load("30 @9m45s..5m"), load("60 @4m45s..0s")), "0", "0"), want: relied,
		},
	})
	// Half of a never became ready, b is to stand in and its autoscaler does not follow.
	stuck := func(since string) canned {
		return canned{
			"demand": load("60"), "past demand": load("60"), "current": runs("a", "6", "b", "1", "c", "0"), "ready": runs("a", "3", "b", "1", "c", "0"),
			"past current": runs("a", "6", "b", "1", "c", "0"),
			"past ready":   joined(runsOf("a", "6", "2h.."+since), runsOf("a", "3", since+"..0s"), runs("b", "1", "c", "0")),
		}
	}
	runCases(t, map[string]decisionCase{
		"it is to stand in for what is stuck": {config: third, answers: stuck("1h"), want: asks("3", "3") + `
			variant_desired_replicas{variant="c"} 2`},
		"it is to stand in since a moment ago": {config: third, answers: stuck("31m"), want: asks("3", "3") + `
			variant_desired_replicas{variant="c"} 0`},
	})
}

// TestQueueWhileReplicasLoad: what waits is work to be done once. What serves and what starts work it off within the drain time, and
// only what is left asks for more.
func TestQueueWhileReplicasLoad(t *testing.T) {
	text := func(unit string) string {
		return watched + `
signals: {load: {unit: ` + unit + `, demand: demand, queued: queued}}
models: [{name: m, namespace: ns, backlog: {drain: 10m}, scale_down_window: 5m, variants: [{name: a, cost: 1, startup: 6m, capacity: {load: 10}}]}]`
	}
	// Four are asked for, of which two serve and two are ready in a minute.
	at := func(running, waiting, before string) canned {
		return canned{
			"demand": load(running), "past demand": load(running), "queued": load(waiting), "past queued": load(before),
			"current": runs("a", "4"), "ready": runs("a", "2"), "past ready": runs("a", "2"),
			"past current": joined(runsOf("a", "2", "2h..5m15s"), runsOf("a", "4", "5m..0s")),
		}
	}
	planned := func(amount, backlog, replicas string) string {
		return `
			variant_desired_replicas{variant="a"} ` + replicas + `
			variant_model_demand{signal="load",unit="UNIT"} ` + backlog + `
			variant_model_planned_demand{signal="load",unit="UNIT"} ` + amount
	}
	in := func(unit, text string) string { return strings.ReplaceAll(text, "UNIT", unit) }
	also := func(key string) string { return strings.Replace(text("requests"), "provision_timeout: 30m", key, 1) }
	now := func(answers canned) canned {
		delete(answers, "past queued")
		return answers
	}
	runCases(t, map[string]decisionCase{
		// From the first minute on two replicas work off 20 in 10 seconds: 1,080 in ten minutes.
		"what starts works it off": {config: text("requests"), answers: at("20", "180", "180"), want: in("requests", planned("20", "200", "4"))},
		// 2,880 less 1,080 are 1,800 in ten minutes, and one is in service for 10 seconds.
		"what is left asks for more": {config: text("requests"), answers: at("20", "2880", "2880"), want: in("requests", planned("50", "2900", "5"))},
		// 50 more came within 15 seconds, so 33 1/3 within 10, and these 50 are worked off within ten minutes.
		"so many more came": {config: text("requests"), answers: at("20", "50", "0"), want: in("requests", planned("54.16666666666667", "70", "6"))},
		// Of a rate the queue is no demand, and replicas work off their capacity each second: 20 a second for nine minutes are 10,800.
		"tokens that wait": {
			config: text("tokens per second"), answers: now(at("20", "22800", "")), want: in("tokens per second", planned("40", "20", "4")),
		},
		"no queue": {config: text("requests"), answers: at("20", "0", "0"), want: in("requests", planned("20", "20", "2"))},
		"readiness is read for longer than what was asked for": {
			config:  also("provision_timeout: 10m, provision_cooldown: 1m, scale_down_limit: {replicas: 9, per: 5m, after_overload: 25m}"),
			answers: at("20", "180", "180"), want: in("requests", planned("20", "200", "4")),
		},
		"demand is read for longer than the queue": {
			config:  also("provision_timeout: 10m, forecast: {method: linear, lookback: 25m}"),
			answers: at("20", "50", "0 @40m..1m\n"+load("50 @45s..0s")), want: in("requests", planned("53.333333333333336", "70", "6")),
		},
	})
}

// TestStandingQueue: where nothing loads, a queue is no reason to plan for less than what runs.
func TestStandingQueue(t *testing.T) {
	const text = watched + `
signals: {load: {unit: requests, demand: demand, queued: queued}}
models: [{name: m, namespace: ns, scale_down_window: 5m, variants: [{name: a, cost: 1, startup: 2m, capacity: {load: 10}}]}]`
	at := func(running, waiting, before, ready string) canned {
		return canned{
			"demand": load(running), "past demand": load(running), "queued": load(waiting), "past queued": load(before),
			"current": runs("a", "4"), "past current": runs("a", "4"), "ready": runs("a", "4"), "past ready": ready,
		}
	}
	const planned = `variant_model_planned_demand{signal="load",unit="requests"} `
	runCases(t, map[string]decisionCase{
		"it stands":         {config: text, answers: at("60", "30", "30", runs("a", "4")), want: planned + `61`},
		"it grows":          {config: text, answers: at("60", "60", "0", runs("a", "4")), want: planned + `82`},
		"it falls":          {config: text, answers: at("60", "30", "50", runs("a", "4")), want: planned + `61`},
		"replicas fill up":  {config: text, answers: at("60", "30", "40", joined(runsOf("a", "2", "3h..1m"), runsOf("a", "4", "45s..0s"))), want: planned + `40`},
		"they have done so": {config: text, answers: at("60", "30", "50", joined(runsOf("a", "2", "3h..6m"), runsOf("a", "4", "5m45s..0s"))), want: planned + `61`},
	})
}

// TestIdleNoShorterThanAStart: a model that is put to sleep while it starts would never serve.
func TestIdleNoShorterThanAStart(t *testing.T) {
	const text = `
signals: {load: {unit: requests, demand: demand, on_missing: zero, alive: alive}}
models: [{name: m, namespace: ns, replicas: {min: 0}, idle_after: 10m, variants: [{name: a, cost: 1, startup: 15m, capacity: {load: 10}}]}]`
	at := func(before, request, since string) canned {
		return canned{
			"demand": load("0"), "past demand": joined(load("0"+before), load("1"+request), load("0"+since)), "alive": `{namespace="ns"} 1`, "past alive": `{namespace="ns"} 1`,
			"current": runs("a", "1"), "ready": runs("a", "0"),
		}
	}
	runCases(t, map[string]decisionCase{
		"while it starts":                    {config: text, answers: at(" @1h..11m15s", " @11m..11m", " @10m45s..0s"), want: `variant_desired_replicas{variant="a"} 1`},
		"until its first minute is over":     {config: text, answers: at(" @1h..16m", " @15m45s..15m45s", " @15m30s..0s"), want: `variant_desired_replicas{variant="a"} 1`},
		"idle for longer than a start takes": {config: text, answers: at(" @1h..16m15s", " @16m..16m", " @15m45s..0s"), want: `variant_desired_replicas{variant="a"} 0`},
	})
}

// TestAwakeUntilItServed: who woke a model may have given up, and comes back. It sleeps when it was ready for as long as it must be idle, and
// what never becomes ready is given up with the time-out.
func TestAwakeUntilItServed(t *testing.T) {
	const text = `
signals: {load: {unit: requests, demand: demand, on_missing: zero, alive: alive}}
models: [{name: m, namespace: ns, replicas: {min: 0}, idle_after: 10m, variants: [{name: a, cost: 1, startup: 5m, provision_timeout: 20m, capacity: {load: 10}}]}]`
	at := func(asked, ready string) canned {
		return canned{
			"demand": load("0"), "past demand": load("0 @1h..0s"), "alive": `{namespace="ns"} 1`, "past alive": `{namespace="ns"} 1`,
			"current": runs("a", "1"), "past current": joined(runsOf("a", "0", "1h..19m15s"), runsOf("a", "1", asked)), "ready": runs("a", ready[:1]), "past ready": ready[1:],
		}
	}
	was := func(ready, since, until string) string {
		return ready + joined(runsOf("a", "0", "1h.."+until), runsOf("a", "1", since+"..0s"))
	}
	const zero, one = `variant_desired_replicas{variant="a"} 0`, `variant_desired_replicas{variant="a"} 1`
	never := "0" + runsOf("a", "0", "1h..0s")
	long := at("20m..0s", never)
	long["past current"] = joined(runsOf("a", "0", "1h..20m"), runsOf("a", "1", "19m45s..0s"))
	day := strings.Replace(text, "idle_after: 10m", "idle_after: 24h", 1)
	since := func(until, since string) canned {
		runs := joined(runsOf("a", "0", "25h.."+until), runsOf("a", "1", since+"..0s"))
		idle := at("19m..0s", "1"+runs)
		idle["past demand"], idle["past alive"], idle["past current"] = load("0 @25h..0s"), `{namespace="ns"} 1 @25h..0s`, runs
		return idle
	}
	runCases(t, map[string]decisionCase{
		"for an hour of a day":              {config: day, answers: since("1h", "59m45s"), want: one},
		"no longer than that":               {config: day, answers: since("1h0m15s", "1h"), want: zero},
		"it loads for longer than expected": {config: text, answers: at("19m..0s", never), want: one},
		"it never became ready":             {config: text, answers: long, want: zero},
		"ready for less than idle_after":    {config: text, answers: at("19m..0s", was("1", "9m45s", "10m")), want: one},
		"ready for idle_after":              {config: text, answers: at("19m..0s", was("1", "10m", "10m15s")), want: zero},
		"not ready again since":             {config: text, answers: at("19m..0s", "0"+joined(runsOf("a", "0", "1h..15m"), runsOf("a", "1", "14m45s..12m"), runsOf("a", "0", "11m45s..0s"))), want: zero},
		"nobody woke it":                    {config: text, answers: canned{"demand": load("0"), "past demand": load("0 @1h..0s"), "alive": `{namespace="ns"} 1`, "past alive": `{namespace="ns"} 1`, "current": runs("a", "1"), "ready": runs("a", "1")}, want: zero},
	})
}

// TestRolesWakeTogether: a prefill without a decode serves nothing, and both sleep together.
func TestRolesWakeTogether(t *testing.T) {
	const text = `
signals:
  prompts: {unit: tokens, demand: demand, on_missing: zero, alive: alive}
  cache: {unit: replicas, demand: cache}
models:
  - {name: m, namespace: ns, replicas: {min: 0}, idle_after: 10m, variants: [
      {name: p, role: prefill, cost: 8, capacity: {prompts: 100}},
      {name: d, role: decode, cost: 8, capacity: {cache: 1}}]}`
	at := func(demand, p, d string) canned {
		return canned{
			"demand": load(demand), "past demand": load(demand), "alive": `{namespace="ns"} 1`, "past alive": `{namespace="ns"} 1`,
			"current": runs("p", p, "d", d),
		}
	}
	with := func(answers canned, keys ...string) canned {
		for _, key := range keys {
			answers[key] = load("0")
		}
		return answers
	}
	runCases(t, map[string]decisionCase{
		"the first request": {config: text, answers: at("150", "0", "0"), want: `
			variant_desired_replicas{variant="d"} 1
			variant_desired_replicas{variant="p"} 2`},
		"prefill runs alone, and its autoscaler holds": {config: text, answers: at("150", "2", "0"), want: `
			variant_desired_replicas{variant="d"} 1`},
		"idle": {config: text, answers: with(at("0", "2", "1"), "cache", "past cache"), want: `
			variant_desired_replicas{variant="d"} 0
			variant_desired_replicas{variant="p"} 0`},
	})
}

// TestLimitAfterOverload: a limit on change may hold only for a time after the demand exceeded what was ready.
func TestLimitAfterOverload(t *testing.T) {
	const text = `
defaults: {headroom: 0, scale_down_window: 0s, scale_down_limit: {replicas: 1, per: 5m, after_overload: 1h}}
signals: {load: {unit: requests, demand: demand}}
models: [{name: m, namespace: ns, variants: [{name: a, cost: 1, capacity: {load: 10}}]}]`
	at := func(demand string) canned {
		return canned{"demand": load("10"), "past demand": demand, "current": runs("a", "10"), "past current": runs("a", "10"), "past ready": runs("a", "10")}
	}
	runCases(t, map[string]decisionCase{
		"no overload":            {config: text, answers: at(load("100")), want: `variant_desired_replicas{variant="a"} 1`},
		"an overload lately":     {config: text, answers: at(joined(load("101 @59m..59m"), load("10 @58m..0s"))), want: `variant_desired_replicas{variant="a"} 9`},
		"an overload before":     {config: text, answers: at(joined(load("101 @2h..1h"), load("10 @59m..0s"))), want: `variant_desired_replicas{variant="a"} 1`},
		"a past that is unknown": {config: text, answers: at(""), want: `variant_desired_replicas{variant="a"} 1`},
	})
	runCases(t, map[string]decisionCase{"an overload by what waited": {
		config: strings.Replace(text, "demand: demand", "demand: demand, queued: queued", 1),
		answers: canned{
			"demand": load("10"), "past demand": load("10"), "queued": load("0"), "past queued": joined(load("95 @30m..30m"), load("0 @29m..0s")),
			"current": runs("a", "10"), "past current": runs("a", "10"), "past ready": runs("a", "10"),
		},
		want: `variant_desired_replicas{variant="a"} 9`,
	}})
}

// TestLimitAfterLostReadiness: replicas that crashed, failed their probes or were replaced are no overload that a scale-down brought about.
func TestLimitAfterLostReadiness(t *testing.T) {
	const text = `
defaults: {headroom: 0, scale_down_window: 0s, provision_timeout: 10m, scale_down_limit: {replicas: 1, per: 5m, after_overload: 1h}}
signals: {load: {unit: requests, demand: demand}}
models: [{name: m, namespace: ns, variants: [{name: a, cost: 1, startup: 3m, capacity: {load: 10}}]}]`
	at := func(asked string) canned {
		return canned{
			"demand": load("10"), "past demand": joined(load("90 @2h..31m"), load("10 @30m..0s")), "current": runs("a", "10"),
			"past current": runsOf("a", "10", "9m..0s"), "past min_over_time((current)[5m:15s])": asked,
			"ready": runs("a", "10"), "past ready": joined(runsOf("a", "10", "2h..41m"), runsOf("a", "4", "40m..36m"), runsOf("a", "10", "35m..0s")),
		}
	}
	runCases(t, map[string]decisionCase{
		"they had been asked for": {config: text, answers: at(runsOf("a", "10", "2h..0s")), want: `variant_desired_replicas{variant="a"} 1`},
		"too few were asked for": {
			config: text, want: `variant_desired_replicas{variant="a"} 9`,
			answers: at(joined(runsOf("a", "10", "2h..41m"), runsOf("a", "4", "40m..39m"), runsOf("a", "10", "38m..0s"))),
		},
		"and soon more again": {
			config: text, want: `variant_desired_replicas{variant="a"} 9`,
			answers: at(joined(runsOf("a", "10", "2h..42m"), runsOf("a", "4", "41m45s..36m45s"), runsOf("a", "10", "36m30s..0s"))),
		},
		"too few for a moment, later": {
			config: text, want: `variant_desired_replicas{variant="a"} 1`,
			answers: at(joined(runsOf("a", "10", "2h..20m"), runsOf("a", "4", "19m45s..14m45s"), runsOf("a", "10", "14m30s..0s"))),
		},
		"what was asked for is not known": {config: text, answers: at(""), want: `variant_desired_replicas{variant="a"} 9`},
	})
}

// TestLimitOnWhatIsReplaced: what others carry even at the most demand since an overload goes at once.
func TestLimitOnWhatIsReplaced(t *testing.T) {
	const text = `
defaults: {headroom: 0, scale_down_window: 0s, provision_timeout: 10m, scale_down_limit: {replicas: 1, per: 5m, after_overload: 1h}}
signals: {load: {unit: requests, demand: demand}}
models: [{name: m, namespace: ns, variants: [{name: a, cost: 3, capacity: {load: 10}}, {name: b, cost: 1, capacity: {load: 10}, replicas: {min: MIN}}]}]`
	at := func(b string) canned {
		return canned{
			"demand": load("60"), "past demand": joined(load("80 @59m..59m"), load("60 @58m..0s")), "current": runs("a", "6", "b", b), "ready": runs("a", "6", "b", b),
			"past current": joined(runsOf("a", "6", "2h..0s"), runsOf("b", "0", "2h..40m"), runsOf("b", b, "39m..0s")),
			"past ready":   joined(runsOf("a", "6", "2h..0s"), runsOf("b", "0", "2h..30m"), runsOf("b", b, "29m..0s")),
		}
	}
	runCases(t, map[string]decisionCase{
		"they carry it": {config: strings.Replace(text, "MIN", "8", 1), answers: at("8"), want: `
			variant_desired_replicas{variant="a"} 0
			variant_desired_replicas{variant="b"} 8`},
		"they carry the present alone": {config: strings.Replace(text, "MIN", "7", 1), answers: at("7"), want: `
			variant_desired_replicas{variant="a"} 5
			variant_desired_replicas{variant="b"} 7`},
	})
}

// TestInputWindow: one odd sample of a capacity or a limit changes nothing, a lasting change acts after half of the window.
func TestInputWindow(t *testing.T) {
	const text = `
input_window: 4m
signals: {load: {unit: requests, demand: demand}}
budgets: [{name: gpu, unit: accelerators, limit: limit}]
models: [{name: m, namespace: ns, variants: [{name: a, cost: 1, uses: {gpu: 1}, capacity: {load: carries}}]}]`
	at := func(carries, past string) canned {
		return canned{
			"demand": load("59"), "current": runs("a", "6"), "carries": `{namespace="ns", llm_d_ai_variant="a"} ` + carries, "past carries": past,
			"limit": `{} 4`, "past limit": `{} 6 @10m..15s`,
		}
	}
	were := func(n, ages string) string { return `{namespace="ns", llm_d_ai_variant="a"} ` + n + ages }
	want := func(capacity, replicas string) string {
		return `
			variant_budget_limit{budget="gpu",unit="accelerators"} 6
			variant_desired_replicas{variant="a"} ` + replicas + `
			variant_replica_capacity{signal="load",unit="requests",variant="a"} ` + capacity
	}
	runCases(t, map[string]decisionCase{
		"one odd sample":               {config: text, answers: at("30", were("10", " @10m..15s")), want: want("10", "6")},
		"for less than half of it":     {config: text, answers: at("30", joined(were("10", " @10m..1m45s"), were("30", " @1m30s..0s"))), want: want("10", "6")},
		"for more than half of it":     {config: text, answers: at("30", joined(were("10", " @10m..3m"), were("30", " @2m45s..0s"))), want: want("30", "2")},
		"known only since this sample": {config: text, answers: at("30", ""), want: want("30", "2")},
	})
}

// TestCrashesAgainAndAgain: replicas that start, serve for a minute and crash are not served by for over half of the time. Another variant
// stands in, also in the minute in which they are ready, until they have been ready for a while. One that is slow to start and
// loses its readiness for a moment does not crash.
func TestCrashesAgainAndAgain(t *testing.T) {
	const text = `
defaults: {headroom: 0, scale_down_window: 0s, provision_timeout: 10m}
signals: {load: {unit: requests, demand: demand}}
models: [{name: m, namespace: ns, variants: [
  {name: a, cost: 1, startup: 3m, capacity: {load: 10}},
  {name: b, cost: 3, startup: 3m, capacity: {load: 10}}]}]`
	at := func(asked string, readyFor ...string) canned {
		var ready []string
		for i, ages := range readyFor {
			ready = append(ready, runsOf("a", []string{"6", "4"}[i%2], ages))
		}
		now := "6"
		if len(readyFor)%2 == 0 {
			now = "4"
		}
		return canned{
			"demand": load("60"), "past demand": load("60"), "current": runs("a", "6", "b", "2"), "past current": joined(runsOf("b", "2", "1h..0s"), asked),
			"ready": runs("a", now, "b", "2"), "past ready": joined(runsOf("b", "2", "1h..0s"), joined(ready...)),
		}
	}
	const six, alone = `variant_desired_replicas{variant="a"} 6`, `variant_desired_replicas{variant="b"} 0`
	const four, standsIn = `variant_desired_replicas{variant="a"} 4`, `variant_desired_replicas{variant="b"} 2`
	asked := runsOf("a", "6", "1h..0s")
	runCases(t, map[string]decisionCase{
		"they are gone":              {config: text, answers: at(asked, "1h..15m", "14m45s..9m", "8m45s..8m", "7m45s..0s"), want: four + "\n" + standsIn},
		"they are back for a moment": {config: text, answers: at(asked, "1h..17m", "16m45s..9m", "8m45s..8m", "7m45s..45s", "30s..0s"), want: six + "\n" + standsIn},
		"they are back for a while":  {config: text, answers: at(asked, "1h..20m", "19m45s..12m", "11m45s..11m", "10m45s..2m45s", "2m30s..0s"), want: six + "\n" + alone},
		"gone for over half of it":   {config: text, answers: at(asked, "1h..8m15s", "8m..4m", "3m45s..1m", "45s..0s"), want: four + "\n" + standsIn},
		"for less than that":         {config: text, answers: at(asked, "1h..8m15s", "8m..4m", "3m45s..45s", "30s..0s"), want: six + "\n" + standsIn},
		"they started, and lost it":  {config: text, answers: at(joined(runsOf("a", "4", "1h..9m15s"), runsOf("a", "6", "9m..0s")), "1h..9m15s", "9m..1m15s", "1m..30s", "15s..0s"), want: six + "\n" + standsIn},
	})
}

// TestLimitDipsAgainAndAgain: a limit dips for a moment at each full minute. Its median is what it is for most of the time.
func TestLimitDipsAgainAndAgain(t *testing.T) {
	const text = `
signals: {load: {unit: requests, demand: demand}}
budgets: [{name: gpu, unit: accelerators, limit: limit}]
models: [{name: m, namespace: ns, variants: [{name: a, cost: 1, uses: {gpu: 1}, capacity: {load: 10}}]}]`
	var past []string
	for minute := range 6 {
		ago := fmt.Sprintf("%dm", minute) // a look at each full minute would see no others
		past = append(past, fmt.Sprintf("{} 4 @%[1]s..%[1]s\n{} 6 @%[1]s45s..%[1]s15s", ago))
	}
	runCases(t, map[string]decisionCase{"at a dip": {
		config: text, answers: canned{"demand": load("60"), "current": runs("a", "6"), "limit": `{} 4`, "past limit": joined(past...)},
		want: `
			variant_budget_limit{budget="gpu",unit="accelerators"} 6
			variant_desired_replicas{variant="a"} 6`,
	}})
}

// TestAutoHeadroomOverTheWindow: what noise asks for is held over the scale-down window, as the demand is, and a step in the demand is no
// noise.
func TestAutoHeadroomOverTheWindow(t *testing.T) {
	at := time.Date(2026, 11, 23, 12, 30, 0, 0, time.UTC)
	of := func(window string, demand func(int64) float64) func(time.Time) float64 {
		text := strings.Replace(autoConfig, "scale_down_window: 0s", "scale_down_window: "+window, 1)
		e := newEvaluator(t, text, &remembered{demand: demand}, collector.EvaluatorOptions{})
		return func(at time.Time) float64 { return *plannedDemand(t, e, at) }
	}
	now, held := of("0s", wobble), of("10m", wobble)
	kept := 0
	for minute := range 30 {
		at := at.Add(time.Duration(minute) * time.Minute)
		most := 0.0
		for ago := range 10 {
			most = max(most, now(at.Add(-time.Duration(ago)*time.Minute)))
		}
		require.GreaterOrEqual(t, held(at), most-1e-9, at)
		if held(at) > now(at)+1e-9 {
			kept++
		}
	}
	require.Positive(t, kept, "the plan came down within the window, so that this says something")

	steps := func(minute int64) float64 {
		noise := 10 + float64((minute*minute*7919+minute*31)%29)
		if minute <= at.Unix()/60-2 {
			return noise
		}
		return 300 + noise
	}
	text := strings.Replace(autoConfig, "startup: 2m", "startup: 10m", 1)
	foreseen := plannedDemand(t, newEvaluator(t, text, &remembered{demand: steps}, collector.EvaluatorOptions{}), at)
	require.LessOrEqual(t, *foreseen, 1.5*steps(at.Unix()/60)+1e-9, "half as much again at the most, and not what the trend foresees")
}

// TestStartCostsOverTheLifeOfAPlan: the dearer of two sizes serves for less per request. It is started for a rise that lasts for hours, as
// rises to this level do, and not for one that is over in minutes.
func TestStartCostsOverTheLifeOfAPlan(t *testing.T) {
	const text = `
defaults: {headroom: 0, scale_down_window: 0s}
signals: {load: {unit: requests, demand: demand}}
models: [{name: m, namespace: ns, variants: [
  {name: large, cost: 9, startup: 10m, capacity: {load: 100}},
  {name: small, cost: 2, startup: 2m, capacity: {load: 20}}]}]`
	at := func(past string) canned {
		return canned{
			"demand": load("120"), "past demand": past, "current": runs("large", "0", "small", "1"), "ready": runs("large", "0", "small", "1"),
		}
	}
	minutes := joined(load("10 @24h..20h"), load("120 @19h59m..19h48m"), load("10 @19h47m..8h"), load("120 @7h59m..7h48m"), load("10 @7h47m..1m"), load("120 @0s..0s"))
	hours := joined(load("10 @24h..20h"), load("120 @19h59m..14h"), load("10 @13h59m..10h"), load("120 @9h59m..5h"), load("10 @4h59m..1m"), load("120 @0s..0s"))
	runCases(t, map[string]decisionCase{
		"it lasts for minutes": {config: text, answers: at(minutes), want: `
			variant_desired_replicas{variant="large"} 0
			variant_desired_replicas{variant="small"} 6`},
		"it lasts for hours": {config: text, answers: at(hours), want: `
			variant_desired_replicas{variant="large"} 1
			variant_desired_replicas{variant="small"} 1`},
	})
}

// TestNoSwapForDemandThatIsGone: a window still holds the demand of two minutes ago. What would be cheaper for it is not started: it would be
// ready when nobody needs it.
func TestNoSwapForDemandThatIsGone(t *testing.T) {
	const text = `
defaults: {headroom: 0, scale_down_window: 3m}
signals: {load: {unit: requests, demand: demand}}
models: [{name: m, namespace: ns, variants: [
  {name: large, cost: 9, startup: 2m, capacity: {load: 100}},
  {name: small, cost: 6, startup: 2m, capacity: {load: 20}}]}]`
	at := func(now string) canned {
		return canned{
			"demand": load(now), "past demand": joined(load("120 @1h..2m"), load(now+" @1m45s..0s")),
			"current": runs("large", "2", "small", "0"), "ready": runs("large", "2", "small", "0"),
		}
	}
	runCases(t, map[string]decisionCase{
		"it is gone": {config: text, answers: at("20"), want: `
			variant_desired_replicas{variant="large"} 2
			variant_desired_replicas{variant="small"} 0`},
		"it went down a little": {config: text, answers: at("110"), want: `
			variant_desired_replicas{variant="large"} 2
			variant_desired_replicas{variant="small"} 1`},
	})
}

// TestDemandThatComesBack: replicas stay for demand that comes back before it pays to stop them, and not for demand that does not.
func TestDemandThatComesBack(t *testing.T) {
	const text = `
defaults: {headroom: 0, scale_down_window: 0s}
signals: {load: {unit: requests, demand: demand}}
models: [{name: m, namespace: ns, variants: [{name: a, cost: 1, startup: 4m, capacity: {load: 10}}]}]`
	at := func(past string) canned {
		return canned{
			"demand": load("45"), "past demand": past, "current": runs("a", "8"), "ready": runs("a", "8"),
		}
	}
	swings := joined(load("80 @4h..3h"), load("45 @2h59m..2h55m"), load("80 @2h54m..2h"), load("45 @1h59m..1h55m"), load("80 @1h54m..3m"))
	runCases(t, map[string]decisionCase{
		"it is back within minutes": {config: text, answers: at(joined(swings, load("45 @2m..0s"))), want: `variant_desired_replicas{variant="a"} 8`},
		"it stays away":             {config: text, answers: at(joined(strings.Replace(swings, "..3m", "..30m", 1), load("45 @29m..0s"))), want: `variant_desired_replicas{variant="a"} 5`},
		"it was away for hours":     {config: text, answers: at(joined(load("80 @20h..12h"), load("45 @11h59m..6h"), load("80 @5h59m..3m"), load("45 @2m..0s"))), want: `variant_desired_replicas{variant="a"} 5`},
		"never seen before":         {config: text, answers: at(joined(load("80 @4h..3m"), load("45 @2m..0s"))), want: `variant_desired_replicas{variant="a"} 5`},
	})
}

// TestDemandThatComesBackToAYoungLaw: while noise is not learnt, no less was planned than the share asks for, of late too. So a replica that
// was started for a moment's demand six minutes ago stays.
func TestDemandThatComesBackToAYoungLaw(t *testing.T) {
	const text = `
defaults: {headroom: auto, scale_down_window: 2m}
signals: {load: {unit: requests per second, demand: demand}}
models: [{name: m, namespace: ns, variants: [{name: a, cost: 1, startup: 2m, capacity: {load: 10}}]}]`
	at := func(peak string) canned {
		return canned{
			"demand": load("42"), "past demand": joined(load("42 @1h..6m15s"), load(peak+" @6m..5m"), load("42 @4m45s..0s")),
			"current": runs("a", "6"), "ready": runs("a", "6"),
		}
	}
	runCases(t, map[string]decisionCase{
		"a peak that needed six":       {config: text, answers: at("44"), want: `variant_desired_replicas{variant="a"} 6`},
		"a peak that needed only five": {config: text, answers: at("43"), want: `variant_desired_replicas{variant="a"} 5`},
	})
}

// TestDemandThatFell: replicas that have just started stay while demand only swings. Where its noise is measured, it has fallen for good when
// it fell by more than that; where it is not, when it fell by a fifth.
func TestDemandThatFell(t *testing.T) {
	const text = `
defaults: {headroom: HEADROOM, scale_down_window: 0s}
signals: {load: {unit: requests, demand: demand}}
models: [{name: m, namespace: ns, variants: [{name: a, cost: 1, startup: 2m, capacity: {load: 10}}]}]`
	answers := canned{
		"demand": load("48"), "current": runs("a", "6"), "ready": runs("a", "6"),
		"past demand": joined(load("48 @24h..10m15s"), load("52 @10m..5m"), load("48 @4m45s..0s")),
	}
	runCases(t, map[string]decisionCase{
		"noise is not measured":             {config: strings.Replace(text, "HEADROOM", "0", 1), answers: answers, want: `variant_desired_replicas{variant="a"} 6`},
		"by more than what noise there was": {config: strings.Replace(text, "HEADROOM", "auto", 1), answers: answers, want: `variant_desired_replicas{variant="a"} 5`},
	})
}

// TestPodsWithoutANode: others stand in for pods that the scheduler finds no node for, and these stay asked for.
func TestPodsWithoutANode(t *testing.T) {
	text := strings.Replace(strings.Replace(standIn, "LIMIT", "12", 1), "rolling: rolling}", "rolling: rolling, unschedulable: unplaced}", 1)
	text = strings.ReplaceAll(text, "capacity: {load: 10}", "capacity: {load: 10}, startup: 5m")
	at := func(unplaced string) canned {
		return canned{
			"demand": load("60"), "past demand": load("60"), "current": runs("a", "6", "b", "0"), "ready": runs("a", "4", "b", "0"),
			"past current": joined(runsOf("a", "4", "1h..1m15s"), runsOf("a", "6", "1m..0s"), runs("b", "0")), "past ready": runs("a", "4", "b", "0"),
			"past unplaced": unplaced,
		}
	}
	pod := func(name, ages string) string { return `{namespace="ns", pod="a-6d4cf56db6-` + name + `"} 1 @` + ages }
	asks := func(b string) string {
		return `
			variant_desired_replicas{variant="a"} 6
			variant_desired_replicas{variant="b"} ` + b
	}
	runCases(t, map[string]decisionCase{
		"two have none":   {config: text, answers: at(joined(pod("xxxxx", "45s..0s"), pod("zzzzz", "45s..0s"))), want: asks("2")},
		"one look":        {config: text, answers: at(joined(pod("xxxxx", "0s..0s"), pod("zzzzz", "0s..0s"))), want: asks("0")},
		"they had none":   {config: text, answers: at(joined(pod("xxxxx", "45s..15s"), pod("zzzzz", "45s..15s"))), want: asks("0")},
		"another's":       {config: text, answers: at(`{namespace="ns", pod="c-6d4cf56db6-xxxxx"} 1 @45s..0s`), want: asks("0")},
		"all have a node": {config: text, answers: at(""), want: asks("0")},
		// All that is ready has a node: these are gone, or were told of a moment too long.
		"more than are not ready": {
			config: text, answers: at(joined(pod("xxxxx", "45s..0s"), pod("zzzzz", "45s..0s"), pod("ccccc", "45s..0s"))), want: asks("2"),
		},
	})
}

// TestPodsThatDrain: what is being deleted uses its accelerators until it is gone. What runs is not lowered for it.
func TestPodsThatDrain(t *testing.T) {
	const text = `
defaults: {headroom: 0, scale_down_window: 0s}
scale_targets: {current: current, ready: ready, draining: draining}
signals: {load: {unit: requests, demand: demand}}
budgets: [{name: gpu, unit: accelerators, limit: 8}]
models: [{name: m, namespace: ns, variants: [{name: a, cost: 1, capacity: {load: 10}, uses: {gpu: 1}}]}]`
	at := func(demand, draining string) canned {
		return canned{"demand": load(demand), "current": runs("a", "5"), "ready": runs("a", "5"), "past draining": draining}
	}
	pods := joined(`{namespace="ns", pod="a-6d4cf56db6-xxxxx"} 1 @30s..0s`, `{namespace="ns", pod="a-6d4cf56db6-zzzzz"} 1 @30s..0s`)
	runCases(t, map[string]decisionCase{
		"nothing drains": {config: text, answers: at("80", ""), want: `variant_desired_replicas{variant="a"} 8`},
		"two drain":      {config: text, answers: at("80", pods), want: `variant_desired_replicas{variant="a"} 6`},
		"what runs stays": {
			config: strings.Replace(text, "limit: 8", "limit: 5", 1), answers: at("50", pods), want: `variant_desired_replicas{variant="a"} 5`,
		},
	})
}

// hollow is a Prometheus without an answer about the age of anything.
type hollow struct{ *cannedQuerier }

func (h hollow) Query(ctx context.Context, expr string, at time.Time) (model.Vector, error) {
	v, err := h.cannedQuerier.Query(ctx, expr, at)
	if strings.HasPrefix(expr, "label_replace(max(timestamp(") {
		return nil, err
	}
	return v, err
}

// TestHollowAnswersAreNotZero: no result is no demand only where the answers that must have a result have one.
func TestHollowAnswersAreNotZero(t *testing.T) {
	const text = watched + `
signals: {load: {unit: requests, demand: demand, on_missing: zero, alive: alive}}
models: [{name: m, namespace: ns, replicas: {min: 0}, variants: [{name: a, cost: 1, capacity: {load: 10}}]}]`
	two := runs("a", "2")
	q := newCanned(t, canned{
		"alive": load("1"), "past alive": load("1"), "current": two, "past current": two, "ready": two, "past ready": two,
	})
	whole := newEvaluator(t, text, q, collector.EvaluatorOptions{}).Evaluate(t.Context(), fleetAt).Models[0]
	require.Equal(t, "0", desired(&whole.Variants[0]))
	m := newEvaluator(t, text, hollow{q}, collector.EvaluatorOptions{}).Evaluate(t.Context(), fleetAt).Models[0]
	require.Equal(t, "no result, like input_ages, which must have one", m.Signals[0].Missing)
	require.NotEqual(t, "0", desired(&m.Variants[0]))
}
