package config_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// TestOwnSources holds who is counted as telling a signal of one's own: whose series its demand adds up. Of the pods here, a and b are
// scraped every half minute, and the samples of old are two minutes old.
func TestOwnSources(t *testing.T) {
	const series = `
		busy{namespace="llm",model_name="llama",pod="llama-0",instance="10.0.0.1:80"} 0+5x20
		busy{namespace="llm",model_name="llama",pod="llama-1",instance="10.0.0.2:80"} 0+5x20
		busy{namespace="llm",model_name="llama",pod="llama-2",instance="10.0.0.3:80"} 0+5x16
		busy{namespace="llm",model_name="llama",instance="10.0.0.4:80"} 0+5x20
		busy{namespace="llm",model_name="llama",instance="10.0.0.5:80"} 0+5x16
		left{namespace="llm",model_name="llama",pod="llama-0",instance="10.0.0.1:80"} 0+5x20
		left{namespace="llm",model_name="llama",pod="llama-1",instance="10.0.0.2:80"} 0+5x10 stale
		waits{namespace="llm",model_name="llama",pod="llama-0",instance="10.0.0.1:80"} 0x20
		waits{namespace="llm",model_name="llama",pod="llama-1",instance="10.0.0.2:80"} 0x20
		drifted{namespace="llm",model_name="llama",pod="llama-0",instance="10.0.0.1:80"} -5x20
		drifted{namespace="llm",model_name="llama",pod="llama-1",instance="10.0.0.2:80"} 5x20
		proxied{namespace="ingress",pod="proxy-7f8c9d5b6b-x2x4z"} 0+5x20`
	pods := func(n int) string {
		return fmt.Sprintf(`{model_name="llama", namespace="llm", scale_target_name="llama-"} %d`, n)
	}
	const nameless, address = `{model_name="llama", namespace="llm"} 1`, `{model_name="llama", namespace="llm", scale_target_name="/10.0.0.%d:80"} 1`
	fourth, fifth := fmt.Sprintf(address, 4), fmt.Sprintf(address, 5)
	for demand, want := range map[string][]string{
		`sum by (namespace, model_name) (busy)`:                                                           {pods(3), fourth, fifth, nameless},
		`sum by (namespace, model_name) (rate(busy[2m]))`:                                                 {pods(2), fourth, nameless},
		`sum by (namespace, model_name) (label_replace(rate(busy[2m]), "x", "", "", ""))`:                 {pods(2), fourth, nameless},
		`sum by (namespace, model_name) (max by (namespace, model_name, pod, instance) (rate(busy[2m])))`: {pods(2), fourth, nameless},
		`sum by (namespace, model_name) (rate(left[10m]))`:                                                {pods(1)},
		`sum by (namespace, model_name) (max by (namespace, model_name, pod) (avg_over_time(left[10m])))`: {pods(1)},
		`sum by (namespace, model_name) (rate(left[4m]) + waits)`:                                         {pods(1)},
		`sum by (namespace, model_name) (rate(left[10m]) + waits)`:                                        {pods(1)},
		`sum by (namespace, model_name) (max by (namespace, model_name, pod) (busy))`:                     {pods(3), fourth, fifth},
		`sum by (namespace, model_name) (max by (namespace, model_name) (busy))`:                          nil,
		`sum by (namespace, model_name) (max_over_time(busy[1m]))`:                                        {pods(2), fourth, nameless},
		`sum by (namespace, model_name) (rate(busy[2m])) or vector(0)`:                                    {pods(2), fourth, nameless},
		`label_replace(sum by (namespace) (busy) or vector(0), "model_name", "llama", "", "")`:            {pods(3), fourth, fifth},
		`sum by (namespace, model_name) (busy + waits)`:                                                   {pods(2)},
		`sum by (namespace, model_name) (busy) + sum by (namespace, model_name) (waits)`:                  {pods(2)},
		`sum by (namespace, model_name) (busy) + sum(proxied)`:                                            {pods(3), fourth, fifth, nameless, `{namespace="ingress", scale_target_name="proxy"} 1`},
		`sum by (namespace, model_name) (busy) or 0 * sum by (namespace, model_name) (waits)`:             {pods(3), fourth, fifth, nameless},
		`sum by (namespace, model_name) (gone) or 0 * sum by (namespace, model_name) (waits)`:             {pods(2)},
		`2 * sum by (namespace, model_name) (rate(busy[2m]))`:                                             {pods(2), fourth, nameless},
		`sum by (namespace, model_name) (waits) or sum by (namespace, model_name) (busy)`:                 {pods(2)},
		`sum by (namespace, model_name) (gone) or sum by (namespace, model_name) (busy)`:                  {pods(3), fourth, fifth, nameless},
		`sum by (namespace, model_name) (waits) or 0 * sum by (namespace, model_name) (busy)`:             {pods(2)},
		`sum by (namespace, model_name) (busy) and sum by (namespace, model_name) (waits)`:                nil,
		`sum by (namespace, model_name) (busy > waits)`:                                                   nil,
		`avg by (namespace, model_name) (busy) * count by (namespace, model_name) (busy)`:                 {pods(3), fourth, fifth, nameless},
		`avg by (namespace, model_name) (busy) * count by (namespace, model_name) (waits)`:                {pods(2)},
		`avg by (namespace, model_name) (busy) * sum by (namespace, model_name) (waits)`:                  nil,
		`avg by (namespace, model_name) (busy) * 2`:                                                       nil,
		`label_replace(label_replace(sum(rate(proxied[2m])), "model_name", "llama", "", ""), "namespace", "llm", "", "")`: {
			`{model_name="llama", namespace="llm", scale_target_name="proxy"} 1`,
		},
		`sum by (namespace, model_name) (drifted)`:                                                        {pods(1)},
		`sum by (namespace, model_name) (max_over_time(drifted[1m]))`:                                     {pods(1)},
		`sum by (namespace, model_name) (max by (namespace, model_name, pod) (drifted))`:                  {pods(1)},
		`sum by (namespace, model_name) (busy + drifted)`:                                                 {pods(1)},
		`sum by (namespace, model_name) (waits - busy)`:                                                   {pods(2)},
		`avg by (namespace, model_name) (drifted) * count by (namespace, model_name) (drifted)`:           {pods(1)},
		`sum by (namespace, model_name) (clamp_min(drifted, 0))`:                                          {pods(2)},
		`clamp_min(sum by (namespace, model_name) (drifted), 0)`:                                          {pods(1)},
		`count by (namespace, model_name) (drifted)`:                                                      {pods(2)},
		`sum by (namespace, model_name) (busy) or on () vector(time())`:                                   {pods(3), fourth, fifth, nameless},
		`ceil(sum by (namespace, model_name) (busy))`:                                                     {pods(3), fourth, fifth, nameless},
		`clamp_max(round(sum by (namespace, model_name) (busy), 0.1), 100)`:                               {pods(3), fourth, fifth, nameless},
		`sum by (namespace, model_name) (busy * time())`:                                                  nil,
		`sum by (namespace, model_name) (busy * scalar(waits))`:                                           nil,
		`sum by (namespace, model_name) (2 - busy)`:                                                       nil,
		`sqrt(sum by (namespace, model_name) (busy))`:                                                     nil,
		`avg_over_time(sum by (namespace, model_name) (rate(busy[2m]))[4m:30s])`:                          {pods(2), fourth, nameless},
		`max_over_time(sum by (namespace, model_name) (busy)[4m:30s] offset 1m)`:                          nil,
		`sum by (namespace, model_name) (busy * on (namespace, pod) group_left () (waits + 1))`:           {pods(2)},
		`sum by (namespace, model_name) ((waits + 1) * on (namespace, pod) group_right () busy)`:          {pods(2)},
		`sum by (namespace, model_name) (drifted * on (namespace, pod) group_left () (waits + 1))`:        {pods(1)},
		`sum by (namespace, model_name) (busy * on (namespace) group_left () sum by (namespace) (waits))`: nil,
	} {
		t.Run(demand, func(t *testing.T) {
			c, found := config.Load("test.yml", `
prometheus: {url: http://prometheus:9090}
signals: {load: {unit: requests, demand: '`+demand+`'}}
models: [{name: llama, namespace: llm, variants: [{name: llama, cost: 1, capacity: {load: 1}}]}]`)
			require.NotNil(t, c, "%s", found)
			s := c.Models[0].ActiveSignals()[0]
			sources := c.CountedSources(&s.Signal)
			if want == nil {
				require.True(t, sources.IsZero(), sources.String())
				return
			}
			require.ElementsMatch(t, want, evaluateAt(t, 10*time.Minute, strings.TrimSpace(series), sources.String()))
		})
	}
}

