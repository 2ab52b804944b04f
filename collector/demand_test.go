package collector_test

import (
	"strings"
	"testing"
)

// demandSignal is oneSignal with settings of the signal and of the model.
func demandSignal(signal, model string) string {
	if strings.Contains(model, "min: 0") && !strings.Contains(signal, "alive") {
		signal += ", on_missing: zero, alive: alive" // or nothing could wake the model
	}
	return `
signals: {load: {unit: requests, demand: demand` + signal + `}}
models: [{name: m, namespace: ns` + model + `, variants: [{name: a, cost: 1, capacity: {load: 10}}]}]
`
}

// The steps of a scale-down window of five minutes, the one just before it, and the same for idle_after.
const (
	overDown   = " @4m45s..0s"
	earlier    = " @5m..5m"
	whileIdle  = " @9m45s..0s"
	beforeIdle = " @10m..10m"
)

// joined are the lines of a past.
func joined(lines ...string) string { return strings.Join(lines, "\n") }

func load(value string) string { return `{namespace="ns", model_name="m"} ` + value }

// TestWindows is about demand over time.
func TestWindows(t *testing.T) {
	const down, up, both = ", scale_down_window: 5m", ", scale_up_window: 1m", ", scale_down_window: 5m, scale_up_window: 1m"
	stable := func(requests, replicas string) string {
		return `
			variant_desired_replicas{variant="a"} ` + replicas + `
			variant_model_stabilized_demand{signal="load",unit="requests"} ` + requests
	}
	runCases(t, map[string]decisionCase{
		"no window": {
			config:  demandSignal("", ""),
			answers: canned{"demand": load("25")},
			want:    stable("25", "3"),
		},
		"the most over the scale-down window": {
			config:  demandSignal("", down),
			answers: canned{"demand": load("25"), "past demand": joined(load("100"+earlier), load("80 @4m45s..4m45s"), load("7 @4m30s..0s"))},
			want:    stable("80", "8"),
		},
		"the present counts beside the window": {
			config:  demandSignal("", down),
			answers: canned{"demand": load("95"), "past demand": joined(load("1"+earlier), load("80"+overDown))},
			want:    stable("95", "10"),
		},
		"a rise counts only after the scale-up window": {
			config:  demandSignal("", up),
			answers: canned{"demand": load("95"), "past demand": joined(load("5 @10m..1m"), load("20 @45s..45s"), load("95 @30s..0s"))},
			want:    stable("20", "2"),
		},
		"what lasted, at its most over the scale-down window": {
			config:  demandSignal("", both),
			answers: canned{"demand": load("95"), "past demand": joined(load("1 @6m..5m"), load("60 @4m45s..4m"), load("90 @3m45s..3m15s"), load("2 @3m..0s"))},
			want:    stable("60", "6"),
		},
	})
}

// TestPartlyKnown is about demand of which only a part may be known: it raises what runs, and never lowers it.
func TestPartlyKnown(t *testing.T) {
	const window = ", scale_down_window: 5m"
	held := decisionCase{
		want:   `variant_up{variant="a"} 0`,
		absent: []string{"variant_desired_replicas"},
	}
	raised := decisionCase{want: `
		variant_desired_replicas{variant="a"} 8
		variant_up{variant="a"} 0`}
	with := func(c decisionCase, config string, answers canned) decisionCase {
		c.config, c.answers = config, answers
		return c
	}
	runCases(t, map[string]decisionCase{
		"a Prometheus that has just started does not lower": with(held, demandSignal("", window),
			canned{"demand": load("10"), "past demand": "", "current": runs("a", "8")}),
		"nor with a few seconds of history": with(held, demandSignal("", window),
			canned{"demand": load("10"), "past demand": load("20 @15s..0s"), "current": runs("a", "8")}),
		"but it raises": with(raised, demandSignal("", window),
			canned{"demand": load("75"), "past demand": load("20 @15s..0s"), "current": runs("a", "2")}),
		"a window that fails is not an empty one": with(held, demandSignal("", window),
			canned{"demand": load("10"), "past demand": "error: execution", "current": runs("a", "8")}),
		"what is measured raises while the window fails": with(raised, demandSignal("", window),
			canned{"demand": load("75"), "past demand": "error: execution", "current": runs("a", "2")}),
		"bad samples throughout a window": with(held, demandSignal("", window),
			canned{"demand": load("10"), "past demand": joined(load("10"+earlier), load("+Inf"+overDown)), "current": runs("a", "8")}),
		"one bad sample in a window is left out of it": {
			config: demandSignal("", window),
			answers: canned{
				"demand": load("10"), "past demand": joined(load("10 @5m..30s"), load("+Inf @15s..15s"), load("10 @0s..0s")), "current": runs("a", "8"),
			},
			want: `
				variant_desired_replicas{variant="a"} 1
				variant_up{variant="a"} 1`,
		},
		"the replicas cannot be asked for": with(held, demandSignal("", ""),
			canned{"demand": load("10"), "current": "error: timeout"}),
		"nobody tells of replicas": {
			config: demandSignal("", ""), answers: canned{"demand": load("10")},
			want: `variant_desired_replicas{variant="a"} 1`,
		},
	})
}

