// Package config reads the configuration file. It takes the text and returns a Config with its defaults filled in, or every mistake at
// once, each with its place in the file and a hint. It has the types, the defaults, the presets, and all checks that need no
// Prometheus.
package config

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	promconfig "github.com/prometheus/prometheus/config"
)

//go:generate go test -run TestReferenceIsCurrent -update .

// Config is a configuration with its defaults filled in. Load returns one only if it has no errors.
type Config struct {
	Prometheus    *Prometheus       `yaml:"prometheus" doc:"The Prometheus to query. Without it the exporter scrapes scrape_configs itself."`
	Global        Raw               `yaml:"global" kind:"object" doc:"Prometheus' own global section for scrape_configs, such as scrape_interval."`
	ScrapeConfigs Raw               `yaml:"scrape_configs" kind:"array" doc:"Prometheus' own scrape_configs, with static_configs and file_sd_configs. The exporter scrapes them itself if prometheus is not set."`
	Labels        LabelNames        `yaml:"labels" doc:"Labels of results that name namespace, model and variant. A preset or a signal may set its own."`
	Selector      Selector          `yaml:"selector" doc:"Label matchers that are added to every selector of presets and of scale_targets, such as '{cluster=\"eu\"}' where one store has the series of several clusters. Expressions of signals, costs, capacities and budgets in this file stay as they are."`
	Defaults      Tuning            `yaml:"defaults" doc:"Settings for all models. A model may set its own."`
	ScaleTargets  ScaleTargets      `yaml:"scale_targets" doc:"Expressions for the number of replicas. Default: the series of kube-state-metrics."`
	MaxAge        *Duration         `yaml:"max_age" doc:"Maximum age of the newest sample of a signal or of replicas. Older results count as missing. A signal may set its own. Default: 3m."`
	InputWindow   *Duration         `yaml:"input_window" doc:"Capacities, costs, uses, limits and prices count by their median over this window: one odd sample changes nothing, and a lasting change acts after half of it. 0s: at once. Default: 5m."`
	RateWindow    *Duration         `yaml:"rate_window" doc:"What $rate_window stands for in presets and in expressions of this file: the time over which rates are measured. At least four scrape intervals. Default: 1m; where the exporter scrapes itself, no less than four of its scrape intervals."`
	FromRules     bool              `yaml:"recorded" doc:"Reads what signals ask for from the series that the rules of generate rules record: for fleets of thousands of pods. The rules are generated from the same file, and must be loaded first. Default: false."`
	EnergyPrice   Quantity          `yaml:"energy_price" doc:"Currency per kWh. The power of a replica, in watts, times this price is added to its cost."`
	Signals       map[string]Signal `yaml:"signals" doc:"Signals by name, in addition to those of presets. A signal replaces a preset's signal of the same name."`
	Budgets       []Budget          `yaml:"budgets" doc:"Limits shared by variants of any models, such as the number of accelerators of a type."`
	Models        []Model           `yaml:"models" required:"true" doc:"Models to plan, each with the variants that can serve it."`

	embedded *promconfig.Config
	namers   *namers
	origin   *origin // a pointer: printing a configuration does not print the file, which has its secrets
}

// Prometheus is the server to query.
type Prometheus struct {
	URL         string     `yaml:"url" required:"true" doc:"Base URL of Prometheus, or of a server with its HTTP API, such as Thanos, Mimir or VictoriaMetrics."`
	ExternalURL string     `yaml:"external_url" doc:"Base URL of Prometheus as a browser reaches it: for the links of the console into Prometheus. Default: url."`
	HTTPConfig  HTTPConfig `yaml:"http_config" doc:"Prometheus' own HTTP client settings: tls_config, basic_auth, authorization, oauth2, http_headers (for tenants), proxy_url and so on."`
}

// ForBrowsers is the base URL of Prometheus as a browser reaches it.
func (p *Prometheus) ForBrowsers() string { return cmp.Or(p.ExternalURL, p.URL) }

