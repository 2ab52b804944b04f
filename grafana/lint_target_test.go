package grafana_test

import (
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

func targetRules() []rule {
	targets := func(check func(d *dashboard, t target) string) func(*dashboard) []string {
		return func(d *dashboard) (wrong []string) {
			for _, t := range d.targets() {
				if problem := check(d, t); problem != "" {
					wrong = append(wrong, t.Expr+": "+problem)
				}
			}
			return wrong
		}
	}
	return []rule{
		{"target-datasource", targets(func(_ *dashboard, t target) string {
			if t.Datasource != dashboardSource() {
				return "another data source"
			}
			return ""
		}), func(d *dashboard) { d.Panels[0].Targets[0].Datasource.UID = "" }},
		{"target-promql-rule", targets(func(d *dashboard, t target) string {
			if _, err := parse(d, t.Expr); err != nil {
				return err.Error()
			}
			return ""
		}), func(d *dashboard) { d.Panels[0].Targets[0].Expr += ")" }},
		{"target-job-rule and target-instance-rule", targets(checkMatchers), func(d *dashboard) {
			d.Panels[0].Targets[0].Expr = strings.ReplaceAll(d.Panels[0].Targets[0].Expr, "$job", ".*")
		}},
		{"target-rate-interval-rule", targets(func(_ *dashboard, t target) string {
			if regexp.MustCompile(`\b(i?rate|increase)\(`).MatchString(t.Expr) && !strings.Contains(t.Expr, "[$__rate_interval]") {
				return "want $__rate_interval"
			}
			return ""
		}), func(d *dashboard) { d.Panels[0].Targets[0].Expr = "rate(x_total[5m])" }},
		{"target-counter-agg-rule", targets(checkCounters), func(d *dashboard) { d.Panels[0].Targets[0].Expr = "sum(x_total)" }},
		{"target-legend", targets(func(_ *dashboard, t target) string {
			if (t.Format == "table") == (t.LegendFormat != "") {
				return "want a legend, and none in a table"
			}
			return ""
		}), func(d *dashboard) { d.Panels[0].Targets[0].LegendFormat = "" }},
		{"refs are unique", func(d *dashboard) (wrong []string) {
			for i := range d.Panels {
				seen := map[string]bool{}
				for _, t := range d.Panels[i].Targets {
					if t.RefID == "" || seen[t.RefID] {
						wrong = append(wrong, d.Panels[i].Title+": "+t.RefID)
					}
					seen[t.RefID] = true
				}
			}
			return wrong
		}, func(d *dashboard) { d.Panels[0].Targets[0].RefID = "" }},
	}
}

// checkMatchers wants every selector to follow the variables that tell exporters apart.
func checkMatchers(d *dashboard, t target) string {
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(interpolate(t.Expr, nil, standIns()))
	if err != nil {
		return err.Error()
	}
	for _, s := range selectors(expr) {
		for _, name := range instanceLabels(d) {
			if !slices.ContainsFunc(s.LabelMatchers, func(m *labels.Matcher) bool {
				return m.Name == name && m.Type == labels.MatchRegexp && m.Value == "$"+name
			}) {
				return s.String() + " does not match " + name
			}
		}
	}
	return ""
}

// checkCounters wants counters within rate, irate or increase.
func checkCounters(d *dashboard, t target) string {
	expr, err := parse(d, t.Expr)
	if err != nil {
		return err.Error()
	}
	problem := ""
	parser.Inspect(expr, func(n parser.Node, path []parser.Node) error {
		s, ok := n.(*parser.VectorSelector)
		if !ok || !strings.HasSuffix(s.Name, "_total") {
			return nil
		}
		if !slices.ContainsFunc(path, func(n parser.Node) bool {
			call, ok := n.(*parser.Call)
			return ok && slices.Contains([]string{"rate", "irate", "increase"}, call.Func.Name)
		}) {
			problem = s.Name + " is a counter"
		}
		return nil
	})
	return problem
}

// instanceLabels are the labels by which a dashboard tells exporters apart.
func instanceLabels(d *dashboard) []string {
	if d.UID == "variant-exporter-operators" {
		return []string{"job"}
	}
	return []string{"job", "instance"}
}
