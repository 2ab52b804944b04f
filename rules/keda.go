package rules

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// KEDATrigger is where KEDA asks for the desired replicas.
type KEDATrigger string

// Where KEDA may ask.
const (
	TriggerPrometheus KEDATrigger = "prometheus"  // the Prometheus that scrapes the exporter
	TriggerMetricsAPI KEDATrigger = "metrics-api" // the exporter itself
)

// KEDAOptions say how ScaledObjects are made.
type KEDAOptions struct {
	Labels          map[string]string // of every object
	MaxReplicas     int               // of variants that neither the configuration nor a budget bounds; 0 refuses them
	Stabilization   time.Duration     // scale-down stabilization window
	Trigger         KEDATrigger
	PrometheusURL   string            // as KEDA reaches it; default: that of the configuration
	ExporterURL     string            // the exporter's metrics, for the trigger metrics-api
	Authentication  string            // [Kind/]Name of a TriggerAuthentication
	Metadata        map[string]string // more metadata of the triggers, such as authModes
	PollingInterval time.Duration
	Cooldown        time.Duration // from the last activity that KEDA has seen until zero
	Kubernetes      Kubernetes    // that they are for
	TriggersOnly    bool          // for a platform that makes the ScaledObjects itself
}

type scaledObjectSpec struct {
	ScaleTargetRef  workload      `yaml:"scaleTargetRef"`
	PollingInterval int           `yaml:"pollingInterval"`
	CooldownPeriod  int           `yaml:"cooldownPeriod"`
	MinReplicaCount int           `yaml:"minReplicaCount"`
	MaxReplicaCount int           `yaml:"maxReplicaCount"`
	Fallback        *kedaFallback `yaml:"fallback,omitempty"`
	Advanced        kedaAdvanced  `yaml:"advanced"`
	Triggers        []kedaTrigger `yaml:"triggers"`
}

type kedaFallback struct {
	FailureThreshold int    `yaml:"failureThreshold"`
	Replicas         int    `yaml:"replicas"`
	Behavior         string `yaml:"behavior"`
}

type kedaAdvanced struct {
	HPA kedaHPA `yaml:"horizontalPodAutoscalerConfig"`
}

type kedaHPA struct {
	Behavior behavior `yaml:"behavior"`
}

type kedaTrigger struct {
	Type           string              `yaml:"type"`
	Name           string              `yaml:"name"`
	MetricType     string              `yaml:"metricType"`
	Metadata       map[string]string   `yaml:"metadata"`
	Authentication *kedaAuthentication `yaml:"authenticationRef,omitempty"`
}

type kedaAuthentication struct {
	Kind string `yaml:"kind,omitempty"`
	Name string `yaml:"name"`
}

// KEDA makes a ScaledObject for each variant.
func KEDA(c *config.Config, o KEDAOptions) (*Manifest, error) {
	o, err := o.complete(c)
	if err != nil {
		return nil, err
	}
	all, err := targets(c, o.MaxReplicas)
	if err != nil {
		return nil, err
	}
	m := &Manifest{}
	if !o.TriggersOnly {
		m.noteTolerance(o.Kubernetes)
	}
	for _, address := range []string{o.PrometheusURL, o.ExporterURL} {
		if onLoopback(address) {
			m.warn(address + " is this machine's own: in a cluster KEDA does not reach it. Give the address that it reaches: --prometheus.url, --exporter.url.")
		}
	}
	switch {
	case !authenticates(c):
	case o.Trigger == TriggerMetricsAPI:
		o.PrometheusURL = "" // A trigger that is refused would keep the other one from lowering anything.
		m.warn("Prometheus wants authentication, so no trigger watches the gateway's queue: use --trigger=prometheus for that.")
	case o.Authentication == "":
		m.warn("The exporter authenticates to Prometheus. KEDA must do so too: see --authentication and --metadata=authModes=...")
	}
	wakes := wakers(all)
	if o.TriggersOnly {
		m.addTriggers(c, o, all, wakes)
		return m, nil
	}
	for i := range all {
		m.add(object{"keda.sh/v1alpha1", "ScaledObject", all[i].metadata(o.Labels), all[i].scaledObject(c, o, wakes[i])})
	}
	return m, nil
}

