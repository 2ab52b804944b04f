package rules_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/rules"
)

// TestRefuses is about configurations whose manifests could scale wrongly: each is refused with its place in the file, most of them
// before anything is generated.
func TestRefuses(t *testing.T) {
	hpas := func(c *config.Config) error {
		_, err := rules.HPA(c, rules.HPAOptions{})
		return err
	}
	gateway := func(c *config.Config) error {
		_, err := rules.HPA(c, rules.HPAOptions{Gateway: true})
		return err
	}
	adapter := func(c *config.Config) error {
		_, err := rules.Adapter(c, rules.AdapterOptions{Gateway: true})
		return err
	}
	scaledObjects := func(c *config.Config) error {
		_, err := rules.KEDA(c, rules.KEDAOptions{Trigger: rules.TriggerPrometheus, PollingInterval: time.Second})
		return err
	}
	recorded := func(c *config.Config) error {
		_, err := rules.Rules(c, ruleOptions())
		return err
	}
	own := "signals: {vllm_concurrency: {unit: requests, demand: 'sum by (namespace, model_name) (x)'}}\n"
	ownVariant := "{name: a, cost: 1, capacity: {concurrency: 1, vllm_concurrency: 1}, replicas: {max: 4}}"
	bounded := func(name, more string) string {
		return "{name: " + name + ", cost: 1, capacity: {concurrency: 1}, replicas: {max: 4}" + more + "}"
	}
	neighbour := "  - {name: n, namespace: llm, presets: [vllm], variants: [" + bounded("n", "") + "]}\n"
	for name, tc := range map[string]struct {
		text     string
		generate func(*config.Config) error
		want     []string // in the message
	}{
		"two variants with one scale target": {
			one("", bounded("a", "")+", "+bounded("b", ", scale_target: {name: a}")), hpas, []string{"models[0].variants[1].scale_target", "already the scale target of models[0].variants[0]"},
		},
		"of two models": {
			one("", bounded("a", "")) + "  - {name: n, namespace: llm, presets: [vllm], variants: [" + bounded("b", ", scale_target: {name: a}") + "]}\n", hpas,
			[]string{"models[1].variants[0].scale_target"},
		},
		"the StatefulSet of a LeaderWorkerSet": {
			one("", bounded("a", ", scale_target: {kind: LeaderWorkerSet}")+", "+bounded("b", ", scale_target: {kind: StatefulSet, name: a}")), hpas,
			[]string{"models[0].variants[1].scale_target"},
		},
		"a name that is no label value": {one("", bounded("a/b", ", scale_target: {name: a}")), hpas, []string{"models[0].variants[0].name", "autoscalers select by it"}},
		"a name that is too long": {
			one("", bounded(strings.Repeat("a", 64), "")), hpas, []string{"not a Kubernetes label value"},
		},
		"a name twice":                       {one("", bounded("a", "")+", "+bounded("a", ", scale_target: {name: b}")), hpas, []string{"duplicate variant a"}},
		"a minimum above the maximum":        {one("", "{name: a, cost: 1, capacity: {concurrency: 1}, replicas: {min: 5, max: 4}}"), hpas, []string{"maximum 4 is below minimum 5"}},
		"a model's minimum above all":        {one("replicas: {min: 9},", bounded("a", "")), hpas, []string{"above the sum of the variants' maximums, 4"}},
		"a namespace that is none":           {strings.Replace(one("", bounded("a", "")), "llm", "L_M", 1), hpas, []string{"is not a namespace name"}},
		"names that differ in case only":     {one("", bounded("a_b", ", scale_target: {name: x}")+", "+bounded("A-b", ", scale_target: {name: y}")), scaledObjects, []string{"models[0].variants[1].name", `would be called "a-b"`}},
		"a name that no object can have":     {one("", bounded("a._b", ", scale_target: {name: x}")), hpas, []string{"models[0].variants[0].name", `refuses an object called "a.-b"`}},
		"no maximum":                         {one("", "{name: a, cost: 1, capacity: {concurrency: 1}}"), hpas, []string{"test.yml:4:", "models[0].variants[0]", "no maximum", "--max-replicas"}},
		"no maximum, for KEDA":               {one("", "{name: a, cost: 1, capacity: {concurrency: 1}, uses: {measured: 1}}"), scaledObjects, []string{"no maximum"}},
		"no capacity for the gateway":        {one("", "{name: a, cost: 1, capacity: {kv_tokens: 1}, replicas: {max: 1}}"), gateway, []string{"capacity.concurrency", "how many requests"}},
		"a capacity that is not a number":    {one("", "{name: a, cost: 1, capacity: {concurrency: sum by (pod) (x)}, replicas: {max: 1}}"), gateway, []string{"give capacity.concurrency as a number"}},
		"gateways that cannot be told apart": {one("", bounded("a", "")) + neighbour, gateway, []string{"models[0]: ", "models[1]: ", "which gateway is this one's"}},
		"and so for the adapter":             {one("", bounded("a", "")) + neighbour, adapter, []string{"models[0]", "models[1]", "match: {inference_pool: NAME}"}},
		"two signals recorded under one name": {
			own + one("signals: [concurrency, vllm_concurrency],", ownVariant), recorded,
			[]string{"signals.vllm_concurrency", "model:vllm_concurrency_demand:sum would record two expressions", "that of vllm.concurrency"},
		},
		"of two models, the other way round": {
			own + one("signals: [vllm_concurrency],", ownVariant) + neighbour, recorded, []string{"signals.vllm_concurrency", "that of vllm.concurrency"},
		},
		"metrics that differ in case only": {
			strings.ReplaceAll(one("match: {inference_pool: p},", bounded("a", ", scale_target: {name: x}")), "vllm", "epp") +
				"  - {name: n, namespace: llm, presets: [epp], match: {inference_pool: q}, variants: [" + bounded("A", ", scale_target: {name: y}") + "]}\n",
			adapter,
			[]string{"models[1].variants[0].name", `would be called "gateway-requests.llm.a", like that of models[0].variants[0]`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, found := config.Load("test.yml", tc.text)
			err := found.Err()
			if err == nil {
				err = tc.generate(c)
			}
			var invalid *config.InvalidError
			require.ErrorAs(t, err, &invalid)
			for _, want := range tc.want {
				require.ErrorContains(t, err, want)
			}
			for _, d := range invalid.Diagnostics {
				require.Positive(t, d.Line)
				require.NotEmpty(t, d.Hint)
				require.NotEmpty(t, d.Snippet)
			}
		})
	}
}

