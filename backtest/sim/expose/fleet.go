package expose

import "github.com/variant-exporter/variant-exporter/backtest/scenario"

// Fleet is what there is to scrape at a moment.
type Fleet struct {
	At       float64 // seconds since the start
	Models   []Model // always the same, in the same order
	Pods     []Pod   // whose servers can be scraped, in the order of their creation
	Variants []Variant
}

// Model is a model as its gateway sees it.
type Model struct {
	*scenario.Model
	Queued   float64 // requests at the gateway
	InSystem float64 // requests that have arrived and are not done, those that are queued too
	Counters *Counters
	Pods     []Load // of the pods that get requests
}

// Pod is a server that can be scraped.
type Pod struct {
	*scenario.Variant
	Model    *scenario.Model
	Name     string
	Ready    bool
	Copies   int // how often it is scraped, under different names of jobs
	Load     Load
	Counters *Counters
	Target   *Target // the same at each scrape of this pod
}

// Load is what a server serves at a moment: requests, and the share of its cache.
type Load struct{ Running, Waiting, KV float64 }

// Variant is what kube-state-metrics knows of a scale target.
type Variant struct {
	*scenario.Variant
	Asked                 int    // replicas
	Total, Ready, Updated int    // replicas that there are; that serve; that are of the newest template
	Current, Update       string // revisions
	Pods                  []KubePod
}

// KubePod is a pod of a variant that waits for room, or that drains until a time in seconds since the start.
type KubePod struct {
	Name  string
	Waits bool
	Until float64
}