// TestFewerPods is about pods that miss a scrape, as those do first that are busiest.
func TestFewerPods(t *testing.T) {
	text := "defaults: {headroom: 0, scale_down_window: 0s}\n" + usageSignal
	pod := func(suffix string) string { return `{namespace="ns", pod="a-6d4cf56db6-` + suffix + `"} 0.9` + "\n" }
	runCases(t, map[string]decisionCase{
		"all tell": {
			config: text,
			answers: canned{
				"usage":   pod("xxxxx") + pod("zzzzz"),
				"current": runs("a", "2", "b", "0"), "ready": runs("a", "2", "b", "0"),
			},
			want: `
				variant_desired_replicas{variant="a"} 2
				variant_desired_replicas{variant="b"} 0`,
		},
		"one of two tells": {
			config: text,
			answers: canned{
				"usage":   pod("xxxxx"),
				"current": runs("a", "2", "b", "0"), "ready": runs("a", "2", "b", "0"),
			},
			absent: []string{"variant_desired_replicas"},
		},
		"the other is not ready yet": {
			config: text,
			answers: canned{
				"usage":   pod("xxxxx"),
				"current": runs("a", "2", "b", "0"), "ready": runs("a", "1", "b", "0"),
			},
			want: `
				variant_desired_replicas{variant="a"} 1
				variant_desired_replicas{variant="b"} 0`,
		},
		"a variant that cannot start does not blind the others": {
			config: text,
			answers: canned{
				"usage":   pod("xxxxx"),
				"current": runs("a", "1", "b", "1"), "ready": runs("a", "1", "b", "0"),
			},
			want: `
				variant_desired_replicas{variant="a"} 1
				variant_desired_replicas{variant="b"} 0`,
		},
	})
}

// TestSharedSource is about two models of one namespace whose gateways cannot be told apart: one does not vouch for the other.
func TestSharedSource(t *testing.T) {
	config := func(match string) string {
		return `
signals: {load: {unit: requests, demand: demand, on_missing: zero, alive: alive}}
models:
  - {name: m, namespace: ns` + match + `, variants: [{name: a, cost: 1, capacity: {load: 10}}]}
  - {name: n, namespace: ns, match: {pool: n}, variants: [{name: b, cost: 1, capacity: {load: 10}}]}
`
	}
	demand := `{namespace="ns", model_name="n"} 25`
	runCases(t, map[string]decisionCase{
		"its own gateway is up": {
			config:  config(", match: {pool: m}"),
			answers: canned{"demand": demand, "alive": `{namespace="ns", pool="m"} 1` + "\n" + `{namespace="ns", pool="n"} 1`},
			want:    "variant_desired_replicas{variant=\"a\"} 1\n" + `variant_desired_replicas{model="n",target_namespace="ns",variant="b"} 3`,
		},
		"only the other's is": {
			config:  config(", match: {pool: m}"),
			answers: canned{"demand": demand, "alive": `{namespace="ns", pool="n"} 1`},
			want:    `variant_desired_replicas{model="n",target_namespace="ns",variant="b"} 3`,
		},
	})
}

