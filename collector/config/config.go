// Package config reads the configuration file: its types, its defaults, the presets, and every check that can be made without
// asking a Prometheus. Mistakes are reported all at once, each with the place in the file and what would be right.
package config

import (
	"time"

	promconfig "github.com/prometheus/prometheus/config"
)

// Config is a configuration as written, with the defaults filled in. Load returns it only when it has no errors.
type Config struct {
	Prometheus    *Prometheus       `yaml:"prometheus" doc:"The Prometheus to ask. Leave it out to let the exporter scrape scrape_configs itself."`
	Global        Raw               `yaml:"global" kind:"object" doc:"Prometheus' own global section, for scrape_configs."`
	ScrapeConfigs Raw               `yaml:"scrape_configs" kind:"array" doc:"Prometheus' own scrape_configs (static and file discovery), scraped by the exporter itself where no prometheus.url is given."`
	Labels        LabelNames        `yaml:"labels" doc:"The labels in which results carry identity."`
	Defaults      Tuning            `yaml:"defaults" doc:"What models use unless they say otherwise."`
	ScaleTargets  ScaleTargets      `yaml:"scale_targets" doc:"How the current and ready replicas of scale targets are asked. Default: the series of kube-state-metrics."`
	EnergyPrice   Quantity          `yaml:"energy_price" doc:"Currency per kWh, added to each variant's cost through its power in uses."`
	Signals       map[string]Signal `yaml:"signals" doc:"Own signals, beside those of the presets. One with a preset's name replaces it."`
	Budgets       []Budget          `yaml:"budgets" doc:"Limits shared by variants of any models."`
	Models        []Model           `yaml:"models" required:"true" doc:"The models to plan for, each with its variants."`

	embedded *promconfig.Config
}

// Prometheus is where the answers come from.
type Prometheus struct {
	URL        string     `yaml:"url" required:"true" doc:"Base URL of a Prometheus, or of anything that speaks its HTTP API."`
	HTTPConfig HTTPConfig `yaml:"http_config" doc:"Prometheus' HTTP client configuration: TLS, basic auth, bearer token, OAuth2, headers, proxy."`
}

// LabelNames are the labels in which results carry identity.
type LabelNames struct {
	Namespace string `yaml:"namespace" doc:"Label with the namespace of the model."`
	Model     string `yaml:"model" doc:"Label with the name of the model."`
	Variant   string `yaml:"variant" doc:"Label with the name of the variant."`
}

// Tuning is how measured demand becomes the demand that is planned for.
type Tuning struct {
	Headroom        *float64  `yaml:"headroom" minimum:"0" maximum:"10" doc:"Share planned above what was measured: 0.15 is 15 % more."`
	ScaleDownWindow *Duration `yaml:"scale_down_window" doc:"Demand is the maximum over this window, so that a dip shorter than it takes nothing away."`
	ScaleUpWindow   *Duration `yaml:"scale_up_window" doc:"Demand must have lasted this long to count, so that a peak shorter than it adds nothing. 0s: any peak counts."`
	IdleAfter       *Duration `yaml:"idle_after" doc:"A model that may scale to zero does so after this long without demand."`
}

// ScaleTargets are the expressions that yield how many replicas scale targets have. Results carry the namespace label, and
// scale_target_kind and scale_target_name.
type ScaleTargets struct {
	Current  Expr `yaml:"current" doc:"PromQL: replicas asked for, by namespace, scale_target_kind and scale_target_name."`
	Ready    Expr `yaml:"ready" doc:"PromQL: replicas ready, by the same labels."`
	Disabled bool `yaml:"disabled" doc:"Do not ask for replicas at all: nothing is then known of what runs."`
}

// Signal is one measure of demand and capacity. It has one of two forms: demand, absolute and per model; or usage, per variant.
type Signal struct {
	Unit      string     `yaml:"unit" required:"true" doc:"Unit of demand and capacity, such as requests or tokens."`
	Demand    Expr       `yaml:"demand" doc:"PromQL: demand per model, in the unit."`
	Usage     Expr       `yaml:"usage" doc:"PromQL: fractions of one replica's capacity in use, per variant, summed over its replicas."`
	Queued    Expr       `yaml:"queued" doc:"PromQL: demand per model that no replica holds yet, in the unit; added to usage x capacity."`
	Capacity  Quantity   `yaml:"capacity" doc:"Capacity of one replica, for variants that do not give their own."`
	Labels    LabelNames `yaml:"labels" doc:"Identity labels of this signal's results, where they differ from the common ones."`
	OnMissing OnMissing  `yaml:"on_missing" doc:"What a model without a result means: hold what runs, zero where alive says that the source is up, or ignore the signal."`
	Alive     Expr       `yaml:"alive" doc:"PromQL: above zero where the source of the signal is up; needed by on_missing: zero."`

	preset string // the preset it came from, if any
}

// OnMissing says what it means when a signal has no result for a model.
type OnMissing string

// What a missing result means.
const (
	OnMissingHold   OnMissing = "hold"
	OnMissingZero   OnMissing = "zero"
	OnMissingIgnore OnMissing = "ignore"
)

