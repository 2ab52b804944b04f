// Package scenario reads the file of a backtest: the load, the fleet as it really is, what happens to it, and what is expected.
package scenario

import (
	"strings"
	"time"

	"github.com/variant-exporter/variant-exporter/backtest/trace"
	"github.com/variant-exporter/variant-exporter/collector/config"
)

// Scenario is a file of a backtest with its defaults filled in. Load returns one only if it has no errors.
type Scenario struct {
	Name       string
	Duration   config.Duration         `yaml:"duration" required:"true" doc:"Virtual time that is scored, such as 24h."`
	Warmup     config.Duration         `yaml:"warmup" doc:"Virtual time before it, which is simulated and not scored. Default: 0s."`
	Seed       int                     `yaml:"seed" minimum:"0" doc:"Seed of everything that is random. Default: 1."`
	Scrape     config.Duration         `yaml:"scrape" doc:"Time between scrapes. Default: 15s."`
	Evaluate   config.Duration         `yaml:"evaluate" doc:"Time between evaluations. Default: 15s."`
	KSMLag     config.Duration         `yaml:"ksm_lag" doc:"How much later than the fleet kube-state-metrics is. Default: 0s."`
	Models     []Model                 `yaml:"models" required:"true" doc:"Models that are served."`
	Load       []Stream                `yaml:"load" required:"true" doc:"Streams of requests; a model may have several."`
	Pools      map[string]int          `yaml:"pools" doc:"Accelerators that can be had, by node pool. Pods beyond them stay pending."`
	Variants   []Variant               `yaml:"variants" required:"true" doc:"The fleet as it really is."`
	Autoscaler Autoscaler              `yaml:"autoscaler" doc:"What follows the desired replicas."`
	Events     []Event                 `yaml:"events" doc:"What happens to the fleet, and to what is seen of it."`
	Expect     Expect                  `yaml:"expect" doc:"What has to hold."`
	Traces     map[string]*trace.Trace `yaml:"-"` // by the name in the file
}

// Start is the time, on the clock of the fleet, at which a simulation starts: a Monday, at midnight.
func Start() time.Time { return time.Date(2026, time.January, 5, 0, 0, 0, 0, time.UTC) }

// Length is how long the simulation runs, warm-up included.
func (s *Scenario) Length() time.Duration { return time.Duration(s.Warmup + s.Duration) }

// Model is a served model.
type Model struct {
	Model   string  `yaml:"model" required:"true" doc:"Namespace and name, such as llm/llama."`
	SLO     SLO     `yaml:"slo" doc:"Targets of a request."`
	Gateway Gateway `yaml:"gateway" doc:"The inference gateway in front of the servers, or none. Default: one replica."`
	Server  Server  `yaml:"server" doc:"Whose series the servers show: vllm or sglang. Default: vllm."`
}

// Namespace is the namespace of the model.
func (m *Model) Namespace() string { return Namespace(m.Model) }

// ServedName is the name without the namespace, as series have it.
func (m *Model) ServedName() string { return m.Model[strings.IndexByte(m.Model, '/')+1:] }

// Namespace is the part of an ID before the first slash.
func Namespace(id string) string {
	namespace, _, _ := strings.Cut(id, "/")
	return namespace
}

// SLO has the targets of a request. A target that is not given promises nothing.
type SLO struct {
	TTFT config.Seconds `yaml:"ttft" doc:"Time to the first token, such as 2s."`
	ITL  config.Seconds `yaml:"itl" doc:"Mean time between the output tokens of a request, such as 60ms."`
}

// Server is a kind of model server.
type Server string

// The model servers.
const (
	VLLM   Server = "vllm"
	SGLang Server = "sglang"
)

// Values implements strict.Enumeration.
func (Server) Values() []string { return []string{string(VLLM), string(SGLang)} }

// Shape is how a load goes.
type Shape string

// The shapes of a load.
const (
	Constant Shape = "constant"
	Steps    Shape = "steps"
	Ramp     Shape = "ramp"
	Diurnal  Shape = "diurnal"
	Spikes   Shape = "spikes"
	OnOff    Shape = "on-off"
)

// Values implements strict.Enumeration.
func (Shape) Values() []string {
	return []string{string(Constant), string(Steps), string(Ramp), string(Diurnal), string(Spikes), string(OnOff)}
}

