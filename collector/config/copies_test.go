package config_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestCopiedSources: series that two Prometheus scrape, and an address of a pod that two jobs scrape, are added up twice.
func TestCopiedSources(t *testing.T) {
	const sum = "sum by (namespace, model_name) (busy)"
	told := func(job, pod, instance, more string) string {
		return fmt.Sprintf("busy{namespace=\"llm\",model_name=\"m\",pod=%[2]q,instance=%[3]q,job=%[1]q%[4]s} 2x20\n", job, pod, instance, more)
	}
	up := func(job, pod, instance, more string) string {
		return fmt.Sprintf("up{namespace=\"llm\",pod=%[2]q,instance=%[3]q,job=%[1]q%[4]s} 1x20\n", job, pod, instance, more)
	}
	// scraped is one target of job j with some more labels, and what it tells.
	scraped := func(job, pod, instance, more string) string {
		return told(job, pod, instance, more) + up(job, pod, instance, more)
	}
	pair := scraped("j", "b", "b:1", `,prometheus_replica="x"`) + scraped("j", "b", "b:1", `,prometheus_replica="y"`)
	jobs := scraped("j", "b", "b:1", "") + scraped("k", "b", "b:1", "")
	twice := []string{`{instance="b:1", job="j", model_name="m", namespace="llm", pod="b"} 1`}
	for name, c := range map[string]struct {
		demand, series, top string
		want                []string
	}{
		"each once":                       {demand: sum, series: scraped("j", "a", "a:1", "") + scraped("j", "b", "b:1", "")},
		"a pair of Prometheus":            {demand: sum, series: pair, want: twice},
		"a rate":                          {demand: "sum by (namespace, model_name) (rate(busy[1m]))", series: pair, want: twice},
		"the model is named":              {demand: `sum by (namespace, model_name) (busy{model_name!=""})`, series: pair, want: twice},
		"without":                         {demand: "sum without (pod, instance, job, prometheus_replica) (busy)", series: pair, want: twice},
		"copies stay apart without":       {demand: "max by (namespace, model_name) (sum without (pod, instance, job) (busy))", series: pair},
		"half of a pair":                  {demand: sum + " / 2", series: pair},
		"one of a pair tells it":          {demand: sum, series: scraped("j", "b", "b:1", `,prometheus_replica="x"`) + up("j", "b", "b:1", `,prometheus_replica="y"`)},
		"another path":                    {demand: sum, series: scraped("j", "b", "b:1", `,metrics_path="/metrics"`) + up("j", "b", "b:1", `,metrics_path="/router"`)},
		"replicas of a source":            {demand: sum, series: told("j", "b", "b:1", `,replica="1"`) + told("j", "b", "b:1", `,replica="2"`) + up("j", "b", "b:1", "")},
		"a selector chooses one":          {demand: sum, series: pair, top: `selector: '{prometheus_replica="x"}'`},
		"the expression chooses one":      {demand: `sum by (namespace, model_name) (busy{model_name="m",prometheus_replica="x"})`, series: pair},
		"the expression chooses by regex": {demand: `sum by (namespace, model_name) (busy{prometheus_replica=~"x|z",job!="k"})`, series: pair},
		"copies are folded":               {demand: "sum by (namespace, model_name) (max by (namespace, model_name, pod, instance) (busy))", series: pair},
		"copies stay apart":               {demand: "max by (namespace, model_name) (sum by (namespace, model_name, prometheus_replica) (busy))", series: pair},
		"it does not add up":              {demand: "max by (namespace, model_name) (busy)", series: pair},
		"two jobs":                        {demand: sum, series: jobs, want: []string{`{instance="b:1", model_name="m", namespace="llm", pod="b"} 2`}},
		"one of two jobs tells it":        {demand: sum, series: scraped("j", "b", "b:1", "") + up("k", "b", "b:1", "")},
		"two ports":                       {demand: sum, series: scraped("j", "b", "b:1", "") + scraped("j", "b", "b:2", "")},
		"a port of each of two containers": {
			demand: sum, series: scraped("j", "b", "b:1", `,container="c"`) + scraped("j", "b", "b:1", `,container="d"`),
		},
	} {
		t.Run(name, func(t *testing.T) {
			conf := load(t, fmt.Sprintf(`
prometheus: {url: http://prometheus.example}
%s
signals: {load: {unit: requests, demand: '%s'}}
models: [{name: m, namespace: llm, variants: [{name: a, cost: 1, capacity: {load: 10}}]}]`, c.top, c.demand))
			e := conf.CopiedSources(&conf.Models[0].ActiveSignals()[0].Signal)
			if e.IsZero() {
				require.Empty(t, c.want)
				return
			}
			require.ElementsMatch(t, c.want, evaluate(t, c.series, e.String()))
		})
	}
}

// TestPresetsFoldCopies: nothing is asked for copies of what presets tell.
func TestPresetsFoldCopies(t *testing.T) {
	conf := load(t, `
prometheus: {url: http://prometheus.example}
models: [{name: m, namespace: llm, presets: [vllm], signals: [concurrency], variants: [{name: a, cost: 1, capacity: {concurrency: 10}}]}]`)
	require.True(t, conf.CopiedSources(&conf.Models[0].ActiveSignals()[0].Signal).IsZero())
}
