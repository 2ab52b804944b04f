package rules_test

import (
	"bytes"
	"fmt"
	"maps"
	"strings"
	"testing"
	"text/template"
	"time"

	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/rules"
)

func requirePromQL(t require.TestingT, expr string) {
	_, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
	require.NoError(t, err, expr)
}

// asked is what the adapter asks when an HPA in a namespace wants a metric with a selector: the template filled in with the matchers of
// the selector, and one for the namespace.
func asked(t require.TestingT, rule *adapterRule, namespace, selector string) string {
	matchers := []string{}
	if selector != "" {
		matchers = append(matchers, selector)
	}
	for label, r := range rule.Resources.Overrides {
		require.Equal(t, "namespace", r.Resource)
		matchers = append(matchers, fmt.Sprintf("%s=%q", label, namespace))
	}
	tmpl, err := template.New("").Delims("<<", ">>").Parse(rule.MetricsQuery)
	require.NoError(t, err)
	var b bytes.Buffer
	series, _, _ := strings.Cut(rule.SeriesQuery, "{")
	require.NoError(t, tmpl.Execute(&b, map[string]string{"Series": series, "LabelMatchers": strings.Join(matchers, ","), "GroupBy": ""}))
	requirePromQL(t, b.String())
	return b.String()
}

// requireAdapter holds rules to the traps: each maps a label to the namespace, so no namespace reads the series of another; each yields one series.
func requireAdapter(t require.TestingT, text string) []adapterRule {
	file := strict[adapterConfig](t, text)
	require.Len(t, file, 1)
	for i := range file[0].ExternalRules {
		r := &file[0].ExternalRules[i]
		require.Len(t, r.Resources.Overrides, 1)
		require.Equal(t, strings.ToLower(r.Name.As), r.Name.As, "an HPA asks in lower case")
		requirePromQL(t, r.SeriesQuery)
		query := asked(t, r, "a-namespace", "")
		require.Equal(t, strings.Count(query, `="a-namespace"`), strings.Count(r.MetricsQuery, "<<.LabelMatchers>>"), "every selector keeps to the namespace")
		require.True(t, strings.HasPrefix(query, "max by (variant, target_namespace) (") ||
			strings.HasPrefix(query, "max by (variant_name, exported_namespace) (") || strings.HasPrefix(query, "max(\n"), query)
	}
	return file[0].ExternalRules
}

// queryTest is series with their values, a query, and what it must yield; nil for nothing.
type queryTest struct {
	series map[string]string
	query  string
	want   *float64
}

// requireAnswers has promtool evaluate queries.
func requireAnswers(t *testing.T, tests map[string]queryTest) {
	t.Helper()
	type sample struct {
		Labels string  `yaml:"labels"`
		Value  float64 `yaml:"value"`
	}
	var file struct {
		Tests []map[string]any `yaml:"tests"`
	}
	for name, tc := range tests {
		input := []map[string]string{}
		for series, values := range tc.series {
			input = append(input, map[string]string{"series": series, "values": values})
		}
		samples := []sample{}
		if tc.want != nil {
			samples = append(samples, sample{"{}", *tc.want})
		}
		file.Tests = append(file.Tests, map[string]any{
			"name": name, "interval": "1m", "input_series": input,
			// A sum takes the identity away, which the adapter does not look at.
			"promql_expr_test": []map[string]any{{"expr": "sum(" + tc.query + ")", "eval_time": "5m", "exp_samples": samples}},
		})
	}
	out, err := yaml.Marshal(file)
	require.NoError(t, err)
	promtool(t, "test", "rules", write(t, "test.yml", string(out)))
}

func TestAdapterAnswersItsOwnNamespaceOnly(t *testing.T) {
	m, err := kinds()["adapter"](load(t, "fleet"))
	all := requireAdapter(t, text(t, m, err))
	gauge, wva := &all[0], &all[1]
	series := map[string]string{
		`variant_desired_replicas{job="e",instance="a",namespace="monitoring",variant="x",model="m",target_namespace="llm"}`: "3x10",
		`variant_desired_replicas{job="e",instance="b",namespace="monitoring",variant="x",model="m",target_namespace="llm"}`: "3x10",
		`variant_desired_replicas{job="e",instance="a",namespace="monitoring",variant="y",model="m",target_namespace="llm"}`: "5x10",
		`variant_desired_replicas{job="e",instance="a",namespace="monitoring",variant="x",model="m",target_namespace="web"}`: "7x10",
		`wva_desired_replicas{variant_name="x",namespace="llm",exported_namespace="llm"}`:                                    "4x10",
	}
	requireAnswers(t, map[string]queryTest{
		"two exporters are not added up":    {series, asked(t, gauge, "llm", `variant="x"`), new(float64(3))},
		"the same name somewhere else":      {series, asked(t, gauge, "web", `variant="x"`), new(float64(7))},
		"another's variant":                 {series, asked(t, gauge, "web", `variant="y"`), nil},
		"another's, by the exporter's home": {series, asked(t, gauge, "monitoring", `variant="y"`), nil},
		"the label of an HPA in the field":  {series, asked(t, wva, "llm", `variant_name="x",exported_namespace="llm"`), new(float64(4))},
		"another's, in the old words":       {series, asked(t, wva, "web", `variant_name="x"`), nil},
	})
}

