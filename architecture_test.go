package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestArchitecture holds the table of packages to the folders that there are. Folders of internal/ stand together.
func TestArchitecture(t *testing.T) {
	page, err := os.ReadFile("docs/architecture.md")
	require.NoError(t, err)
	named := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| (`[^|]*`) \\|").FindAllStringSubmatch(string(page), -1) {
		for _, name := range regexp.MustCompile("`([^`]+)/`").FindAllStringSubmatch(row[1], -1) {
			require.DirExists(t, name[1])
			named[name[1]] = true
		}
	}
	err = filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
			return skipModule(path, d, err)
		}
		folder := filepath.Dir(path)
		if strings.HasPrefix(folder, "internal/") {
			folder = "internal"
		}
		if folder != "." && !named[folder] {
			t.Errorf("docs/architecture.md does not say what %s/ is for", folder)
			named[folder] = true
		}
		return nil
	})
	require.NoError(t, err)
}

// skipModule leaves out hidden folders, and modules of their own.
func skipModule(path string, d fs.DirEntry, err error) error {
	if err != nil || !d.IsDir() || path == "." {
		return err
	}
	if _, none := os.Stat(filepath.Join(path, "go.mod")); none == nil || strings.HasPrefix(d.Name(), ".") {
		return filepath.SkipDir
	}
	return nil
}
