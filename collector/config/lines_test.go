package config_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// TestLines shows all of a file but what may be a secret.
func TestLines(t *testing.T) {
	const file = `# Our fleet.
prometheus:
  url: http://prometheus:9090
  # the old one was hunter2
  http_config:
    basic_auth: {username: someone, password: hunter3}
    tls_config:
      cert_file: c.pem
      key: |
        hunter4
        hunter4 again
    http_headers:
      X-Scope-OrgID: {secrets: [hunter5]} # hunter6
models: # password: hunter7
  - name: m # the large one
    namespace: llm
    presets: [vllm]
    variants: [{name: v, cost: 1, capacity: {concurrency: 96}}]
`
	c, found := config.Load("test.yml", file)
	require.NotNil(t, c, "%v", found)
	got := c.Lines()
	text := strings.Join(got, "\n")
	assert.NotContains(t, text, "hunter")
	assert.Len(t, got, strings.Count(file, "\n")+1)
	for _, want := range []string{
		"# Our fleet.", "  url: http://prometheus:9090", "  # ...", "username: someone", "  - name: m # the large one", "capacity: {concurrency: 96}",
	} {
		assert.Contains(t, text, want)
	}
	assert.Empty(t, (&config.Config{}).Lines())
}
