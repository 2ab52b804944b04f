package policy

import "time"

// The HPA on the gateway's queue and running requests, as llm-d's workload-autoscaling guide sets it up (README.hpa-epp.md, June 2026):
// epp_queue_size with Value 250, epp_running_requests with AverageValue 250, no window for going up, 300 s for going down, 100 percent
// per 15 s either way. The guide's numbers are meant to be tuned; these are the ones that it ships.
const (
	hpaQueueTarget   = 250
	hpaRunningTarget = 250
	hpaQueueDown     = 300 * time.Second
)

type hpaQueue map[string]*hpa // by variant

func newHPAQueue(Setup) Policy { return hpaQueue{} }

func (hpaQueue) Name() string         { return "hpa-queue" }
func (hpaQueue) Acts() bool           { return true }
func (hpaQueue) Every() time.Duration { return hpaSync }

func (h hpaQueue) Desired(o *Observation) map[string]int {
	desired := map[string]int{}
	for _, g := range groups(o) {
		v := g.cheapest()
		if v.Current == 0 {
			// An HPA without the gate for zero keeps one at least.
			desired[v.ID] = v.bound(1, 1)
			continue
		}
		proposed := max(
			totalValue(g.model.Queue, hpaQueueTarget, v.Current, v.Ready),
			averageValue(g.inFlight(), hpaRunningTarget, v.Current),
		)
		if h[v.ID] == nil {
			h[v.ID] = &hpa{down: hpaQueueDown}
		}
		desired[v.ID] = v.bound(h[v.ID].decide(o.At, v.Current, proposed), 1)
	}
	return desired
}
