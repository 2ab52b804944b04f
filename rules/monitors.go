package rules

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// MonitorOptions say how monitors for the Prometheus Operator are made.
type MonitorOptions struct {
	Name      string
	Namespace string            // of a ServiceMonitor; PodMonitors stand in their models' namespaces
	Labels    map[string]string // of every object
	Selector  map[string]string // of the exporter's Service
	PodLabel  string            // label of pods that names their variant
	Port      string            // by name
	Path      string            // default: as model servers of the presets have it
	Interval  time.Duration
	Timeout   time.Duration // of a scrape
	Access    ScrapeAccess
}

// ScrapeAccess is how a scrape reaches an exporter with TLS or authentication: --web.config.file. Secrets stand in the namespace of the
// monitor.
type ScrapeAccess struct {
	TLS        bool
	CA         string // Secret/key with the authority of its certificate; empty: those that Prometheus knows
	ServerName string // of the certificate
	Insecure   bool   // the certificate is not checked
	BasicAuth  string // Secret with the keys username and password
	Bearer     string // Secret/key with a token
}

type serviceMonitorSpec struct {
	JobLabel  string        `yaml:"jobLabel"`
	Selector  labelSelector `yaml:"selector"`
	Endpoints []endpoint    `yaml:"endpoints"`
}

type podMonitorSpec struct {
	Selector  labelSelector `yaml:"selector"`
	Endpoints []endpoint    `yaml:"podMetricsEndpoints"`
}

type endpoint struct {
	Port          string    `yaml:"port"`
	Path          string    `yaml:"path"`
	Interval      string    `yaml:"interval"`
	ScrapeTimeout string    `yaml:"scrapeTimeout"`
	Relabelings   []relabel `yaml:"relabelings,omitempty"`

	Scheme        string               `yaml:"scheme,omitempty"`
	TLSConfig     *scrapeTLS           `yaml:"tlsConfig,omitempty"`
	BasicAuth     *scrapeBasicAuth     `yaml:"basicAuth,omitempty"`
	Authorization *scrapeAuthorization `yaml:"authorization,omitempty"`
}

type scrapeTLS struct {
	CA                 *scrapeCA `yaml:"ca,omitempty"`
	ServerName         string    `yaml:"serverName,omitempty"`
	InsecureSkipVerify bool      `yaml:"insecureSkipVerify,omitempty"`
}

type scrapeCA struct {
	Secret secretKey `yaml:"secret"`
}

type scrapeBasicAuth struct {
	Username secretKey `yaml:"username"`
	Password secretKey `yaml:"password"`
}

type scrapeAuthorization struct {
	Credentials secretKey `yaml:"credentials"`
}

// secretKey is one value of a Secret.
type secretKey struct {
	Name string `yaml:"name"`
	Key  string `yaml:"key"`
}

// keyOf reads Secret/key; without a key it is the usual one.
func keyOf(ref, usual string) secretKey {
	name, key, found := strings.Cut(ref, "/")
	if !found {
		key = usual
	}
	return secretKey{name, key}
}

// grant adds to an endpoint what a scrape needs.
func (a ScrapeAccess) grant(e *endpoint) error {
	if !a.TLS && (a.CA != "" || a.ServerName != "" || a.Insecure) {
		return errors.New("settings of TLS without TLS: give --scheme=https")
	}
	if a.BasicAuth != "" && a.Bearer != "" {
		return errors.New("basic authentication and a token: give one of them")
	}
	if a.TLS {
		e.Scheme, e.TLSConfig = "https", &scrapeTLS{ServerName: a.ServerName, InsecureSkipVerify: a.Insecure}
		if a.CA != "" {
			e.TLSConfig.CA = &scrapeCA{keyOf(a.CA, "ca.crt")}
		}
	}
	if a.BasicAuth != "" {
		e.BasicAuth = &scrapeBasicAuth{secretKey{a.BasicAuth, "username"}, secretKey{a.BasicAuth, "password"}}
	}
	if a.Bearer != "" {
		e.Authorization = &scrapeAuthorization{keyOf(a.Bearer, "token")}
	}
	return nil
}

