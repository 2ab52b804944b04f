package collector_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

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
				countEngines: of(c.now), "past " + countSources: of(c.hour),
			})).Models[0]
			require.Equal(t, c.twice, strings.Contains(m.Signals[0].Missing, "are these two fleets"), m.Signals[0])
			require.Equal(t, !c.twice, m.Variants[0].Desired != nil)
		})
	}
}
