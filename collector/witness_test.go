package collector_test

import (
	"fmt"
	"maps"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/query"
)

// witnessed is a signal with an expression that tells who told it.
func witnessed(signal, model string) string {
	return demandSignal(", sources: sources"+signal, model)
}

// countSources is what is asked for the sources: pods by workload, and sources without a pod by their addresses.
const countSources = `count by (namespace, model_name, cluster, scale_target_name) (label_replace(group by (namespace, model_name, cluster, pod) (sources), ` +
	`"scale_target_name", "$1", "pod", "(.+?)(-[0-9]+|-[bcdfghjklmnpqrstvwxz2456789]{1,10}-[bcdfghjklmnpqrstvwxz2456789]{5})?")) or ` +
	`count by (namespace, model_name, cluster, scale_target_name) (label_replace(group by (namespace, model_name, cluster, instance) (sources{pod=""}), ` +
	`"scale_target_name", "/$1", "instance", "(.*?)(-[0-9]+|-[bcdfghjklmnpqrstvwxz2456789]{1,10}-[bcdfghjklmnpqrstvwxz2456789]{5})?"))`

// pods are so many pods of a workload.
func pods(workload, n string) string {
	return `{namespace="ns", model_name="m", scale_target_name="` + workload + `"} ` + n
}

// podsIn are so many pods of a workload in a cluster.
func podsIn(cluster, workload, n string) string {
	return `{namespace="ns", cluster="` + cluster + `", model_name="m", scale_target_name="` + workload + `"} ` + n
}

// witnessCase is what a signal's sources and replicas say, and what becomes of it.
type witnessCase struct {
	signal, model string // settings
	answers       canned // beside a demand of 10, of which one replica can serve all, and three replicas
	partial       string
	told          string // sources of expected sources; empty where there is no witness
	desired       string // empty for none
}