// LabelNames are the labels that say what a result is about.
type LabelNames struct {
	Namespace string `yaml:"namespace" doc:"Label with the namespace of the model. Default: namespace."`
	Model     string `yaml:"model" doc:"Label with the name of the model. Default: model_name."`
	Variant   string `yaml:"variant" doc:"Label with the name of the variant. Default: llm_d_ai_variant. Results without it are matched by their pod label."`
}

// Tuning says how to turn measured demand into planned demand.
type Tuning struct {
	Headroom        *Headroom `yaml:"headroom" doc:"Share planned above the measured demand, from 0 to 10: 0.15 plans 15 % more. May be an expression. auto: what trend, noise and habits of the last days ask for, for signals of the forms demand and latency. Default: auto for signals that are rates, 0.15 for all others."`
	ScaleDownWindow *Duration `yaml:"scale_down_window" doc:"Demand is its maximum over this window. A shorter dip removes no replica. Default: 5m."`
	ScaleUpWindow   *Duration `yaml:"scale_up_window" doc:"Demand counts once it has lasted this long. A shorter peak adds no replica. Default: 0s, any peak counts."`
	IdleAfter       *Duration `yaml:"idle_after" doc:"A model that may scale to zero does so after this time without demand. Default: 10m."`
	Backlog         Backlog   `yaml:"backlog" doc:"How fast what waits is worked off, for signals with queued."`
	Forecast        Forecast  `yaml:"forecast" doc:"Plans for future demand, from the history of the demand expression. Only for signals of the form demand."`
	Guards          `yaml:",inline"`
}

// Backlog says how fast what waits is worked off.
type Backlog struct {
	Drain *Duration `yaml:"drain" doc:"Time within which the queue is worked off. Default: 5m."`
}

// Forecast says how to predict the demand at the time when a replica that is ordered now is ready. Planned demand is never below
// measured demand.
type Forecast struct {
	Method   ForecastMethod `yaml:"method" doc:"none; linear: continues the trend over lookback; seasonal: the demand of yesterday and last week up to this time plus lead, scaled to today's level."`
	Lookback *Duration      `yaml:"lookback" doc:"Time over which the trend, or today's level, is measured. Default: 10m."`
	Lead     *Duration      `yaml:"lead" doc:"Time to look ahead. At least the longest startup of the model's variants."`
}

// ForecastMethod is a way to predict demand.
type ForecastMethod string

// The forecast methods.
const (
	ForecastNone     ForecastMethod = "none"
	ForecastLinear   ForecastMethod = "linear"
	ForecastSeasonal ForecastMethod = "seasonal"
)

// Values implements strict.Enumeration.
func (ForecastMethod) Values() []string {
	return []string{string(ForecastNone), string(ForecastLinear), string(ForecastSeasonal)}
}

// ScaleTargets are the expressions for the replicas of scale targets. Results have the namespace label, scale_target_kind and
// scale_target_name.
type ScaleTargets struct {
	Labels   TargetLabels `yaml:"labels" doc:"Labels of these results, where they differ from those of the models' signals."`
	Current  Expr         `yaml:"current" doc:"Replicas that each workload should have. Results have the namespace label, scale_target_kind and scale_target_name."`
	Ready    Expr         `yaml:"ready" doc:"Ready replicas of each workload, with the same labels."`
	Rolling  Expr         `yaml:"rolling" doc:"Yields a result, with the same labels, for each workload in a rollout. Replicas that are not ready during a rollout do not count as stuck, as long as it makes progress: more replicas become ready, or the value changes."`
	Unplaced Expr         `yaml:"unschedulable" doc:"Yields a result, with the namespace label and pod, for each pod that the scheduler finds no node for. Other variants stand in for them, and they stay asked for."`
	Draining Expr         `yaml:"draining" doc:"Yields a result, with the namespace label and pod, for each pod that is being deleted. What it uses of the budgets counts as used until it is gone."`
	Disabled bool         `yaml:"disabled" doc:"Turns the queries for replicas off. Guards that need the number of replicas then do nothing."`
}