// Stream is one stream of requests to a model.
type Stream struct {
	Model string   `yaml:"model" required:"true" doc:"The model, as under models."`
	Trace string   `yaml:"trace" doc:"File with a recorded load, relative to this one. It begins with the warm-up. Set this or shape."`
	Scale *float64 `yaml:"scale" minimum:"0" doc:"Factor on the recorded load. Default: 1."`
	Shape Shape    `yaml:"shape" doc:"constant, steps, ramp, diurnal, spikes or on-off. Its times count from the end of the warm-up."`

	Rate      float64            `yaml:"rate" minimum:"0" doc:"Requests per second: of constant, and of spikes and on-off while they last."`
	Points    map[string]float64 `yaml:"points" doc:"For steps: requests per second from each time on, such as {0s: 4, 2h: 12}."`
	From      float64            `yaml:"from" minimum:"0" doc:"For ramp: requests per second before it."`
	To        float64            `yaml:"to" minimum:"0" doc:"For ramp: requests per second after it."`
	Mean      float64            `yaml:"mean" minimum:"0" doc:"For diurnal: mean requests per second."`
	Amplitude float64            `yaml:"amplitude" minimum:"0" doc:"For diurnal: what the peak is above the mean."`
	Peak      config.Duration    `yaml:"peak" doc:"For diurnal: time of day of the peak."`
	First     *config.Duration   `yaml:"first" doc:"When a ramp begins, or the first spike. Default: 0s."`
	Every     config.Duration    `yaml:"every" doc:"For spikes and on-off: time from one start to the next."`
	Length    config.Duration    `yaml:"length" doc:"How long a ramp, a spike or the on of on-off lasts."`

	Burstiness   float64         `yaml:"burstiness" minimum:"1" doc:"Variance / mean of the arrivals per 5 s. Default: 1, or what the trace says."`
	InputTokens  Lengths         `yaml:"input_tokens" doc:"Prompt tokens: a mean, or mean and cv (coefficient of variation). Default: what the trace says."`
	OutputTokens Lengths         `yaml:"output_tokens" doc:"Generated tokens, likewise."`
	Patience     config.Duration `yaml:"patience" doc:"How long a client waits for the first token before it gives up. Default: for ever."`
}

// Variant is one way of serving a model, as it really is.
type Variant struct {
	Name           string           `yaml:"name" required:"true" doc:"Name of the variant and of its workload."`
	Namespace      string           `yaml:"namespace" required:"true" doc:"Namespace of the workload."`
	Model          string           `yaml:"model" required:"true" doc:"Model that it serves, with or without the namespace."`
	Kind           Kind             `yaml:"kind" doc:"Deployment, StatefulSet or LeaderWorkerSet. Default: Deployment."`
	Role           config.Role      `yaml:"role" doc:"both, prefill or decode. Default: both."`
	PodsPerReplica *int             `yaml:"pods_per_replica" minimum:"1" doc:"Pods of one replica. Default: 1."`
	TellingPods    *int             `yaml:"telling_pods" minimum:"0" doc:"How many of them show metrics. Default: 1."`
	Pool           string           `yaml:"pool" required:"true" doc:"Node pool of its pods, as under pools."`
	Accelerators   *int             `yaml:"accelerators" minimum:"0" doc:"Accelerators of one replica. Default: 1."`
	Cost           float64          `yaml:"cost" required:"true" minimum:"0" doc:"Currency per replica and hour, from the order until it is gone."`
	Watts          float64          `yaml:"watts" minimum:"0" doc:"Power of one replica at a full batch. Default: 0, energy is not counted."`
	IdleWatts      float64          `yaml:"idle_watts" minimum:"0" doc:"Power of one replica that serves nothing. Default: 0."`
	Startup        config.Duration  `yaml:"startup" doc:"Mean time from the start of a pod until it is ready. Default: 0s."`
	StartupCV      float64          `yaml:"startup_cv" minimum:"0" maximum:"3" doc:"Coefficient of variation of it. Default: 0."`
	Drain          *config.Duration `yaml:"drain" doc:"How long a pod that is removed may finish what it serves. Default: 30s."`
	FailsToStart   float64          `yaml:"fails_to_start" minimum:"0" maximum:"1" doc:"Share of starts that fail, and begin once more. Default: 0."`
	Replicas       int              `yaml:"replicas" minimum:"0" doc:"Replicas at the start, which are ready. Default: 0."`
	Profile        Profile          `yaml:"profile" required:"true" doc:"How fast one replica is."`
	KVTokens       float64          `yaml:"kv_tokens" minimum:"0" doc:"Size of the key-value cache in tokens. Default: no limit."`
}

// ID is namespace/name.
func (v *Variant) ID() string { return v.Namespace + "/" + v.Name }

// Kind is a kind of workload.
type Kind = config.TargetKind

