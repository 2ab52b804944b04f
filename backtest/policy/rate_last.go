package policy

import "time"

// The last rate over the capacity of a replica: what planners do that adjust at an interval and predict that the next one is like the
// last, such as Dynamo's SLA planner with its constant predictor (adjustment interval 180 s), with replicas filled to 80 percent.
const (
	lastInterval    = 180 * time.Second
	lastUtilization = 0.8
)

type rateLast struct{ arrived map[string]sample } // by model

type sample struct {
	at    time.Duration
	total float64
}

func newRateLast(Setup) Policy { return rateLast{map[string]sample{}} }

func (rateLast) Name() string         { return "rate-last" }
func (rateLast) Acts() bool           { return true }
func (rateLast) Every() time.Duration { return lastInterval }

func (p rateLast) Desired(o *Observation) map[string]int {
	rates := map[string]float64{}
	for i := range o.Models {
		m := &o.Models[i]
		rates[m.ID] = m.Rate
		if before, ok := p.arrived[m.ID]; ok && o.At > before.at {
			rates[m.ID] = (m.Arrived - before.total) / (o.At - before.at).Seconds()
		}
		p.arrived[m.ID] = sample{o.At, m.Arrived}
	}
	desired := map[string]int{}
	for _, g := range groups(o) {
		v := g.cheapest()
		capacity := v.Facts.Rate
		if believed := v.Facts.Capacity["rate"]; believed > 0 {
			capacity = believed
		}
		if capacity > 0 {
			desired[v.ID] = v.bound(ceil(rates[g.model.ID]/(lastUtilization*capacity)), 0)
		}
	}
	return desired
}