// TargetLabels are the labels that say whose replicas a result is about.
type TargetLabels struct {
	Namespace string `yaml:"namespace" doc:"Label with the namespace of the workload, such as exported_namespace for kube-state-metrics that is scraped without honor_labels. Default: the top-level namespace label."`
}

// Signal is one measure of demand and capacity. It has one of three forms: demand, absolute and per model; usage, per variant; or
// latency, a rate of requests, with the largest rate within the model's targets as its capacity.
type Signal struct {
	Unit            string     `yaml:"unit" required:"true" doc:"Unit of demand and capacity, such as requests, tokens or requests per second. For display."`
	Demand          Expr       `yaml:"demand" doc:"Demand per model, in the unit. Set this, usage or latency."`
	Usage           Expr       `yaml:"usage" doc:"Share of one replica's capacity in use, from 0 to 1, per pod or summed per variant. Demand is usage times capacity. Set this, demand or latency."`
	Queued          Expr       `yaml:"queued" doc:"What waits per model and is not part of demand, usage or latency: in the unit, or, where that is a rate, in what is counted per second. It is planned for in addition, to be worked off within backlog.drain."`
	Latency         Expr       `yaml:"latency" doc:"Requests per second per model. Capacity is the largest rate at which a replica meets the model's slo, by its profile. Set this, demand or usage."`
	InputTokens     Expr       `yaml:"input_tokens" doc:"Mean prompt tokens of a request per model, for latency."`
	OutputTokens    Expr       `yaml:"output_tokens" doc:"Mean generated tokens of a request per model, for latency."`
	InputCV         Expr       `yaml:"input_cv" doc:"Coefficient of variation of the prompt tokens per model, for latency, of which the value at the last full minute counts. No result: all alike."`
	OutputCV        Expr       `yaml:"output_cv" doc:"Coefficient of variation of the generated tokens per model, for latency, of which the value at the last full minute counts. No result: all alike."`
	ObservedITL     Expr       `yaml:"observed_itl" doc:"Measured mean time between output tokens, in seconds, per pod or variant, for profiles with correct: true."`
	ObservedRunning Expr       `yaml:"observed_running" doc:"Mean requests in service per replica over the same time, per pod or variant, for profiles with correct: true."`
	ObservedLoad    Expr       `yaml:"observed_load" doc:"Mean load of a replica over five minutes, in the unit, per pod or variant. Capacities are held against it, see slo.correct."`
	ObservedTTFT    Expr       `yaml:"observed_ttft_buckets" doc:"Rate of the buckets of the times to the first token over the same time, with the label le, per pod or variant."`
	ObservedITLs    Expr       `yaml:"observed_itl_buckets" doc:"Rate of the buckets of the times between output tokens over the same time, with the label le, per pod or variant."`
	ObservedQueue   Expr       `yaml:"observed_queue" doc:"Yields a result, with the same labels, for each replica in which requests queued over the same time. Only check --online and explain ask for it."`
	Capacity        Quantity   `yaml:"capacity" doc:"Capacity of one replica, in the unit. A variant may set its own."`
	Labels          LabelNames `yaml:"labels" doc:"Labels of this signal's results. Default: the top-level labels."`
	MaxAge          *Duration  `yaml:"max_age" doc:"Maximum age of the newest sample of this signal. Default: the top-level max_age."`
	OnMissing       OnMissing  `yaml:"on_missing" doc:"Meaning of no result for a model. hold (the default): demand is unknown, and no replica is removed. zero: no demand, while alive is above zero. ignore: plan by the other signals."`
	Alive           Expr       `yaml:"alive" doc:"Above zero while the source of the signal is up. Required by on_missing: zero."`
	Sources         Expr       `yaml:"sources" doc:"A series for each source that tells the signal now, with every part of it present. With the label pod, sources are counted by workload and compared with the ready replicas. Default: follows from expressions such as sum by (...) (metric)."`
	Silent          Expr       `yaml:"silent" doc:"A series for each source that is ready, told the signal before, and is silent now. Any result makes the signal partial. Default: targets that told an own signal within an hour and do not answer scrapes."`

	Frozen Expr `yaml:"frozen" doc:"A series for each source that shows requests in progress and makes no progress. Only check --online and explain ask for it, and say so: whether the requests are real cannot be told from here. Decisions do not depend on it."`

	preset    string // the preset it came from, if any
	ofGateway bool   // that preset is for a gateway
}

