package collector_test

import (
	"fmt"
	"maps"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// TestRecorded is about demand that is read from the recording rules of a preset's signal: they say what they were made of, and who told it.
func TestRecorded(t *testing.T) {
	const demand, sources = "model:vllm_concurrency_demand:sum", "workload:vllm_concurrency_sources:count"
	text := func(settings, model string) string {
		return complete(settings + `
signals: {concurrency: {unit: requests, demand: '` + demand + `'}}
models: [{name: m, namespace: ns` + model + `, variants: [{name: a, cost: 1, capacity: {concurrency: 10}}]}]
`)
	}
	fingerprint := func(settings, name string) string {
		c, found := config.Load("test.yml", text(settings, ""))
		require.NotNil(t, c, "%v", found)
		e, err := config.ParseExpr(name)
		require.NoError(t, err)
		r, ok := c.RecordingOf(e)
		require.True(t, ok, name)
		return r.Expr.Fingerprint()
	}
	const eu = `selector: '{cluster="eu"}'`
	right, counted := fingerprint("", demand), fingerprint("", sources)
	require.NotEqual(t, right, fingerprint(eu, demand), "another selector is another expression")
	asked := func(by, n string) string {
		return fmt.Sprintf(`{namespace="ns", model_name="m", expression=%q} %s`, by, n)
	}
	told := func(by, n string) string {
		return fmt.Sprintf(`{namespace="ns", model_name="m", scale_target_name="a", expression=%q} %s`, by, n)
	}
	const window = ", scale_down_window: 5m"
	past := canned{demand: asked(right, "10"), sources: told(counted, "3"), "past ready": runs("a", "3"), "past " + sources: told(counted, "3")}
	over := func(text string) canned {
		answers := maps.Clone(past)
		answers["past "+demand] = text
		return answers
	}
	for name, c := range map[string]struct {
		settings, model           string
		answers                   canned
		missing, partial, desired string
	}{
		"as it should be":    {answers: canned{demand: asked(right, "10"), sources: told(counted, "3")}, desired: "1"},
		"a pod does not":     {answers: canned{demand: asked(right, "10"), sources: told(counted, "2")}, partial: "2 of 3 ready replicas of a tell it"},
		"an older rule":      {answers: canned{demand: asked("0badcafe", "10"), sources: told(counted, "3")}, missing: "concurrency.demand: rule"},
		"an unmarked rule":   {answers: canned{demand: load("10"), sources: told(counted, "3")}, missing: "concurrency.demand: rule"},
		"another selector":   {settings: eu, answers: canned{demand: asked(right, "10"), sources: told(counted, "3")}, missing: "concurrency.demand: rule"},
		"both, for a moment": {answers: canned{demand: joined(asked(right, "10"), asked("0badcafe", "99")), sources: told(counted, "3")}, desired: "1"},
		"sources of an older rule": {
			answers: canned{demand: asked(right, "10"), sources: told("0badcafe", "3")}, partial: "0 of 3 ready replicas of a tell it",
		},
		"the rule was loaded before the window": {model: window, answers: over(asked(right, "10")), desired: "1"},
		"the rule was loaded during the window": {
			model: window, answers: over(joined(asked("0badcafe", "10 @5m..2m"), asked(right, "10 @1m45s..0s"))), partial: "less history than the scale-down window of 5m, which is filling: there is enough at 00:02:00 UTC",
		},
	} {
		t.Run(name, func(t *testing.T) {
			answers := canned{"current": runs("a", "3"), "ready": runs("a", "3")}
			maps.Copy(answers, c.answers)
			m := evaluateWith(t, text(c.settings, c.model), newCanned(t, answers)).Models[0]
			desired := ""
			if d := m.Variants[0].Desired; d != nil {
				desired = strconv.Itoa(*d)
			}
			require.Equal(t, []string{c.missing, c.partial, c.desired}, []string{m.Signals[0].Missing, m.Signals[0].Partial, desired})
		})
	}
}
