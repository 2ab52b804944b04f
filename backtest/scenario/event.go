package scenario

import "github.com/variant-exporter/variant-exporter/collector/config"

// Event is something that happens. Exactly one of its kinds is set.
type Event struct {
	At  config.Duration `yaml:"at" required:"true" doc:"When it happens, from the end of the warm-up."`
	For config.Duration `yaml:"for" doc:"How long it lasts. Default: to the end."`

	Prometheus PrometheusEvent `yaml:"prometheus" doc:"down: it answers nothing; restarted: it has lost its history."`
	Store      *Store          `yaml:"store" doc:"Series that are lost silently, such as {lose: 0.5}."`

	Unready *Pods `yaml:"unready" doc:"Replicas of a variant fail their readiness probes: a variant for all of them, or {variant, replicas}."`
	Crash   *Pods `yaml:"crash" doc:"Servers of a variant restart, likewise. What they serve is lost."`

	Pool         string          `yaml:"pool" doc:"A node pool that gets another size: accelerators."`
	Accelerators *int            `yaml:"accelerators" minimum:"0" doc:"Accelerators of the pool from now on."`
	Evict        bool            `yaml:"evict" doc:"Replicas beyond the new size of the pool are taken away, the newest first. Otherwise they stay."`
	Notice       config.Duration `yaml:"notice" doc:"How long evicted replicas may go on serving. Default: 0s."`

	Series config.Expr `yaml:"series" doc:"A selector whose series are changed: set, scale or absent."`
	Set    *float64    `yaml:"set" doc:"Value of the series. One that does not exist appears."`
	Scale  *float64    `yaml:"scale" doc:"Factor on the values of the series."`
	Absent bool        `yaml:"absent" doc:"The series are not there."`

	Rollout     string `yaml:"rollout" doc:"A variant whose pods are replaced by ones of a new template."`
	Surge       *int   `yaml:"surge" minimum:"0" doc:"Replicas above the desired number during it. Default: a quarter, rounded up."`
	Unavailable *int   `yaml:"unavailable" minimum:"0" doc:"Replicas that may be missing during it. Default: a quarter, rounded down."`
	Broken      bool   `yaml:"broken" doc:"The new pods never become ready."`

	AutoscalerStops string `yaml:"autoscaler_stops" doc:"A variant whose autoscaler does not follow."`
	AtMost          *int   `yaml:"at_most" minimum:"0" doc:"It follows up to this number. Default: not at all."`

	ScrapeFails *Pods   `yaml:"scrape_fails" doc:"Pods of a variant cannot be scraped: {variant, pods}."`
	Scraped     *Copies `yaml:"scraped" doc:"Pods of a variant are scraped several times: {variant, times}."`
	Slow        *Slow   `yaml:"slow" doc:"Servers of a variant are slower: {variant, by}."`
}

// PrometheusEvent is what happens to the Prometheus.
type PrometheusEvent string

// What may happen to a Prometheus.
const (
	Down      PrometheusEvent = "down"
	Restarted PrometheusEvent = "restarted"
)

// Values implements strict.Enumeration.
func (PrometheusEvent) Values() []string { return []string{string(Down), string(Restarted)} }

// Store is what a store of series loses.
type Store struct {
	Lose float64 `yaml:"lose" required:"true" minimum:"0" maximum:"1" doc:"Share of the series."`
}

// Copies is how often pods are scraped.
type Copies struct {
	Variant string `yaml:"variant" required:"true" doc:"The variant."`
	Times   int    `yaml:"times" required:"true" minimum:"2" maximum:"10" doc:"How often each of its pods is scraped."`
}

// Slow is how slow servers are.
type Slow struct {
	Variant string  `yaml:"variant" required:"true" doc:"The variant."`
	By      float64 `yaml:"by" required:"true" minimum:"0.01" doc:"Factor on the time of every iteration."`
}

// kind is the key that says what an event is, and whether it lasts.
type kind struct {
	key   string
	given bool
	lasts bool
}

func (e *Event) kinds() []kind {
	return []kind{
		{"prometheus", e.Prometheus != "", e.Prometheus == Down},
		{"store", e.Store != nil, true},
		{"unready", e.Unready != nil, true},
		{"crash", e.Crash != nil, false},
		{"pool", e.Pool != "", true},
		{"series", !e.Series.IsZero(), true},
		{"rollout", e.Rollout != "", true},
		{"autoscaler_stops", e.AutoscalerStops != "", true},
		{"scrape_fails", e.ScrapeFails != nil, true},
		{"scraped", e.Scraped != nil, true},
		{"slow", e.Slow != nil, true},
	}
}

// variant is the variant that the event is about, and the path of its name below the event; empty for none.
func (e *Event) variant() (name, path string) {
	switch {
	case e.Unready != nil:
		return e.Unready.Variant, "unready"
	case e.Crash != nil:
		return e.Crash.Variant, "crash"
	case e.Rollout != "":
		return e.Rollout, "rollout"
	case e.AutoscalerStops != "":
		return e.AutoscalerStops, "autoscaler_stops"
	case e.ScrapeFails != nil:
		return e.ScrapeFails.Variant, "scrape_fails"
	case e.Scraped != nil:
		return e.Scraped.Variant, "scraped"
	case e.Slow != nil:
		return e.Slow.Variant, "slow"
	}
	return "", ""
}