// OfPreset reports whether the signal came from a preset.
func (s *Signal) OfPreset() bool { return s.preset != "" }

// Parts is an expression whose series add up to the demand with what waits. Of a model without replicas only the queue shows, so each
// part may be missing.
func (s *Signal) Parts() string {
	if s.Queued.IsZero() {
		return s.Demand.String()
	}
	return fmt.Sprintf(`(%s) or label_replace(%s, "part", "queued", "", "")`, s.Demand, s.Queued)
}

// Rate reports whether the signal counts what comes in a second, and not what is in service.
func (s *Signal) Rate() bool {
	return !s.Latency.IsZero() || strings.Contains(s.Unit, "per second") || strings.HasSuffix(s.Unit, "/s")
}

// OnMissing says what no result of a signal for a model means.
type OnMissing string

// The meanings of a missing result.
const (
	OnMissingHold   OnMissing = "hold"
	OnMissingZero   OnMissing = "zero"
	OnMissingIgnore OnMissing = "ignore"
)

// Values implements strict.Enumeration.
func (OnMissing) Values() []string {
	return []string{string(OnMissingHold), string(OnMissingZero), string(OnMissingIgnore)}
}

// Budget is a limit shared by variants of any models.
type Budget struct {
	Name   string     `yaml:"name" required:"true" doc:"Name of the budget in the variants' uses. The budget power is in watts."`
	Unit   string     `yaml:"unit" required:"true" doc:"Unit of the limit, such as accelerators, watts or currency per hour. For display."`
	Limit  Quantities `yaml:"limit" required:"true" doc:"Maximum use of all variants together. Of a list the smallest counts."`
	Borrow Quantity   `yaml:"borrow" doc:"Excess over the limit during a swap, while old replicas and their replacements run side by side. Default: 0, a swap proceeds in steps that fit the limit."`
}

// Model is a model and the variants that can serve it.
type Model struct {
	Name      string             `yaml:"name" required:"true" doc:"Name of the model, as in the model label."`
	Namespace string             `yaml:"namespace" required:"true" doc:"Namespace of the model's workloads, as in the namespace label."`
	Presets   []string           `yaml:"presets" doc:"Presets whose signals the model may use. Of two signals with the same name the later preset's counts."`
	Signals   []string           `yaml:"signals" doc:"Signals to plan by. Default: all signals for which a variant has a capacity."`
	Match     map[string]Strings `yaml:"match" doc:"Other labels that match results to this model, with one value or a list, such as inference_pool: llama-pool."`
	SLO       *SLO               `yaml:"slo" doc:"Latency targets, for the signal latency."`
	Priority  int                `yaml:"priority" doc:"Models with lower numbers are served first when budgets run out. Default: 0."`
	Replicas  ModelReplicas      `yaml:"replicas" doc:"Bounds on the replicas of all variants together."`
	Variants  []Variant          `yaml:"variants" required:"true" doc:"Variants that can serve the model."`
	Tuning    `yaml:",inline"`

	active       []ActiveSignal
	calibratedBy string // the preset that says calibration
	calibration  Calibration
}

// ModelReplicas bounds the replicas of a model over all its variants.
type ModelReplicas struct {
	Min Minimum `yaml:"min" doc:"Minimum of replicas over all variants, of each role: a whole number, or an expression, such as a schedule. 0 allows scale to zero. An expression that yields 0 counts as 1 where no signal could wake the model. Default: 1."`
}

