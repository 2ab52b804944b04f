package collector_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/query"
)

// witnessed is a signal with an expression that tells who told it.
func witnessed(signal, model string) string {
	return demandSignal(", sources: sources"+signal, model)
}

// countSources is what is asked for the sources over a window: pods by workload, and sources without a pod by their addresses.
const countSources = `count by (namespace, model_name, cluster, scale_target_name) (label_replace(group by (namespace, model_name, cluster, pod) (sources), ` +
	byPod + `) or ` + countNameless

// countEngines is what is asked for them now: pods also by how many engines they show.
const countEngines = `count_values by (namespace, model_name, cluster, scale_target_name) ("engines", label_replace(count by (namespace, model_name, cluster, pod) (` +
	`group by (namespace, model_name, cluster, pod, instance, engine, dp_rank) (sources)), ` + byPod + `) or ` + countNameless

const (
	byPod         = `"scale_target_name", "$1$2", "pod", "(.+?)(?:(-)[0-9]+|-[bcdfghjklmnpqrstvwxz2456789]{1,10}-[bcdfghjklmnpqrstvwxz2456789]{5})?")`
	countNameless = `count by (namespace, model_name, cluster, scale_target_name) (label_replace(group by (namespace, model_name, cluster, instance) (sources{pod=""}), ` +
		`"scale_target_name", "/$1", "instance", "(.*?)(?:(-)[0-9]+|-[bcdfghjklmnpqrstvwxz2456789]{1,10}-[bcdfghjklmnpqrstvwxz2456789]{5})?"))`
)

// pods are so many pods of a workload.
func pods(workload, n string) string {
	return `{namespace="ns", model_name="m", scale_target_name="` + workload + `"} ` + n
}

// podsOf are so many pods of a workload with so many engines each.
func podsOf(engines, workload, n string) string {
	return `{namespace="ns", model_name="m", scale_target_name="` + workload + `", engines="` + engines + `"} ` + n
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
	missing       string
	told          string // sources of expected sources; empty where there is no witness
	desired       string // empty for none
}