// TestWitness holds a signal against those who told it: a sum that a part is missing from lowers nothing.
func TestWitness(t *testing.T) {
	const window = ", scale_down_window: 5m"
	// Sources are counted each minute: what one count lacks, half a minute before and after it lacks.
	gone := joined(pods("a", "3 @5m..2m30s"), pods("a", "2 @2m15s..1m45s"), pods("a", "3 @1m30s..0s"))
	past := canned{countSources: pods("a", "3"), "past ready": runs("a", "3"), "past demand": load("10")}
	over := func(key, text string) canned {
		answers := maps.Clone(past)
		answers[key] = text
		return answers
	}
	for name, c := range map[string]witnessCase{
		"all tell it": {answers: canned{countSources: pods("a", "3")}, told: "3 of 3", desired: "1"},
		"one does not": {
			answers: canned{countSources: pods("a", "2")}, partial: "2 of 3 ready replicas of a tell it", told: "2 of 3",
		},
		"one does not, and the others alone ask for more": {
			answers: canned{countSources: pods("a", "2"), "demand": load("45")},
			partial: "2 of 3 ready replicas of a tell it", told: "2 of 3", desired: "5",
		},
		"none does": {answers: canned{countSources: ""}, partial: "0 of 3 ready replicas of a tell it", told: "0 of 3"},
		"pods by another name make up for one": {
			answers: canned{countSources: joined(pods("a", "2"), pods("renamed", "1"))}, told: "3 of 3", desired: "1",
		},
		"so do pods that name no model: they may be of any in their namespace": {
			answers: canned{countSources: joined(pods("a", "2"), `{namespace="ns", scale_target_name="renamed"} 1`)},
			told:    "3 of 3", desired: "1",
		},
		"pods of a model that is not planned do not": {
			answers: canned{countSources: joined(pods("a", "2"), `{namespace="ns", model_name="other", scale_target_name="other"} 1`)},
			partial: "2 of 3 ready replicas of a tell it", told: "2 of 3",
		},
		"pods of another namespace do not": {
			answers: canned{countSources: joined(pods("a", "2"), `{namespace="elsewhere", model_name="m", scale_target_name="renamed"} 1`)},
			partial: "2 of 3 ready replicas of a tell it", told: "2 of 3",
		},
		"nor do pods of a workload with replicas of its own": {
			answers: canned{countSources: joined(pods("a", "2"), pods("canary", "1")), "ready": runs("a", "3", "canary", "1")},
			partial: "2 of 3 ready replicas of a tell it, and 1 of canary", told: "2 of 3",
		},
		"pods whose names show no workload make up for them": {
			answers: canned{countSources: joined(pods("one", "1"), pods("two", "1"), pods("three", "1"))}, told: "3 of 3", desired: "1",
		},
		"sources without a pod count by their addresses": {
			answers: canned{countSources: joined(pods("/10.0.0.1:8000", "1"), pods("/10.0.0.2:8000", "1"), pods("/10.0.0.3:8000", "1"))},
			told:    "3 of 3", desired: "1",
		},
		"such sources are among those with a pod too, without a workload": {
			answers: canned{countSources: joined(`{namespace="ns", model_name="m"} 1`, pods("/10.0.0.1:8000", "1"), pods("/10.0.0.2:8000", "1"))},
			told:    "2 of 2", desired: "1",
		},
		"sources without a pod and an address, among those with a pod too": {
			answers: canned{countSources: joined(`{namespace="ns", model_name="m"} 1`, pods("/", "1"))}, desired: "1",
		},
		"sources without a pod and an address: nothing to compare with": {
			answers: canned{countSources: `{namespace="ns", model_name="m"} 1`}, desired: "1",
		},
		"such sources of a model that is not planned say nothing": {
			answers: canned{countSources: joined(pods("a", "2"), `{namespace="ns", model_name="other"} 1`)},
			partial: "2 of 3 ready replicas of a tell it", told: "2 of 3",
		},
		"sources in two clusters": {
			answers: canned{countSources: joined(podsIn("us", "a", "2"), podsIn("eu", "a", "3"))},
			partial: `load.sources: duplicate: sources in two clusters tell it, cluster="eu" and cluster="us": choose one, such as with selector: '{cluster="eu"}'`,
		},
		"of another model they say nothing": {
			answers: canned{countSources: joined(podsIn("us", "a", "3"), `{namespace="ns", cluster="eu", model_name="other", scale_target_name="other"} 1`)},
			told:    "3 of 3", desired: "1",
		},
		"nothing tells which replicas are ready, and all tell it": {
			answers: canned{countSources: pods("a", "3"), "ready": ""}, told: "3 of 3", desired: "1",
		},
		"nothing tells which replicas are ready, and one is silent": {
			answers: canned{countSources: pods("a", "2"), "ready": ""},
			partial: "2 of 3 replicas (how many are ready is not told) of a tell it", told: "2 of 3",
		},
		"the question fails": {answers: canned{countSources: "error: timeout"}, partial: "load.sources: timeout"},
		"one is ready for less than a minute": {
			answers: canned{countSources: pods("a", "2"), "past ready": joined(runsOf("a", "2", "5m..45s"), runsOf("a", "3", "30s..0s"))},
			told:    "2 of 2", desired: "1",
		},
		"one is ready for a minute": {
			answers: canned{countSources: pods("a", "2"), "past ready": joined(runsOf("a", "2", "5m..1m15s"), runsOf("a", "3", "1m..0s"))},
			partial: "2 of 3 ready replicas of a tell it", told: "2 of 3",
		},
		"all told it over the window": {model: window, answers: over("past "+countSources, pods("a", "3")), told: "3 of 3", desired: "1"},
		"some steps of the window are not whole": {
			model: window, answers: over("past "+countSources, gone), told: "3 of 3", desired: "1",
		},
		"too many are not": {
			model: window, answers: over("past "+countSources, joined(pods("a", "2 @5m..1m"), pods("a", "3 @45s..0s"))),
			partial: "at 13 of 20 steps of the window not all sources told it", told: "3 of 3",
		},
		"replicas came during a long window, read on a coarser grid than they are": {
			model: ", scale_down_window: 1h", told: "3 of 3", desired: "1",
			answers: canned{
				countSources: pods("a", "3"), "past demand": load("10"),
				"past ready":           joined(runsOf("a", "1", "2h..30m15s"), runsOf("a", "3", "30m..0s")),
				"past " + countSources: joined(pods("a", "1 @2h..30m"), pods("a", "3 @29m..0s")),
			},
		},
		"a long window at whose beginning not all told it": {
			model: ", scale_down_window: 1h", told: "3 of 3", partial: "at 30 of 60 steps of the window not all sources told it",
			answers: canned{
				countSources: pods("a", "3"), "past demand": load("10"), "past ready": runs("a", "3"),
				"past " + countSources: joined(pods("a", "1 @2h..30m"), pods("a", "3 @29m..0s")),
			},
		},
	} {
		t.Run(name, func(t *testing.T) { c.run(t) })
	}
}