// TestUncarried is about a signal that nobody is known to carry: nothing is planned away because of it.
func TestUncarried(t *testing.T) {
	const config = `
signals: {prefill: {unit: requests, demand: demand}, decode: {unit: requests, demand: tokens}}
models: [{name: m, namespace: ns, variants: [
  {name: a, role: prefill, cost: 1, capacity: {prefill: 10}},
  {name: b, role: decode, cost: 1, capacity: {decode: learned}}]}]
`
	runCases(t, map[string]decisionCase{
		"the decode variant has no replica to learn from": {
			config: config,
			answers: canned{
				"demand": load("50"), "tokens": load("50"), "learned": "",
				"current": runs("a", "5", "b", "0"), "ready": runs("a", "5", "b", "0"),
			},
			absent: []string{"variant_desired_replicas"},
		},
	})
}

// TestRateOfBothRoles: each request passes through a prefill and a decode, so each of them must carry the rate that comes. What is in service
// is in one of them at a time.
func TestRateOfBothRoles(t *testing.T) {
	config := func(unit, more string) string {
		return `
signals: {load: {unit: ` + unit + `, demand: demand}}
models: [{name: m, namespace: ns, variants: [
  {name: a, role: prefill, cost: 1, capacity: {load: 10}},
  {name: b, role: decode, cost: 1, capacity: {load: 20}}` + more + `]}]
`
	}
	answers := canned{"demand": load("40")}
	runCases(t, map[string]decisionCase{
		"requests per second": {config: config("requests per second", ""), answers: answers, want: `
			variant_desired_replicas{variant="a"} 4
			variant_desired_replicas{variant="b"} 2
			variant_model_demand{signal="load/decode",unit="requests per second"} 40
			variant_model_demand{signal="load/prefill",unit="requests per second"} 40`},
		"requests in service": {config: config("requests", ""), answers: answers, want: `
			variant_desired_replicas{variant="a"} 2
			variant_desired_replicas{variant="b"} 1`},
		"another serves whole requests": {config: config("requests per second", ", {name: c, cost: 1, capacity: {load: 40}}"), answers: answers, want: `
			variant_desired_replicas{variant="a"} 0
			variant_desired_replicas{variant="b"} 0
			variant_desired_replicas{variant="c"} 1`},
		"a role without a capacity": {
			config: strings.Replace(config("requests per second", ""), "capacity: {load: 20}", "capacity: {load: 0}", 1), answers: answers, want: `
			variant_desired_replicas{variant="a"} 4
			variant_desired_replicas{variant="b"} 1`,
		},
	})
}

// TestZeroCapacity is about a capacity that somebody tells to be zero: nobody would serve.
func TestZeroCapacity(t *testing.T) {
	const config = `
signals: {load: {unit: requests, demand: demand}}
models: [{name: m, namespace: ns, variants: [{name: a, cost: 1, capacity: {load: learned}}]}]
`
	at := `{namespace="ns", llm_d_ai_variant="a"} `
	runCases(t, map[string]decisionCase{
		"learned":      {config: config, answers: canned{"demand": load("50"), "learned": at + "10", "current": runs("a", "5")}, want: `variant_desired_replicas{variant="a"} 5`},
		"told to be 0": {config: config, answers: canned{"demand": load("50"), "learned": at + "0", "current": runs("a", "5")}, absent: []string{"variant_desired_replicas"}},
	})
}