func TestGatewayQuery(t *testing.T) {
	m, err := kinds()["adapter"](load(t, "plain"))
	all := requireAdapter(t, text(t, m, err))
	require.Len(t, all, 4)
	llama, qwen := &all[2], &all[3]
	require.Equal(t, "gateway-requests.llm.llama-8b", llama.Name.As)
	up := map[string]string{
		`llm_d_epp_ready_endpoints{namespace="llm",instance="e",name="llama-pool"}`: "0x10",
	}
	busy := map[string]string{
		`llm_d_epp_ready_endpoints{namespace="llm",instance="e",name="llama-pool"}`:                                                                           "2x10",
		`llm_d_epp_flow_control_queue_size{namespace="llm",instance="e",inference_pool="llama-pool",model_name="meta-llama/Llama-3.1-8B-Instruct"}`:           "5x10",
		`inference_extension_flow_control_queue_size{namespace="llm",instance="e",inference_pool="llama-pool",model_name="meta-llama/Llama-3.1-8B-Instruct"}`: "5x10",
		`llm_d_epp_request_running{namespace="llm",instance="e",model_name="meta-llama/Llama-3.1-8B-Instruct"}`:                                               "30x10",
		`llm_d_epp_request_running{namespace="llm",instance="e",model_name="qwen"}`:                                                                           "11x10",
		`llm_d_epp_request_running{namespace="llm",instance="e",model_name="small$1"}`:                                                                        "1x10",
		`llm_d_epp_request_running{namespace="web",instance="f",model_name="meta-llama/Llama-3.1-8B-Instruct"}`:                                               "99x10",
	}
	const queue = `llm_d_epp_flow_control_queue_size{namespace="llm",instance="e",inference_pool="llama-pool",model_name="meta-llama/Llama-3.1-8B-Instruct"}`
	waits := maps.Clone(up)
	waits[queue] = "5x10"
	drifted := maps.Clone(busy)
	drifted[`llm_d_epp_request_running{namespace="llm",instance="e",model_name="meta-llama/Llama-3.1-8B-Instruct"}`] = "-1x10"
	noFlowControl := maps.Clone(busy)
	delete(noFlowControl, queue)
	delete(noFlowControl, strings.Replace(queue, "llm_d_epp", "inference_extension", 1))
	requireAnswers(t, map[string]queryTest{
		"at zero replicas, only the queue":                    {waits, asked(t, llama, "llm", ""), new(float64(5))},
		"without flow control, only what runs":                {noFlowControl, asked(t, llama, "llm", ""), new(float64(30))},
		"what runs has drifted below zero, which is not zero": {drifted, asked(t, llama, "llm", ""), nil},
		"queued and running, by one name":                     {busy, asked(t, llama, "llm", ""), new(float64(35))},
		"by all names of the model":                           {busy, asked(t, qwen, "llm", ""), new(float64(12))},
		"an idle gateway is zero":                             {up, asked(t, llama, "llm", ""), new(float64(0))},
		"another model's gateway says nothing of this one's":  {up, asked(t, qwen, "llm", ""), nil},
		"a gateway that is not there is not zero":             {map[string]string{`up{job="x"}`: "1x10"}, asked(t, llama, "llm", ""), nil},
		"from another namespace":                              {up, asked(t, llama, "web", ""), nil},
		"that namespace's own requests for a model so called": {busy, asked(t, llama, "web", ""), new(float64(99))},
	})
}

// wakeQueries are the queries of the second triggers, by variant.
func wakeQueries(t *testing.T, c *config.Config) map[string]string {
	t.Helper()
	m, err := rules.KEDA(c, rules.KEDAOptions{Trigger: rules.TriggerPrometheus, PollingInterval: 15 * time.Second})
	queries := map[string]string{}
	for _, o := range strict[scaledObject](t, text(t, m, err)) {
		if len(o.Spec.Triggers) > 1 {
			queries[o.Metadata.Name] = o.Spec.Triggers[1].Metadata["query"]
		}
	}
	return queries
}

