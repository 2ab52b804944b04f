package grafana_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/internal/long"
)

// TestPanels asks everything that the dashboards ask, of real Prometheis: one that scrapes the demo, and one that scrapes two
// exporters which lack much of what they should have.
func TestPanels(t *testing.T) {
	long.Test(t) // it builds the program
	if _, err := exec.LookPath("prometheus"); err != nil {
		t.Skipf("needs a real Prometheus: %v (Debian: apt-get install prometheus)", err)
	}
	binary := filepath.Join(t.TempDir(), "variant_exporter")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "..").CombinedOutput()
	require.NoError(t, err, "%s", out)
	t.Run("Demo", func(t *testing.T) {
		t.Parallel()
		testDemo(t, binary)
	})
	t.Run("Faults", func(t *testing.T) {
		t.Parallel()
		testFaults(t, binary)
	})
}

// testDemo requires of every panel that it shows something of the demo, whatever is chosen.
func testDemo(t *testing.T, binary string) {
	p := prom{t, startPrometheus(t, startDemo(t, binary), "demo")}
	for _, name := range []string{operators, exporter} {
		t.Run(name, func(t *testing.T) {
			d := load(t, name)
			p := prom{t, p.api}
			var each selection
			eventually(t, func() (wrong []string) {
				each, wrong = p.values(d)
				return wrong
			})
			selections := []selection{all(d), each}
			for _, m := range each["model"] {
				one := all(d)
				one["model"] = []string{m}
				selections = append(selections, one)
			}
			eventually(t, func() (wrong []string) {
				for i, chosen := range selections {
					for j := range d.Panels {
						if panel := &d.Panels[j]; panel.repeated || i < 2 {
							wrong = append(wrong, p.emptyPanel(panel, chosen)...)
						}
					}
				}
				return wrong
			})
		})
	}
}

// testFaults requires of every query that it has an answer where something is wrong, of some the right one, and that a second
// exporter changes nothing for operators.
func testFaults(t *testing.T, binary string) {
	p := prom{t, startPrometheus(t, startFaulty(t, binary), "a", "b")}
	for _, name := range []string{operators, exporter} {
		d := load(t, name)
		eventually(t, func() (wrong []string) {
			for i := range d.Panels {
				for _, target := range d.Panels[i].Targets {
					wrong = append(wrong, p.empty(&d.Panels[i], target, all(d))...)
				}
			}
			return wrong
		})
	}
	t.Run("Values", func(t *testing.T) { testValues(prom{t, p.api}) })
	t.Run("Failing", func(t *testing.T) { testFailing(prom{t, p.api}) })
	t.Run("TwoExporters", func(t *testing.T) { testTwoExporters(prom{t, p.api}) })
}

// The variants of testdata/faults.yml: nothing is known of dark and odd, short has not the budget that it needs, and small is
// stuck. Of steady, two big ones carry the 180 requests planned for 8 an hour; the small one stays until the second is there.
func testValues(p prom) {
	for _, tc := range []struct {
		file, panel string
		target      int
		by          model.LabelName
		want        map[string]float64
	}{
		{operators, "Variants on hold", 0, "", map[string]float64{"": 2}},
		{operators, "Variants stuck", 0, "", map[string]float64{"": 1}},
		{operators, "Largest shortfall", 0, "", map[string]float64{"": 2. / 3}},
		{operators, "Running cost per hour", 0, "", map[string]float64{"": 4 + 4*1 + 2*2 + 2*2 + 2*2 + 3}},
		{operators, "Desired cost per hour", 0, "", map[string]float64{"": 2*4 + 1 + 2*2 + 2*2 + 2*2 + 3}},
		// Only steady and timed are fully served: 8 and 3 alone, as planned, while 9 and 3 are desired until the second big one is there.
		{operators, "Saved per hour against one variant", 0, "", map[string]float64{"": 0}},
		{operators, "Cost per hour by model", 0, "model", map[string]float64{"steady": 9, "short": 4, "dark": 4, "odd": 4, "timed": 3}},
		{operators, "Budgets used", 0, "budget", map[string]float64{"gpus": 1}},
		{operators, "Demand and supply", 4, "model", map[string]float64{"steady": 100 + 20, "short": 20, "dark": 20, "odd": 20, "timed": 6.488326328552225}},
		{operators, "Demand and supply", 5, "model", map[string]float64{"steady": 200 + 20, "short": 20, "dark": 20, "odd": 20, "timed": 6.488326328552225}},
		{operators, "Why", 0, "variant", map[string]float64{"steady-big": 1, "steady-small": 6, "short-gpu": 4, "dark-gpu": 10, "odd-gpu": 10, "timed-gpu": 1}},
		{operators, "Trust and provisioning", 0, "variant", map[string]float64{"steady-big": 0, "steady-small": 2, "short-gpu": 0, "dark-gpu": 1, "odd-gpu": 1, "timed-gpu": 0}},
		{operators, "Cost per hour and its alternatives", 2, "variant", map[string]float64{"steady-big": 8, "steady-small": 9, "short-gpu": 12, "timed-gpu": 3}},
		{operators, "Load of what is ready", 0, "model", map[string]float64{"steady": 150. / 120, "short": 50. / 20, "timed": 5 / 6.488326328552225}},
		{operators, "Pods that report the demand", 0, "model", map[string]float64{"steady": 2, "short": 2, "odd": 0}}, // what is no number is not told
		{operators, "Pods that report the demand", 1, "model", map[string]float64{"steady": 2, "short": 2, "odd": 2}},
	} {
		d := load(p.t, tc.file)
		expr := interpolate(d.panel(p.t, tc.panel).Targets[tc.target].Expr, all(d), standIns())
		eventually(p.t, func() []string {
			got := map[string]float64{}
			for _, s := range p.ask(expr) {
				got[string(s.Metric[tc.by])] = float64(s.Value)
			}
			if same(tc.want, got) {
				return nil
			}
			return []string{fmt.Sprintf("%s, target %d: %v, want %v", tc.panel, tc.target, got, tc.want)}
		})
	}
}

