package explain_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/explain"
)

// TestMargin is what a measured headroom follows from, in words.
func TestMargin(t *testing.T) {
	bound, least := 6000.0, 4600.0
	for name, c := range map[string]struct {
		margin *collector.Margin
		want   string
	}{
		"not measured": {nil, ""},
		"steady": {
			&collector.Margin{Demand: 4000, Ahead: 180, Expected: 4000, Noise: 100, Multiple: 2},
			"its headroom is measured. The demand is 4000. 4000 is expected 3m later, when a replica that is ordered then serves (it does not rise). " +
				"200 is added for noise, 2 times its scale of 100. That makes 4200.",
		},
		"a rise in the window": {
			&collector.Margin{Ago: 90, Demand: 4000, Ahead: 180, Expected: 4900, Noise: 100, Multiple: 2, Most: &bound},
			"its headroom is measured. What counts is 1m30s ago, which asks for most: the demand was 4000. 4900 is expected 3m later, when a replica that is ordered then " +
				"serves (it rises by 900). 200 is added for noise, 2 times its scale of 100. That makes 5100, of which no more than 6000 counts, by what was the most lately.",
		},
		"a habit": {
			&collector.Margin{Demand: 4000, Ahead: 180, Expected: 5000, Habit: 86400, Noise: 100, Multiple: 2, Held: true},
			"its headroom is measured. The demand is 4000. 5000 is expected 3m later, when a replica that is ordered then serves (as it came 1d before). " +
				"200 is added for noise, 2 times its scale of 100. That makes 5200; the windows or the forecast ask for more.",
		},
		"young": {
			&collector.Margin{Demand: 4000, Ahead: 180, Expected: 4000, Noise: 100, Multiple: 3, Young: true, Least: &least},
			"its headroom is measured. The demand is 4000. 4000 is expected 3m later, when a replica that is ordered then serves (it does not rise). " +
				"300 is added for noise, 3 times its scale of 100. That makes 4300. There is too little history to measure how much noise matters, so no less than 4600 is planned for.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.want, explain.Margin(&collector.Signal{Name: "load", Margin: c.margin}))
		})
	}
}