// reserved are the keys of a trigger's metadata on which the outcome depends.
func reserved() []string {
	return []string{
		"serverAddress", "query", "threshold", "activationThreshold", "ignoreNullValues",
		"url", "format", "valueLocation", "targetValue", "activationTargetValue",
	}
}

// complete fills in what follows from the configuration, and finds what is missing.
func (o KEDAOptions) complete(c *config.Config) (KEDAOptions, error) {
	if o.PrometheusURL == "" && c.Prometheus != nil {
		o.PrometheusURL = c.Prometheus.URL
	}
	for _, key := range reserved() {
		if _, ok := o.Metadata[key]; ok {
			return o, fmt.Errorf("%s of a trigger follows from the configuration and cannot be given", key)
		}
	}
	needed, flag := o.PrometheusURL, "--prometheus.url, or prometheus.url in the configuration"
	if o.Trigger == TriggerMetricsAPI {
		needed, flag = o.ExporterURL, "--exporter.url"
	}
	if needed == "" {
		return o, fmt.Errorf("the trigger %s needs an address as KEDA reaches it: give %s", o.Trigger, flag)
	}
	for _, address := range []string{o.PrometheusURL, o.ExporterURL} {
		if address != "" && !askable(address) {
			return o, errors.New("an address that KEDA could not ask: write it like http://NAME.NAMESPACE:PORT, without credentials and parameters; " +
				"a token belongs into a TriggerAuthentication (--authentication)")
		}
	}
	return o, nil
}

// askable says whether an address is one of a server, and holds no secret.
func askable(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") && u.User == nil && u.RawQuery == "" && u.Fragment == ""
}

