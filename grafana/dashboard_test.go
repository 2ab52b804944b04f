// Package grafana_test holds the dashboards to what their users rely on: that every panel shows something, that the numbers are
// right, and that they keep the customs of dashboards.
package grafana_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// The dashboards of this folder.
const (
	operators = "operators.json"
	exporter  = "exporter.json"
)

// The shape of a dashboard, as far as the tests look at it.
type (
	dashboard struct {
		ID            *int       `json:"id"`
		UID           string     `json:"uid"`
		Title         string     `json:"title"`
		Description   string     `json:"description"`
		Tags          []string   `json:"tags"`
		SchemaVersion int        `json:"schemaVersion"`
		Editable      *bool      `json:"editable"`
		Refresh       string     `json:"refresh"`
		Time          timeRange  `json:"time"`
		Links         []link     `json:"links"`
		Templating    templating `json:"templating"`
		Panels        []panel    `json:"panels"`
	}
	timeRange struct {
		From string `json:"from"`
		To   string `json:"to"`
	}
	link struct {
		Type        string   `json:"type"`
		Tags        []string `json:"tags"`
		IncludeVars bool     `json:"includeVars"`
		KeepTime    bool     `json:"keepTime"`
	}
	templating struct {
		List []variable `json:"list"`
	}
	variable struct {
		Name       string     `json:"name"`
		Label      string     `json:"label"`
		Type       string     `json:"type"`
		Query      string     `json:"query"`
		Datasource datasource `json:"datasource"`
		Refresh    int        `json:"refresh"`
		Multi      bool       `json:"multi"`
		IncludeAll bool       `json:"includeAll"`
		AllValue   string     `json:"allValue"`
	}
	datasource struct {
		Type string `json:"type"`
		UID  string `json:"uid"`
	}
	panel struct {
		ID              int              `json:"id"`
		Type            string           `json:"type"`
		Title           string           `json:"title"`
		Description     string           `json:"description"`
		Datasource      datasource       `json:"datasource"`
		GridPos         gridPos          `json:"gridPos"`
		Repeat          string           `json:"repeat"`
		Targets         []target         `json:"targets"`
		FieldConfig     fieldConfig      `json:"fieldConfig"`
		Transformations []transformation `json:"transformations"`
		repeated        bool             // stands in a row that is repeated
	}
	gridPos struct{ X, Y, W, H int }
	target  struct {
		RefID        string     `json:"refId"`
		Datasource   datasource `json:"datasource"`
		Expr         string     `json:"expr"`
		LegendFormat string     `json:"legendFormat"`
		Format       string     `json:"format"`
	}
	fieldConfig struct {
		Defaults struct {
			Unit     string    `json:"unit"`
			NoValue  string    `json:"noValue"`
			Mappings []mapping `json:"mappings"`
		} `json:"defaults"`
		Overrides []override `json:"overrides"`
	}
	override struct {
		Matcher struct{ ID, Options string } `json:"matcher"`
	}
	transformation struct {
		Options struct {
			RenameByName map[string]string `json:"renameByName"`
		} `json:"options"`
	}
	mapping struct {
		Options map[string]struct{ Text string } `json:"options"`
	}
)

// load reads a dashboard. Rows are left out of its panels.
func load(t *testing.T, name string) *dashboard {
	t.Helper()
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	d := &dashboard{}
	require.NoError(t, json.Unmarshal(text, d))
	var panels []panel
	repeated := false
	for _, p := range d.Panels {
		if p.Type == "row" {
			repeated = p.Repeat != ""
			continue
		}
		p.repeated = repeated
		panels = append(panels, p)
	}
	d.Panels = panels
	return d
}

func (d *dashboard) panel(t *testing.T, title string) *panel {
	t.Helper()
	for i := range d.Panels {
		if d.Panels[i].Title == title {
			return &d.Panels[i]
		}
	}
	t.Fatalf("%s has no panel %q", d.Title, title)
	return nil
}

// TestAllDashboards keeps a dashboard from being added without being tested.
func TestAllDashboards(t *testing.T) {
	files, err := filepath.Glob("*.json")
	require.NoError(t, err)
	require.ElementsMatch(t, []string{operators, exporter}, files)
}

func TestReadme(t *testing.T) {
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	for _, name := range []string{operators, exporter} {
		d := load(t, name)
		require.Contains(t, string(text), d.UID)
		for _, v := range d.Templating.List {
			require.Contains(t, string(text), v.Label)
		}
	}
}