// TestServersOfOtherNames: a preset says that servers tell its signals. Those whose pods belong to no scale target by their names make up
// for replicas of one, count among the demand, and are shown.
func TestServersOfOtherNames(t *testing.T) {
	const presets = `models: [{name: m, namespace: ns, presets: [vllm], variants: [{name: a, cost: 1, capacity: {concurrency: 10}}]}]`
	conf, _ := config.Load("test.yml", complete(presets))
	expr := map[string]string{}
	for _, q := range query.Compile(conf).Queries {
		expr[q.Name] = q.Expr
	}
	for name, c := range map[string]struct {
		sources string
		partial string
		others  int
		named   []string
		desired string
	}{
		"all tell it":           {pods("a", "3"), "", 0, nil, "1"},
		"by other names":        {joined(pods("y", "1"), pods("x", "2")), "", 3, []string{"x", "y"}, "1"},
		"one of them is silent": {pods("x", "2"), "0 of 3 ready replicas of a tell it, and 2 of x", 2, []string{"x"}, ""},
		"by their addresses":    {joined(pods("/b:80", "1"), pods("/a:80", "2")), "", 3, []string{"/a:80", "/b:80"}, "1"},
		"two addresses of three": {
			joined(pods("/b:80", "1"), pods("/a:80", "1")), "0 of 3 ready replicas of a tell it, and 2 of /a:80, /b:80", 2, []string{"/a:80", "/b:80"}, "",
		},
		"another is there beside them": {joined(pods("a", "3"), pods("canary", "1")), "", 1, []string{"canary"}, "1"},
	} {
		t.Run(name, func(t *testing.T) {
			q := newCanned(t, canned{
				expr["vllm.concurrency.demand"]: load("10"), expr["vllm.concurrency.queued"]: load("0"), expr["vllm.concurrency.sources"]: c.sources,
				"current": runs("a", "3"), "ready": runs("a", "3"), "past ready": runs("a", "3"),
			})
			snapshot := evaluateWith(t, complete(presets), q)
			s, v := snapshot.Models[0].Signals[0], snapshot.Models[0].Variants[0]
			desired := ""
			if v.Desired != nil {
				desired = strconv.Itoa(*v.Desired)
			}
			require.Equal(t, []string{c.partial, c.desired}, []string{s.Partial, desired})
			require.Equal(t, c.others, *s.Others)
			require.Equal(t, c.named, s.OtherWorkloads)
			require.Contains(t, exposition(t, snapshot), fmt.Sprintf(`variant_model_other_sources{model="m",signal="concurrency",target_namespace="ns",unit="requests"} %d`, c.others))
		})
	}
}