// TestWitness holds a signal against those who told it: a sum that a part is missing from lowers nothing.
func TestWitness(t *testing.T) {
	const window = ", scale_down_window: 5m"
	// Sources are counted each minute: what one count lacks, half a minute before and after it lacks.
	gone := joined(pods("a", "3 @5m..2m30s"), pods("a", "2 @2m15s..1m45s"), pods("a", "3 @1m30s..0s"))
	past := canned{countEngines: pods("a", "3"), "past ready": runs("a", "3"), "past demand": load("10")}
	over := func(key, text string) canned {
		answers := maps.Clone(past)
		answers[key] = text
		return answers
	}
	for name, c := range map[string]witnessCase{
		"all tell it": {answers: canned{countEngines: pods("a", "3")}, told: "3 of 3", desired: "1"},
		"one does not": {
			answers: canned{countEngines: pods("a", "2")}, partial: "2 of 3 ready replicas of a tell it", told: "2 of 3",
		},
		"one does not, and the others alone ask for more": {
			answers: canned{countEngines: pods("a", "2"), "demand": load("45")},
			partial: "2 of 3 ready replicas of a tell it", told: "2 of 3", desired: "5",
		},
		"two engines of one are silent": {
			answers: canned{countEngines: joined(podsOf("4", "a", "2"), podsOf("2", "a", "1"))},
			partial: "2 of 3 ready replicas of a tell it, 1 only of some engines or addresses", told: "2 of 3",
		},
		"all show as many engines": {answers: canned{countEngines: podsOf("4", "a", "3")}, told: "3 of 3", desired: "1"},
		"a fourth, which starts, shows fewer": {
			answers: canned{countEngines: joined(podsOf("4", "a", "3"), podsOf("2", "a", "1"))}, told: "3 of 3", desired: "1",
		},
		"none does": {answers: canned{countEngines: ""}, partial: "0 of 3 ready replicas of a tell it", told: "0 of 3"},
		"pods by another name make up for none of a workload that tells: its pods would have its name": {
			answers: canned{countEngines: joined(pods("a", "2"), pods("bench-x7k2p", "1"))},
			partial: "2 of 3 ready replicas of a tell it, and 1 of bench-x7k2p", told: "2 of 3",
		},
		"nor did they in the window": {
			model: window, answers: over("past "+countSources, joined(pods("a", "2"), pods("bench-x7k2p", "1"))),
			partial: "at 13 of 20 steps of the window not all sources told it; there is enough when 16 of 20 are whole, at 00:02:15 UTC", told: "3 of 3",
		},
		"pods of a model that is not planned do not": {
			answers: canned{countEngines: joined(pods("a", "2"), `{namespace="ns", model_name="other", scale_target_name="other"} 1`)},
			partial: "2 of 3 ready replicas of a tell it", told: "2 of 3",
		},
		"pods of another namespace do not": {
			answers: canned{countEngines: joined(pods("a", "2"), `{namespace="elsewhere", model_name="m", scale_target_name="renamed"} 1`)},
			partial: "2 of 3 ready replicas of a tell it", told: "2 of 3",
		},
		"nor do pods of a workload with replicas of its own": {
			answers: canned{countEngines: joined(pods("a", "2"), pods("canary", "1")), "ready": runs("a", "3", "canary", "1")},
			partial: "2 of 3 ready replicas of a tell it, and 1 of canary", told: "2 of 3",
		},
		"pods whose names show no workload make up for them": {
			answers: canned{countEngines: joined(pods("one", "1"), pods("two", "1"), pods("three", "1"))}, told: "3 of 3", desired: "1",
		},
		"sources without a pod count by their addresses": {
			answers: canned{countEngines: joined(pods("/10.0.0.1:8000", "1"), pods("/10.0.0.2:8000", "1"), pods("/10.0.0.3:8000", "1"))},
			told:    "3 of 3", desired: "1",
		},
		"such sources are among those with a pod too, without a workload": {
			answers: canned{countEngines: joined(`{namespace="ns", model_name="m"} 1`, pods("/10.0.0.1:8000", "1"), pods("/10.0.0.2:8000", "1"))},
			told:    "2 of 2", desired: "1",
		},
		"sources without a pod and an address, among those with a pod too": {
			answers: canned{countEngines: joined(`{namespace="ns", model_name="m"} 1`, pods("/", "1"))}, desired: "1",
		},
		"sources without a pod and an address: nothing to compare with": {
			answers: canned{countEngines: `{namespace="ns", model_name="m"} 1`}, desired: "1",
		},
		"such sources of a model that is not planned say nothing": {
			answers: canned{countEngines: joined(pods("a", "2"), `{namespace="ns", model_name="other"} 1`)},
			partial: "2 of 3 ready replicas of a tell it", told: "2 of 3",
		},
		"sources in two clusters": {
			answers: canned{countEngines: joined(podsIn("us", "a", "2"), podsIn("eu", "a", "3"))},
			missing: `load.sources: duplicate: sources in two clusters tell it, cluster="eu" and cluster="us": choose one, such as with selector: '{cluster="eu"}'`,
		},
		"of another model they say nothing": {
			answers: canned{countEngines: joined(podsIn("us", "a", "3"), `{namespace="ns", cluster="eu", model_name="other", scale_target_name="other"} 1`)},
			told:    "3 of 3", desired: "1",
		},
		"nothing tells which replicas are ready, and all tell it": {
			answers: canned{countEngines: pods("a", "3"), "ready": ""}, told: "3 of 3", desired: "1",
		},
		"nothing tells which replicas are ready, and one is silent": {
			answers: canned{countEngines: pods("a", "2"), "ready": ""},
			partial: "2 of 3 replicas (how many are ready is not told) of a tell it", told: "2 of 3",
		},
		"the question fails": {answers: canned{countEngines: "error: timeout"}, partial: "load.sources: timeout"},
		"one is ready for less than a minute": {
			answers: canned{countEngines: pods("a", "2"), "past ready": joined(runsOf("a", "2", "5m..45s"), runsOf("a", "3", "30s..0s"))},
			told:    "2 of 2", desired: "1",
		},
		"one is ready for a minute": {
			answers: canned{countEngines: pods("a", "2"), "past ready": joined(runsOf("a", "2", "5m..1m15s"), runsOf("a", "3", "1m..0s"))},
			partial: "2 of 3 ready replicas of a tell it", told: "2 of 3",
		},
		"all told it over the window": {model: window, answers: over("past "+countSources, pods("a", "3")), told: "3 of 3", desired: "1"},
		"some steps of the window are not whole": {
			model: window, answers: over("past "+countSources, gone), told: "3 of 3", desired: "1",
		},
		"what is asked of the window fails": {
			model: window, answers: over("past "+countSources, "error: timeout"), partial: "load.sources.history_1m: timeout", told: "3 of 3",
		},
		"too many are not": {
			model: window, answers: over("past "+countSources, joined(pods("a", "2 @5m..1m"), pods("a", "3 @45s..0s"))),
			partial: "at 13 of 20 steps of the window not all sources told it; there is enough when 16 of 20 are whole, at 00:02:15 UTC", told: "3 of 3",
		},
		"replicas came during a long window, read on a coarser grid than they are": {
			model: ", scale_down_window: 1h", told: "3 of 3", desired: "1",
			answers: canned{
				countEngines: pods("a", "3"), "past demand": load("10"),
				"past ready":           joined(runsOf("a", "1", "2h..30m15s"), runsOf("a", "3", "30m..0s")),
				"past " + countSources: joined(pods("a", "1 @2h..30m"), pods("a", "3 @29m..0s")),
			},
		},
		"a long window at whose beginning not all told it": {
			model: ", scale_down_window: 1h", told: "3 of 3", partial: "at 30 of 60 steps of the window not all sources told it; there is enough when 48 of 60 are whole, at 00:18:00 UTC",
			answers: canned{
				countEngines: pods("a", "3"), "past demand": load("10"), "past ready": runs("a", "3"),
				"past " + countSources: joined(pods("a", "1 @2h..30m"), pods("a", "3 @29m..0s")),
			},
		},
	} {
		t.Run(name, func(t *testing.T) { c.run(t) })
	}
}