func TestWakeQuery(t *testing.T) {
	byName := wakeQueries(t, load(t, "fleet"))["llama-8b-l4"]
	byPool := wakeQueries(t, load(t, "roles"))["prefill-a100"]
	require.NotEmpty(t, byName)
	require.NotEmpty(t, byPool)
	const llama = `model_name="meta-llama/Llama-3.1-8B-Instruct"`
	queue := func(labels string) string { return "llm_d_epp_flow_control_queue_size{" + labels + "}" }
	requireAnswers(t, map[string]queryTest{
		"nothing is known":                {map[string]string{`up{job="x"}`: "1x10"}, byName, new(float64(0))},
		"requests wait, nothing is ready": {map[string]string{queue(`namespace="llm",inference_pool="p",` + llama): "3x10", `llm_d_epp_ready_endpoints{namespace="llm",name="p"}`: "0x10"}, byName, new(float64(3))},
		"so it is under the older names": {map[string]string{
			`inference_extension_flow_control_queue_size{namespace="llm",inference_pool="p",` + llama + `}`: "3x10", `inference_pool_ready_pods{namespace="llm",name="p"}`: "0x10",
		}, byName, new(float64(3))},
		"so it is for a name that was rewritten": {
			map[string]string{queue(`namespace="llm",inference_pool="p",model_name="alias",target_model_name="meta-llama/Llama-3.1-8B-Instruct"`): "3x10"}, byName, new(float64(3)),
		},
		"something is ready":           {map[string]string{queue(`namespace="llm",inference_pool="p",` + llama): "3x10", `llm_d_epp_ready_endpoints{namespace="llm",name="p"}`: "1x10"}, byName, new(float64(0))},
		"another model's queue":        {map[string]string{queue(`namespace="llm",inference_pool="p",model_name="other"`): "3x10"}, byName, new(float64(0))},
		"a name that became another's": {map[string]string{queue(`namespace="llm",inference_pool="p",` + llama + `,target_model_name="other"`): "3x10"}, byName, new(float64(0))},
		"another namespace's queue":    {map[string]string{queue(`namespace="web",inference_pool="p",` + llama): "3x10"}, byName, new(float64(0))},
		"requests wait, and the plan says 0": {map[string]string{
			queue(`namespace="llm",inference_pool="p",` + llama): "3x10", `variant_desired_replicas{instance="a",variant="llama-8b-l4",target_namespace="llm"}`: "0x10",
		}, byName, new(float64(0))},
		"requests wait, and another variant is decided": {map[string]string{
			queue(`namespace="llm",inference_pool="p",` + llama): "3x10", `variant_desired_replicas{variant="llama-8b-h100",target_namespace="llm"}`: "0x10",
			`variant_desired_replicas{variant="llama-8b-l4",target_namespace="web"}`: "0x10",
		}, byName, new(float64(3))},
		"the exporter is gone": {map[string]string{
			queue(`namespace="llm",inference_pool="p",` + llama): "3x10", `variant_desired_replicas{variant="llama-8b-l4",target_namespace="llm"}`: "0x2 stale",
		}, byName, new(float64(3))},
		"by the pool":     {map[string]string{queue(`kubernetes_namespace="llm",inference_pool="llama-pool",model_name="x"`): "3x10"}, byPool, new(float64(3))},
		"by another pool": {map[string]string{queue(`kubernetes_namespace="llm",inference_pool="q",model_name="llama-70b"`): "3x10"}, byPool, new(float64(0))},
	})
}

// TestAdapterIsStrict shows that the schema in this test refuses what the adapter refuses: a published manifest has namespaced one
// level too deep.
func TestAdapterIsStrict(t *testing.T) {
	_, err := tryStrict[adapterConfig]("externalRules:\n- {seriesQuery: x, resources: {overrides: {namespace: {resource: namespace}, namespaced: false}}}\n")
	require.Error(t, err)
	_, err = tryStrict[adapterConfig]("externalRules:\n- {seriesQuery: x, resources: {overrides: {namespace: {resource: namespace}}, namespaced: false}}\n")
	require.NoError(t, err)
}

// TestAdapterFormats holds what wraps the adapter's rules to what is in it.
func TestAdapterFormats(t *testing.T) {
	c := load(t, "fleet")
	want, err := rules.Adapter(c, rules.AdapterOptions{})
	plain := strict[adapterConfig](t, text(t, want, err))[0]
	m, err := kinds()["adapter-helm"](c)
	helm := strict[struct {
		Rules struct{ External []adapterRule }
	}](t, text(t, m, err))
	require.Equal(t, plain.ExternalRules, helm[0].Rules.External)
	m, err = kinds()["adapter-configmap"](c)
	object := strict[struct {
		APIVersion string `yaml:"apiVersion"`
		Kind       string
		Metadata   objectMeta
		Data       map[string]string
	}](t, text(t, m, err))
	require.Equal(t, plain, strict[adapterConfig](t, object[0].Data["config.yaml"])[0])
}

// TestEveryExpressionIsPromQL parses all that is generated, and finds none that sums what two exporters say.
func TestEveryExpressionIsPromQL(t *testing.T) {
	for _, name := range []string{"fleet", "roles", "plain"} {
		m, err := rules.Rules(load(t, name), ruleOptions())
		var file ruleFile
		require.NoError(t, yaml.Unmarshal([]byte(text(t, m, err)), &file))
		for _, g := range file.Groups {
			for _, r := range g.Rules {
				requirePromQL(t, r.Expr)
				require.NotRegexp(t, `sum( by \([a-z_, ]+\))? \(\s*variant_[a-z]`, r.Expr, "two exporters would be added up")
			}
		}
	}
}
