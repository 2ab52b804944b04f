package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestOneName: pods that tell a signal by two names of one model, such as those of adapters, count once each.
func TestOneName(t *testing.T) {
	told := func(pod string, models ...string) string {
		var text strings.Builder
		for _, model := range models {
			fmt.Fprintf(&text, "busy{namespace=\"llm\",model_name=%q,pod=%q,instance=%q} 2x20\n", model, pod, pod+":80")
		}
		return text.String()
	}
	pods := func(model, engines string, n int) string {
		return fmt.Sprintf(`{engines=%q, model_name=%q, namespace="llm", scale_target_name="a-"} %d`, engines, model, n)
	}
	for name, c := range map[string]struct {
		match, series string
		want          []string
	}{
		"each pod by both names":     {"[m-sql]", told("a-0", "m", "m-sql") + told("a-1", "m", "m-sql"), []string{pods("m", "1", 2)}},
		"some by one, some by other": {"[m-sql]", told("a-0", "m") + told("a-1", "m-sql"), []string{pods("m", "1", 2)}},
		"not listed":                 {"[]", told("a-0", "m", "m-sql"), []string{pods("m", "1", 1), pods("m-sql", "1", 1)}},
		"another model's name":       {"[other]", told("a-0", "m", "other"), []string{pods("m", "1", 1), pods("other", "1", 1)}},
		"names are no expressions":   {"[m.sql]", told("a-0", "m", "m.sql") + told("a-1", "mxsql"), []string{pods("m", "1", 1), pods("mxsql", "1", 1)}},
	} {
		t.Run(name, func(t *testing.T) {
			conf := load(t, fmt.Sprintf(`
prometheus: {url: http://prometheus.example}
signals: {load: {unit: requests, demand: 'sum by (namespace, model_name) (busy)'}}
models:
  - {name: m, namespace: llm, match: {model_name: %s}, variants: [{name: a, cost: 1, capacity: {load: 10}}]}
  - {name: other, namespace: prod, variants: [{name: b, cost: 1, capacity: {load: 10}}]}`, c.match))
			require.ElementsMatch(t, c.want, evaluate(t, c.series, conf.CountedEngines(&conf.Models[0].ActiveSignals()[0].Signal).String()))
		})
	}
}

// TestManyNames: what is asked does not grow with the models that go by several names. Where they are many, each name is counted for itself.
func TestManyNames(t *testing.T) {
	counted := func(models, names int) (expr string, apart bool) {
		var text strings.Builder
		text.WriteString("prometheus: {url: http://prometheus.example}\nsignals: {load: {unit: requests, demand: 'sum by (namespace, model_name) (busy)'}}\nmodels:\n")
		for i := range models {
			var others []string
			for n := range names {
				others = append(others, fmt.Sprintf("organisation/model-%d-adapter-%d", i, n))
			}
			fmt.Fprintf(&text, "- {name: organisation/model-%[1]d, namespace: llm, match: {model_name: [%[2]s]}, variants: [{name: a%[1]d, cost: 1, capacity: {load: 10}}]}\n", i, strings.Join(others, ", "))
		}
		conf := load(t, text.String())
		signal := &conf.Models[0].ActiveSignals()[0].Signal
		return conf.CountedEngines(signal).String(), conf.NamesApart(&conf.Models[0], signal)
	}
	alike, apart := counted(1, 0)
	require.False(t, apart)
	for name, c := range map[string]struct {
		models, names int
		apart         bool
	}{
		"none has several":      {20, 0, false},
		"some have":             {10, 2, false},
		"many have":             {11, 1, true},
		"very many have":        {250, 2, true},
		"few have a great many": {2, 100, true},
	} {
		t.Run(name, func(t *testing.T) {
			expr, apart := counted(c.models, c.names)
			require.Equal(t, c.apart, apart)
			require.Equal(t, c.apart || c.names == 0, expr == alike)
			require.Less(t, len(expr), 8<<10)
		})
	}
}