// Variant is one way to serve a model: an accelerator, a degree of parallelism, a role.
type Variant struct {
	Name             string              `yaml:"name" required:"true" doc:"Name of the variant: a Kubernetes label value, unique in its namespace. Autoscalers select the gauge by it."`
	ScaleTarget      ScaleTarget         `yaml:"scale_target" doc:"Workload that an autoscaler scales. Default: the Deployment with the variant's name."`
	Pods             Regexp              `yaml:"pods" doc:"Regular expression for the whole names of the variant's pods. Default: the names that Kubernetes gives the pods of the scale target."`
	Accelerator      string              `yaml:"accelerator" doc:"Type of accelerator. For display."`
	Role             Role                `yaml:"role" doc:"Phases of a request that the variant serves: both (the default), prefill or decode."`
	Cost             Quantity            `yaml:"cost" required:"true" doc:"Currency per replica and hour. If all costs are 1, the cheapest plan has the fewest replicas."`
	Uses             map[string]Quantity `yaml:"uses" doc:"Use of each budget by one replica, by the budget's name. power, at most, and mean_power, for the cost of energy, are in watts and need no budget."`
	Capacity         map[string]Quantity `yaml:"capacity" doc:"Capacity of one replica, by the signal's name, in the signal's unit."`
	Profile          *Profile            `yaml:"profile" doc:"Speed of a replica, for the signal latency."`
	Replicas         VariantReplicas     `yaml:"replicas" doc:"Bounds on the replicas of this variant."`
	Startup          Duration            `yaml:"startup" doc:"Time from the order of a replica until it is ready. Its cost during this time counts as the cost of a start. Default: 0s."`
	ProvisionTimeout *Duration           `yaml:"provision_timeout" doc:"Time limit for replicas of this variant. Default: the model's provision_timeout."`
	Failsafe         *Failsafe           `yaml:"failsafe" doc:"Replicas to run once the model's demand has been unknown for long enough. Default: none, autoscalers hold."`
}

// VariantReplicas bounds the replicas of one variant.
type VariantReplicas struct {
	Min Minimum `yaml:"min" doc:"Minimum of replicas: a whole number, or an expression. Default: 0."`
	Max *int    `yaml:"max" minimum:"0" maximum:"1000000" doc:"Maximum of replicas. Default: no limit except budgets."`
}

// ScaleTarget is the workload that an autoscaler scales.
type ScaleTarget struct {
	Kind TargetKind `yaml:"kind" doc:"Kind of the workload. Default: Deployment."`
	Name string     `yaml:"name" doc:"Name of the workload. Default: the variant's name."`
}

// TargetKind is a kind of workload that has a scale subresource.
type TargetKind string

// The supported kinds of scale targets.
const (
	KindDeployment      TargetKind = "Deployment"
	KindStatefulSet     TargetKind = "StatefulSet"
	KindLeaderWorkerSet TargetKind = "LeaderWorkerSet"
	defaultTargetKind              = KindDeployment
	defaultMinReplicas             = 1

	// DefaultHeadroomRatio is the headroom of signals for which it is not measured.
	DefaultHeadroomRatio = 0.15
	defaultScaleDown     = Duration(5 * time.Minute)
	defaultIdleAfter     = Duration(10 * time.Minute)
	defaultLookback      = Duration(10 * time.Minute)
	defaultDrain         = Duration(5 * time.Minute)
	presetScaleTargets   = "kube-state-metrics"
	defaultNamespaceName = "namespace"
	defaultModelName     = "model_name"
	defaultVariantName   = "llm_d_ai_variant"
)

// Values implements strict.Enumeration.
func (TargetKind) Values() []string {
	return []string{string(KindDeployment), string(KindStatefulSet), string(KindLeaderWorkerSet)}
}

// Role says which phases of a request a variant serves.
type Role string

// The roles of a variant.
const (
	RoleBoth    Role = "both"
	RolePrefill Role = "prefill"
	RoleDecode  Role = "decode"
)

// Values implements strict.Enumeration.
func (Role) Values() []string {
	return []string{string(RoleBoth), string(RolePrefill), string(RoleDecode)}
}

// Embedded returns Prometheus' own configuration for the embedded engine, or nil if the exporter queries a Prometheus.
func (c *Config) Embedded() *promconfig.Config { return c.embedded }
