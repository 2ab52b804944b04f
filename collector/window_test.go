package collector_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestWindowWithoutResult holds that a window about which nothing comes, though there was something before it and is now, keeps what
// runs: a store that answers for some times and not for others is no dip.
func TestWindowWithoutResult(t *testing.T) {
	const config = `
defaults: {headroom: 0, scale_down_window: 5m}
signals: {load: {unit: requests, demand: demand}}
models: [{name: m, namespace: ns, variants: [{name: a, cost: 1, capacity: {load: 10}}]}]
`
	answers := canned{
		"demand":      load("10"),
		"current":     runs("a", "4"),
		"ready":       runs("a", "4"),
		"past demand": load("40" + earlier),
	}
	held := evaluateWith(t, complete(config), newCanned(t, answers)).Models[0]
	require.Equal(t, "no result over the window, though there was one before it", held.Signals[0].Partial)
	require.Nil(t, held.Variants[0].Desired, "lowered without its window")

	answers["past demand"] = joined(load("40"+earlier), load("10"+overDown))
	lowered := evaluateWith(t, complete(config), newCanned(t, answers)).Models[0]
	require.Empty(t, lowered.Signals[0].Partial)
	require.Equal(t, 1, *lowered.Variants[0].Desired)
}
