package collector_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestQueriesDoNotGrow holds the promise that shared expressions are asked once for all models.
func TestQueriesDoNotGrow(t *testing.T) {
	asked := map[int]int{}
	for _, models := range []int{1, 250} {
		server := newFleetServer(t, models)
		e := newFleetEvaluator(t, models, server.URL)
		s := e.Evaluate(t.Context(), fleetAt)
		require.Empty(t, failures(s))
		require.Len(t, s.Models, models)
		for _, m := range s.Models {
			require.NotNil(t, m.Variants[0].Desired, m.Name)
		}
		asked[models] = len(server.queries)
		require.Len(t, unique(server.queries), asked[models], "an expression was asked twice")
	}
	// Demand now, over the window and a window ago, replicas current and ready, who is stuck, and the age of it all.
	require.Equal(t, map[int]int{1: 7, 250: 7}, asked, fmt.Sprint(asked))
}

func unique(texts []string) map[string]bool {
	set := map[string]bool{}
	for _, text := range texts {
		set[text] = true
	}
	return set
}

// TestQueriesAsked is about which expressions a configuration leads to.
func TestQueriesAsked(t *testing.T) {
	for name, c := range map[string]struct {
		config string
		want   []string
	}{
		"no windows":        {demandSignal("", ""), nil},
		"scale-down window": {demandSignal("", ", scale_down_window: 5m"), []string{overDown, earlier}},
		"scale-up window":   {demandSignal("", ", scale_up_window: 1m"), []string{lastedUp}},
		"both":              {demandSignal("", ", scale_down_window: 5m, scale_up_window: 1m"), []string{upThenDown, earlier}},
		"may be idle":       {demandSignal("", ", replicas: {min: 0}"), []string{whileIdle, beforeIdle}},
		"idle_after as long as the scale-down window": {
			demandSignal("", ", replicas: {min: 0}, scale_down_window: 10m"), []string{whileIdle, beforeIdle},
		},
		"equal expressions, written differently": {
			`
signals: {load: {unit: requests, demand: demand}, tokens: {unit: tokens, demand: ' demand{} '}}
models: [{name: m, namespace: ns, variants: [{name: a, cost: 'demand{}', capacity: {load: 10, tokens: 10}}]}]`, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			q := newCanned(t, nil)
			s := evaluateWith(t, complete(c.config), q)
			asked := slices.DeleteFunc(q.asked, func(expr string) bool { return strings.Contains(expr, "timestamp(") })
			require.ElementsMatch(t, append([]string{"current", "ready", "demand"}, c.want...), asked)
			require.Len(t, s.Inputs, 4+len(c.want), "those, and their ages")
		})
	}
}