// Profile is how fast a server is: an iteration takes alpha, beta for each token that it computes, and gamma for each token that it
// reads from the cache.
type Profile struct {
	Alpha          config.Seconds `yaml:"alpha" required:"true" doc:"Fixed time of an iteration, such as 12ms."`
	Beta           config.Seconds `yaml:"beta" required:"true" doc:"Time per token that is computed, of a prompt or of an answer."`
	Gamma          config.Seconds `yaml:"gamma" required:"true" doc:"Time per cached token that is read."`
	MaxBatch       int            `yaml:"max_batch" required:"true" minimum:"1" maximum:"65536" doc:"Maximum of requests in service at once."`
	MaxBatchTokens int            `yaml:"max_batch_tokens" minimum:"0" doc:"Token budget of one iteration. Default: 2048."`
	MaxQueue       int            `yaml:"max_queue" minimum:"0" doc:"Requests that may wait in a server; more are refused. Default: no limit."`
	Chunk          *Chunk         `yaml:"chunk" doc:"Times of an iteration that computes a part of a prompt. Default: those of the others."`
	Async          bool           `yaml:"async_scheduling" doc:"The next iteration is put together when the one before it begins, as vLLM does by default since 0.14. Default: false."`
}

// Chunk is how long an iteration takes that computes a part of a prompt: never less than one without.
type Chunk struct {
	Alpha config.Seconds `yaml:"alpha" doc:"Fixed time. Default: 0s."`
	Beta  config.Seconds `yaml:"beta" required:"true" doc:"Time per token that is computed."`
	Gamma config.Seconds `yaml:"gamma" doc:"Time per cached token that is read. Default: 0s."`

	Attention config.Seconds `yaml:"attention" doc:"Time in which one token of a prompt attends to one token before it. Default: 0s."`
	Longest   config.Seconds `yaml:"longest" doc:"Time per token of the longest context that decodes meanwhile, which the iteration waits for. Default: 0s."`
}

// Autoscaler follows the desired replicas, as an HPA or KEDA does.
type Autoscaler struct {
	Kind      AutoscalerKind  `yaml:"kind" doc:"hpa or keda. Default: hpa."`
	Sync      config.Duration `yaml:"sync" doc:"Time between two decisions. Default: 15s."`
	Lag       config.Duration `yaml:"lag" doc:"Age that a decision has when it can be read: scrape, adapter. Default: 15s."`
	Tolerance float64         `yaml:"tolerance" minimum:"0" maximum:"1" doc:"Relative change that is ignored. Default: 0."`
	Down      config.Duration `yaml:"scale_down_window" doc:"Stabilization window for scaling down. Default: 0s."`
	Up        config.Duration `yaml:"scale_up_window" doc:"Stabilization window for scaling up. Default: 0s."`
	ScaleUp   ScaleRules      `yaml:"scale_up" doc:"How fast the HPA adds replicas. Default: at once. Kubernetes' own: {policies: [{percent: 100, per: 15s}, {replicas: 4, per: 15s}]}."`
	ScaleDown ScaleRules      `yaml:"scale_down" doc:"How fast it removes replicas. Default: at once."`

	Polling    config.Duration  `yaml:"polling" doc:"For keda: time between looks at whether a target is active. Default: 30s."`
	Activation int              `yaml:"activation" minimum:"0" doc:"For keda: a target is active while more than this is desired. Default: 0."`
	Cooldown   *config.Duration `yaml:"cooldown" doc:"For keda: time for which a target is not active before the last replica goes. Default: 5m."`
}

// ScaleRules are the scaling policies of an HPA in one direction.
type ScaleRules struct {
	Policies []ScalePolicy `yaml:"policies" doc:"Limits on the change within a time. Default: none."`
	Select   Selection     `yaml:"select" doc:"Which of the policies counts: max (the one that allows most), min, or disabled (no change in this direction). Default: max."`
}

// ScalePolicy limits the change within a time. One of Percent and Replicas is set.
type ScalePolicy struct {
	Percent  float64         `yaml:"percent" minimum:"0" doc:"Percent of the replicas at the start of the time."`
	Replicas int             `yaml:"replicas" minimum:"0" doc:"Replicas."`
	Per      config.Duration `yaml:"per" required:"true" doc:"The time, such as 15s."`
}

// Selection is which of several policies counts.
type Selection string

// The selections.
const (
	SelectMax      Selection = "max"
	SelectMin      Selection = "min"
	SelectDisabled Selection = "disabled"
)

// Values implements strict.Enumeration.
func (Selection) Values() []string {
	return []string{string(SelectMax), string(SelectMin), string(SelectDisabled)}
}

// AutoscalerKind is a kind of autoscaler.
type AutoscalerKind string

// The autoscalers.
const (
	HPA  AutoscalerKind = "hpa"
	KEDA AutoscalerKind = "keda"
)

// Values implements strict.Enumeration.
func (AutoscalerKind) Values() []string { return []string{string(HPA), string(KEDA)} }
