// Package config reads the configuration file: its types, its defaults, the presets, and every check that can be made without
// asking a Prometheus. Mistakes are reported all at once, each with the place in the file and what would be right.
package config

import (
	"time"

	promconfig "github.com/prometheus/prometheus/config"

	"github.com/variant-exporter/variant-exporter/collector/config/strict"
)

//go:generate go test -run TestReferenceIsCurrent -update .

// Config is a configuration as written, with the defaults filled in. Load returns it only when it has no errors.
type Config struct {
	Prometheus    *Prometheus       `yaml:"prometheus" doc:"The Prometheus to ask. Leave it out to let the exporter scrape scrape_configs itself, with no Prometheus at all."`
	Global        Raw               `yaml:"global" kind:"object" doc:"Prometheus' own global section, such as scrape_interval, for scrape_configs."`
	ScrapeConfigs Raw               `yaml:"scrape_configs" kind:"array" doc:"Prometheus' own scrape_configs, with static_configs and file_sd_configs: what the exporter scrapes itself where no prometheus is given."`
	Labels        LabelNames        `yaml:"labels" doc:"In which labels the results of expressions say what they are about. A preset or a signal may name its own."`
	Defaults      Tuning            `yaml:"defaults" doc:"What models use unless they say otherwise."`
	ScaleTargets  ScaleTargets      `yaml:"scale_targets" doc:"How to find out how many replicas run. Default: from the series of kube-state-metrics."`
	MaxAge        *Duration         `yaml:"max_age" doc:"How old the newest sample behind an answer about a signal or about replicas may be. What is older counts as missing. A signal may name its own. Default: 3m."`
	EnergyPrice   Quantity          `yaml:"energy_price" doc:"Currency per kWh. What a replica uses of power, in watts, times this is added to its cost."`
	Signals       map[string]Signal `yaml:"signals" doc:"Own signals by name, beside those that presets bring. One that has the name of a preset's replaces it."`
	Budgets       []Budget          `yaml:"budgets" doc:"Limits shared by variants of any models, such as the accelerators of a type that there are."`
	Models        []Model           `yaml:"models" required:"true" doc:"The models to plan for, each with the variants that can serve it."`

	embedded *promconfig.Config
	origin   *strict.Decoder // knows where in the file everything stands
}

// Prometheus is where the answers come from.
type Prometheus struct {
	URL        string     `yaml:"url" required:"true" doc:"Base URL of a Prometheus, or of anything that speaks its HTTP API, such as Thanos, Mimir or VictoriaMetrics."`
	HTTPConfig HTTPConfig `yaml:"http_config" doc:"Prometheus' own HTTP client settings: tls_config, basic_auth, authorization, oauth2, http_headers (for tenants), proxy_url and so on."`
}

// LabelNames are the labels in which results carry identity.
type LabelNames struct {
	Namespace string `yaml:"namespace" doc:"Label with the namespace that a model is served in. Default: namespace."`
	Model     string `yaml:"model" doc:"Label with the name of the model. Default: model_name."`
	Variant   string `yaml:"variant" doc:"Label with the name of the variant. Default: llm_d_ai_variant. Results without it are assigned by their pod label."`
}

// Tuning is how measured demand becomes the demand that is planned for.
type Tuning struct {
	Headroom        *Headroom `yaml:"headroom" doc:"Share planned above what was measured: 0.15 plans 15 % more, from 0 to 10. auto: from trend, noise and the errors that this forecast made over the last day; for signals of the forms demand and latency. Default: 0.15."`
	ScaleDownWindow *Duration `yaml:"scale_down_window" doc:"Demand is the maximum over this window, so that a dip shorter than it takes no replica away. Default: 5m."`
	ScaleUpWindow   *Duration `yaml:"scale_up_window" doc:"Demand must have lasted this long to count, so that a peak shorter than it adds no replica. Default: 0s, any peak counts."`
	IdleAfter       *Duration `yaml:"idle_after" doc:"A model that may scale to zero does so after this long without demand. Default: 10m."`
	Forecast        Forecast  `yaml:"forecast" doc:"Plan for the demand that is coming, from the history of the demand expression itself. Only for signals of the demand form."`
	Guards          `yaml:",inline"`
}

// Forecast is how the demand at the time at which a replica ordered now is ready is foreseen. What is planned for is never below
// what is measured.
type Forecast struct {
	Method   ForecastMethod `yaml:"method" doc:"none; linear: the trend over lookback, continued; seasonal: what came yesterday and last week until this time plus lead, scaled to today's level."`
	Lookback *Duration      `yaml:"lookback" doc:"How far back the trend, or today's level, is taken from. Default 10m."`
	Lead     *Duration      `yaml:"lead" doc:"How far ahead to look; at least the longest startup of the model's variants."`
}

