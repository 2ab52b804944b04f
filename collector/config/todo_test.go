package config_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// TestToDos is about comments that say what is still to be done: they are warnings, at their places.
func TestToDos(t *testing.T) {
	const text = `# TODO: all of it
prometheus: {url: http://p}
models:
  - name: m
    namespace: llm # the one. TODO: is it?
    presets: [vllm]
    variants:
      - {name: a, cost: 1, capacity: {concurrency: 1, prompt_tokens: 1}} # TODOs are not TODO
      - {name: "no # comment", cost: 1, capacity: {concurrency: 1, prompt_tokens: 1}}
`
	c, found := config.Load("test.yml", text[:len(text)-len("      - {name: \"no # comment\", cost: 1, capacity: {concurrency: 1, prompt_tokens: 1}}\n")])
	require.NotNil(t, c)
	var got []string
	for _, d := range found {
		require.Equal(t, config.SeverityWarning, d.Severity)
		require.True(t, d.ToDo())
		require.NotEmpty(t, d.Snippet, "editors get it all the same")
		require.NotContains(t, d.String(), "\n")
		got = append(got, d.String())
	}
	require.Len(t, got, 3)
	require.Contains(t, got[0], "test.yml:1:3: warning: to do: all of it")
	require.Contains(t, got[1], "test.yml:5:31: warning: to do: is it? (namespace: llm)")
	require.Contains(t, got[2], "warning: to do: the comment does not say what (- {name: a, cost: 1")
	_, found = config.Load("test.yml", text)
	require.True(t, found.HasErrors())
	for _, d := range found {
		require.NotContains(t, d.Message, "to do", "first the mistakes")
	}
}