// TestGatewayWitness: a gateway's replicas are not known, so its pods are held against those that told the signal during the window.
func TestGatewayWitness(t *testing.T) {
	const alive, window = ", alive: alive", ", scale_down_window: 5m"
	with := func(now, past string) canned {
		return canned{
			"alive": `{namespace="ns"} 1`, "past alive": `{namespace="ns"} 1`, "past demand": load("10"),
			countSources: now, "past " + countSources: past,
		}
	}
	over := func(now, past, ready string) canned {
		answers := with(now, past)
		answers["ready"] = runs("a", "3", "epp", ready)
		return answers
	}
	gateways := func(n string) string { return `{namespace="ns", scale_target_name="epp"} ` + n }
	for name, c := range map[string]witnessCase{
		"as many as before": {signal: alive, model: window, answers: with(gateways("2"), gateways("2")), told: "2 of 2", desired: "1"},
		"more than before":  {signal: alive, model: window, answers: with(gateways("3"), gateways("2")), told: "3 of 3", desired: "1"},
		"fewer than before": {
			signal: alive, model: window, answers: with(gateways("1"), gateways("2")),
			partial: "1 of 2 gateway pods tell it", told: "1 of 2",
		},
		"none any more": {
			signal: alive, model: window, answers: with("", gateways("2 @5m..15s")), partial: "0 of 2 gateway pods tell it", told: "0 of 2",
		},
		"fewer than are ready": {
			signal: alive, model: window, answers: over(gateways("2"), gateways("2"), "3"), partial: "2 of 3 ready pods of epp tell it", told: "2 of 2",
		},
		"as many as are ready": {signal: alive, model: window, answers: over(gateways("2"), gateways("2"), "2"), told: "2 of 2", desired: "1"},
		"never any":            {signal: alive, model: window, answers: with("", ""), desired: "1"},
		"fewer for a while": {
			signal: alive, model: window,
			answers: with(gateways("2"), joined(gateways("2 @5m..4m45s"), gateways("1 @4m30s..1m"), gateways("2 @45s..0s"))),
			partial: "at 10 of 20 steps of the window not all sources told it", told: "2 of 2",
		},
	} {
		t.Run(name, func(t *testing.T) { c.run(t) })
	}
}

// TestQueueOfNobody: a queue that no model owns may be that of a model without any series, which is then not taken for idle.
func TestQueueOfNobody(t *testing.T) {
	for queued, asks := range map[string]bool{`{namespace="ns", model_name="other"} 300`: false, `{namespace="ns", model_name="other"} 0`: true} {
		answers := canned{"demand": "", "queued": queued, "alive": `{namespace="ns"} 1`, "current": runs("a", "3"), "ready": runs("a", "3")}
		m := evaluateWith(t, complete(demandSignal(", queued: queued, on_missing: zero, alive: alive", "")), newCanned(t, answers)).Models[0]
		require.Equal(t, asks, m.Variants[0].Desired != nil, "%s: %s", queued, m.Signals[0].Missing)
	}
}

// runsOf are the replicas of one Deployment from one age to another.
func runsOf(name, replicas, ages string) string { return runs(name, replicas+" @"+ages) }

func (c *witnessCase) run(t *testing.T) {
	t.Helper()
	answers := canned{"demand": load("10"), "current": runs("a", "3"), "ready": runs("a", "3"), "past ready": runs("a", "3")}
	maps.Copy(answers, c.answers)
	q := newCanned(t, answers)
	m := evaluateWith(t, complete(witnessed(c.signal, c.model)), q).Models[0]
	require.Empty(t, q.unanswered(), "answers that nobody asked for")
	s, v := m.Signals[0], m.Variants[0]
	told, desired := "", ""
	if s.Sources != nil {
		told = fmt.Sprintf("%d of %d", *s.Sources, *s.Expected)
	}
	if v.Desired != nil {
		desired = strconv.Itoa(*v.Desired)
	}
	require.Equal(t, []string{c.partial, c.told, c.desired}, []string{s.Partial, told, desired})
}