func (OnMissing) values() []string {
	return []string{string(OnMissingHold), string(OnMissingZero), string(OnMissingIgnore)}
}

// Budget is a limit shared by variants of any models.
type Budget struct {
	Name  string     `yaml:"name" required:"true" doc:"Name by which variants use it."`
	Unit  string     `yaml:"unit" required:"true" doc:"Unit of the limit, such as accelerators, watts or currency per hour."`
	Limit Quantities `yaml:"limit" required:"true" doc:"The most that all variants together may use: a number, PromQL, or a list of which the smallest counts."`
}

// Model is something that is served, by one or more variants.
type Model struct {
	Name      string             `yaml:"name" required:"true" doc:"Name of the model, as results carry it."`
	Namespace string             `yaml:"namespace" required:"true" doc:"Namespace of the model's workloads."`
	Presets   []string           `yaml:"presets" doc:"Presets whose signals may be used; a later one overrides an earlier one."`
	Signals   []string           `yaml:"signals" doc:"Signals to plan by. Default: those for which a variant gives a capacity."`
	Match     map[string]Strings `yaml:"match" doc:"Other label values by which results mean this model, such as an inference pool."`
	Priority  int                `yaml:"priority" doc:"Lower numbers are served first when budgets run out."`
	Replicas  ModelReplicas      `yaml:"replicas" doc:"Bounds over all variants."`
	Variants  []Variant          `yaml:"variants" required:"true" doc:"The ways to serve the model."`
	Tuning    `yaml:",inline"`

	active []ActiveSignal
}

// ModelReplicas bounds the replicas of a model over all its variants.
type ModelReplicas struct {
	Min *int `yaml:"min" minimum:"0" maximum:"1000000" doc:"Fewest replicas over all variants; 0 allows scale to zero. Default 1."`
}

// Variant is one way to serve a model: an accelerator, a degree of parallelism, a role.
type Variant struct {
	Name        string              `yaml:"name" required:"true" doc:"Name of the variant: the label by which autoscalers select it, so a valid Kubernetes label value."`
	ScaleTarget ScaleTarget         `yaml:"scale_target" doc:"The workload that is scaled. Default: the Deployment with the variant's name."`
	Pods        Regexp              `yaml:"pods" doc:"Regular expression for the names of the variant's pods, where they do not follow the scale target's pattern."`
	Accelerator string              `yaml:"accelerator" doc:"Accelerator type, for display."`
	Role        Role                `yaml:"role" doc:"What the variant serves: both, prefill or decode."`
	Cost        Quantity            `yaml:"cost" required:"true" doc:"Currency per replica and hour. With cost: 1 everywhere the plan counts replicas."`
	Uses        map[string]Quantity `yaml:"uses" doc:"What one replica takes of each budget; power is in watts."`
	Capacity    map[string]Quantity `yaml:"capacity" doc:"Capacity of one replica, by signal, in the signal's unit."`
	Replicas    VariantReplicas     `yaml:"replicas" doc:"Bounds of this variant."`
	Startup     Duration            `yaml:"startup" doc:"From the order of a replica to ready; what it costs meanwhile counts against starting one."`
}

// VariantReplicas bounds the replicas of one variant.
type VariantReplicas struct {
	Min int  `yaml:"min" minimum:"0" maximum:"1000000" doc:"Fewest replicas."`
	Max *int `yaml:"max" minimum:"0" maximum:"1000000" doc:"Most replicas. Default: no limit but the budgets'."`
}

// ScaleTarget is the workload that an autoscaler scales.
type ScaleTarget struct {
	Kind TargetKind `yaml:"kind" doc:"Kind of the workload."`
	Name string     `yaml:"name" doc:"Name of the workload. Default: the variant's name."`
}

// TargetKind is a kind of workload that has a scale subresource.
type TargetKind string

// The kinds of scale targets whose replicas and pod names are known.
const (
	KindDeployment       TargetKind = "Deployment"
	KindStatefulSet      TargetKind = "StatefulSet"
	KindLeaderWorkerSet  TargetKind = "LeaderWorkerSet"
	defaultTargetKind               = KindDeployment
	defaultMinReplicas              = 1
	defaultHeadroom                 = 0.15
	defaultScaleDown                = Duration(5 * time.Minute)
	defaultIdleAfter                = Duration(10 * time.Minute)
	presetScaleTargets              = "kube-state-metrics"
	defaultNamespaceName            = "namespace"
	defaultModelName                = "model_name"
	defaultVariantName              = "llm_d_ai_variant"
)

func (TargetKind) values() []string {
	return []string{string(KindDeployment), string(KindStatefulSet), string(KindLeaderWorkerSet)}
}

// Role says which part of serving a variant does.
type Role string

// The roles of a variant.
const (
	RoleBoth    Role = "both"
	RolePrefill Role = "prefill"
	RoleDecode  Role = "decode"
)

func (Role) values() []string {
	return []string{string(RoleBoth), string(RolePrefill), string(RoleDecode)}
}

// Embedded returns Prometheus' own configuration for the embedded engine, or nil where a Prometheus is asked.
func (c *Config) Embedded() *promconfig.Config { return c.embedded }