// onLoopback says whether an address is one that only programs on the same machine reach, such as that of a port-forward.
func onLoopback(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// authenticates says whether the exporter tells the Prometheus who it is.
func authenticates(c *config.Config) bool {
	if c.Prometheus == nil {
		return false
	}
	h := &c.Prometheus.HTTPConfig
	return h.BasicAuth != nil || h.Authorization != nil || h.OAuth2 != nil || h.HTTPHeaders != nil ||
		h.TLSConfig.CertFile != "" || h.TLSConfig.Cert != ""
}

// scaledObject follows the exporter's gauge. The exporter has waited before it asks for zero, but KEDA must wait too: while a trigger
// fails, as it does while nothing is known, KEDA 2.21 may take it for inactive, because its HPA server closes the cache of triggers
// under its scale loop (getScalerState ignores ErrCacheClosed).
func (t *target) scaledObject(c *config.Config, o KEDAOptions, wake bool) scaledObjectSpec {
	s := scaledObjectSpec{
		ScaleTargetRef: t.workload(), PollingInterval: seconds(o.PollingInterval), CooldownPeriod: seconds(o.Cooldown),
		MinReplicaCount: t.least, MaxReplicaCount: t.most,
		Fallback: t.fallback(o.PollingInterval),
		Advanced: kedaAdvanced{kedaHPA{follow(t.most, o.Stabilization, o.Kubernetes)}},
		Triggers: t.triggers(c, o, wake),
	}
	return s
}

// triggers are that on the exporter's gauge, and where a request is to wake the variant without it, that on the gateway's queue.
func (t *target) triggers(c *config.Config, o KEDAOptions, wake bool) []kedaTrigger {
	all := []kedaTrigger{t.desired(o)}
	if wake && o.PrometheusURL != "" {
		all = append(all, o.prometheus("gateway-queue", t.wakeQuery(c), wakeThreshold))
	}
	return all
}

// kedaTriggers is what is pasted where a platform has a place for triggers.
type kedaTriggers struct {
	Triggers []kedaTrigger `yaml:"triggers"`
}

// addTriggers adds a document for each variant, with what the platform must set besides in a comment above it.
func (m *Manifest) addTriggers(c *config.Config, o KEDAOptions, all []target, wakes map[int]bool) {
	m.note("Triggers alone: the platform makes the ScaledObject, and a second one would make a second HPA for the workload.",
		"Where it lets you, set tolerance: \"0\" in the HPA's behavior, up and down, and no stabilization windows.")
	for i := range all {
		t := &all[i]
		var doc yaml.Node
		if err := doc.Encode(kedaTriggers{t.triggers(c, o, wakes[i])}); err != nil {
			m.add(kedaTriggers{t.triggers(c, o, wakes[i])}) // It cannot fail; the comment is not worth an error.
			continue
		}
		doc.HeadComment = fmt.Sprintf("%s %s/%s, variant %s: minimum %d, maximum %d", t.ScaleTarget.Kind, t.model.Namespace, t.ScaleTarget.Name, t.Name, t.least, t.most)
		m.add(&doc)
	}
}

// hpaSync is how often an HPA asks for its metrics, unless the controller manager is told otherwise.
const hpaSync = 15 * time.Second

// fallback is the least that KEDA runs when it cannot be told, where the configuration has such a number; more that runs stays. One of 0
// is never given: with minReplicaCount 0, KEDA would then scale to zero on the first error. KEDA counts a failure at each of its own
// polls, and at each sync of the HPA.
func (t *target) fallback(interval time.Duration) *kedaFallback {
	if t.off || t.Failsafe == nil || t.Failsafe.Replicas == nil || *t.Failsafe.Replicas == 0 {
		return nil
	}
	after := time.Duration(t.Failsafe.After)
	failures := math.Ceil(after.Seconds()/hpaSync.Seconds() + after.Seconds()/interval.Seconds())
	return &kedaFallback{FailureThreshold: max(int(failures), 1), Replicas: *t.Failsafe.Replicas, Behavior: "currentReplicasIfHigher"}
}

func (t *target) selector() string {
	return fmt.Sprintf("%s{%s=%q,%s=%q}", desiredReplicas, labelVariant, t.Name, labelTargetNamespace, t.model.Namespace)
}

// evaluationTimeout is how long KEDA waits for the exporter, instead of 3 seconds: KEDA sends no timeout of its own, so an evaluation
// may take the exporter's --scrape.max-timeout, and a second is for the way.
const evaluationTimeout = 21 * time.Second

// desired is the trigger on the exporter's gauge.
func (t *target) desired(o KEDAOptions) kedaTrigger {
	if o.Trigger == TriggerPrometheus {
		return o.prometheus("desired", "max("+t.selector()+")", "1")
	}
	return o.trigger(TriggerMetricsAPI, "desired", map[string]string{
		"url": o.ExporterURL, "format": "prometheus", "valueLocation": t.selector(), "targetValue": "1", "activationTargetValue": "0",
		"timeout": strconv.FormatInt(evaluationTimeout.Milliseconds(), 10),
	})
}

// prometheus is a trigger that asks Prometheus. An empty answer is an error, not zero.
func (o KEDAOptions) prometheus(name, query, threshold string) kedaTrigger {
	return o.trigger(TriggerPrometheus, name, map[string]string{
		"serverAddress": o.PrometheusURL, "query": query, "threshold": threshold, "activationThreshold": "0", "ignoreNullValues": "false",
	})
}

func (o KEDAOptions) trigger(kind KEDATrigger, name string, metadata map[string]string) kedaTrigger {
	t := kedaTrigger{Type: string(kind), Name: name, MetricType: "AverageValue", Metadata: metadata}
	if kind == o.Trigger {
		maps.Copy(metadata, o.Metadata)
		t.Authentication = authentication(o.Authentication)
	}
	return t
}

func authentication(ref string) *kedaAuthentication {
	if ref == "" {
		return nil
	}
	if kind, name, ok := strings.Cut(ref, "/"); ok {
		return &kedaAuthentication{kind, name}
	}
	return &kedaAuthentication{Name: ref}
}
