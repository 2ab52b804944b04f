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
		proxied{namespace="ingress",pod="proxy-7f8c9d5b6b-x2x4z"} 0+5x20`
	pods := func(n int) string {
		return fmt.Sprintf(`{model_name="llama", namespace="llm", scale_target_name="llama"} %d`, n)
	}
	const nameless, address = `{model_name="llama", namespace="llm"} 1`, `{model_name="llama", namespace="llm", scale_target_name="/10.0.0.%d:80"} 1`
	fourth, fifth := fmt.Sprintf(address, 4), fmt.Sprintf(address, 5)
	for demand, want := range map[string][]string{
		`sum by (namespace, model_name) (busy)`:                                                {pods(3), fourth, fifth, nameless},
		`sum by (namespace, model_name) (rate(busy[2m]))`:                                      {pods(2), fourth, nameless},
		`sum by (namespace, model_name) (label_replace(rate(busy[2m]), "x", "", "", ""))`:      {pods(2), fourth, nameless},
		`sum by (namespace, model_name) (max_over_time(busy[1m]))`:                             {pods(2), fourth, nameless},
		`sum by (namespace, model_name) (rate(busy[2m])) or vector(0)`:                         {pods(2), fourth, nameless},
		`label_replace(sum by (namespace) (busy) or vector(0), "model_name", "llama", "", "")`: {pods(3), fourth, fifth},
		`sum by (namespace, model_name) (busy) or sum by (namespace, model_name) (lazy)`:       nil,
		`label_replace(label_replace(sum(rate(proxied[2m])), "model_name", "llama", "", ""), "namespace", "llm", "", "")`: {
			`{model_name="llama", namespace="llm", scale_target_name="proxy"} 1`,
		},
		`sum by (namespace, model_name) (busy) or on () vector(time())`: {pods(3), fourth, fifth, nameless},
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
