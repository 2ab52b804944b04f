// Package policy holds what decides how many replicas every variant of a simulated fleet has: the interface that all deciders
// meet, what they may look at, and what oracles know ahead of time.
package policy

import "time"

// Policy decides on the replicas of a fleet. It may keep state: one value serves one run.
type Policy interface {
	Name() string
	// Desired returns the replicas that are wanted, by variant ID. A variant that is not in it holds. It is called at every
	// evaluation of the scenario, in the order of time, with an observation that belongs to the caller.
	Desired(o *Observation) map[string]int
}

// Actuator is implemented by policies that are autoscalers themselves, such as an HPA on the queue: what they want is set at once.
// The desired replicas of the others are followed by the scenario's autoscaler.
type Actuator interface{ Acts() bool }

// Periodic is implemented by policies that decide less often than the scenario evaluates. Desired is called at the first
// evaluation, and then once for each period.
type Periodic interface{ Every() time.Duration }

// Instant is implemented by policies whose replicas are ready as soon as they are asked for, which no fleet can do: lower bounds.
type Instant interface{ Instant() bool }

// Observation is what a policy sees at one moment. It is as fresh as the last scrape.
type Observation struct {
	At       time.Duration // since the start of the simulation, warm-up included
	Models   []Model       // in the order of the scenario
	Variants []Variant     // likewise
}

// Model is what is seen of a served model.
type Model struct {
	ID      string  // namespace/name
	Rate    float64 // arrivals per second over the last 60 s
	Queue   float64 // requests that wait at the gateway
	Arrived float64 // requests since the start
	Pods    []Pod   // that are ready and tell, in the order of their creation
	Facts   ModelFacts
}

// ModelFacts are what does not change about a model.
type ModelFacts struct {
	TTFT, ITL                 time.Duration // targets; 0: none
	InputTokens, OutputTokens float64       // means over the whole load
}

// Pod is what is seen of a server.
type Pod struct {
	Variant string // ID
	Running float64
	Waiting float64
	KV      float64 // share of the key-value cache that is used, from 0 to 1
}

// Variant is what is seen of a variant.
type Variant struct {
	ID       string          // namespace/name
	Model    string          // ID
	Current  int             // replicas asked for
	Ready    int             // of which these serve
	Starting []time.Duration // ages of those that do not serve yet, oldest first
	Facts    VariantFacts
}

// VariantFacts are what does not change about a variant.
type VariantFacts struct {
	Role         string             // both, prefill or decode
	Pool         string             // node pool; empty: without limit
	Accelerators int                // of one replica
	Cost         float64            // per replica and hour
	Startup      time.Duration      // mean, from the order until ready
	Min          int                // by the configuration
	Max          int                // by the configuration; -1: without limit
	Capacity     map[string]float64 // by the configuration: per replica, by signal, where it is a plain number
	Rate         float64            // requests per second that one replica serves within the targets, by the truth of the scenario
	MaxBatch     int
	KVTokens     float64 // size of the key-value cache; 0: never a limit
}

// Setup is what a policy is made from.
type Setup struct {
	Every    time.Duration  // between evaluations
	Models   []Model        // only ID and Facts are set
	Variants []Variant      // ID, Model, Facts, and Current at the start are set
	Pools    map[string]int // accelerators that can be had, by pool; a pool that is not in it is without limit
	Future   *Future
}

// Future is what comes, for oracles.
type Future struct {
	Tick time.Duration
	// Rates are the mean arrivals per second in each tick since the start of the simulation, by model ID: what the load intends.
	Rates map[string][]float64
	// Arrivals are the requests per second that really come in each tick, noise included.
	Arrivals map[string][]float64
	// Burstiness is variance / mean of the arrivals per 5 s, in each tick.
	Burstiness map[string][]float64
}
