package main

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	"sigs.k8s.io/yaml"
)

// The part of Prometheus Adapter's configuration that external metrics are made of. It is read as strictly as there: a field that
// is unknown, or stands where it does not belong, is an error.
type (
	configuration struct {
		ExternalRules []ruleConfig `json:"externalRules"`
	}
	ruleConfig struct {
		SeriesQuery   string         `json:"seriesQuery"`
		SeriesFilters []filterConfig `json:"seriesFilters"`
		Resources     resourceConfig `json:"resources"`
		Name          nameConfig     `json:"name"`
		MetricsQuery  string         `json:"metricsQuery"`
	}
	filterConfig struct {
		Is    string `json:"is"`
		IsNot string `json:"isNot"`
	}
	resourceConfig struct {
		Template   string                   `json:"template"`
		Overrides  map[string]groupResource `json:"overrides"`
		Namespaced *bool                    `json:"namespaced"`
	}
	groupResource struct {
		Group    string `json:"group"`
		Resource string `json:"resource"`
	}
	nameConfig struct {
		Matches string `json:"matches"`
		As      string `json:"as"`
	}
)

// rule is how one kind of series becomes an external metric.
type rule struct {
	series     string // selector of the series that there are
	matches    *regexp.Regexp
	as         string
	namespace  string // label that holds the namespace; empty: the metric is not bound to one
	expression *template.Template
}

// query is what a rule's template may use.
type query struct {
	Series            string
	LabelMatchers     string
	LabelValuesByName map[string]string
	// In an external rule there is nothing to group by.
	GroupBy      string
	GroupBySlice []string
}

// readRules reads a configuration.
func readRules(text []byte) ([]rule, error) {
	var c configuration
	if err := yaml.UnmarshalStrict(text, &c); err != nil {
		return nil, fmt.Errorf("read the rules: %w", err)
	}
	if len(c.ExternalRules) == 0 {
		return nil, errors.New("read the rules: there are no externalRules")
	}
	rules := make([]rule, len(c.ExternalRules))
	for i := range c.ExternalRules {
		var err error
		if rules[i], err = newRule(&c.ExternalRules[i]); err != nil {
			return nil, fmt.Errorf("read externalRules[%d]: %w", i, err)
		}
	}
	return rules, nil
}

func newRule(c *ruleConfig) (rule, error) {
	r := rule{series: c.SeriesQuery, as: c.Name.As}
	if len(c.SeriesFilters) > 0 || c.Resources.Template != "" {
		return r, errors.New("seriesFilters and resources.template are not known here, only to Prometheus Adapter")
	}
	matches := c.Name.Matches
	if matches == "" {
		matches = ".*"
	}
	var err error
	if r.matches, err = regexp.Compile(matches); err != nil {
		return r, fmt.Errorf("name.matches: %w", err)
	}
	if r.as == "" {
		r.as = "$0"
		if r.matches.NumSubexp() == 1 {
			r.as = "$1"
		}
	}
	if r.expression, err = template.New("metricsQuery").Delims("<<", ">>").Option("missingkey=error").Parse(c.MetricsQuery); err != nil {
		return r, fmt.Errorf("metricsQuery: %w", err)
	}
	if c.Resources.Namespaced == nil || *c.Resources.Namespaced {
		r.namespace, err = namespaceLabel(c.Resources.Overrides)
	}
	return r, err
}

// namespaceLabel returns the label that the configuration maps to the resource namespace.
func namespaceLabel(overrides map[string]groupResource) (string, error) {
	for label, resource := range overrides {
		if resource.Group == "" && (resource.Resource == "namespace" || resource.Resource == "namespaces") {
			return label, nil
		}
	}
	return "", errors.New("resources.overrides maps no label to the resource namespace")
}

// metric returns the name of the external metric that a series becomes, if it does.
func (r *rule) metric(series string) (string, bool) {
	match := r.matches.FindStringSubmatchIndex(series)
	if match == nil {
		return "", false
	}
	return string(r.matches.ExpandString(nil, r.as, series, match)), true
}

// promQL returns the expression that answers a request: the rule's, with matchers for the labels that were asked for and for the
// namespace of who asks.
func (r *rule) promQL(series, namespace string, selector labels.Selector) (string, error) {
	q := query{Series: series, LabelValuesByName: map[string]string{}}
	var matchers []string
	requirements, selectable := selector.Requirements()
	if !selectable {
		return "", errors.New("the selector selects nothing")
	}
	for _, requirement := range requirements {
		matcher, err := matcherOf(requirement)
		if err != nil {
			return "", err
		}
		matchers = append(matchers, matcher)
		q.LabelValuesByName[requirement.Key()] = strings.Join(requirement.ValuesUnsorted(), "|")
	}
	if r.namespace != "" {
		matchers = append(matchers, r.namespace+"="+strconv.Quote(namespace))
		q.LabelValuesByName[r.namespace] = namespace
	}
	q.LabelMatchers = strings.Join(matchers, ",")
	var out bytes.Buffer
	if err := r.expression.Execute(&out, q); err != nil {
		return "", fmt.Errorf("fill in metricsQuery: %w", err)
	}
	return out.String(), nil
}

// matcherOf translates one requirement of a Kubernetes selector to PromQL.
func matcherOf(requirement labels.Requirement) (string, error) {
	values := slices.Sorted(slices.Values(requirement.ValuesUnsorted()))
	exact := func(operator string) string {
		return requirement.Key() + operator + strconv.Quote(values[0])
	}
	oneOf := func(operator string) string {
		quoted := make([]string, len(values))
		for i, value := range values {
			quoted[i] = regexp.QuoteMeta(value)
		}
		return requirement.Key() + operator + strconv.Quote(strings.Join(quoted, "|"))
	}
	switch requirement.Operator() {
	case selection.Equals, selection.DoubleEquals:
		return exact("="), nil
	case selection.NotEquals:
		return exact("!="), nil
	case selection.In:
		return oneOf("=~"), nil
	case selection.NotIn:
		return oneOf("!~"), nil
	case selection.Exists:
		return requirement.Key() + `!=""`, nil
	case selection.DoesNotExist:
		return requirement.Key() + `=""`, nil
	default:
		return "", fmt.Errorf("the operator %s cannot be asked for", requirement.Operator())
	}
}