// TestWindowsByPod is about what windows say of pods that came and went: what they used counts at the steps at which they did.
func TestWindowsByPod(t *testing.T) {
	text := "defaults: {headroom: 0}\n" + usageSignal
	queued := strings.Replace(text, "usage: usage", "usage: usage, queued: queued", 1)
	pod := func(name, value string) string {
		return `{namespace="ns", pod="` + name + `-6d4cf56db6-xxxxx"} ` + value + "\n"
	}
	second := func(value string) string { return `{namespace="ns", pod="a-6d4cf56db6-zzzzz"} ` + value + "\n" }
	stable := func(tokens string) string {
		return `variant_model_stabilized_demand{signal="load",unit="tokens"} ` + tokens
	}
	runCases(t, map[string]decisionCase{
		"a pod that is gone counts while it was there": {
			config: text,
			answers: canned{
				"usage":      pod("a", "0.3") + pod("b", "0"),
				"past usage": pod("a", "0.5") + second("0.9 @5m..4m") + pod("b", "0.1"),
			},
			want: stable("24"), // 10 x (0.5 + 0.9) + 100 x 0.1
		},
		"what pods used at different times is not added up": {
			config: text,
			answers: canned{
				"usage":      pod("a", "0.3") + pod("b", "0"),
				"past usage": pod("a", "0.5 @6m..3m") + second("0.9 @2m45s..0s") + pod("b", "0"),
			},
			want: stable("9"),
		},
		"the first pod of a variant does not make the others forget": {
			config: text,
			answers: canned{
				"usage":      pod("a", "0.3") + pod("b", "0.1"),
				"past usage": pod("a", "0.9"),
				"current":    runs("a", "1", "b", "1"),
			},
			want: stable("13"), // 3 of a and 10 of b are in use, and a window ago 9 were of a
		},
		"a rise that one pod takes over from another has lasted": {
			config: strings.Replace(text, "headroom: 0", "headroom: 0, scale_down_window: 0s, scale_up_window: 1m", 1),
			answers: canned{
				"usage":      pod("a", "0.3") + pod("b", "0"),
				"past usage": pod("a", "0.8 @1m..30s") + second("0.9 @15s..0s") + pod("b", "0"),
			},
			want: stable("8"),
		},
		"what was queued counts no more": {
			config: queued,
			answers: canned{
				"usage": pod("a", "0.3") + pod("b", "0"), "queued": load("0"),
				"past usage":  pod("a", "0.5 @5m..3m") + pod("a", "0.9 @2m45s..0s") + pod("b", "0"),
				"past queued": joined(load("7 @6m..3m"), load("2 @2m45s..0s")),
			},
			want: stable("9"),
		},
	})
}

// TestHeadroom is about what is planned above the demand.
func TestHeadroom(t *testing.T) {
	planned := func(requests, replicas string) string {
		return `
			variant_desired_replicas{variant="a"} ` + replicas + `
			variant_model_planned_demand{signal="load",unit="requests"} ` + requests
	}
	runCases(t, map[string]decisionCase{
		"by default 15 %": {
			config:  "defaults: {scale_down_window: 0s}" + demandSignal("", ""),
			answers: canned{"demand": load("20")},
			want:    planned("23", "3"),
		},
		"the model's own": {
			config:  demandSignal("", ", headroom: 0.5"),
			answers: canned{"demand": load("20")},
			want:    planned("30", "3"),
		},
		"a demand that nothing real has": {
			config:  demandSignal("", ", headroom: 0.5"),
			answers: canned{"demand": load("9e17")},
			absent:  []string{"variant_desired_replicas", "variant_model_planned_demand"},
		},
	})
}

