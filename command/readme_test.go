package command

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

const readme = "../README.md"

// TestReadmeReplay holds the savings that README shows to those of a recorded run.
func TestReadmeReplay(t *testing.T) {
	const begin, end = "<!-- replay: made by go test -run TestReadmeReplay ./command -update -->\n```\n", "\n```\n<!-- end of replay -->"
	golden, err := os.ReadFile(filepath.Join("testdata", "replay", "h100-staircase-b.txt"))
	require.NoError(t, err)
	table := strings.Split(string(golden), "\n\n")[1]
	text, err := os.ReadFile(readme)
	require.NoError(t, err)
	before, shown, after := part(t, string(text), begin, end)
	if *update {
		require.NoError(t, os.WriteFile(readme, []byte(before+table+after), 0o644))
		return
	}
	require.Equal(t, table, shown, "run go test -run TestReadmeReplay ./command -update")
}

// TestReadme is for people in a hurry: it is short, its configuration is valid, and what it links to is there.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile(readme)
	require.NoError(t, err)
	assert.LessOrEqual(t, len(strings.Fields(string(text))), 700, "words")
	for _, command := range []string{"\n    go run . demo\n", "\n    go test ./...\n"} {
		assert.Contains(t, string(text), command)
	}
	_, rest, found := strings.Cut(string(text), "```yaml\n")
	require.True(t, found)
	block, _, _ := strings.Cut(rest, "```")
	_, remarks := config.Load("README.md", block)
	assert.Empty(t, remarks)
}

// TestLinks follows the links between pages.
func TestLinks(t *testing.T) {
	pages := []string{readme}
	for _, pattern := range []string{"../docs/*.md", "../deploy/*.md", "../grafana/*.md", "../*.md"} {
		found, err := filepath.Glob(pattern)
		require.NoError(t, err)
		pages = append(pages, found...)
	}
	link := regexp.MustCompile(`\]\(([^)#: ]+)(#[^)]*)?\)`)
	for _, page := range pages {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			_, err := os.Stat(filepath.Join(filepath.Dir(page), m[1]))
			assert.NoError(t, err, "%s links to %s", page, m[1])
		}
	}
}

// TestDocumentedFlags parses every command line of the program on the pages that people type from.
func TestDocumentedFlags(t *testing.T) {
	line := regexp.MustCompile(`(?m)^ +variant_exporter ((?:[a-z]+ ?)?(?: *[^|>#\n])*)`)
	for _, page := range []string{readme, "../docs/quickstart.md", "../docs/init.md", "../docs/first-steps.md", "../docs/generate.md", "../docs/replay.md"} {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		joined := regexp.MustCompile(` \\\n\s+`).ReplaceAllString(string(text), " ")
		commands := line.FindAllStringSubmatch(joined, -1)
		require.NotEmpty(t, commands, page)
		for _, m := range commands {
			args := append(strings.Fields(m[1]), "--help")
			code, _, problems := runs(t, args...)
			assert.Zero(t, code, "%s: variant_exporter %s: %s", page, m[1], problems)
		}
	}
}
