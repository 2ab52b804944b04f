package grafana_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// schemaVersion is that of Grafana 12 and 13. Older ones ignore what they do not know.
const schemaVersion = 42

// rule is something that every dashboard keeps.
type rule struct {
	name  string
	check func(*dashboard) []string
	spoil func(*dashboard) // makes the check fail
}

// rules are those of Grafana's dashboard-linter, under its names where it has them, and some more.
func rules() []rule {
	return slices.Concat(dashboardRules(), variableRules(), panelRules(), targetRules())
}

func TestLint(t *testing.T) {
	for _, name := range []string{operators, exporter} {
		for _, r := range rules() {
			t.Run(name+"/"+r.name, func(t *testing.T) {
				require.Empty(t, r.check(load(t, name)))
				spoiled := load(t, name)
				r.spoil(spoiled)
				require.NotEmpty(t, r.check(spoiled), "the rule does not see what it is about")
			})
		}
	}
}

func dashboardRules() []rule {
	return []rule{
		{"dashboard-identity", func(d *dashboard) []string {
			if d.ID != nil || !regexp.MustCompile(`^variant-exporter-[a-z]+$`).MatchString(d.UID) || d.Title == "" || d.Description == "" {
				return []string{"want a uid, a title and a description, and no id, which is one Grafana's own"}
			}
			return nil
		}, func(d *dashboard) { d.UID = "" }},
		{"dashboard-schema-version", func(d *dashboard) []string {
			if d.SchemaVersion != schemaVersion {
				return []string{fmt.Sprintf("schema version %d, want %d", d.SchemaVersion, schemaVersion)}
			}
			return nil
		}, func(d *dashboard) { d.SchemaVersion = 16 }},
		{"template-uneditable-rule", func(d *dashboard) []string {
			if d.Editable == nil || *d.Editable {
				return []string{"what is changed in Grafana is lost when the dashboard is provisioned again"}
			}
			return nil
		}, func(d *dashboard) { d.Editable = nil }},
		{"dashboard-time", func(d *dashboard) []string {
			if d.Refresh != "30s" || d.Time.To != "now" || !strings.HasPrefix(d.Time.From, "now-") {
				return []string{"want a time range up to now that is refreshed"}
			}
			return nil
		}, func(d *dashboard) { d.Refresh = "" }},
		{"dashboard-links", func(d *dashboard) []string {
			for _, l := range d.Links {
				if l.Type == "dashboards" && l.KeepTime && l.IncludeVars && len(l.Tags) == 1 && slices.Contains(d.Tags, l.Tags[0]) {
					return nil
				}
			}
			return []string{"no link to the dashboards of the same tag"}
		}, func(d *dashboard) { d.Tags = nil }},
	}
}

func variableRules() []rule {
	queries := func(check func(d *dashboard, i int, v variable) string) func(*dashboard) []string {
		return func(d *dashboard) (wrong []string) {
			for i, v := range d.Templating.List {
				if v.Type != "datasource" {
					if problem := check(d, i, v); problem != "" {
						wrong = append(wrong, v.Name+": "+problem)
					}
				}
			}
			return wrong
		}
	}
	return []rule{
		{"template-datasource-rule", func(d *dashboard) []string {
			if v := d.Templating.List[0]; v.Type != "datasource" || v.Name != "datasource" || v.Label != "Data source" || v.Query != "prometheus" {
				return []string{"the first variable must choose the data source"}
			}
			return nil
		}, func(d *dashboard) { d.Templating.List = d.Templating.List[1:] }},
		// An operator's numbers are those of all exporters of a job together: instance is a variable of the exporter's own dashboard only.
		{"template-job-rule and template-instance-rule", func(d *dashboard) (wrong []string) {
			for _, name := range instanceLabels(d) {
				if !slices.ContainsFunc(d.Templating.List, func(v variable) bool { return v.Name == name && strings.EqualFold(v.Label, name) }) {
					wrong = append(wrong, "no variable "+name)
				}
			}
			return wrong
		}, func(d *dashboard) { d.Templating.List = slices.Delete(d.Templating.List, 1, 2) }},
		{"template-on-time-change-reload-rule", queries(func(_ *dashboard, _ int, v variable) string {
			if v.Refresh != 2 {
				return "is not asked again when the time range changes"
			}
			return ""
		}), func(d *dashboard) { d.Templating.List[1].Refresh = 1 }},
		{"template-all", queries(func(_ *dashboard, _ int, v variable) string {
			if !v.Multi || !v.IncludeAll || v.AllValue != ".+" || v.Datasource != dashboardSource() {
				return "want several values, all of them, and the chosen data source"
			}
			return ""
		}), func(d *dashboard) { d.Templating.List[2].AllValue = "" }},
		{"template-label-promql-rule", queries(func(d *dashboard, i int, v variable) string {
			selector, _, ok := v.query()
			if !ok {
				return "no label_values: " + v.Query
			}
			expr, err := parse(d, selector)
			if err != nil {
				return err.Error()
			}
			for _, before := range d.Templating.List[1:i] {
				if !strings.Contains(selector, before.reference()) {
					return "does not depend on " + before.Name
				}
			}
			if len(selectors(expr)) != 1 {
				return "no plain selector: " + selector
			}
			return ""
		}), func(d *dashboard) { d.Templating.List[3].Query = "label_values(up, x)" }},
		{"variables are used", func(d *dashboard) (wrong []string) {
			for _, v := range d.Templating.List[1:] {
				if !slices.ContainsFunc(d.targets(), func(t target) bool { return strings.Contains(t.Expr, v.reference()) }) {
					wrong = append(wrong, v.Name)
				}
			}
			return wrong
		}, func(d *dashboard) { d.Templating.List = append(d.Templating.List, variable{Name: "idle"}) }},
	}
}