// TestOnMissing is about a model for which a signal has no result.
func TestOnMissing(t *testing.T) {
	const zero = ", on_missing: zero, alive: alive"
	both := `
signals:
  load: {unit: requests, demand: demand}
  tokens: {unit: tokens, demand: tokens, on_missing: ignore}
models: [{name: m, namespace: ns, variants: [{name: a, cost: 1, capacity: {load: 10, tokens: 10}}]}]
`
	nothing := []string{"variant_desired_replicas", "variant_planned_replicas", "variant_model_demand", "variant_model_shortfall_ratio"}
	held := `
		variant_decision{reason="hold",variant="a"} 1
		variant_up{variant="a"} 0`
	runCases(t, map[string]decisionCase{
		"hold": {config: demandSignal("", ""), answers: canned{"current": runs("a", "4")}, want: held, absent: nothing},
		"zero where the source is up": {
			config:  demandSignal(zero, ""),
			answers: canned{"alive": `{namespace="ns"} 1`},
			want: `
				variant_desired_replicas{variant="a"} 1
				variant_model_demand{signal="load",unit="requests"} 0
				variant_up{variant="a"} 1`,
		},
		"zero where another source is up":           {config: demandSignal(zero, ""), answers: canned{"alive": `{namespace="other"} 1`}, want: held, absent: nothing},
		"zero where another model's source is up":   {config: demandSignal(zero, ""), answers: canned{"alive": `{model_name="x"} 1`}, want: held, absent: nothing},
		"zero where the source is down":             {config: demandSignal(zero, ""), answers: canned{"alive": `{} 0`}, want: held, absent: nothing},
		"zero where nothing is known of the source": {config: demandSignal(zero, ""), answers: canned{"alive": ``}, want: held, absent: nothing},
		"zero where asking for the source fails":    {config: demandSignal(zero, ""), answers: canned{"alive": "error: timeout"}, want: held, absent: nothing},
		"zero is not what a failure means":          {config: demandSignal(zero, ""), answers: canned{"demand": "error: timeout", "alive": `{} 1`}, want: held, absent: nothing},
		"zero is not what NaN means":                {config: demandSignal(zero, ""), answers: canned{"demand": load("NaN"), "alive": `{} 1`}, want: held, absent: nothing},
		"ignore": {
			config:  both,
			answers: canned{"demand": load("25")},
			want: `
				variant_desired_replicas{variant="a"} 3
				variant_up{variant="a"} 1`,
		},
		"ignore is not what a failure means": {
			config:  both,
			answers: canned{"demand": load("25"), "tokens": "error: connection", "current": runs("a", "4")},
			want:    held,
			absent:  []string{"variant_desired_replicas"},
		},
		"nothing but what is ignored": {config: both, answers: canned{"tokens": ""}, want: held, absent: nothing},
	})
}

// TestScaleToZero is about a model that may run no replicas.
func TestScaleToZero(t *testing.T) {
	mayIdle := func(signal string) string { return demandSignal(signal, ", replicas: {min: 0}") }
	const zero = ", on_missing: zero, alive: alive"
	desired := func(replicas string) string { return `variant_desired_replicas{variant="a"} ` + replicas }
	runCases(t, map[string]decisionCase{
		"has demand": {config: mayIdle(""), answers: canned{"demand": load("25")}, want: desired("3")},
		"idle for long": {
			config:  mayIdle(""),
			answers: canned{"demand": load("0"), "past demand": load("0")},
			want:    desired("0"),
		},
		"idle, but not for long": {
			config:  mayIdle(""),
			answers: canned{"demand": load("0"), "past demand": joined(load("0"+beforeIdle), load("1 @9m45s..9m45s"), load("0 @9m30s..0s"))},
			want:    desired("1"),
		},
		"idle for just so long": {
			config:  mayIdle(""),
			answers: canned{"demand": load("0"), "past demand": joined(load("1"+beforeIdle), load("0"+whileIdle))},
			want:    desired("0"),
		},
		"idle, and nobody watched for long": {
			config:  mayIdle(""),
			answers: canned{"demand": load("0"), "past demand": load("0" + whileIdle)},
			want:    desired("1"),
		},
		"idle, and asking for how long fails": {
			config:  mayIdle(""),
			answers: canned{"demand": load("0"), "past demand": "error: timeout"},
			want:    desired("1"),
		},
		"the series of an idle model vanish, and its source was up all the time": {
			config:  mayIdle(zero),
			answers: canned{"alive": `{} 1`, "past alive": `{} 1`},
			want:    desired("0"),
		},
		"the series of an idle model vanish, and its source is new": {
			config:  mayIdle(zero),
			answers: canned{"alive": `{} 1`, "past alive": `{} 1` + whileIdle},
			want:    desired("1"),
		},
		"idle for long, but the variant has a minimum": {
			config:  strings.Replace(mayIdle(""), "capacity:", "replicas: {min: 2}, capacity:", 1),
			answers: canned{"demand": load("0"), "past demand": load("0")},
			want:    desired("2"),
		},
	})
}