// testFailing looks at the inputs that fail: broken, now and over its window, and over the day once a minute began while it was.
func testFailing(p prom) {
	expr := interpolate(load(p.t, exporter).panel(p.t, "Inputs failing").Targets[0].Expr, all(load(p.t, exporter)), standIns())
	eventually(p.t, func() []string {
		failing := map[string]float64{}
		for _, s := range p.ask(expr) {
			failing[string(s.Metric["instance"])] = float64(s.Value)
		}
		a, b := failing["a"], failing["b"]
		if a >= 2 && a <= 3 && b >= 2 && b <= 3 {
			return nil
		}
		return []string{fmt.Sprintf("inputs failing: %v", failing)}
	})
}

// testTwoExporters compares what is shown of two exporters with what is shown of one of them.
func testTwoExporters(p prom) {
	d := load(p.t, operators)
	byLabels := func(expr string) map[string]float64 {
		values := map[string]float64{}
		for _, s := range p.ask(expr) {
			values[s.Metric.String()] = float64(s.Value)
		}
		return values
	}
	eventually(p.t, func() (wrong []string) {
		for i := range d.Panels {
			for _, target := range d.Panels[i].Targets {
				expr := interpolate(target.Expr, all(d), standIns())
				one, two := byLabels(narrowed(p.t, expr, "instance", "a")), byLabels(expr)
				if len(one) == 0 || !same(one, two) {
					wrong = append(wrong, fmt.Sprintf("%s, %s: %v of one exporter, %v of two", d.Panels[i].Title, target.RefID, one, two))
				}
			}
		}
		return wrong
	})
}

func same(want, got map[string]float64) bool {
	if len(want) != len(got) {
		return false
	}
	for key, w := range want {
		if g, ok := got[key]; !ok || math.Abs(w-g) > 1e-6*max(1, math.Abs(w)) {
			return false
		}
	}
	return true
}

// prom is a Prometheus that a test asks.
type prom struct {
	t   *testing.T
	api v1.API
}

// ask returns the answer to a query, which is empty while Prometheus starts.
func (p prom) ask(expr string) model.Vector {
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	value, _, _, err := p.api.Query(ctx, expr, time.Now())
	if e, ok := errors.AsType[*v1.Error](err); ok && (e.Type == v1.ErrBadData || e.Type == v1.ErrExec) {
		p.t.Fatalf("%s: %v", expr, err)
	}
	vector, _ := value.(model.Vector)
	return vector
}

// values are all values of a dashboard's variables.
func (p prom) values(d *dashboard) (found selection, wrong []string) {
	found = selection{}
	for _, v := range d.Templating.List {
		selector, label, ok := v.query()
		if !ok {
			continue
		}
		for _, s := range p.ask(interpolate(selector, all(d), standIns())) {
			if value := string(s.Metric[model.LabelName(label)]); value != "" && !slices.Contains(found[v.Name], value) {
				found[v.Name] = append(found[v.Name], value)
			}
		}
		if len(found[v.Name]) == 0 {
			wrong = append(wrong, "no value for the variable "+v.Name)
		}
	}
	return found, wrong
}

// needsMore is what panels say that show something which the demo does not have.
const needsMore = "The configuration has no budgets."

// emptyPanel says what is wrong where none of a panel's queries has an answer.
func (p prom) emptyPanel(panel *panel, chosen selection) (wrong []string) {
	for _, target := range panel.Targets {
		found := p.empty(panel, target, chosen)
		if len(found) == 0 {
			return nil
		}
		wrong = append(wrong, found...)
	}
	if panel.FieldConfig.Defaults.NoValue == needsMore {
		return nil
	}
	return wrong
}

var inBraces = regexp.MustCompile(`\{\{(\w+)\}\}`)

// empty says what is wrong with the answer to a query: that there is none, that it is no number, or that it lacks a label of the
// legend.
func (p prom) empty(panel *panel, target target, chosen selection) (wrong []string) {
	where := fmt.Sprintf("%s, %s, with %v", panel.Title, target.RefID, chosen)
	answer := p.ask(interpolate(target.Expr, chosen, standIns()))
	if len(answer) == 0 {
		return []string{where + ": empty"}
	}
	for _, s := range answer {
		if v := float64(s.Value); math.IsNaN(v) || math.IsInf(v, 0) {
			wrong = append(wrong, fmt.Sprintf("%s: %v", where, s))
		}
		for _, m := range inBraces.FindAllStringSubmatch(target.LegendFormat, -1) {
			if s.Metric[model.LabelName(m[1])] == "" {
				wrong = append(wrong, fmt.Sprintf("%s: %v has no %s for the legend", where, s, m[1]))
			}
		}
	}
	return wrong
}