// TestMoreThanWereAskedFor: more pods of a workload than it was asked for are those of another fleet too, such as of a second cluster
// whose replicas nothing tells. Their sum is the demand of neither.
func TestMoreThanWereAskedFor(t *testing.T) {
	const text = `
scale_targets: {current: current, ready: ready, rolling: rolling, draining: draining}
defaults: {headroom: 0, scale_down_window: 5m, provision_timeout: 10m}
signals: {load: {unit: requests, demand: demand, sources: sources}}
models: [{name: m, namespace: ns, variants: [{name: a, cost: 1, capacity: {load: 10}PODS}]}]`
	const twice = "load.sources: duplicate: 6 pods of a tell it, and no more than 3 were asked for: are these two fleets, which a selector tells apart?"
	named := strings.NewReplacer(`"m"`, `"m-sql"`)
	var others strings.Builder
	for i := range 10 {
		fmt.Fprintf(&others, ", {name: n%[1]d, namespace: ns, match: {model_name: n%[1]d-sql}, variants: [{name: n%[1]d, cost: 1, capacity: {load: 10}}]}", i)
	}
	for name, c := range map[string]struct {
		pods    string
		answers canned
		missing string
	}{
		"as many as are asked for":        {answers: canned{countEngines: pods("a", "3"), "past " + countSources: pods("a", "3")}},
		"twice as many":                   {missing: twice},
		"only now":                        {answers: canned{"past " + countSources: pods("a", "3")}},
		"more were asked for a while ago": {answers: canned{"past current": joined(runsOf("a", "6", "40m..20m"), runsOf("a", "3", "19m45s..0s"))}},
		"a roll-out has more of them":     {answers: canned{"past rolling": runsOf("a", "1", "9m..8m")}},
		"whether one does is not known":   {answers: canned{"past rolling": "error: timeout"}},
		"as many are being deleted": {answers: canned{"past draining": joined(
			`{namespace="ns", pod="a-6d4cf56db6-xxxxx"} 1`, `{namespace="ns", pod="a-6d4cf56db6-zzzzz"} 1`, `{namespace="ns", pod="a-6d4cf56db6-bbbbb"} 1`)}},
		"whether some are is not known":    {answers: canned{"past draining": "error: timeout"}},
		"what was asked for is not known":  {answers: canned{"past current": ""}},
		"the variant says which are its":   {pods: ", pods: 'a-.*'"},
		"others tell it beside as many":    {answers: canned{countEngines: joined(pods("a", "3"), pods("b", "3")), "past " + countSources: pods("a", "3")}},
		"as many in each of two clusters?": {answers: canned{countEngines: joined(podsIn("eu", "a", "3"), pods("a", "3"))}, missing: twice},
		"by two names each, of too many models to rename": {pods: `}], match: {model_name: m-sql}}` + others.String() + `, {name: last, namespace: ns, variants: [{name: z, cost: 1, capacity: {load: 10}`, answers: canned{
			countEngines:           joined(pods("a", "3"), named.Replace(pods("a", "3"))),
			"past " + countEngines: joined(pods("a", "3"), named.Replace(pods("a", "3"))),
		}},
	} {
		t.Run(name, func(t *testing.T) {
			answers := canned{
				"demand": load("30"), "past demand": load("30"), "current": runs("a", "3"), "ready": runs("a", "3"), "past ready": runs("a", "3"), "past current": runs("a", "3"),
				countEngines: pods("a", "6"), "past " + countSources: pods("a", "6"),
			}
			maps.Copy(answers, c.answers)
			m := evaluateWith(t, complete(strings.Replace(text, "PODS", c.pods, 1)), newCanned(t, answers)).Models[0]
			require.Equal(t, c.missing, m.Signals[0].Missing)
			if c.missing != "" {
				require.Nil(t, m.Variants[0].Desired)
			}
		})
	}
}

