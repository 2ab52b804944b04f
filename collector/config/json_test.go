package config_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// TestConfigAsJSON: a configuration can be written as JSON, without what is not given in it, and without its secrets.
func TestConfigAsJSON(t *testing.T) {
	c, found := config.Load("test.yml", `
prometheus: {url: http://prometheus:9090, http_config: {basic_auth: {username: u, password: hunter2}}}
models:
  - {name: m, namespace: ns, presets: [vllm], replicas: {min: least}, variants: [
      {name: a, cost: price, capacity: {concurrency: 96}},
      {name: b, cost: 1, capacity: {concurrency: 96}, pods: 'b-[0-9]+'}]}`)
	require.NoError(t, found.Err())
	text, err := json.Marshal(c)
	require.NoError(t, err)
	require.NotContains(t, string(text), "hunter2")
	var got struct {
		Models []struct {
			Replicas struct {
				Min struct{ Query string }
			}
			Variants []struct {
				Pods string
				Cost struct {
					Query  string
					Number float64
				}
			}
		}
	}
	require.NoError(t, json.Unmarshal(text, &got))
	m := got.Models[0]
	require.Equal(t, "least", m.Replicas.Min.Query)
	require.Equal(t, "price", m.Variants[0].Cost.Query)
	require.Empty(t, m.Variants[0].Pods)
	require.Equal(t, "^(?:b-[0-9]+)$", m.Variants[1].Pods)
	require.InDelta(t, 1, m.Variants[1].Cost.Number, 0)
}
