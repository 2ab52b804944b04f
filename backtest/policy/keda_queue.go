package policy

import "time"

// KEDA on the gateway's queue and running requests, as llm-d's guide recommends since September 2026 (keda-epp/README.md): queue with
// threshold 1, running with threshold 16, both AverageValue, polled every 15 s, cooldown 300 s, windows of 300 s up and down, 100
// percent per 15 s. The guide keeps one replica; a variant with a minimum of zero sleeps after the cooldown.
const (
	kedaQueueTarget   = 1
	kedaRunningTarget = 16
	kedaWindow        = 300 * time.Second
	kedaCooldown      = 300 * time.Second
	kedaMax           = 100 // KEDA's own default of maxReplicaCount
)

type kedaQueue map[string]*kedaObject // by variant

type kedaObject struct {
	hpa        hpa
	lastActive time.Duration
}

func newKEDAQueue(Setup) Policy { return kedaQueue{} }

func (kedaQueue) Name() string         { return "keda-queue" }
func (kedaQueue) Acts() bool           { return true }
func (kedaQueue) Every() time.Duration { return 15 * time.Second }

func (k kedaQueue) Desired(o *Observation) map[string]int {
	desired := map[string]int{}
	for _, g := range groups(o) {
		v := g.cheapest()
		if k[v.ID] == nil {
			k[v.ID] = &kedaObject{hpa: hpa{up: kedaWindow, down: kedaWindow}, lastActive: o.At}
		}
		n := k[v.ID].decide(o.At, v, g.model.Queue, g.inFlight())
		if v.Facts.Max < 0 {
			n = min(n, kedaMax)
		}
		desired[v.ID] = n
	}
	return desired
}

// decide activates and puts to sleep, and leaves everything between one and the maximum to the HPA.
func (k *kedaObject) decide(at time.Duration, v *Variant, queue, running float64) int {
	active := queue > 0 || running > 0
	if active {
		k.lastActive = at
	}
	switch {
	case v.Current == 0 && !active:
		return v.bound(0, 0)
	case v.Current == 0:
		k.hpa.history = nil
		return v.bound(1, 1)
	case v.Facts.Min == 0 && !active && at-k.lastActive >= kedaCooldown:
		return 0
	}
	proposed := max(
		averageValue(queue, kedaQueueTarget, v.Current),
		averageValue(running, kedaRunningTarget, v.Current),
	)
	return v.bound(k.hpa.decide(at, v.Current, proposed), 1)
}