// TestDemandOfNoModel: where the demand of some series names no model, it is nobody's, and sources that name none do not tell any model's: a
// relabelling may have dropped the label.
func TestDemandOfNoModel(t *testing.T) {
	const nameless = `{namespace="ns", scale_target_name="a"} 1`
	for name, c := range map[string]witnessCase{
		"one pod names no model, and its demand does": {
			answers: canned{countEngines: joined(pods("a", "2"), nameless)}, told: "3 of 3", desired: "1",
		},
		"nor does its demand": {
			answers: canned{countEngines: joined(pods("a", "2"), nameless), "demand": joined(load("10"), `{namespace="ns"} 5`)},
			partial: "2 of 3 ready replicas of a tell it", told: "2 of 3",
		},
		"it has none": {
			answers: canned{countEngines: joined(pods("a", "2"), nameless), "demand": joined(load("10"), `{namespace="ns"} 0`)}, told: "3 of 3", desired: "1",
		},
		"demand that names none in another namespace": {
			answers: canned{countEngines: joined(pods("a", "2"), nameless), "demand": joined(load("10"), `{namespace="x"} 5`)}, told: "3 of 3", desired: "1",
		},
		"demand that names none, and a pod": {
			answers: canned{countEngines: joined(pods("a", "2"), nameless), "demand": joined(load("10"), `{namespace="ns", pod="b-0"} 5`)}, told: "3 of 3", desired: "1",
		},
		"a number in the place of no result": {
			answers: canned{countEngines: joined(pods("a", "2"), nameless), "demand": joined(load("10"), `{} 0`)}, told: "3 of 3", desired: "1",
		},
	} {
		t.Run(name, func(t *testing.T) { c.run(t) })
	}
}

// TestRespeltDemand: demand by a name that no model has, and that is one's own but for its spelling, is a part of that model's.
func TestRespeltDemand(t *testing.T) {
	for name, c := range map[string]struct {
		model, other string
		respelt      bool
	}{
		"another case":                 {"Llama-8B", "llama-8b", true},
		"an organisation":              {"llama-8b", "meta/llama-8b", true},
		"no organisation":              {"meta/llama-8b", "llama-8b", true},
		"its case":                     {"meta/llama-8b", "Meta/Llama-8B", true},
		"other separators":             {"llama-8b", "llama_8b", true},
		"another organisation's model": {"meta/llama-8b", "acme/llama-8b", false},
		"a larger one":                 {"llama-8b", "llama-80b", false},
		"an adapter":                   {"llama-8b", "llama-8b-sql", false},
	} {
		t.Run(name, func(t *testing.T) {
			demand := func(other, namespace, n string) string {
				return joined(`{namespace="ns", model_name="`+c.model+`"} 10`, `{namespace="`+namespace+`", model_name="`+other+`"} `+n)
			}
			evaluated := func(settings, answer string) string {
				text := complete(strings.Replace(demandSignal("", settings), "name: m,", "name: "+c.model+",", 1))
				q := newCanned(t, canned{"demand": answer, "current": runs("a", "3"), "ready": runs("a", "3")})
				return evaluateWith(t, text, q).Models[0].Signals[0].Partial
			}
			want := ""
			if c.respelt {
				want = fmt.Sprintf("there is demand for %q, which no model is called: list it under match", c.other)
			}
			require.Equal(t, want, evaluated("", demand(c.other, "ns", "5")))
			require.Empty(t, evaluated("", demand(c.other, "ns", "0")), "it is idle")
			require.Empty(t, evaluated("", demand(c.other, "elsewhere", "5")), "it is in another namespace")
			require.Empty(t, evaluated(", match: {model_name: ["+c.other+"]}", demand(c.other, "ns", "5")), "it is listed")
		})
	}
}