type relabel struct {
	Action       string   `yaml:"action"`
	SourceLabels []string `yaml:"sourceLabels"`
	Regex        string   `yaml:"regex"`
	TargetLabel  string   `yaml:"targetLabel"`
}

const (
	monitorVersion = "monitoring.coreos.com/v1"
	jobLabel       = "app.kubernetes.io/name"
	metricsPath    = "/metrics"
	trtllmPath     = "/prometheus/metrics"
)

func (o MonitorOptions) endpoint(path string) endpoint {
	return endpoint{Port: o.Port, Path: path, Interval: model.Duration(o.Interval).String(), ScrapeTimeout: model.Duration(o.Timeout).String()}
}

func (o MonitorOptions) validate() error {
	if o.Timeout <= 0 || o.Timeout > o.Interval {
		return fmt.Errorf("a scrape timeout of %s does not fit an interval of %s", o.Timeout, o.Interval)
	}
	return nil
}

// ServiceMonitor makes a monitor for the exporter. It does not need honorLabels: none of the exporter's labels is one that Prometheus
// adds at a scrape, the workload's namespace is target_namespace.
func ServiceMonitor(o MonitorOptions) (*Manifest, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	path := o.Path
	if path == "" {
		path = metricsPath
	}
	e := o.endpoint(path)
	if err := o.Access.grant(&e); err != nil {
		return nil, err
	}
	m := &Manifest{}
	m.note("honorLabels is not needed: no label of the exporter's is one that a scrape adds. The workload's namespace is target_namespace.")
	m.add(object{monitorVersion, "ServiceMonitor", metadata{o.Name, o.Namespace, o.Labels}, serviceMonitorSpec{
		JobLabel: jobLabel, Selector: labelSelector{MatchLabels: o.Selector}, Endpoints: []endpoint{e},
	}})
	return m, nil
}

// PodMonitor makes monitors for the model servers: one for each namespace and path of metrics. They carry the variant's name from
// the pods' label to where the configuration expects it.
func PodMonitor(c *config.Config, o MonitorOptions) (*Manifest, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	type key struct{ namespace, path string }
	variants := map[key][]string{}
	for i := range c.Models {
		k := key{c.Models[i].Namespace, o.serverPath(&c.Models[i])}
		for _, x := range c.Models[i].Variants {
			variants[k] = append(variants[k], x.Name)
		}
	}
	carry := relabel{
		Action: "replace", SourceLabels: []string{"__meta_kubernetes_pod_label_" + sanitized(o.PodLabel)},
		Regex: "(.+)", TargetLabel: c.Labels.Variant,
	}
	keys := slices.SortedFunc(maps.Keys(variants), func(a, b key) int {
		return slices.Compare([]string{a.namespace, a.path}, []string{b.namespace, b.path})
	})
	m := &Manifest{}
	m.warn("The pods of each variant need the label " + o.PodLabel + " with the variant's name, in the template of their workload.")
	for _, k := range keys {
		name := o.Name
		if k.path == trtllmPath && o.Path == "" {
			name += "-trtllm"
		}
		e := o.endpoint(k.path)
		e.Relabelings = []relabel{carry}
		m.add(object{monitorVersion, "PodMonitor", metadata{name, k.namespace, o.Labels}, podMonitorSpec{
			Selector: labelSelector{MatchExpressions: []selectorRequirement{
				{Key: o.PodLabel, Operator: "In", Values: slices.Sorted(slices.Values(variants[k]))},
			}},
			Endpoints: []endpoint{e},
		}})
	}
	return m, nil
}

// serverPath is where a model's servers show their metrics.
func (o MonitorOptions) serverPath(m *config.Model) string {
	switch {
	case o.Path != "":
		return o.Path
	case slices.Contains(m.Presets, "trtllm"):
		return trtllmPath
	}
	return metricsPath
}

var notInLabelName = regexp.MustCompile(`[^a-zA-Z0-9_]`)

// sanitized is a Kubernetes label as Prometheus' service discovery names it.
func sanitized(label string) string { return notInLabelName.ReplaceAllString(label, "_") }
