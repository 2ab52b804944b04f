package config_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// TestRateWindow: $rate_window stands for one time in presets and in expressions of the file.
func TestRateWindow(t *testing.T) {
	const asks = "prometheus: {url: http://prometheus.example}\n"
	for name, c := range map[string]struct{ settings, want string }{
		"by default":                       {asks, "1m"},
		"as given":                         {asks + "rate_window: 90s\n", "1m30s"},
		"embedded, with Prometheus' own":   {"scrape_configs: [{job_name: a}]\n", "4m"},
		"embedded, and scraped often":      {"scrape_configs: [{job_name: a}]\nglobal: {scrape_interval: 5s}\n", "1m"},
		"embedded, and one job more often": {"scrape_configs: [{job_name: a, scrape_interval: 5s}, {job_name: b}]\nglobal: {scrape_interval: 30s}\n", "2m"},
		"embedded, and as given":           {"rate_window: 5m\nscrape_configs: [{job_name: a}]\n", "5m"},
	} {
		t.Run(name, func(t *testing.T) {
			loaded, found := config.Load("test.yml", c.settings+`
signals: {own: {unit: requests per second, demand: 'sum by (namespace, model_name) (rate(a_total[$rate_window]) + rate(b_total[10m]))'}}
models:
  - {name: m, namespace: ns, presets: [vllm], variants: [{name: a, cost: 1, capacity: {own: 1, generation_tokens: 100}}]}`)
			require.NotNil(t, loaded, "%s", found)
			require.Equal(t, c.want, loaded.RateWindow.String())
			for _, s := range loaded.Models[0].ActiveSignals() {
				require.Contains(t, s.Demand.String(), "_total["+c.want+"])", s.Name)
			}
		})
	}
}

// TestRateWindowErrors: mistakes are reported where they are, in expressions with $rate_window too.
func TestRateWindowErrors(t *testing.T) {
	for name, c := range map[string]struct{ settings, demand, want string }{
		"not a duration":    {settings: "rate_window: soon", want: `test.yml:2:14: error: rate_window: "soon" is not a duration`},
		"nothing":           {settings: "rate_window: 0s", want: "test.yml:2:14: error: rate_window:"},
		"much too long":     {settings: "rate_window: 5h", want: "test.yml:2:14: error: rate_window: 5h is longer than 4h"},
		"behind the window": {demand: "sum by (namespace, model_name) (rate(a_total[$rate_window])) +* 2", want: "test.yml:3:115: error: signals.own.demand: not PromQL"},
		"another name":      {demand: "sum by (namespace, model_name) (rate(a_total[$window]))", want: "error: signals.own.demand: not PromQL"},
	} {
		t.Run(name, func(t *testing.T) {
			demand := c.demand
			if demand == "" {
				demand = "sum by (namespace, model_name) (rate(a_total[$rate_window]))"
			}
			loaded, found := config.Load("test.yml", strings.Join([]string{
				"prometheus: {url: http://prometheus.example}", c.settings,
				"signals: {own: {unit: requests per second, demand: '" + demand + "'}}",
				"models: [{name: m, namespace: ns, variants: [{name: a, cost: 1, capacity: {own: 1}}]}]",
			}, "\n"))
			require.Nil(t, loaded)
			require.ErrorContains(t, found.Err(), c.want)
		})
	}
}