// TestServersOfOtherNames: a preset says that servers tell its signals. Those whose pods belong to no scale target by their names make up
// for those of a variant none of whose pods tells, count among the demand, and are shown.
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
		"all tell it":                          {pods("a", "3"), "", 0, nil, "1"},
		"by other names":                       {joined(pods("y", "1"), pods("x", "2")), "", 3, []string{"x", "y"}, "1"},
		"one names no model: it may be of any": {joined(pods("x", "2"), `{namespace="ns", scale_target_name="y"} 1`), "", 2, []string{"x"}, "1"},
		"one of them is silent":                {pods("x", "2"), "0 of 3 ready replicas of a tell it, and 2 of x", 2, []string{"x"}, ""},
		"by their addresses":                   {joined(pods("/b:80", "1"), pods("/a:80", "2")), "", 3, []string{"/a:80", "/b:80"}, "1"},
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

// TestCountedWhileMissing: where nobody tells a signal any more, none of so many sources is what an alert is about. Where nobody can count
// them, there is no number.
func TestCountedWhileMissing(t *testing.T) {
	const text = `
scale_targets: {current: current, ready: ready}
signals: {load: {unit: requests, demand: demand, sources: sources}}
models: [{name: m, namespace: ns, variants: [{name: a, cost: 1, capacity: {load: 10}}]}]`
	runCases(t, map[string]decisionCase{
		"all are silent": {
			config: text, answers: canned{"demand": "", countEngines: "", "current": runs("a", "3"), "past ready": runs("a", "3")},
			want: `variant_model_expected_sources{signal="load",unit="requests"} 3
			variant_model_sources{signal="load",unit="requests"} 0`,
			absent: []string{"variant_desired_replicas"},
		},
		"two of them tell what cannot be used": {
			config: text, answers: canned{"demand": load("NaN"), countEngines: pods("a", "2"), "current": runs("a", "3"), "past ready": runs("a", "3")},
			want: `variant_model_expected_sources{signal="load",unit="requests"} 3
			variant_model_sources{signal="load",unit="requests"} 2`,
		},
		"nobody can count them": {
			config: text, answers: canned{"demand": "", countEngines: "error: timeout", "current": runs("a", "3"), "past ready": runs("a", "3")},
			absent: []string{"variant_model_sources", "variant_model_expected_sources"},
		},
	})
}

// TestSilentSource: who should tell a signal and does not, or shows only part of it, is named, and nothing is lowered.
func TestSilentSource(t *testing.T) {
	quiet := func(labels, value string) canned {
		return canned{countEngines: pods("a", "3"), "quiet": `{namespace="ns", pod="a-0"` + labels + `} ` + value}
	}
	for name, c := range map[string]witnessCase{
		"nobody":                     {answers: canned{countEngines: pods("a", "3"), "quiet": ""}, told: "3 of 3", desired: "1"},
		"one":                        {answers: quiet("", "1"), partial: "pod a-0 is ready and silent", told: "3 of 3"},
		"one of the model":           {answers: quiet(`, model_name="m"`, "1"), partial: "pod a-0 is ready and silent", told: "3 of 3"},
		"one shows only a part":      {answers: quiet(`, lacks="x_sum"`, "1"), partial: "pod a-0 shows no x_sum", told: "3 of 3"},
		"one of another model":       {answers: quiet(`, model_name="x"`, "1"), told: "3 of 3", desired: "1"},
		"one that is told not to be": {answers: quiet("", "0"), told: "3 of 3", desired: "1"},
		"the question fails":         {answers: canned{countEngines: pods("a", "3"), "quiet": "error: timeout"}, partial: "load.silent: timeout"},
	} {
		c.signal = ", silent: quiet"
		t.Run(name, func(t *testing.T) { c.run(t) })
	}
}

