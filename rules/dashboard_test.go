package rules_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/variant-exporter/variant-exporter/rules"
)

// dashboardQuery is the query of a panel that is called so, over all models.
func dashboardQuery(t *testing.T, panel, ref string) string {
	t.Helper()
	source, err := os.ReadFile(filepath.Join("..", "grafana", "operators.json"))
	require.NoError(t, err)
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ RefID, Expr string }
		}
	}
	require.NoError(t, json.Unmarshal(source, &dashboard))
	for _, p := range dashboard.Panels {
		for _, target := range p.Targets {
			if p.Title == panel && target.RefID == ref {
				return os.Expand(target.Expr, func(string) string { return ".*" })
			}
		}
	}
	require.Fail(t, "no such query", "%s %s", panel, ref)
	return ""
}

// TestDashboardAgreesOnSavings holds the dashboard to what the rules record as saved, where the two could differ: 2.1 over 0.3 is a little
// above 7, which are planned; a plan with a small shortfall saves nothing; what is desired for a time is not what is planned; a model
// without demand, and one of which not all is planned, are not compared.
func TestDashboardAgreesOnSavings(t *testing.T) {
	of := func(metric, model string) string {
		return metric + `{instance="a",variant="x",model="` + model + `",target_namespace="llm"}`
	}
	by := func(metric, model string) string {
		return metric + `{instance="a",model="` + model + `",target_namespace="llm"}`
	}
	signal := func(metric, model string) string {
		return metric + `{instance="a",variant="x",model="` + model + `",target_namespace="llm",signal="s",unit="u"}`
	}
	series := map[string]string{}
	for name, m := range map[string]struct{ demand, capacity, cost, planned, desired, shortfall string }{
		"rounding":  {"2.1", "0.3", "4", "7", "9", "0"},
		"dearer":    {"10", "5", "4", "3", "3", "0"},
		"shortfall": {"10", "5", "4", "1", "1", "0.0005"},
		"idle":      {"0", "5", "4", "1", "1", "0"},
	} {
		series[`variant_model_planned_demand{instance="a",model="`+name+`",target_namespace="llm",signal="s",unit="u"}`] = m.demand + "x10"
		series[signal("variant_replica_capacity", name)] = m.capacity + "x10"
		series[of("variant_replica_cost_per_hour", name)] = m.cost + "x10"
		series[of("variant_planned_replicas", name)] = m.planned + "x10"
		series[of("variant_desired_replicas", name)] = m.desired + "x10"
		series[by("variant_model_shortfall_ratio", name)] = m.shortfall + "x10"
		series[of("variant_info", name)] = "1x10"
	}
	series[`variant_info{instance="a",variant="unplanned",model="partly",target_namespace="llm"}`] = "1x10"
	for metric, value := range map[string]string{"variant_info": "1x10", "variant_replica_cost_per_hour": "4x10", "variant_planned_replicas": "1x10"} {
		series[of(metric, "partly")] = value
	}
	series[signal("variant_replica_capacity", "partly")] = "5x10"
	series[`variant_model_planned_demand{instance="a",model="partly",target_namespace="llm",signal="s",unit="u"}`] = "10x10"
	series[by("variant_model_shortfall_ratio", "partly")] = "0x10"

	requireAnswers(t, map[string]queryTest{
		"saved":            {series, dashboardQuery(t, "Saved per hour against one variant", "A"), new(float64(-4))},
		"alone, in all":    {series, "sum(" + dashboardQuery(t, "Variants", "I") + ")", new(float64(7*4 + 2*4 + 2*4 + 2*4))},
		"alone, over time": {series, "sum(" + dashboardQuery(t, "Cost per hour and its alternatives", "C") + ")", new(float64(7*4 + 2*4 + 2*4 + 2*4))},
		"as recorded":      {series, savedRule(t), new(float64(-4))},
	})
}

// savedRule is the rule that records what the fleet saves, with the rules that it reads in place of their names.
func savedRule(t *testing.T) string {
	t.Helper()
	m, err := rules.Rules(load(t, "fleet"), ruleOptions())
	var file ruleFile
	require.NoError(t, yaml.Unmarshal([]byte(text(t, m, err)), &file))
	expr := "fleet:variant_saved_cost_per_hour:sum"
	for _, g := range slices.Backward(file.Groups) {
		for _, r := range slices.Backward(g.Rules) {
			if r.Record != "" {
				expr = strings.ReplaceAll(expr, r.Record, "("+r.Expr+")")
			}
		}
	}
	return expr
}