// TestCountedEngines holds that pods are counted apart by how many engines they show at how many addresses, however often each is seen.
func TestCountedEngines(t *testing.T) {
	for name, engines := range map[string]string{"vllm": "engine", "sglang": "dp_rank"} {
		t.Run(name, func(t *testing.T) {
			var series strings.Builder
			for _, at := range []struct{ pod, port, engine, by string }{
				{"llama-0", "8000", "0", "a"},
				{"llama-0", "8000", "1", "a"},
				{"llama-0", "8000", "0", "b"}, // one of two replicas of Prometheus lacks an engine
				{"llama-1", "8000", "0", "a"},
				{"llama-1", "8001", "0", "a"},
				{"llama-2", "8000", "0", "a"},
				{"llama-2", "8000", "0", "b"},
			} {
				labels := fmt.Sprintf(`namespace="llm",pod=%q,instance="%s:%s",%s=%q,prometheus_replica=%q`, at.pod, at.pod, at.port, engines, at.engine, at.by)
				for _, x := range expositions()[name] {
					if strings.Contains(x.metric, "num_") && !strings.Contains(x.metric, "total") {
						fmt.Fprintf(&series, "%s{%s,%s} %s\n", x.metric, strings.ReplaceAll(x.labels, `,engine="0"`, ""), labels, x.values)
					}
				}
			}
			c := preset(t, name, "concurrency")
			s := signalOf(t, c, "concurrency")
			require.Equal(t, []string{
				`{engines="1", model_name="llama", namespace="llm", scale_target_name="llama-"} 1`,
				`{engines="2", model_name="llama", namespace="llm", scale_target_name="llama-"} 2`,
			}, evaluateAt(t, 10*time.Minute, series.String(), c.CountedEngines(&s.Signal).String()))
		})
	}
}