// TestSparedSilence: a target of an own signal that does not answer scrapes may be a pod that is not ready, such as on a node that is lost. It is
// where as many pods of its workload tell the signal as are ready.
func TestSparedSilence(t *testing.T) {
	own := demandSignal("", "")
	own = strings.Replace(own, "demand: demand", "demand: 'sum by (namespace, model_name) (busy)'", 1)
	const lost = `{namespace="ns", model_name="m", pod="a-6d9f8b7c5d-bcd2x", job="j", instance="i"} 1`
	const partial = "pod a-6d9f8b7c5d-bcd2x told it before, and does not answer scrapes"
	for name, c := range map[string]struct{ sources, ready, silent, partial string }{
		"as many tell it as are ready": {pods("a", "3"), runs("a", "3"), lost, ""},
		"one that is ready is silent":  {pods("a", "2"), runs("a", "3"), lost, partial},
		"some tell only a part":        {joined(podsOf("2", "a", "2"), podsOf("1", "a", "1")), runs("a", "3"), lost, partial},
		"which are ready is not known": {pods("a", "3"), "", lost, partial},
		"it is of no variant":          {pods("a", "3"), runs("a", "3"), strings.Replace(lost, "a-6d9f8b7c5d-", "proxy-6d9f8b7c5d-", 1), strings.Replace(partial, "a-", "proxy-", 1)},
	} {
		t.Run(name, func(t *testing.T) {
			conf, found := config.Load("test.yml", complete(own))
			require.NotNil(t, conf, "%v", found)
			s := query.Compile(conf).Models[0].Signals[0]
			q := newCanned(t, canned{
				s.Absolute.Now.Expr: load("30"), s.Sources.Now.Expr: c.sources, s.Silent.Expr: c.silent, "current": runs("a", "3"), "ready": c.ready, "past ready": c.ready,
			})
			require.Equal(t, c.partial, evaluateWith(t, complete(own), q).Models[0].Signals[0].Partial)
		})
	}
}