// ForecastMethod is a way of foreseeing demand.
type ForecastMethod string

// The ways of foreseeing demand.
const (
	ForecastNone     ForecastMethod = "none"
	ForecastLinear   ForecastMethod = "linear"
	ForecastSeasonal ForecastMethod = "seasonal"
)

func (ForecastMethod) Values() []string {
	return []string{string(ForecastNone), string(ForecastLinear), string(ForecastSeasonal)}
}

// ScaleTargets are the expressions that yield how many replicas scale targets have. Results carry the namespace label, and
// scale_target_kind and scale_target_name.
type ScaleTargets struct {
	Current  Expr `yaml:"current" doc:"How many replicas each workload was asked to have. Results carry the namespace label, scale_target_kind and scale_target_name."`
	Ready    Expr `yaml:"ready" doc:"How many of them are ready, with the same labels."`
	Rolling  Expr `yaml:"rolling" doc:"A result, with the same labels, for each workload whose pods are being replaced by newer ones: that not all of them are ready says nothing then of whether more can be had."`
	Disabled bool `yaml:"disabled" doc:"Do not ask for replicas. Nothing is then known of what runs, and the guards that need it do nothing."`
}

// Signal is one measure of demand and capacity. It has one of three forms: demand, absolute and per model; usage, per variant; or
// latency, a rate of requests held against the largest that a queueing model allows within the model's targets.
type Signal struct {
	Unit            string     `yaml:"unit" required:"true" doc:"Unit of demand and capacity, such as requests, tokens or requests per second. For display."`
	Demand          Expr       `yaml:"demand" doc:"Demand per model, in the unit. Give this, usage or latency."`
	Usage           Expr       `yaml:"usage" doc:"How much of one replica's capacity is in use, from 0 to 1, per pod or summed per variant: demand is then usage times capacity. Give this, demand or latency."`
	Queued          Expr       `yaml:"queued" doc:"Demand per model that no replica holds yet, in the unit, added to what usage says."`
	Latency         Expr       `yaml:"latency" doc:"Requests per second per model, held against the largest rate at which a replica keeps the model's slo by its profile. Give this, demand or usage."`
	InputTokens     Expr       `yaml:"input_tokens" doc:"Mean prompt tokens of a request per model, for latency."`
	OutputTokens    Expr       `yaml:"output_tokens" doc:"Mean generated tokens of a request per model, for latency."`
	ObservedITL     Expr       `yaml:"observed_itl" doc:"Mean time between output tokens that replicas show, in seconds, per pod or variant, for profiles with correct: true."`
	ObservedRunning Expr       `yaml:"observed_running" doc:"Mean requests in service per replica over the same time, per pod or variant, for profiles with correct: true."`
	Capacity        Quantity   `yaml:"capacity" doc:"What one replica carries, in the unit, for variants that do not give their own capacity."`
	Labels          LabelNames `yaml:"labels" doc:"Labels of this signal's results, where they differ from the common ones."`
	MaxAge          *Duration  `yaml:"max_age" doc:"How old the newest sample behind an answer of this signal may be, where it differs from the common max_age."`
	OnMissing       OnMissing  `yaml:"on_missing" doc:"What no result for a model means. hold (the default): not known, so no replica is taken away. zero: no demand, where alive says that the source is up. ignore: plan by the other signals."`
	Alive           Expr       `yaml:"alive" doc:"Above zero where the source of the signal is up. Needed by on_missing: zero."`
	Sources         Expr       `yaml:"sources" doc:"A series for each source that tells the signal now, with every part of it present. With the label pod, sources are counted by workload and compared with the ready replicas."`
	Silent          Expr       `yaml:"silent" doc:"A series for each source that is ready, told the signal before, and is silent now. Any result makes the signal partial."`

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

func (OnMissing) Values() []string {
	return []string{string(OnMissingHold), string(OnMissingZero), string(OnMissingIgnore)}
}

// Budget is a limit shared by variants of any models.
type Budget struct {
	Name   string     `yaml:"name" required:"true" doc:"Name by which variants say in uses what they take of it. The name power stands for watts."`
	Unit   string     `yaml:"unit" required:"true" doc:"Unit of the limit, such as accelerators, watts or currency per hour. For display."`
	Limit  Quantities `yaml:"limit" required:"true" doc:"The most that all variants together may use. Of a list the smallest counts."`
	Borrow Quantity   `yaml:"borrow" doc:"By how much a transition may exceed the limit, while replicas that go and their replacements that start run side by side. Default: 0, so that a swap goes in steps that fit."`
}

// Model is something that is served, by one or more variants.
type Model struct {
	Name      string             `yaml:"name" required:"true" doc:"Name of the model, as the label for it has it."`
	Namespace string             `yaml:"namespace" required:"true" doc:"Namespace of the model's workloads, as the label for it has it."`
	Presets   []string           `yaml:"presets" doc:"Presets whose signals the model may use. Where two have a signal of one name, the later one's counts."`
	Signals   []string           `yaml:"signals" doc:"Signals to plan by. Default: those for which one of the variants gives a capacity."`
	Match     map[string]Strings `yaml:"match" doc:"Other labels, with one value or a list, by which a result means this model, such as inference_pool: llama-pool."`
	SLO       *SLO               `yaml:"slo" doc:"Latency targets, for the signal latency."`
	Priority  int                `yaml:"priority" doc:"Models with lower numbers are served first when budgets run out. Default: 0."`
	Replicas  ModelReplicas      `yaml:"replicas" doc:"Bounds on the replicas of all variants together."`
	Variants  []Variant          `yaml:"variants" required:"true" doc:"The ways to serve the model."`
	Tuning    `yaml:",inline"`

	active []ActiveSignal
}

// ModelReplicas bounds the replicas of a model over all its variants.
type ModelReplicas struct {
	Min *int `yaml:"min" minimum:"0" maximum:"1000000" doc:"Fewest replicas over all variants. 0 allows scale to zero. Default: 1."`
}

// Variant is one way to serve a model: an accelerator, a degree of parallelism, a role.
type Variant struct {
	Name             string              `yaml:"name" required:"true" doc:"Name of the variant, by which autoscalers select its gauge. It is a valid Kubernetes label value, and the only one of its namespace."`
	ScaleTarget      ScaleTarget         `yaml:"scale_target" doc:"The workload that an autoscaler scales. Default: the Deployment with the variant's name."`
	Pods             Regexp              `yaml:"pods" doc:"Regular expression that matches the whole names of the variant's pods. Default: as Kubernetes names the pods of the scale target."`
	Accelerator      string              `yaml:"accelerator" doc:"Type of accelerator. For display."`
	Role             Role                `yaml:"role" doc:"What the variant does of a request: both (the default), prefill or decode."`
	Cost             Quantity            `yaml:"cost" required:"true" doc:"Currency per replica and hour. With 1 everywhere the cheapest plan is the one with the fewest replicas."`
	Uses             map[string]Quantity `yaml:"uses" doc:"What one replica takes of each budget, by the budget's name. power is in watts and needs no budget."`
	Capacity         map[string]Quantity `yaml:"capacity" doc:"What one replica carries, by the signal's name, in the signal's unit."`
	Profile          *Profile            `yaml:"profile" doc:"How fast a replica is, for the signal latency."`
	Replicas         VariantReplicas     `yaml:"replicas" doc:"Bounds on the replicas of this variant."`
	Startup          Duration            `yaml:"startup" doc:"How long a replica takes from being ordered to being ready. What it costs meanwhile counts against starting one. Default: 0s."`
	ProvisionTimeout *Duration           `yaml:"provision_timeout" doc:"How long replicas of this variant may take, where that differs from the model's provision_timeout."`
	Failsafe         *Failsafe           `yaml:"failsafe" doc:"What to run of this variant once nothing has been known of the model's demand for long enough. Default: none, autoscalers hold."`
}

// VariantReplicas bounds the replicas of one variant.
type VariantReplicas struct {
	Min int  `yaml:"min" minimum:"0" maximum:"1000000" doc:"Fewest replicas. Default: 0."`
	Max *int `yaml:"max" minimum:"0" maximum:"1000000" doc:"Most replicas. Default: no limit but the budgets'."`
}

// ScaleTarget is the workload that an autoscaler scales.
type ScaleTarget struct {
	Kind TargetKind `yaml:"kind" doc:"Kind of the workload. Default: Deployment."`
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
	defaultLookback                 = Duration(10 * time.Minute)
	presetScaleTargets              = "kube-state-metrics"
	defaultNamespaceName            = "namespace"
	defaultModelName                = "model_name"
	defaultVariantName              = "llm_d_ai_variant"
)

func (TargetKind) Values() []string {
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

func (Role) Values() []string {
	return []string{string(RoleBoth), string(RolePrefill), string(RoleDecode)}
}

// Embedded returns Prometheus' own configuration for the embedded engine, or nil where a Prometheus is asked.
func (c *Config) Embedded() *promconfig.Config { return c.embedded }
