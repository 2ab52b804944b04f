package decide

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/variant-exporter/variant-exporter/collector/match"
	"github.com/variant-exporter/variant-exporter/optimizer/forecast"
)

// TestAutoscalerActsLate: what was asked for, or became ready, less than a minute ago counts; what is older does not.
func TestAutoscalerActsLate(t *testing.T) {
	t.Parallel()
	steps := func(values ...float64) forecast.History {
		return forecast.History{Step: 15 * time.Second, Values: values}
	}
	for name, tc := range map[string]struct {
		current, ready forecast.History // the present is 4 and 4
		falls, fresh   bool
	}{
		"nothing moved":                {current: steps(4, 4, 4, 4, 4, 4), ready: steps(4, 4, 4, 4, 4, 4)},
		"no history":                   {},
		"one fewer is asked for":       {current: steps(4, 4, 5, 4, 4, 4), ready: steps(4, 4, 4, 4, 4, 4), falls: true},
		"that was over a minute ago":   {current: steps(5, 4, 4, 4, 4, 4), ready: steps(4, 4, 4, 4, 4, 4)},
		"more are asked for":           {current: steps(4, 3, 3, 3, 4, 4), ready: steps(4, 4, 4, 4, 4, 4)},
		"one became ready":             {current: steps(4, 4, 4, 4, 4, 4), ready: steps(4, 4, 3, 3, 3, 4), fresh: true},
		"it did over a minute ago":     {current: steps(4, 4, 4, 4, 4, 4), ready: steps(3, 4, 4, 4, 4, 4)},
		"one lost its readiness":       {current: steps(4, 4, 4, 4, 4, 4), ready: steps(5, 5, 5, 5, 5, 5)},
		"one fell while another began": {current: steps(5, 5, 5, 4, 4, 4), ready: steps(3, 3, 3, 4, 4, 4), falls: true, fresh: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := &variant{runs: &match.Replicas{}}
			v.runs.Current.N, v.runs.Ready.N = new(4), new(4)
			v.runs.Starts.Current.History, v.runs.Starts.Ready.History = tc.current, tc.ready
			assert.Equal(t, tc.falls, v.falls(), "falls")
			assert.Equal(t, tc.fresh, v.fresh(), "fresh")
		})
	}
	unknown := &variant{runs: &match.Replicas{}}
	assert.False(t, unknown.falls())
	assert.False(t, unknown.fresh())
}