// TestGatewayWitness: a gateway's replicas are not known, so its pods are held against those that told the signal during the window.
func TestGatewayWitness(t *testing.T) {
	const alive, window = ", alive: alive", ", scale_down_window: 5m"
	with := func(now, past string) canned {
		return canned{
			"alive": `{namespace="ns"} 1`, "past alive": `{namespace="ns"} 1`, "past demand": load("10"),
			countEngines: now, "past " + countSources: past,
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
			partial: "at 10 of 20 steps of the window not all sources told it; there is enough when 16 of 20 are whole, at 00:02:15 UTC", told: "2 of 2",
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

// TestDemandOfNobodyInTheWindow: what belonged to no model at a moment of the window may have been of one that had no series then. The moment
// is not known, and no zero.
func TestDemandOfNobodyInTheWindow(t *testing.T) {
	for amount, partial := range map[string]string{"5": "less history than the scale-down window of 5m, which is filling: there is enough at 00:03:45 UTC", "0": ""} {
		answers := canned{
			"demand": "", "past demand": `{namespace="ns", model_name="other"} ` + amount + " @10m..15s", "current": runs("a", "3"), "ready": runs("a", "3"),
			"alive": `{namespace="ns"} 1`, "past alive": `{namespace="ns"} 1`,
		}
		m := evaluateWith(t, complete(demandSignal(", on_missing: zero, alive: alive", ", scale_down_window: 5m")), newCanned(t, answers)).Models[0]
		require.Equal(t, partial, m.Signals[0].Partial, "%s of nobody", amount)
		require.Equal(t, partial == "", m.Variants[0].Desired != nil)
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
	require.Equal(t, []string{c.partial, c.missing, c.told, c.desired}, []string{s.Partial, s.Missing, told, desired})
}

// TestContradicted: a preset's expression has a result where its series are there. Where their samples have an age and the answer for all
// models is empty, as of a store that lost a part or an engine that answers otherwise, no model is taken for idle. An own expression may leave
// series out.
func TestContradicted(t *testing.T) {
	const preset = `models: [{name: m, namespace: ns, presets: [epp], signals: [concurrency], variants: [{name: a, cost: 1, capacity: {concurrency: 10}}]}]`
	own := demandSignal(", on_missing: zero, alive: alive", "")
	for name, c := range map[string]struct {
		config  string
		told    bool // the samples behind the demand have an age
		missing string
	}{
		"its series are told":                 {preset, true, "no result, while series of it are told"},
		"no series is told":                   {preset, false, ""},
		"an own expression may leave all out": {own, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			conf, found := config.Load("test.yml", complete(c.config))
			require.NotNil(t, conf, "%v", found)
			program := query.Compile(conf)
			s := program.Models[0].Signals[0]
			answers := canned{s.Alive.Now.Expr: `{namespace="ns"} 1`, "current": runs("a", "3"), "ready": runs("a", "3")}
			for _, ages := range program.Ages {
				var told strings.Builder
				for i, users := range ages.Users {
					if c.told && slices.Contains(users, s.Absolute.Now) {
						fmt.Fprintf(&told, "{selector=\"%d\"} %d\n", i, fleetAt.Unix())
					}
				}
				if c.told {
					answers[ages.Query.Expr] = told.String()
				}
			}
			m := evaluateWith(t, complete(c.config), newCanned(t, answers)).Models[0]
			require.Equal(t, c.missing, m.Signals[0].Missing)
			require.Equal(t, c.missing == "", m.Signals[0].Assumed)
			require.Equal(t, c.missing == "", m.Variants[0].Desired != nil)
		})
	}
}

// TestGroupsWitness: a replica of a LeaderWorkerSet is a group of pods, of which as many should tell as of the others, or as did during the
// window.
func TestGroupsWitness(t *testing.T) {
	const set, window = ", scale_target: {kind: LeaderWorkerSet, name: a}", ", scale_down_window: 5m"
	// groups are leaders that tell, and the workers of each group.
	groups := func(leaders string, workers ...string) string {
		text := pods("a-", leaders)
		for i, n := range workers {
			text = joined(text, pods(fmt.Sprintf("a-%d-", i), n))
		}
		return text
	}
	replicas := func(n string) string { return strings.ReplaceAll(runs("a", n), "Deployment", "StatefulSet") }
	for name, c := range map[string]struct {
		now, past string
		partial   string
		told      string
	}{
		"leaders alone":                    {groups("3"), "", "", "3 of 3"},
		"leaders and workers":              {groups("3", "2", "2", "2"), "", "", "3 of 3"},
		"workers alone":                    {joined(pods("a-0-", "2"), pods("a-1-", "2"), pods("a-2-", "2")), "", "", "3 of 3"},
		"a leader is silent":               {groups("2", "2", "2", "2"), "", "2 of 3 ready replicas of a tell it", "2 of 3"},
		"a worker of one group is silent":  {groups("3", "2", "1", "2"), "", "2 of 3 ready replicas of a tell it", "2 of 3"},
		"all workers of one group are":     {groups("3", "2", "2"), "", "2 of 3 ready replicas of a tell it", "2 of 3"},
		"as many as during the window":     {groups("3", "2", "2", "2"), groups("3", "2", "2", "2"), "", "3 of 3"},
		"a worker of each group is silent": {groups("3", "1", "1", "1"), groups("3", "2 @5m..1m", "2 @5m..1m", "2 @5m..1m"), "0 of 3 ready replicas of a tell it", "0 of 3"},
		"all workers of all groups are":    {groups("3"), groups("3", "2 @5m..1m", "2 @5m..1m", "2 @5m..1m"), "0 of 3 ready replicas of a tell it", "0 of 3"},
		"all leaders are":                  {joined(pods("a-0-", "1"), pods("a-1-", "1"), pods("a-2-", "1")), groups("3 @5m..1m", "1", "1", "1"), "0 of 3 ready replicas of a tell it", "0 of 3"},
		"a group starts, and is not ready": {groups("4", "2", "2", "2", "1"), "", "", "3 of 3"},
		"a worker was silent most of the window": {
			groups("3", "2", "2", "2"), joined(groups("3", "1 @5m..1m", "2", "2"), pods("a-0-", "2 @45s..0s")),
			"at 13 of 20 steps of the window not all sources told it; there is enough when 16 of 20 are whole, at 00:02:15 UTC", "3 of 3",
		},
		"all workers were silent most of the window": {
			groups("3", "2", "2", "2"), groups("3", "2 @45s..0s", "2 @45s..0s", "2 @45s..0s"),
			"at 13 of 20 steps of the window not all sources told it; there is enough when 16 of 20 are whole, at 00:02:15 UTC", "3 of 3",
		},
	} {
		t.Run(name, func(t *testing.T) {
			answers := canned{
				"demand": load("10"), "current": replicas("3"), "ready": replicas("3"), "past ready": replicas("3"), "past current": replicas("3"), countEngines: c.now,
			}
			model := ""
			if c.past != "" {
				answers["past "+countSources], answers["past demand"], model = c.past, load("10"), window
			}
			text := strings.Replace(witnessed("", model), "name: a,", "name: a"+set+",", 1)
			m := evaluateWith(t, complete(text), newCanned(t, answers)).Models[0]
			s := m.Signals[0]
			require.NotNil(t, s.Sources)
			require.Equal(t, []string{c.partial, c.told}, []string{s.Partial, fmt.Sprintf("%d of %d", *s.Sources, *s.Expected)})
			require.Equal(t, c.partial == "", m.Variants[0].Desired != nil)
		})
	}
}

// TestPodsOfTwoModels: pods that serve another model beside a variant's make up for none of its own that is silent.
func TestPodsOfTwoModels(t *testing.T) {
	of := func(model, n string) string {
		return `{namespace="ns", model_name="` + model + `", scale_target_name="a"} ` + n
	}
	for name, c := range map[string]witnessCase{
		"all tell both": {answers: canned{countEngines: joined(of("m", "3"), of("other", "3"))}, told: "3 of 3", desired: "1"},
		"one tells only the other": {
			answers: canned{countEngines: joined(of("m", "2"), of("other", "3"))}, partial: "2 of 3 ready replicas of a tell it", told: "2 of 3",
		},
		"the model goes by another label, which sources do not have": {
			model: ", match: {served: [x]}", answers: canned{countEngines: of("base", "3")}, told: "3 of 3", desired: "1",
		},
	} {
		t.Run(name, func(t *testing.T) { c.run(t) })
	}
}

// TestReadyGroups: of a LeaderWorkerSet no more groups are ready than have all of their workers ready, now and over a window.
func TestReadyGroups(t *testing.T) {
	leaders := strings.ReplaceAll(runs("a", "3"), "Deployment", "StatefulSet")
	groups := func(n string) string { return strings.ReplaceAll(runs("a", n), "Deployment", "LeaderWorkerSet") }
	for name, c := range map[string]struct {
		ready, past string
		told        string
		want        int
	}{
		"leaders alone are told":       {leaders, leaders, "2", 3},
		"all workers are ready":        {joined(leaders, groups("3")), joined(leaders, groups("3")), "3", 3},
		"those of one group are not":   {joined(leaders, groups("2")), joined(leaders, groups("2")), "2", 2},
		"nor were they over a minute":  {joined(leaders, groups("3")), joined(leaders, groups("2 @5m..45s")), "2", 3},
		"groups alone are told":        {groups("2"), groups("2"), "2", 2},
		"two numbers are no number":    {joined(leaders, groups("2"), strings.ReplaceAll(groups("1"), "} 1", `, job="x"} 1`)), leaders, "2", -1},
		"more groups than are ready":   {joined(leaders, groups("4")), leaders, "3", 3},
		"for another LeaderWorkerSet":  {joined(leaders, strings.ReplaceAll(groups("1"), `"a"`, `"b"`)), leaders, "3", 3},
		"a Deployment beside has many": {joined(leaders, runs("a", "1")), leaders, "3", 3},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(witnessed("", ""), "name: a,", "name: a, scale_target: {kind: LeaderWorkerSet, name: a},", 1)
			m := evaluateWith(t, complete(text), newCanned(t, canned{
				"demand": load("10"), "current": leaders, "ready": c.ready, "past ready": c.past, countEngines: pods("a-", c.told),
			})).Models[0]
			if c.want < 0 {
				require.Nil(t, m.Variants[0].Ready)
				return
			}
			require.Equal(t, c.want, *m.Variants[0].Ready)
			if name == "leaders alone are told" {
				require.Equal(t, "2 of 3 ready replicas of a tell it", m.Signals[0].Partial)
			} else {
				require.Empty(t, m.Signals[0].Partial)
			}
		})
	}
}

// TestClustersOfOwnSources: in which cluster a source is, is kept however an own expression groups them.
func TestClustersOfOwnSources(t *testing.T) {
	for _, sources := range []string{
		"group by (namespace, model_name, pod) (load)", "count by (namespace, model_name, pod) (load)", "max by (namespace, model_name, pod) (load)", "load",
	} {
		conf, found := config.Load("test.yml", complete(demandSignal(", sources: '"+sources+"'", "")))
		require.NotNil(t, conf, "%v", found)
		asked := query.Compile(conf).Models[0].Signals[0].Sources.Now.Expr
		q := newCanned(t, canned{
			asked: joined(podsIn("us", "a", "2"), podsIn("eu", "a", "3")), "demand": load("10"), "current": runs("a", "3"), "ready": runs("a", "3"),
		})
		s := evaluateWith(t, complete(demandSignal(", sources: '"+sources+"'", "")), q).Models[0].Signals[0]
		require.Contains(t, s.Missing, "sources in two clusters tell it", sources)
		require.Regexp(t, `by \(namespace, model_name, (pod, instance, cluster|cluster, pod, instance, engine, dp_rank)\) \(load\)`, asked)
	}
}
