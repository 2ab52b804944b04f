package collector_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"
)

// TestQueriesDoNotGrow holds the promise that shared expressions are asked once for all models. The first evaluation reads histories
// from their beginning, those of a large fleet in several parts.
func TestQueriesDoNotGrow(t *testing.T) {
	asked, again := map[int]int{}, map[int]int{}
	for _, models := range []int{1, 250} {
		server := newFleetServer(t, models)
		e := newFleetEvaluator(t, models, server.URL)
		s := e.Evaluate(t.Context(), fleetAt)
		require.Empty(t, failures(s))
		require.Len(t, s.Models, models)
		for _, m := range s.Models {
			require.NotNil(t, m.Variants[0].Desired, m.Name)
		}
		asked[models] = len(unique(server.queries))
		server.queries = nil
		require.Empty(t, failures(e.Evaluate(t.Context(), fleetAt)))
		again[models] = len(server.queries)
	}
	// At the moment: what runs, what waits in requests and in tokens, the rate and who told both, who makes no progress, replicas current and ready, and the age of it
	// all, in two parts. Over time: replicas current, ready and rolling, pods without a node and those that are being deleted or are ready and silent, what runs, what waits in both units, and the rate.
	require.Equal(t, map[int]int{1: 23, 250: 23}, asked, "expressions")
	// The newest steps of a day are those of a window.
	require.Equal(t, map[int]int{1: 23, 250: 23}, again, "requests")
}

func unique(texts []string) map[string]bool {
	set := map[string]bool{}
	for _, text := range texts {
		set[text] = true
	}
	return set
}

// TestQueriesAsked is about which expressions a configuration leads to, and over what time.
func TestQueriesAsked(t *testing.T) {
	for name, c := range map[string]struct {
		config string
		over   []string
	}{
		"no windows":        {demandSignal("", ""), nil},
		"scale-down window": {demandSignal("", ", scale_down_window: 5m"), []string{"demand 5m..0s 15s"}},
		"scale-up window":   {demandSignal("", ", scale_up_window: 45s"), []string{"demand 45s..0s 5s"}},
		"both":              {demandSignal("", ", scale_down_window: 5m, scale_up_window: 1m"), []string{"demand 6m..0s 15s"}},
		"both, one short":   {demandSignal("", ", scale_down_window: 5m, scale_up_window: 20s"), []string{"demand 5m20s..0s 1s"}},
		"may be idle":       {demandSignal("", ", replicas: {min: 0}"), []string{"demand 10m..0s 15s"}},
		"idle_after as long as the scale-down window": {
			demandSignal("", ", replicas: {min: 0}, scale_down_window: 10m"), []string{"demand 10m..0s 15s"},
		},
		"one history for windows and idleness": {
			demandSignal("", ", replicas: {min: 0}, scale_down_window: 5m"), []string{"demand 10m..0s 15s"},
		},
		"equal expressions, written differently": {
			`
signals: {load: {unit: requests, demand: demand}, tokens: {unit: tokens, demand: ' demand{} '}}
models: [{name: m, namespace: ns, variants: [{name: a, cost: 'demand{}', capacity: {load: 10, tokens: 10}}]}]`, []string{"demand 5m..0s 1m"}, // the cost over the input window
		},
	} {
		t.Run(name, func(t *testing.T) {
			q := newCanned(t, nil)
			s := evaluateWith(t, complete(c.config), q)
			alive := 0
			for _, expr := range slices.Concat(q.asked, q.read) {
				if expr == "alive" {
					alive++
				}
			}
			asked := slices.DeleteFunc(q.asked, func(expr string) bool { return expr == "alive" || strings.Contains(expr, "timestamp(") })
			require.ElementsMatch(t, []string{"current", "ready", "demand"}, asked)
			var over []string
			for i, r := range q.ranges {
				if q.read[i] == "alive" {
					continue // what wakes an idle model, read as its demand is
				}
				from, until := model.Duration(fleetAt.Sub(r.Start)), model.Duration(fleetAt.Sub(r.End))
				over = append(over, fmt.Sprintf("%s %s..%s %s", q.read[i], from, until, model.Duration(r.Step)))
			}
			slices.Sort(over)
			require.Equal(t, c.over, over)
			require.Len(t, s.Inputs, 4+len(c.over)+alive, "those, their ages, and what wakes an idle model")
		})
	}
}
