package collector_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
)

// TestPartialMinimum: a minimum that adds up what two targets tell is no lower while one of them does not answer scrapes. One replica is needed,
// and four are asked for.
func TestPartialMinimum(t *testing.T) {
	const both, ofModel, ofVariant = "sum(reserved)", "replicas: {min: 'sum by (namespace, model_name) (reserved)'}, ", "replicas: {min: 'sum(reserved)'}, "
	half := func(target, value, up string) string {
		labels := fmt.Sprintf(`{namespace="llm",model_name="llama",job="desk",instance=%q} `, target)
		return "reserved" + labels + value + "\nup" + labels + up + "\n"
	}
	silent := half("b", "2x103"+strings.Repeat(" stale", 17), "1x103"+strings.Repeat(" 0", 17))
	for name, test := range map[string]struct {
		model, variant, series string
		wanted                 float64 // how many replicas demand needs
		want                   string
	}{
		"both answer":                              {"replicas: {min: '" + both + "'}, ", "", half("b", "2", "1"), 1, "up 1, desired 4"},
		"one does not":                             {"replicas: {min: '" + both + "'}, ", "", silent, 1, "up 0, desired none"},
		"one does not, by model":                   {ofModel, "", silent, 1, "up 0, desired none"},
		"one does not, of a variant":               {"", ofVariant, silent, 1, "up 0, desired none"},
		"one does not, and more are needed":        {ofModel, "", silent, 6, "up 0, desired 6"},
		"it answers again":                         {ofModel, "", half("b", "2x100"+strings.Repeat(" stale", 8)+" 2", "1x100"+strings.Repeat(" 0", 8)+" 1"), 1, "up 1, desired 4"},
		"the sum falls":                            {ofModel, "", half("b", "2x103 0", "1"), 1, "up 1, desired 2"},
		"it has no part any more, and both answer": {ofModel, "", half("b", "2x103"+strings.Repeat(" stale", 17), "1"), 1, "up 1, desired 2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := `
prometheus: {url: http://prometheus:9090}
signals: {load: {unit: requests, demand: 'max by (namespace, model_name) (load)'}}
models: [{name: llama, namespace: llm, headroom: 0, ` + test.model + `variants: [{name: llama, ` + test.variant + `cost: 1, capacity: {load: 80}}]}]`
			series := replicasOf("llama", "4") + fmt.Sprintf(`load{namespace="llm",model_name="llama"} %g`+"\n", 80*test.wanted) + half("a", "2", "1") + test.series
			e, at := evaluatorOf(t, parsed(t, text), series)
			s := e.Evaluate(t.Context(), at)
			require.Equal(t, test.want, witnessIn(exposition(t, s)))
			require.Equal(t, s.Models[0].Variants[0].Up, collector.CheckOnline(t.Context(), e, at, time.Minute).OK())
		})
	}
}
