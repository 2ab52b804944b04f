package rules_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/rules"
)

var update = flag.Bool("update", false, "write golden files")

// load reads a configuration from testdata.
func load(t *testing.T, name string) *config.Config {
	t.Helper()
	c, found, err := config.LoadFile(filepath.Join("testdata", name+".yml"))
	require.NoError(t, err)
	require.NoError(t, found.Err())
	return c
}

func parse(t require.TestingT, text string) *config.Config {
	c, found := config.Load("test.yml", text)
	require.NoError(t, found.Err(), text)
	return c
}

// kinds are all manifests, as the commands make them by default.
func kinds() map[string]func(*config.Config) (*rules.Manifest, error) {
	scrape := rules.MonitorOptions{
		Name: "model-servers", Namespace: "monitoring", PodLabel: "llm-d.ai/variant", Port: "http", Interval: 15 * time.Second, Timeout: 10 * time.Second,
		Selector: map[string]string{"app.kubernetes.io/name": "variant-exporter"},
	}
	return map[string]func(*config.Config) (*rules.Manifest, error){
		"rules": func(c *config.Config) (*rules.Manifest, error) { return rules.Rules(c, ruleOptions()) },
		"prometheusrule": func(c *config.Config) (*rules.Manifest, error) {
			o := ruleOptions()
			o.Format, o.WVA, o.Name, o.Namespace = rules.FormatPrometheusRule, false, "variant-exporter", "monitoring"
			o.Labels = map[string]string{"release": "kube-prometheus-stack", "a": "true"}
			return rules.Rules(c, o)
		},
		"adapter": func(c *config.Config) (*rules.Manifest, error) {
			return rules.Adapter(c, rules.AdapterOptions{WVA: true, Gateway: true})
		},
		"adapter-helm": func(c *config.Config) (*rules.Manifest, error) {
			return rules.Adapter(c, rules.AdapterOptions{Format: rules.AdapterHelmValues})
		},
		"adapter-configmap": func(c *config.Config) (*rules.Manifest, error) {
			return rules.Adapter(c, rules.AdapterOptions{Format: rules.AdapterConfigMap, Name: "adapter-config", Namespace: "monitoring"})
		},
		"hpa":         func(c *config.Config) (*rules.Manifest, error) { return rules.HPA(c, rules.HPAOptions{}) },
		"hpa-gateway": func(c *config.Config) (*rules.Manifest, error) { return rules.HPA(c, rules.HPAOptions{Gateway: true}) },
		"keda": func(c *config.Config) (*rules.Manifest, error) {
			return rules.KEDA(c, rules.KEDAOptions{Trigger: rules.TriggerPrometheus, PollingInterval: 15 * time.Second, Cooldown: 5 * time.Minute})
		},
		"keda-metrics-api": func(c *config.Config) (*rules.Manifest, error) {
			return rules.KEDA(c, rules.KEDAOptions{
				Trigger: rules.TriggerMetricsAPI, PollingInterval: 15 * time.Second, Cooldown: 5 * time.Minute, ExporterURL: "http://variant-exporter.monitoring:18270/metrics",
			})
		},
		"servicemonitor": func(*config.Config) (*rules.Manifest, error) { return rules.ServiceMonitor(scrape) },
		"podmonitor":     func(c *config.Config) (*rules.Manifest, error) { return rules.PodMonitor(c, scrape) },
	}
}

func ruleOptions() rules.Options {
	return rules.Options{Interval: 15 * time.Second, RunbookURL: rules.DefaultRunbookURL, WVA: true}
}

// text is a manifest as it is printed.
func text(t require.TestingT, m *rules.Manifest, err error) string {
	require.NoError(t, err)
	var b strings.Builder
	require.NoError(t, m.Write(&b, "variant_exporter generate test"))
	return b.String()
}

func TestGolden(t *testing.T) {
	for name, goldens := range map[string][]string{
		"fleet": {"rules", "adapter", "hpa", "keda", "servicemonitor", "podmonitor"},
		"roles": {"prometheusrule", "adapter-helm", "keda", "keda-metrics-api", "podmonitor"},
		"plain": {"adapter", "adapter-configmap", "hpa-gateway"},
	} {
		c := load(t, name)
		for _, kind := range goldens {
			t.Run(name+"/"+kind, func(t *testing.T) {
				m, err := kinds()[kind](c)
				got := text(t, m, err)
				file := filepath.Join("testdata", "golden", name+"-"+kind+".yml")
				if *update {
					require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
				}
				want, err := os.ReadFile(file)
				require.NoError(t, err)
				require.Equal(t, string(want), got, "go test ./rules -run TestGolden -update writes it")
			})
		}
	}
}
