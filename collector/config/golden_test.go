package config_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares a text with a file.
func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(name, []byte(got), 0o644))
		return
	}
	want, err := os.ReadFile(name)
	require.NoError(t, err, "run go test -update")
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got), run go test -update if it is right:\n%s", name, diff)
	}
}

// files lists the YAML files of a folder of testdata.
func files(t testing.TB, folder string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("testdata", folder, "*.yml"))
	require.NoError(t, err)
	require.NotEmpty(t, names)
	return names
}

func read(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(text)
}

func render(found config.Diagnostics) string {
	var b strings.Builder
	for _, d := range found {
		b.WriteString(d.String() + "\n")
	}
	return b.String()
}

func TestBadFiles(t *testing.T) {
	for _, name := range files(t, "bad") {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".yml"), func(t *testing.T) {
			text := read(t, name)
			c, found := config.Load(filepath.Base(name), text)
			require.Nil(t, c)
			require.True(t, found.HasErrors())
			requireInside(t, text, found)
			require.NotContains(t, render(found), "hunter", "a secret is shown")
			golden(t, strings.TrimSuffix(name, ".yml")+".txt", render(found))
		})
	}
}

func TestDoubtfulFiles(t *testing.T) {
	for _, name := range files(t, "doubtful") {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".yml"), func(t *testing.T) {
			c, found := config.Load(filepath.Base(name), read(t, name))
			require.NotNil(t, c)
			golden(t, strings.TrimSuffix(name, ".yml")+".txt", render(found))
		})
	}
}

func TestGoodFiles(t *testing.T) {
	for _, name := range files(t, "good") {
		t.Run(filepath.Base(name), func(t *testing.T) {
			c, found := config.Load(filepath.Base(name), read(t, name))
			require.Empty(t, render(found))
			require.NotNil(t, c)
		})
	}
}

// requireInside checks that diagnostics point into the text and say what is wrong.
func requireInside(t require.TestingT, text string, found config.Diagnostics) {
	lines := splitLines(strings.TrimPrefix(text, "\uFEFF"))
	for _, d := range found {
		require.NotEmpty(t, d.Message)
		if d.Line == 0 {
			continue // the remark that others are not listed
		}
		require.True(t, d.Line >= 1 && d.Line <= len(lines), "%s", d)
		require.True(t, d.Column >= 1 && d.Column <= utf8.RuneCountInString(lines[d.Line-1])+1, "%s", d)
	}
}

// splitLines takes a text apart at what YAML takes for line breaks.
func splitLines(text string) []string {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n").Replace(text)
	return strings.Split(text, "\n")
}
