package collector_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPodsShowLess: where all pods of a workload have lost the same engines, or all groups the same workers, the present shows nothing of it, and
// nor does a window that began later. What they showed within the last hour does, unless a roll-out has changed it since.
func TestPodsShowLess(t *testing.T) {
	const text = `
scale_targets: {current: current, ready: ready, rolling: rolling}
defaults: {headroom: 0, scale_down_window: 5m, provision_timeout: 10m}
signals: {load: {unit: requests, demand: demand, sources: sources}}
models: [{name: m, namespace: ns, variants: [{name: a, cost: 1, SETcapacity: {load: 10}}]}]`
	const silent = "0 of 3 ready replicas of a tell it, 3 only of some engines or addresses"
	set := func(of string) string { return strings.ReplaceAll(of, "Deployment", "StatefulSet") }
	groups := func(workers string) string {
		return joined(pods("a", "3"+workers), pods("a-0", "1"+workers), pods("a-1", "1"+workers), pods("a-2", "1"+workers))
	}
	for name, c := range map[string]struct {
		now, hour string
		answers   canned
		group     bool
		partial   string
	}{
		"as many as before":               {now: podsOf("2", "a", "3"), hour: podsOf("2", "a", "3")},
		"more than before":                {now: podsOf("4", "a", "3"), hour: podsOf("2", "a", "3 @1h..10m")},
		"fewer than before":               {now: podsOf("1", "a", "3"), hour: podsOf("2", "a", "3 @1h..20m"), partial: silent},
		"longer ago":                      {now: podsOf("1", "a", "3"), hour: podsOf("2", "a", "3 @3h..1h5m")},
		"a roll-out changed it":           {now: podsOf("1", "a", "3"), hour: podsOf("2", "a", "3 @1h..50m"), answers: canned{"past rolling": runsOf("a", "1", "50m..45m")}},
		"another workload rolled out":     {now: podsOf("1", "a", "3"), hour: podsOf("2", "a", "3 @1h..50m"), answers: canned{"past rolling": runsOf("b", "1", "50m..45m")}, partial: silent},
		"one pod was told twice":          {now: podsOf("1", "a", "3"), hour: joined(podsOf("2", "a", "1 @1h..20m"), podsOf("1", "a", "2 @1h..20m"))},
		"most pods showed more":           {now: podsOf("1", "a", "3"), hour: joined(podsOf("2", "a", "2 @1h..20m"), podsOf("1", "a", "1 @1h..20m")), partial: silent},
		"nothing is known of the hour":    {now: podsOf("1", "a", "3")},
		"the hour cannot be asked for":    {now: podsOf("1", "a", "3"), answers: canned{"past " + countEngines: "error: timeout"}, partial: "load.sources.history_1m: timeout"},
		"groups as before":                {now: groups(""), hour: groups(""), group: true},
		"groups whose workers are silent": {now: pods("a", "3"), hour: groups(" @1h..20m"), group: true, partial: "0 of 3 ready replicas of a tell it"},
		"groups that a roll-out has halved": {
			now: pods("a", "3"), hour: groups(" @1h..20m"), group: true, answers: canned{"past rolling": set(runsOf("a", "1", "20m..15m"))},
		},
	} {
		t.Run(name, func(t *testing.T) {
			answers := canned{
				"demand": load("10"), "past demand": load("10"), "current": runs("a", "3"), "ready": runs("a", "3"), "past ready": runs("a", "3"), "past current": runs("a", "3"),
				countEngines: c.now, "past " + countEngines: joined(c.hour, strings.ReplaceAll(c.now, "\n", " @9m..0s\n")+" @9m..0s"),
			}
			if !strings.Contains(c.hour, "@") && c.hour != "" {
				answers["past "+countEngines] = c.hour
			}
			kind := ""
			if c.group {
				kind = "scale_target: {kind: LeaderWorkerSet, name: a}, "
				for _, of := range []string{"current", "ready", "past ready", "past current"} {
					answers[of] = set(answers[of])
				}
			}
			maps.Copy(answers, c.answers)
			m := evaluateWith(t, complete(strings.Replace(text, "SET", kind, 1)), newCanned(t, answers)).Models[0]
			require.Equal(t, c.partial, m.Signals[0].Partial)
			if c.partial == "" {
				require.NotNil(t, m.Variants[0].Desired)
				require.Equal(t, 1, *m.Variants[0].Desired)
			} else {
				require.Nil(t, m.Variants[0].Desired)
			}
		})
	}
}

// TestGatewaysOfTwoClusters: more pods of a gateway than are asked for, for an hour, are those of another cluster too.
func TestGatewaysOfTwoClusters(t *testing.T) {
	const text = `
scale_targets: {current: current, ready: ready}
defaults: {headroom: 0, scale_down_window: 5m, provision_timeout: 10m, provision_cooldown: 15m}
signals: {load: {unit: requests, demand: demand, alive: alive, sources: sources}}
models: [{name: m, namespace: ns, variants: [{name: a, cost: 1, capacity: {load: 10}}]}]`
	of := func(n string) string { return `{namespace="ns", scale_target_name="epp"} ` + n }
	for name, c := range map[string]struct {
		now, hour, asked, ready string
		twice                   bool
		past                    string // how many were asked for
	}{
		"as many as are asked for":    {"2", "2", "2", "2", false, runs("epp", "2")},
		"twice as many":               {"4", "4", "2", "2", true, runs("epp", "2")},
		"standbys that are not ready": {"3", "3", "3", "1", false, runs("epp", "3")},
		"one is being replaced":       {"3", "3 @12m..0s", "2", "2", false, runs("epp", "2")},
		"not throughout":              {"3", "2 @50m..40m", "2", "2", false, runs("epp", "2")},
		"its replicas are not told":   {"4", "4", "", "", false, ""},
		"their past is not known":     {"4", "4", "2", "2", false, ""},
		"scaled down a moment ago":    {"4", "4", "2", "2", false, joined(runsOf("epp", "4", "1h..30s"), runsOf("epp", "2", "15s..0s"))},
		"scaled down long ago":        {"4", "4", "2", "2", true, joined(runsOf("epp", "4", "1h..30m"), runsOf("epp", "2", "29m45s..0s"))},
	} {
		t.Run(name, func(t *testing.T) {
			asked, ready := runs("a", "3"), runs("a", "3")
			if c.asked != "" {
				asked, ready = runs("a", "3", "epp", c.asked), runs("a", "3", "epp", c.ready)
			}
			m := evaluateWith(t, complete(text), newCanned(t, canned{
				"demand": load("10"), "past demand": load("10"), "current": asked, "ready": ready, "past ready": runs("a", "3"),
				"past current": joined(runs("a", "3"), c.past), "alive": `{namespace="ns"} 1`, "past alive": `{namespace="ns"} 1`,
				countEngines: of(c.now), "past " + countEngines: of(c.hour),
			})).Models[0]
			require.Equal(t, c.twice, strings.Contains(m.Signals[0].Missing, "are these two fleets"), m.Signals[0])
			require.Equal(t, !c.twice, m.Variants[0].Desired != nil)
		})
	}
}
