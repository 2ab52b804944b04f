package collector_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

// TestMinimumIsAsked is about a replicas.min that is an expression.
func TestMinimumIsAsked(t *testing.T) {
	const (
		wakes = ", on_missing: zero, alive: alive"
		two   = `
signals: {load: {unit: requests, demand: demand}}
models: [{name: m, namespace: ns, variants: [
  {name: a, cost: 1, capacity: {load: 10}}, {name: b, cost: 2, capacity: {load: 10}, replicas: {min: least, max: 3}}]}]`
	)
	schedule := demandSignal("", ", replicas: {min: least}")
	at := func(least string) canned {
		return canned{"demand": load("5"), "least": least, "current": runs("a", "2")}
	}
	of := func(desired string) string { return `variant_desired_replicas{variant="a"} ` + desired }
	held := `
		variant_decision{reason="hold",variant="a"} 1
		variant_up{variant="a"} 0`
	hold := func(answer string) decisionCase {
		return decisionCase{config: schedule, answers: at(answer), want: held, absent: []string{"variant_desired_replicas"}}
	}
	twice := func(b string) canned {
		return canned{"demand": load("5"), "least": b, "current": runs("a", "0", "b", "1")}
	}
	runCases(t, map[string]decisionCase{
		"a series that names nothing":          {config: schedule, answers: at(`{} 4`), want: of("4")},
		"a series that names the namespace":    {config: schedule, answers: at(`{namespace="ns"} 4`), want: of("4")},
		"a series that names the model":        {config: schedule, answers: at(load("4") + "\n{namespace=\"ns\", model_name=\"other\"} 7\n{} 6"), want: of("4")},
		"from labels":                          {config: demandSignal("", ", replicas: {min: {query: least, from_labels: [n]}}"), answers: at(`{n="4"} 1`), want: of("4")},
		"demand asks for more":                 {config: schedule, answers: canned{"demand": load("55"), "least": `{} 4`, "current": runs("a", "2")}, want: of("6")},
		"it falls: nothing else keeps them":    {config: schedule, answers: at(`{} 1`), want: of("1")},
		"a part of a replica is a whole one":   {config: schedule, answers: at(`{} 2.2`), want: of("3")},
		"an odd moment is not a minimum":       {config: schedule, answers: canned{"demand": load("5"), "least": `{} 9`, "past least": `{} 2`, "current": runs("a", "2")}, want: of("2")},
		"nothing could wake it: 0 counts as 1": {config: schedule, answers: canned{"demand": load("0"), "least": `{} 0`, "current": runs("a", "2")}, want: of("1")},
		"it may sleep": {
			config:  demandSignal(wakes, ", replicas: {min: least}"),
			answers: canned{"demand": load("0"), "past demand": load("0"), "alive": load("1"), "past alive": load("1"), "least": `{} 0`, "current": runs("a", "2")},
			want:    of("0"),
		},
		"a schedule wakes it": {
			config:  demandSignal(wakes, ", replicas: {min: least}"),
			answers: canned{"demand": load("0"), "past demand": load("0"), "alive": load("1"), "past alive": load("1"), "least": `{} 3`, "current": runs("a", "0")},
			want:    of("3"),
		},
		"no result":                     hold(""),
		"not a number":                  hold(`{} NaN`),
		"endless":                       hold(`{} +Inf`),
		"negative":                      hold(`{} -1`),
		"more than there can be":        hold(`{} 1000001`),
		"two series that name nothing":  hold("{job=\"x\"} 2\n{job=\"y\"} 2"),
		"of another model":              hold(`{namespace="ns", model_name="other"} 2`),
		"of another namespace":          hold(`{namespace="other"} 2`),
		"a query that fails":            hold("error: 500"),
		"not known, and demand is high": {config: schedule, answers: canned{"demand": load("55"), "least": "", "current": runs("a", "2")}, want: of("6") + "\nvariant_up{variant=\"a\"} 0"},
		"a variant's":                   {config: two, answers: twice(`{} 2`), want: of("0") + "\nvariant_desired_replicas{variant=\"b\"} 2"},
		"a variant's, by its name":      {config: two, answers: twice(`{namespace="ns", llm_d_ai_variant="b"} 2`), want: of("0") + "\nvariant_desired_replicas{variant=\"b\"} 2"},
		"a variant's above its maximum": {config: two, answers: twice(`{} 9`), want: of("0") + "\nvariant_desired_replicas{variant=\"b\"} 3"},
		"a variant's is not known":      {config: two, answers: twice(""), want: "variant_up{variant=\"a\"} 0\nvariant_up{variant=\"b\"} 0", absent: []string{"variant_desired_replicas"}},
	})
}

// TestMinimumIsReported: who asks why sees what the expression yields, and what it is.
func TestMinimumIsReported(t *testing.T) {
	t.Parallel()
	s := evaluateWith(t, complete(demandSignal("", ", replicas: {min: least}")), newCanned(t, canned{
		"demand": load("5"), "least": "{} 4", "current": runs("a", "2"), "ready": runs("a", "2"),
	}))
	require.Equal(t, 4, *s.Models[0].Minimum)
	require.Contains(t, s.Models[0].Variants[0].Inputs, "ns/m.replicas.min")
	partial := newCanned(t, canned{"demand": load("5"), "least": "error: " + string(promapi.ReasonPartial), "current": runs("a", "2"), "ready": runs("a", "2")})
	s = evaluateWith(t, complete(demandSignal("", ", replicas: {min: least}")), partial)
	require.Nil(t, s.Models[0].Minimum)
	require.Equal(t, "ns/m.replicas.min: "+string(promapi.ReasonPartial), missingOf(s))
}

func missingOf(s *collector.Snapshot) string { return s.Models[0].Variants[0].Missing }

// TestHeadroomIsAsked is about a headroom that is an expression.
func TestHeadroomIsAsked(t *testing.T) {
	text := "defaults: {headroom: share, scale_down_window: 0s}" + demandSignal("", "")
	at := func(share string) canned {
		return canned{"demand": load("20"), "share": share, "current": runs("a", "3")}
	}
	planned := func(requests, replicas string) string {
		return `
			variant_desired_replicas{variant="a"} ` + replicas + `
			variant_model_planned_demand{signal="load",unit="requests"} ` + requests
	}
	// A share that is not known is the default one, and lowers nothing.
	hold := func(share string) decisionCase {
		return decisionCase{
			config: text, answers: at(share), absent: []string{"variant_desired_replicas"},
			want: `
				variant_model_planned_demand{signal="load",unit="requests"} 23
				variant_up{variant="a"} 0`,
		}
	}
	runCases(t, map[string]decisionCase{
		"of all":                 {config: text, answers: at(`{} 0.5`), want: planned("30", "3")},
		"of the model":           {config: text, answers: at(load("1.5") + "\n{} 0.5"), want: planned("50", "5")},
		"none":                   {config: text, answers: at(`{} 0`), want: planned("20", "2")},
		"an odd moment":          {config: text, answers: canned{"demand": load("20"), "share": `{} 5`, "past share": `{} 0.5`, "current": runs("a", "3")}, want: planned("30", "3")},
		"no result":              hold(""),
		"not a number":           hold(`{} NaN`),
		"negative":               hold(`{} -0.1`),
		"more than there can be": hold(`{} 10.5`),
		"a query that fails":     hold("error: 500"),
	})
}
