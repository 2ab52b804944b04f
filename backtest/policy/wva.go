package policy

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// What both saturation analyzers of the Workload Variant Autoscaler share (v0.9): it decides every 15 s and publishes a gauge, which an
// HPA follows that its guide sets up with AverageValue 1, windows of 120 s either way and 100 percent per 15 s. The enforcer keeps one
// replica of the cheapest variant unless the model was idle for ten minutes and may sleep. All sleeping variants of a model start when a
// request waits for one of them (scalefromzero/engine.go).
const (
	wvaEvery     = 15 * time.Second
	wvaWindow    = 120 * time.Second
	wvaRetention = 10 * time.Minute
)

type wva struct {
	name    string
	decide  func(g group) map[string]int // one analysis: the replicas wanted, by variant
	hpas    map[string]*hpa
	arrived map[string][]sample // of the last ten minutes, by model
}

func newWVA(name string, decide func(g group) map[string]int) *wva {
	return &wva{name: name, decide: decide, hpas: map[string]*hpa{}, arrived: map[string][]sample{}}
}

func (w *wva) Name() string         { return w.name }
func (w *wva) Acts() bool           { return true }
func (w *wva) Every() time.Duration { return wvaEvery }

func (w *wva) Desired(o *Observation) map[string]int {
	for i := range o.Models {
		w.remember(o.At, &o.Models[i])
	}
	desired := map[string]int{}
	for _, g := range groups(o) {
		maps.Copy(desired, w.one(o.At, g))
	}
	return desired
}

func (w *wva) one(at time.Duration, g group) map[string]int {
	running := 0
	for _, v := range g.variants {
		running += v.Current
	}
	wanted := map[string]int{}
	if running == 0 {
		for _, v := range g.variants {
			n := 0
			if g.model.Queue > 0 {
				n = 1
			}
			wanted[v.ID] = v.bound(n, 0)
		}
		return wanted
	}
	wanted = w.decide(g)
	w.enforce(g, wanted)
	for _, v := range g.variants {
		wanted[v.ID] = w.follow(at, v, v.bound(wanted[v.ID], 0))
	}
	return wanted
}

// follow is the HPA.
func (w *wva) follow(at time.Duration, v *Variant, wanted int) int {
	if v.Current == 0 || wanted == 0 {
		w.hpas[v.ID] = nil
		return wanted
	}
	if w.hpas[v.ID] == nil {
		w.hpas[v.ID] = &hpa{up: wvaWindow, down: wvaWindow}
	}
	return v.bound(w.hpas[v.ID].decide(at, v.Current, averageValue(float64(wanted), 1, v.Current)), 1)
}

// enforce puts an idle model to sleep where all of its variants may, and keeps one replica of it otherwise.
func (w *wva) enforce(g group, wanted map[string]int) {
	maySleep := !slices.ContainsFunc(g.variants, func(v *Variant) bool { return v.Facts.Min > 0 })
	if maySleep && w.idle(g.model.ID) {
		for id := range wanted {
			wanted[id] = 0
		}
		return
	}
	for _, n := range wanted {
		if n > 0 {
			return
		}
	}
	wanted[g.byCost()[0].ID] = 1
}

func (w *wva) remember(at time.Duration, m *Model) {
	all := w.arrived[m.ID]
	all = append(all, sample{at, m.Arrived})
	for len(all) > 1 && at-all[1].at >= wvaRetention {
		all = all[1:]
	}
	w.arrived[m.ID] = all
}

// idle reports whether nothing came in the last ten minutes.
func (w *wva) idle(model string) bool {
	all := w.arrived[model]
	first, last := all[0], all[len(all)-1]
	return last.at-first.at >= wvaRetention && first.total == last.total
}

// byCost returns the variants by the cost of a replica, the cheapest first.
func (g group) byCost() []*Variant {
	return slices.SortedFunc(slices.Values(g.variants), func(a, b *Variant) int {
		return cmp.Or(cmp.Compare(a.Facts.Cost, b.Facts.Cost), cmp.Compare(a.ID, b.ID))
	})
}

// passedOn is how many requests the gateway lets wait in a server before it holds them: the queue depth at which llm-d's flow control
// takes a server for saturated. The simulated gateway holds all of them, and analyzers that look at servers only would never see a queue.
const passedOn = 5.0

// shown returns the pods of the group as they would look behind llm-d's gateway.
func (g group) shown() []Pod {
	pods := g.pods()
	for i := range pods {
		pods[i].Waiting += min(passedOn, g.model.Queue/float64(len(pods)))
	}
	return pods
}

func (v *Variant) pending() int { return max(0, v.Current-v.Ready) }
