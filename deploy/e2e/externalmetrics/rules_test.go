package main

import (
	"testing"

	"k8s.io/apimachinery/pkg/labels"
)

const gauge = `
externalRules:
  - seriesQuery: 'variant_desired_replicas{variant!=""}'
    resources: {overrides: {target_namespace: {resource: namespace}}}
    name: {matches: "^variant_desired_replicas$", as: variant_desired_replicas}
    metricsQuery: max by (variant) (<<.Series>>{<<.LabelMatchers>>})
`

func TestPromQL(t *testing.T) {
	t.Parallel()
	rules, err := readRules([]byte(gauge))
	if err != nil {
		t.Fatal(err)
	}
	for selector, want := range map[string]string{
		"":                   `max by (variant) (variant_desired_replicas{target_namespace="llm"})`,
		"variant=a":          `max by (variant) (variant_desired_replicas{variant="a",target_namespace="llm"})`,
		"variant!=a":         `max by (variant) (variant_desired_replicas{variant!="a",target_namespace="llm"})`,
		"variant in (b, a)":  `max by (variant) (variant_desired_replicas{variant=~"a|b",target_namespace="llm"})`,
		"variant in (a.b)":   `max by (variant) (variant_desired_replicas{variant=~"a\\.b",target_namespace="llm"})`,
		"variant notin (a)":  `max by (variant) (variant_desired_replicas{variant!~"a",target_namespace="llm"})`,
		"variant":            `max by (variant) (variant_desired_replicas{variant!="",target_namespace="llm"})`,
		"!variant":           `max by (variant) (variant_desired_replicas{variant="",target_namespace="llm"})`,
		"target_namespace=x": `max by (variant) (variant_desired_replicas{target_namespace="x",target_namespace="llm"})`,
	} {
		parsed, err := labels.Parse(selector)
		if err != nil {
			t.Fatal(err)
		}
		got, err := rules[0].promQL("variant_desired_replicas", "llm", parsed)
		if err != nil || got != want {
			t.Errorf("%q: %s, %v\nwant %s", selector, got, err, want)
		}
	}
}

// TestReadRulesRefuses has the mistakes that Prometheus Adapter does not start with, and what is not known here.
func TestReadRulesRefuses(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"a field that stands in the wrong place": `
externalRules:
  - seriesQuery: up
    resources: {overrides: {namespace: {resource: namespace}, namespaced: false}}
    metricsQuery: up`,
		"an unknown field":    "externalRules: [{seriesQuery: up, resources: {namespaced: false}, metricQuery: up}]",
		"no rules":            "rules: []",
		"none for namespaces": "externalRules: [{seriesQuery: up, metricsQuery: up}]",
		"a template":          "externalRules: [{seriesQuery: up, resources: {template: kube_<<.Resource>>}, metricsQuery: up}]",
		"a broken query":      "externalRules: [{seriesQuery: up, resources: {namespaced: false}, metricsQuery: '<<.Series'}]",
	} {
		if _, err := readRules([]byte(text)); err == nil {
			t.Errorf("%s is not refused", name)
		}
	}
}

func TestMetricName(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ matches, as, series, want string }{
		{"", "", "up", "up"},
		{"^(.*)_total$", "", "requests_total", "requests"},
		{"^(.*)_total$", "${1}_per_second", "requests_total", "requests_per_second"},
		{"^up$", "", "down", ""},
	} {
		no := false
		r, err := newRule(&ruleConfig{Name: nameConfig{tc.matches, tc.as}, Resources: resourceConfig{Namespaced: &no}, MetricsQuery: "up"})
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := r.metric(tc.series); got != tc.want || ok != (tc.want != "") {
			t.Errorf("%+v: %q, %v", tc, got, ok)
		}
	}
}
