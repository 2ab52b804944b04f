package rules_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/variant-exporter/variant-exporter/internal/long"
	"github.com/variant-exporter/variant-exporter/rules"
)

// promtool runs Prometheus' own tool.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	name, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not on PATH")
	}
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

func TestPromtoolChecksRules(t *testing.T) {
	for _, name := range []string{"fleet", "roles", "plain"} {
		t.Run(name, func(t *testing.T) {
			m, err := rules.Rules(load(t, name), ruleOptions())
			promtool(t, "check", "rules", "--lint=all", "--lint-fatal", write(t, "rules.yml", text(t, m, err)))
		})
	}
}

// fleetRules is what is generated for the fleet. Without annotations, tests need not repeat them.
func fleetRules(t *testing.T, annotated bool) string {
	m, err := rules.Rules(load(t, "fleet"), ruleOptions())
	var file ruleFile
	require.NoError(t, yaml.Unmarshal([]byte(text(t, m, err)), &file))
	for i := range file.Groups {
		for j := range file.Groups[i].Rules {
			if !annotated {
				file.Groups[i].Rules[j].Annotations = nil
			}
		}
	}
	out, err := yaml.Marshal(file)
	require.NoError(t, err)
	return write(t, "rules.yml", string(out))
}

// TestPromtoolTestsRules runs the unit tests in testdata/promtool on what is generated for the fleet.
func TestPromtoolTestsRules(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "promtool", "*.yml"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			unit, err := os.ReadFile(file)
			require.NoError(t, err)
			generated := fleetRules(t, strings.Contains(file, "annotations"))
			if filepath.Base(file) == "alerts.yml" {
				long.Test(t) // an hour or so of all rules for each of its tests
			}
			promtool(t, "test", "rules", write(t, "test.yml", strings.ReplaceAll(string(unit), "RULES", generated)))
		})
	}
}

// TestEveryAlertIsTested holds the unit tests to the alerts: each is seen firing, and not firing.
func TestEveryAlertIsTested(t *testing.T) {
	unit, err := os.ReadFile(filepath.Join("testdata", "promtool", "alerts.yml"))
	require.NoError(t, err)
	var file struct {
		Tests []struct {
			Alerts []struct {
				Name string `yaml:"alertname"`
				Exp  []any  `yaml:"exp_alerts"`
			} `yaml:"alert_rule_test"`
		}
	}
	require.NoError(t, yaml.Unmarshal(unit, &file))
	fires, silent := map[string]bool{}, map[string]bool{}
	for _, test := range file.Tests {
		for _, a := range test.Alerts {
			fires[a.Name] = fires[a.Name] || len(a.Exp) > 0
			silent[a.Name] = silent[a.Name] || len(a.Exp) == 0
		}
	}
	for _, a := range alerts(t) {
		require.True(t, fires[a.Alert], "%s is not tested to fire", a.Alert)
		delete(fires, a.Alert)
		require.True(t, silent[a.Alert], "%s is not tested to stay silent", a.Alert)
	}
	require.Empty(t, fires, "tests of alerts that there are not")
}

// ruleFile is a file of rules as Prometheus reads it.
type ruleFile struct {
	Groups []struct {
		Name     string
		Interval string `yaml:",omitempty"`
		Rules    []rule
	}
}

type rule struct {
	Record      string            `yaml:",omitempty"`
	Alert       string            `yaml:",omitempty"`
	Expr        string            `yaml:"expr"`
	For         string            `yaml:",omitempty"`
	Labels      map[string]string `yaml:",omitempty"`
	Annotations map[string]string `yaml:",omitempty"`
}

// alerts are those generated for the fleet, which has everything that an alert may need.
func alerts(t *testing.T) []rule {
	t.Helper()
	m, err := rules.Rules(load(t, "fleet"), ruleOptions())
	var file ruleFile
	require.NoError(t, yaml.Unmarshal([]byte(text(t, m, err)), &file))
	return file.Groups[len(file.Groups)-1].Rules
}