func panelRules() []rule {
	panels := func(check func(p *panel) string) func(*dashboard) []string {
		return func(d *dashboard) (wrong []string) {
			for i := range d.Panels {
				if problem := check(&d.Panels[i]); problem != "" {
					wrong = append(wrong, d.Panels[i].Title+": "+problem)
				}
			}
			return wrong
		}
	}
	return []rule{
		{"panel-datasource-rule", panels(func(p *panel) string {
			if p.Datasource != dashboardSource() {
				return "another data source"
			}
			return ""
		}), func(d *dashboard) { d.Panels[0].Datasource.UID = "P1809F7CD0C75ACF3" }},
		{"panel-title-description-rule", panels(func(p *panel) string {
			if p.Title == "" || !strings.HasSuffix(p.Description, ".") {
				return "want a title, and a description in sentences"
			}
			return ""
		}), func(d *dashboard) { d.Panels[0].Description = "" }},
		{"panel-units-rule", panels(func(p *panel) string {
			known := []string{"short", "none", "percentunit", "s", "bytes", "reqps", "dateTimeFromNow"}
			if unit := p.FieldConfig.Defaults.Unit; !slices.Contains(known, unit) {
				return fmt.Sprintf("unit %q", unit)
			}
			return ""
		}), func(d *dashboard) { d.Panels[1].FieldConfig.Defaults.Unit = "" }},
		{"panel-type", panels(func(p *panel) string {
			if !slices.Contains([]string{"stat", "table", "timeseries", "bargauge", "state-timeline"}, p.Type) {
				return p.Type + " is none of Grafana's own"
			}
			return ""
		}), func(d *dashboard) { d.Panels[0].Type = "grafana-piechart-panel" }},
		{"panel-no-targets-rule", panels(func(p *panel) string {
			if len(p.Targets) == 0 {
				return "asks nothing"
			}
			return ""
		}), func(d *dashboard) { d.Panels[0].Targets = nil }},
		{"panel-states", panels(func(p *panel) string {
			if p.Type == "state-timeline" && len(p.FieldConfig.Defaults.Mappings) == 0 {
				return "shows numbers where it should show states"
			}
			return ""
		}), func(d *dashboard) {
			d.Panels[0].Type = "state-timeline"
			d.Panels[0].FieldConfig.Defaults.Mappings = nil
		}},
		{"panel-overrides", panels(func(p *panel) string {
			for _, o := range p.FieldConfig.Overrides {
				if !slices.ContainsFunc(p.names(), o.matches) {
					return "nothing is named " + o.Matcher.Options
				}
			}
			return ""
		}), func(d *dashboard) { d.Panels[0].FieldConfig.Overrides = make([]override, 1) }},
		{"panel ids and titles are unique", func(d *dashboard) (wrong []string) {
			ids, titles := map[int]bool{}, map[string]bool{}
			for i := range d.Panels {
				p := &d.Panels[i]
				if ids[p.ID] || titles[p.Title] {
					wrong = append(wrong, p.Title)
				}
				ids[p.ID], titles[p.Title] = true, true
			}
			return wrong
		}, func(d *dashboard) { d.Panels[1].ID = d.Panels[0].ID }},
		{"panels do not overlap", overlaps, func(d *dashboard) { d.Panels[1].GridPos = d.Panels[0].GridPos }},
	}
}

// names are what a panel's series or columns may be called: legends with every unit that has a format of its own.
func (p *panel) names() (names []string) {
	for _, t := range p.Targets {
		for _, unit := range []string{"requests", "requests per second", "tokens", "tokens per second", "seconds", "watts"} {
			names = append(names, strings.ReplaceAll(t.LegendFormat, "{{unit}}", unit))
		}
	}
	for _, t := range p.Transformations {
		names = slices.AppendSeq(names, maps.Values(t.Options.RenameByName))
	}
	return names
}

func (o override) matches(name string) bool {
	pattern, isPattern := strings.CutPrefix(o.Matcher.Options, "/")
	if !isPattern {
		return o.Matcher.ID == "byName" && o.Matcher.Options == name
	}
	return o.Matcher.ID == "byRegexp" && regexp.MustCompile(strings.TrimSuffix(pattern, "/")).MatchString(name)
}

func overlaps(d *dashboard) (wrong []string) {
	for i := range d.Panels {
		a := d.Panels[i].GridPos
		if a.W <= 0 || a.H <= 0 || a.X < 0 || a.X+a.W > 24 {
			wrong = append(wrong, d.Panels[i].Title+" does not fit into 24 columns")
		}
		for j := range i {
			b := d.Panels[j].GridPos
			if a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H {
				wrong = append(wrong, d.Panels[i].Title+" overlaps "+d.Panels[j].Title)
			}
		}
	}
	return wrong
}

func dashboardSource() datasource { return datasource{Type: "prometheus", UID: "${datasource}"} }

func (v variable) reference() string { return "$" + v.Name }

func (d *dashboard) targets() (all []target) {
	for i := range d.Panels {
		all = append(all, d.Panels[i].Targets...)
	}
	return all
}
