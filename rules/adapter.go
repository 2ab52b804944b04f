package rules

import (
	"bytes"
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// AdapterFormat is what the rules of Prometheus Adapter are wrapped in.
type AdapterFormat string

// The formats of the adapter's rules.
const (
	AdapterConfig     AdapterFormat = "config"      // the adapter's configuration file
	AdapterHelmValues AdapterFormat = "helm-values" // values of the chart prometheus-community/prometheus-adapter
	AdapterConfigMap  AdapterFormat = "configmap"   // a ConfigMap with the file config.yaml
)

// AdapterOptions say how the rules of Prometheus Adapter are made.
type AdapterOptions struct {
	Format          AdapterFormat
	Name, Namespace string            // of the ConfigMap
	Labels          map[string]string // of the ConfigMap
	WVA             bool              // also serve wva_desired_replicas
	Gateway         bool              // also serve the gateway's metrics for models of one variant
}

// adapterConfig is the part of Prometheus Adapter's configuration that is used here. The adapter refuses fields that it does not
// know, so each must stand where it belongs.
type adapterConfig struct {
	ExternalRules []adapterRule `yaml:"externalRules"`
}

type adapterRule struct {
	SeriesQuery  string           `yaml:"seriesQuery"`
	Resources    adapterResources `yaml:"resources"`
	Name         adapterName      `yaml:"name"`
	MetricsQuery string           `yaml:"metricsQuery"`
}

type adapterResources struct {
	Overrides map[string]adapterResource `yaml:"overrides"` // by label
}

type adapterResource struct {
	Resource string `yaml:"resource"`
}

type adapterName struct {
	Matches string `yaml:"matches"`
	As      string `yaml:"as"`
}

type configMap struct {
	APIVersion string            `yaml:"apiVersion"`
	Kind       string            `yaml:"kind"`
	Metadata   metadata          `yaml:"metadata"`
	Data       map[string]string `yaml:"data"`
}

// wvaDesired is the gauge of the Workload Variant Autoscaler that autoscalers in the field follow.
const wvaDesired = "wva_desired_replicas"

// Adapter makes the rules by which Prometheus Adapter answers the HPAs. The label that holds the workload's namespace is that of the
// resource namespace, so that an HPA is told of its own namespace only.
func Adapter(c *config.Config, o AdapterOptions) (*Manifest, error) {
	rules := []adapterRule{{
		SeriesQuery:  desiredReplicas + `{variant!="",target_namespace!=""}`,
		Resources:    namespacedBy(labelTargetNamespace),
		Name:         adapterName{"^" + desiredReplicas + "$", desiredReplicas},
		MetricsQuery: `max by (variant, target_namespace) (<<.Series>>{<<.LabelMatchers>>})`,
	}}
	if o.WVA {
		rules = append(rules, adapterRule{
			SeriesQuery:  wvaDesired + `{variant_name!="",exported_namespace!=""}`,
			Resources:    namespacedBy("exported_namespace"),
			Name:         adapterName{"^" + wvaDesired + "$", wvaDesired},
			MetricsQuery: `max by (variant_name, exported_namespace) (<<.Series>>{<<.LabelMatchers>>})`,
		})
	}
	if o.Gateway {
		plain, err := gatewayRules(c)
		if err != nil {
			return nil, err
		}
		rules = append(rules, plain...)
	}
	m := &Manifest{}
	if o.Gateway {
		m.warnGateway(c)
	}
	m.note("Let the adapter relist (--metrics-relist-interval) at least every minute, and not more often than Prometheus scrapes.")
	return m, m.addAdapter(adapterConfig{rules}, o)
}

func (m *Manifest) addAdapter(cfg adapterConfig, o AdapterOptions) error {
	switch o.Format {
	case AdapterHelmValues:
		m.add(map[string]any{"rules": map[string]any{"external": cfg.ExternalRules}})
	case AdapterConfigMap:
		var b bytes.Buffer
		enc := yaml.NewEncoder(&b)
		enc.SetIndent(2)
		if err := enc.Encode(cfg); err != nil {
			return fmt.Errorf("write the adapter's configuration: %w", err)
		}
		m.add(configMap{"v1", "ConfigMap", metadata{o.Name, o.Namespace, o.Labels}, map[string]string{"config.yaml": b.String()}})
	default:
		m.add(cfg)
	}
	return nil
}

func namespacedBy(label string) adapterResources {
	return adapterResources{map[string]adapterResource{label: {"namespace"}}}
}

// gatewayRules serve what is queued and running at the gateway, for each model of one variant. They are found by a series that the
// gateway writes as long as it runs: those of its queue vanish while it is idle.
func gatewayRules(c *config.Config) ([]adapterRule, error) {
	var rules []adapterRule
	var found config.Diagnostics
	taken := map[string]string{}
	for i := range c.Models {
		m := &c.Models[i]
		if len(m.Variants) != 1 {
			continue
		}
		t := target{Variant: &m.Variants[0], model: m, path: fmt.Sprintf("models[%d].variants[0]", i)}
		found = append(found, t.gatewayAmbiguous(c)...)
		found = append(found, t.gatewayTwice(c, taken)...)
		query, err := t.gatewayQuery(c)
		if err != nil {
			return nil, fmt.Errorf("ask the gateway of %s: %w", m.Name, err)
		}
		template, err := adapterTemplate(query)
		if err != nil {
			return nil, fmt.Errorf("ask the gateway of %s: %w", m.Name, err)
		}
		rules = append(rules, adapterRule{
			SeriesQuery:  fmt.Sprintf(`{__name__=~"^(llm_d_epp_ready_endpoints|inference_pool_ready_pods)$",%s!=""}`, c.Labels.Namespace),
			Resources:    namespacedBy(c.Labels.Namespace),
			Name:         adapterName{"^.*$", t.gatewayMetric()},
			MetricsQuery: template,
		})
	}
	return rules, found.Err()
}
