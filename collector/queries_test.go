package collector_test

import (
	"fmt"
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
		require.True(t, s.Complete())
		require.Len(t, s.Models, models)
		for _, m := range s.Models {
			require.NotNil(t, m.Variants[0].Desired, m.Name)
		}
		asked[models] = len(server.queries)
		require.Len(t, unique(server.queries), asked[models], "an expression was asked twice")
	}
	// Demand now and over the window, replicas current and ready, and the age of it all.
	require.Equal(t, map[int]int{1: 5, 250: 5}, asked, fmt.Sprint(asked))
}

func unique(texts []string) map[string]bool {
	set := map[string]bool{}
	for _, text := range texts {
		set[text] = true
	}
	return set
}
