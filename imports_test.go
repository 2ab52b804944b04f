package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "github.com/variant-exporter/variant-exporter"

// arrows says who may import whom; what can be reached over several arrows may be imported directly. A package below one of
// these stands for itself if it is listed, or else for the folder that it is in.
var arrows = map[string][]string{
	"":                         {"command"},
	"command":                  {"collector/server", "collector/discover", "collector/explain", "rules", "backtest"},
	"collector/server":         {"collector/server/console", "collector/embedded"},
	"collector/server/console": {"collector/explain", "collector/past", "collector/whatif", "collector/svg", "collector/chart"},
	"collector/past":           {"collector", "collector/timeline"},
	"collector/whatif":         {"collector"},
	"collector/timeline":       {"collector/promapi"},
	"collector/explain":        {"collector"},
	"collector/discover":       {"collector/calibrate"},
	"collector/calibrate":      {"collector/match", "collector/svg", "optimizer/calibration"},
	"collector":                {"collector/diagnose"},
	"collector/diagnose":       {"collector/decide"},
	"collector/decide":         {"collector/match", "optimizer", "optimizer/latency"},
	"collector/match":          {"collector/query", "collector/promapi", "optimizer", "optimizer/forecast"},
	"collector/query":          {"collector/config"},
	"collector/config":         {"collector/config/strict"},
	"collector/config/strict":  {},
	"collector/embedded":       {"collector/promapi"},
	"collector/promapi":        {},
	"collector/svg":            {},
	"collector/chart":          {},
	"optimizer":                {"optimizer/internal"},
	"optimizer/internal":       {},
	"optimizer/calibration":    {"optimizer/latency"},
	"optimizer/latency":        {"optimizer/internal"},
	"optimizer/forecast":       {},
	"rules":                    {"collector/config"},
	"internal/recorded":        {}, // for tests, as are the next
	"internal/long":            {},
	"internal/promtest":        {},
	"internal/testclock":       {},
	"backtest":                 {"collector", "collector/chart", "collector/embedded", "collector/timeline"},
}

// TestImports holds the import directions of the layout. It looks at what is built, not at tests.
func TestImports(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,Deps", "./...").Output()
	require.NoError(t, err, "go list")
	seen := 0
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; seen++ {
		var p struct {
			ImportPath    string
			Imports, Deps []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		from := node(p.ImportPath)
		for _, imported := range p.Imports {
			if !inModule(imported) {
				continue
			}
			if to := node(imported); to != from && !reachable(from, to) {
				t.Errorf("%s imports %s: there is no arrow from %q to %q", p.ImportPath, imported, from, to)
			}
		}
		if from == "optimizer" {
			for _, dep := range p.Deps {
				if strings.Contains(strings.SplitN(dep, "/", 2)[0], ".") && !reachable(from, node(dep)) && node(dep) != from {
					t.Errorf("%s depends on %s: the planner needs nothing but the standard library", p.ImportPath, dep)
				}
			}
		}
	}
	assert.GreaterOrEqual(t, seen, len(arrows)-1, "packages")
}

func inModule(path string) bool { return path == module || strings.HasPrefix(path, module+"/") }

// node is the place of a package in arrows, or its path when it has none.
func node(path string) string {
	name := strings.TrimPrefix(strings.TrimPrefix(path, module), "/")
	if !inModule(path) {
		return path
	}
	for at := name; ; {
		if _, ok := arrows[at]; ok {
			return at
		}
		i := strings.LastIndexByte(at, '/')
		if i < 0 {
			return name
		}
		at = at[:i]
	}
}

func reachable(from, to string) bool {
	return slices.ContainsFunc(arrows[from], func(next string) bool { return next == to || reachable(next, to) })
}

func TestReachable(t *testing.T) {
	for _, tc := range []struct {
		from, to string
		want     bool
	}{
		{"", "command", true},
		{"command", "optimizer", true},
		{"command", "collector/embedded", true},
		{"command", "", false},
		{"collector/server", "collector/promapi", true},
		{"rules", "collector/config", true},
		{"rules", "collector", false},
		{"optimizer", "collector", false},
		{"collector", "collector/server", false},
		{"collector/config", "collector/promapi", false},
		{"collector/config/strict", "collector/config", false},
		{"backtest", "collector/server", false},
		{"backtest", "collector/calibrate", false},
		{"collector/calibrate", "backtest", false},
		{"backtest", "command", false},
	} {
		assert.Equal(t, tc.want, reachable(tc.from, tc.to), "from %q to %q", tc.from, tc.to)
	}
}