// TestRefusesOptions is about what a command line cannot ask for.
func TestRefusesOptions(t *testing.T) {
	bounded := one("", "{name: a, cost: 1, capacity: {concurrency: 1}, replicas: {max: 4}}")
	embedded := strings.Replace(bounded, "prometheus: {url: http://p}", "scrape_configs: [{job_name: x, static_configs: [{targets: ['x:1']}]}]", 1)
	keda := func(o rules.KEDAOptions) func(*config.Config) error {
		return func(c *config.Config) error {
			_, err := rules.KEDA(c, o)
			return err
		}
	}
	for name, tc := range map[string]struct {
		text     string
		generate func(*config.Config) error
		want     string
	}{
		"no Prometheus":            {embedded, keda(rules.KEDAOptions{Trigger: rules.TriggerPrometheus}), "the trigger prometheus needs an address as KEDA reaches it"},
		"no exporter":              {bounded, keda(rules.KEDAOptions{Trigger: rules.TriggerMetricsAPI}), "--exporter.url"},
		"an address that is none":  {bounded, keda(rules.KEDAOptions{Trigger: rules.TriggerPrometheus, PrometheusURL: "prometheus:9090"}), "an address that KEDA could not ask"},
		"a password in an address": {bounded, keda(rules.KEDAOptions{Trigger: rules.TriggerPrometheus, PrometheusURL: "http://me:secret@p"}), "without credentials"},
		"a name that is a template": {strings.Replace(bounded, "{name: m,", "{name: 'm<<.Series>>',", 1), func(c *config.Config) error {
			_, err := rules.Adapter(c, rules.AdapterOptions{Gateway: true})
			return err
		}, "which Prometheus Adapter reads as its template"},
		"a token in an address": {bounded, keda(rules.KEDAOptions{Trigger: rules.TriggerPrometheus, PrometheusURL: "http://p/?token=secret"}), "without credentials and parameters"},
		"nothing read as zero":  {bounded, keda(rules.KEDAOptions{Trigger: rules.TriggerPrometheus, Metadata: map[string]string{"ignoreNullValues": "true"}}), "ignoreNullValues"},
		"a timeout above the interval": {bounded, func(c *config.Config) error {
			_, err := rules.PodMonitor(c, rules.MonitorOptions{Interval: time.Second, Timeout: time.Minute})
			return err
		}, "does not fit an interval"},
	} {
		t.Run(name, func(t *testing.T) {
			require.ErrorContains(t, tc.generate(parse(t, tc.text)), tc.want)
		})
	}
}
