package main

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var mutations = flag.String("mutations", "", "remove the bounds whose name matches, and see that their tests fail")

// mutation is a bound of docs/testing.md, how it is removed, and the test that must fail without it.
type mutation struct {
	row, bound  string // in the words of docs/testing.md
	file        string
	was, is     string // is may be empty
	pkg, failed string // the package and the test
}

// TestMutationsApply holds that every bound is where the list says, and that each has its test.
func TestMutationsApply(t *testing.T) {
	page := read(t, "docs/testing.md")
	for _, m := range bounds {
		assert.Equal(t, 1, strings.Count(read(t, m.file), m.was), "%s: %s has %q times: change the list in mutations_list_test.go", m.bound, m.file, m.was)
		assert.Contains(t, page, "\n| "+m.row+" |", "%s: docs/testing.md has no row %q", m.bound, m.row)
		name, _, _ := strings.Cut(m.failed, "/")
		out, err := exec.CommandContext(t.Context(), "grep", "-lE", "^func "+name+`\(`, "-r", m.pkg, "--include=*_test.go").Output()
		require.NoError(t, err)
		assert.NotEmpty(t, out, "%s: %s has no test %s", m.bound, m.pkg, name)
	}
}

// TestMutations removes one bound after the other, with -mutations=. for all, and runs its test. What is compiled is another text of the
// file; the file itself stays as it is.
func TestMutations(t *testing.T) {
	if *mutations == "" {
		t.Skip("takes long: make mutations")
	}
	wanted := regexp.MustCompile(*mutations)
	for _, m := range bounds {
		if name := m.row + ": " + m.bound; wanted.MatchString(name) {
			t.Run(name, func(t *testing.T) { mutate(t, m) })
		}
	}
}

func mutate(t *testing.T, m mutation) {
	dir, err := os.Getwd()
	require.NoError(t, err)
	changed, overlay := filepath.Join(t.TempDir(), "changed.go"), filepath.Join(t.TempDir(), "overlay.json")
	write(t, changed, strings.Replace(read(t, m.file), m.was, m.is, 1))
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(dir, m.file): changed}})
	require.NoError(t, err)
	write(t, overlay, string(replace))
	var parts []string
	for part := range strings.SplitSeq(m.failed, "/") {
		parts = append(parts, "^"+part+"$")
	}
	most := "10m"
	if strings.HasPrefix(m.pkg, "./collector/") {
		most = "1m" // Without some bounds, a test waits for ever.
	}
	cmd := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-timeout="+most, "-run="+strings.Join(parts, "/"), m.pkg)
	cmd.Env = append(os.Environ(), "TEST_LONG=1", "GOFLAGS=-overlay="+overlay) // Tests that build the program build the changed one.
	out, err := cmd.CombinedOutput()
	how := regexp.MustCompile("--- FAIL.*|panic: .*|fatal error: .*").FindString(string(out))
	switch {
	case err == nil:
		t.Errorf("%s passes without the bound", m.failed)
	case how == "":
		t.Errorf("the test cannot be run: %v\n%s", err, out)
	default:
		t.Log(how)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(text)
}

func write(t *testing.T, name, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
}
