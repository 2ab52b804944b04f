package config_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// TestSilentSources: who told an own signal that adds sources up, is still to be scraped and does not answer, is silent.
func TestSilentSources(t *testing.T) {
	const sum = "sum by (namespace, model_name) (busy)"
	series := func(pod, values, up string) string {
		return fmt.Sprintf(`busy{namespace="llm",model_name="m",pod=%[1]q,instance=%[1]q,job="gw"} %[2]s
up{namespace="llm",pod=%[1]q,instance=%[1]q,job="gw"} %[3]s
`, pod, values, up)
	}
	unready := `kube_pod_status_ready{namespace="llm",pod="b",condition="false"} 1x20` + "\n"
	silent := []string{`{instance="b", job="gw", model_name="m", namespace="llm", pod="b"} 1`}
	both := series("a", "2x20", "1x20")
	for name, c := range map[string]struct {
		demand, series string
		want           []string
	}{
		"both tell":                         {sum, both + series("b", "3x20", "1x20"), nil},
		"one does not answer":               {sum, both + series("b", "3 stale", "1 0x20"), silent},
		"it is not ready":                   {sum, both + series("b", "3 stale", "1 0x20") + unready, nil},
		"it is gone":                        {sum, both + series("b", "3 stale", "1 stale"), nil},
		"it never told":                     {sum, both + `up{namespace="llm",pod="b",instance="b",job="gw"} 0x20` + "\n", nil},
		"one of two metrics":                {"sum by (namespace, model_name) (busy) + sum by (namespace, model_name) (waits)", both + series("b", "3 stale", "1 0x20"), silent},
		"not added up":                      {"busy", both + series("b", "3 stale", "1 0x20"), nil},
		"the expression sets the namespace": {`label_replace(sum by (model_name) (busy), "namespace", "x", "", "")`, both + series("b", "3 stale", "1 0x20"), []string{`{instance="b", job="gw", model_name="m", pod="b"} 1`}},
	} {
		t.Run(name, func(t *testing.T) {
			conf := load(t, fmt.Sprintf(`
prometheus: {url: http://prometheus.example}
signals: {load: {unit: requests, demand: '%s'}}
models: [{name: m, namespace: llm, variants: [{name: a, cost: 1, capacity: {load: 10}}]}]`, c.demand))
			e := conf.SilentSources(&conf.Models[0].ActiveSignals()[0].Signal)
			if c.demand == "busy" {
				require.True(t, e.IsZero())
				return
			}
			require.ElementsMatch(t, c.want, evaluate(t, c.series, e.String()))
		})
	}
}

// TestUnwitnessed: check names the own signals that add up sources of which nothing can notice that one is missing.
func TestUnwitnessed(t *testing.T) {
	const nothing, uncounted = "nothing witnesses the signal load", "nothing counts who tells the signal load: that a source is missing from it would be noticed only where its scrapes fail"
	for demand, said := range map[string]string{
		"load":                                  "", // a series of each model or pod: one that is missing shows
		"sum by (namespace, model_name) (load)": "",
		"avg by (namespace, model_name) (load) * count by (namespace, model_name) (load)":             "",
		"max by (namespace, model_name) (load) * 2":                                                   uncounted,
		"avg by (namespace, model_name) (load) * max by (namespace, model_name) (load)":               uncounted,
		"avg by (namespace, model_name, pod) (load) / 0.7":                                            "", // one for each pod
		"quantile by (namespace, model_name) (0.9, load)":                                             uncounted,
		`max by (namespace, model_name) (load)', silent: 'group by (namespace, pod) (gone)`:           "",
		`sum by (namespace, model_name) ({__name__=~"load|burden"})`:                                  "",
		"sum by (namespace, model_name) (team:load:sum)":                                              nothing,
		"sum by (namespace, model_name) (rate(load_total[1m] offset 5m))":                             nothing,
		`sum by (namespace, model_name) (team:load:sum)', sources: 'group by (namespace, pod) (busy)`: "",
		`sum by (namespace, model_name) (team:load:sum)', silent: 'group by (namespace, pod) (gone)`:  "",
	} {
		_, found := config.Load("test.yml", `prometheus: {url: http://p}
signals: {load: {unit: requests per second, demand: '`+demand+`'}}
models: [{name: m, namespace: llm, variants: [{name: a, cost: 1, capacity: {load: 1}}]}]
`)
		require.False(t, found.HasErrors(), "%s", found)
		want := 0
		if said != "" {
			want = 1
			require.NotEmpty(t, found, demand)
			require.Contains(t, found[0].String(), "test.yml:2:11: warning: signals.load: "+said)
		}
		require.Len(t, found, want, "%s: %s", demand, found)
	}
}
