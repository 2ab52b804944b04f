package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// documented are the commands that make manifests on a page, without what their output is sent to.
func documented(t *testing.T, page string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("docs", page))
	require.NoError(t, err)
	joined := regexp.MustCompile(` \\\n\s+`).ReplaceAllString(string(text), " ")
	var commands []string
	for _, m := range regexp.MustCompile(`(?m)^    variant_exporter (generate [^|>#\n]+)`).FindAllStringSubmatch(joined, -1) {
		commands = append(commands, strings.TrimSpace(m[1]))
	}
	require.NotEmpty(t, commands)
	return commands
}

// TestDocumentedCommands runs what the pages tell people to type, on the configuration that the page on migration begins with.
func TestDocumentedCommands(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("docs", "migration.md"))
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(text), "```yaml\nprometheus:")
	require.True(t, found)
	block, _, _ := strings.Cut(rest, "```")
	file := filepath.Join(t.TempDir(), "variant_exporter.yml")
	require.NoError(t, os.WriteFile(file, []byte("prometheus:"+block), 0o600))
	for _, page := range []string{"generate.md", "migration.md"} {
		for _, command := range documented(t, page) {
			t.Run(page+"/"+command, func(t *testing.T) {
				var out, complaints bytes.Buffer
				args := append(strings.Fields(command), "--config.file="+file)
				code := run(t.Context(), args, stdio{strings.NewReader(""), &out, &complaints})
				require.Equal(t, exitOK, code, complaints.String())
				require.Empty(t, complaints.String())
				require.Contains(t, out.String(), "# Made by: variant_exporter "+command+" --config.file=", "the comment repeats the command")
			})
		}
	}
}
