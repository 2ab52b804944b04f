package config_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	commonconfig "github.com/prometheus/common/config"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

func load(t *testing.T, text string) *config.Config {
	t.Helper()
	c, found := config.Load("test.yml", text)
	require.NotNil(t, c, "%s", found)
	return c
}

func TestDefaults(t *testing.T) {
	c := load(t, read(t, filepath.Join("testdata", "good", "minimal.yml")))
	m := c.Models[0]
	require.Equal(t, config.Headroom{Ratio: 0.15, Auto: true, Default: true}, *m.Headroom, "auto where the signal is a rate, and 15 %")
	require.Equal(t, "5m", m.ScaleDownWindow.String())
	require.Zero(t, *m.ScaleUpWindow)
	require.Equal(t, config.Duration(10*time.Minute), *m.IdleAfter)
	require.Equal(t, 1, m.Replicas.Min.Least())
	require.Equal(t, config.RoleBoth, m.Variants[0].Role)
	require.Equal(t, config.ScaleTarget{Kind: config.KindDeployment, Name: "llama-8b-h100"}, m.Variants[0].ScaleTarget)
	require.Equal(t, config.LabelNames{Namespace: "namespace", Model: "model_name", Variant: "llm_d_ai_variant"}, c.Labels)
	require.Equal(t, commonconfig.DefaultHTTPClientConfig, c.Prometheus.HTTPConfig.HTTPClientConfig)
	require.False(t, c.ScaleTargets.Current.IsZero())
	require.Nil(t, c.Embedded())

	signals := m.ActiveSignals()
	require.Len(t, signals, 1)
	require.Equal(t, "vllm.generation_tokens", signals[0].Key())
	require.Equal(t, config.OnMissingHold, signals[0].OnMissing)
}

func TestFullFile(t *testing.T) {
	c := load(t, read(t, filepath.Join("testdata", "good", "full.yml")))
	m := c.Models[0]
	var keys []string
	for _, s := range m.ActiveSignals() {
		keys = append(keys, s.Key())
	}
	require.Equal(t, []string{"epp.concurrency", "memory", "queue"}, keys, "of two presets the later one counts")
	require.Equal(t, config.Headroom{Ratio: 0.3}, *m.Headroom)
	require.Equal(t, "15m", m.ScaleDownWindow.String())
	require.Equal(t, config.Strings{"llama-pool"}, m.Match["inference_pool"])
	require.Equal(t, config.Strings{"llama", "llama-instruct"}, m.Match["model"])
	require.True(t, m.Variants[0].Pods.MatchString("llama-8b-12"))
	require.False(t, m.Variants[0].Pods.MatchString("x-llama-8b-12"), "the whole name must match")
	require.Equal(t, "avg(spot_price)", m.Variants[1].Cost.Query.String())
	require.False(t, m.Variants[1].Cost.IsNumber())
	require.True(t, m.Variants[0].Cost.IsNumber())
	require.Equal(t, "blocks size", strings.Join(c.Signals["memory"].Capacity.FromLabels, " "))
	require.Len(t, c.Budgets[1].Limit, 2)
	require.Equal(t, "variant", c.Signals["queue"].Labels.Variant)
	require.Equal(t, "llm_d_ai_variant", c.Signals["memory"].Labels.Variant)
}

func TestNotations(t *testing.T) {
	c := load(t, read(t, filepath.Join("testdata", "good", "notations.yml")))
	first, second := c.Models[0], c.Models[1]
	require.Equal(t, "1.10", first.Name, "a text stays what it is")
	require.Equal(t, config.Strings{"3", "0x10", "true", "2026-01-01"}, first.Match["revision"])
	require.Equal(t, 3, first.Replicas.Min.Least())
	require.InDelta(t, 16, first.Variants[0].Cost.Number, 0)
	require.Equal(t, 1000, *first.Variants[1].Replicas.Max)
	require.InDelta(t, 100, first.Variants[1].Capacity["concurrency"].Number, 0)
	require.Equal(t, "other", second.Name)
	require.Equal(t, 2, second.Priority, "of several merged mappings the first counts")
	require.Equal(t, "other", second.Variants[0].ScaleTarget.Name)
}

func TestEmbedded(t *testing.T) {
	c, found, err := config.LoadFile(filepath.Join("testdata", "good", "embedded.yml"))
	require.NoError(t, err)
	require.Empty(t, found)
	jobs, err := c.Embedded().GetScrapeConfigs()
	require.NoError(t, err)
	require.Len(t, jobs, 2)
	require.Equal(t, "5s", jobs[0].ScrapeInterval.String())
	require.Contains(t, fmt.Sprintf("%+v", jobs[1].ServiceDiscoveryConfigs[0]), filepath.Join("testdata", "good", "targets", "*.json"),
		"files are found beside the configuration")
	require.True(t, c.ScaleTargets.Current.IsZero())
}

