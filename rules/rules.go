package rules

import (
	"embed"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

//go:embed data/*.yml
var data embed.FS

// Format is what rules are wrapped in.
type Format string

// The formats of rules.
const (
	FormatFile           Format = "file"           // a rules file of Prometheus
	FormatPrometheusRule Format = "prometheusrule" // an object of the Prometheus Operator
)

// DefaultRunbookURL is the page with what to do about each alert.
const DefaultRunbookURL = "https://github.com/variant-exporter/variant-exporter/blob/main/docs/alerts.md"

// Options say how rules are made.
type Options struct {
	Format          Format
	Name, Namespace string            // of the PrometheusRule
	Labels          map[string]string // of the PrometheusRule
	Interval        time.Duration     // of recording rules
	RunbookURL      string            // page whose headings are the alerts' names
	WVA             bool              // record wva_desired_replicas and its siblings
}

// ruleFile is the groups of a rules file.
type ruleFile struct {
	Groups []group `yaml:"groups"`
}

// group is rules that are evaluated one after the other.
type group struct {
	Name     string `yaml:"name"`
	Interval string `yaml:"interval,omitempty"`
	Rules    []rule `yaml:"rules"`
}

// rule records an expression, or alerts while it has results.
type rule struct {
	Record      string            `yaml:"record,omitempty"`
	Alert       string            `yaml:"alert,omitempty"`
	Needs       []need            `yaml:"needs,omitempty"` // of the configuration; it is not printed
	Expr        string            `yaml:"expr"`
	For         string            `yaml:"for,omitempty"`
	Labels      map[string]string `yaml:"labels,omitempty"`
	Annotations map[string]string `yaml:"annotations,omitempty"`
}

// need is what a configuration must have for a rule not to be in vain.
type need string

const (
	needBudgets    need = "budgets"    // a budget
	needReplicas   need = "replicas"   // replicas of scale targets are known
	needCorrection need = "correction" // a profile that is corrected
	needTokens     need = "tokens"     // a signal in tokens per second
)

// met says whether a configuration has what is needed.
func (n need) met(c *config.Config) bool {
	switch n {
	case needBudgets:
		return len(c.Budgets) > 0
	case needReplicas:
		return !c.ScaleTargets.Disabled
	case needTokens:
		return slices.ContainsFunc(c.Models, func(m config.Model) bool {
			return slices.ContainsFunc(m.ActiveSignals(), func(s config.ActiveSignal) bool { return s.Unit == "tokens per second" })
		})
	case needCorrection:
		return slices.ContainsFunc(c.Models, func(m config.Model) bool { return m.Corrected() })
	}
	return false
}

// Rules makes recording and alerting rules.
func Rules(c *config.Config, o Options) (*Manifest, error) {
	groups, err := ruleGroups(c, o)
	if err != nil {
		return nil, err
	}
	m := &Manifest{}
	if o.Format == FormatPrometheusRule {
		m.warn("The rules look across namespaces: put the object where the operator enforces no namespace label on rules.")
		m.add(object{monitorVersion, "PrometheusRule", metadata{o.Name, o.Namespace, o.Labels}, groups})
		return m, nil
	}
	m.add(groups)
	return m, nil
}

func ruleGroups(c *config.Config, o Options) (ruleFile, error) {
	demand, means, err := demandRules(c)
	if err != nil {
		return ruleFile{}, err
	}
	var all ruleFile
	add := func(name, interval string, rules []rule) {
		if len(rules) > 0 {
			all.Groups = append(all.Groups, group{"variant_exporter_" + name, interval, rules})
		}
	}
	interval := model.Duration(o.Interval).String()
	add("demand", interval, demand)
	add("means", model.Duration(max(o.Interval, time.Minute)).String(), means)
	files := []string{"cost", "savings", "tokens", "load"}
	if o.WVA {
		files = append(files, "wva")
	}
	for _, file := range files {
		rules, err := readRules(c, file)
		if err != nil {
			return ruleFile{}, err
		}
		add(file, interval, rules)
	}
	alerts, err := readRules(c, "alerts")
	if err != nil {
		return ruleFile{}, err
	}
	for i := range alerts {
		alerts[i].Annotations["runbook_url"] = o.RunbookURL + "#" + strings.ToLower(alerts[i].Alert)
	}
	add("alerts", "", alerts)
	return all, nil
}

// readRules reads the rules of a file that a configuration can use. $namespace stands for its namespace label.
func readRules(c *config.Config, file string) ([]rule, error) {
	text, err := data.ReadFile("data/" + file + ".yml")
	if err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	var rules []rule
	if err := yaml.Unmarshal([]byte(strings.ReplaceAll(string(text), "$namespace", c.Labels.Namespace)), &rules); err != nil {
		return nil, fmt.Errorf("read rules %s: %w", file, err)
	}
	rules = slices.DeleteFunc(rules, func(r rule) bool {
		return slices.ContainsFunc(r.Needs, func(n need) bool { return !n.met(c) })
	})
	for i := range rules {
		rules[i].Needs = nil
	}
	return rules, nil
}