func TestLoadFile(t *testing.T) {
	_, _, err := config.LoadFile(filepath.Join(t.TempDir(), "none.yml"))
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "read configuration: ")

	c, _, err := config.LoadFile(filepath.Join("testdata", "good", "full.yml"))
	require.NoError(t, err)
	require.Equal(t, filepath.Join("testdata", "good", "ca.crt"), c.Prometheus.HTTPConfig.TLSConfig.CAFile)
}

func TestSecretsAreNotMarshalled(t *testing.T) {
	c := load(t, `
prometheus:
  url: http://prometheus:9090
  http_config:
    basic_auth: {username: me, password: hunter2}
    proxy_url: http://proxy
    tls_config: {cert_file: x, key: hunter3}
    http_headers: {X-Key: {secrets: [hunter4]}}
models:
  - name: llama
    namespace: llm
    presets: [vllm]
    variants: [{name: llama, cost: 1, capacity: {concurrency: 1}}]
`)
	require.Equal(t, "hunter2", string(c.Prometheus.HTTPConfig.BasicAuth.Password))
	for _, text := range []string{
		asJSON(t, c.Prometheus), asYAML(t, c.Prometheus),
		fmt.Sprint(c), fmt.Sprintf("%v", *c), fmt.Sprintf("%+v", c), fmt.Sprintf("%#v", *c),
		fmt.Sprint(c.Prometheus), fmt.Sprintf("%+v", *c.Prometheus), fmt.Sprintf("%#v", *c.Prometheus),
		fmt.Sprintf("%+v", c.Prometheus.HTTPConfig),
	} {
		require.NotContains(t, text, "hunter")
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	return string(text)
}

func asYAML(t *testing.T, v any) string {
	t.Helper()
	text, err := yaml.Marshal(v)
	require.NoError(t, err)
	return string(text)
}

func TestDiagnosticsErr(t *testing.T) {
	_, found := config.Load("test.yml", "models: 5\ncolour: red\n")
	err := found.Err()
	var invalid *config.InvalidError
	require.ErrorAs(t, err, &invalid)
	require.Equal(t, `test.yml:1:1: error: no data source: set prometheus.url or scrape_configs
    1 | models: 5
      | ^
      = with scrape_configs the exporter scrapes the targets itself
test.yml:1:9: error: models: "5" where a list is expected
    1 | models: 5
      |         ^
      = write it as `+"`- item` lines or [item, item]"+`
test.yml:2:1: error: colour: unknown field "colour"
    2 | colour: ***
      | ^^^^^^
      = allowed: budgets, defaults, energy_price, global, input_window, labels, max_age, models, prometheus, rate_window, recorded, scale_targets, scrape_configs, selector, signals`,
		err.Error())
	text, err := json.Marshal(found[2])
	require.NoError(t, err)
	require.JSONEq(t, `{"file": "test.yml", "line": 2, "column": 1, "path": "colour", "severity": "error",
		"message": "unknown field \"colour\"", "snippet": "colour: ***",
		"hint": "allowed: budgets, defaults, energy_price, global, input_window, labels, max_age, models, prometheus, rate_window, recorded, scale_targets, scrape_configs, selector, signals"}`, string(text))

	_, found = config.Load("unused.yml", read(t, filepath.Join("testdata", "doubtful", "unused.yml")))
	require.NotEmpty(t, found)
	require.NoError(t, found.Err(), "warnings are no error")
}

// large is a configuration of many models with four variants each.
func large(models int) string {
	var b strings.Builder
	b.WriteString("prometheus: {url: http://prometheus:9090}\nbudgets:\n  - {name: h100, unit: accelerators, limit: 16}\nmodels:\n")
	for i := range models {
		fmt.Fprintf(&b, "  - name: org/model-%d\n    namespace: llm\n    presets: [vllm]\n    match: {inference_pool: pool-%[1]d}\n    variants:\n", i)
		for j := range 4 {
			fmt.Fprintf(&b, `      - name: model-%d-%d
        cost: 4.1
        uses: {h100: 1, power: 700}
        capacity: {concurrency: 96, kv_tokens: 'avg(learned{variant="%[1]d-%d"})'}
        replicas: {min: 0, max: 8}
        startup: 2m
`, i, j)
		}
	}
	return b.String()
}

func BenchmarkLoad(b *testing.B) {
	text := large(250)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		c, found := config.Load("large.yml", text)
		require.NotNil(b, c, found)
	}
}
