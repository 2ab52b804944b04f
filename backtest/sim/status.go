package sim

import "time"

// Status is how a run stands.
type Status struct {
	At       time.Duration // since the start, warm-up included
	Requests float64       // that are done, or never will be, since the end of the warm-up
	InTime   float64       // share of them within the targets
	Cost     float64       // since the end of the warm-up
	PerHour  float64       // cost of all that is ordered
	Models   []ModelStatus
	Variants []VariantStatus
	Pods     []PodStatus // that serve or drain, in the order of their creation
}

// ModelStatus is how a model stands.
type ModelStatus struct {
	ID       string
	Rate     float64 // requests per second over the last minute
	Arrived  float64 // requests since the start
	Queued   float64 // at the gateway
	InSystem float64 // requests that have come and are neither done nor gone, those that are queued too
}

// VariantStatus is how a variant stands.
type VariantStatus struct {
	Name, Model              string
	Asked                    int // replicas that are asked for
	Ready, Starting, Drained int // Starting: that load, or wait for room; Drained: that finish what they have
}

// PodStatus is what a pod serves.
type PodStatus struct {
	Name, Variant, Model string
	Running, Waiting, KV float64 // requests; share of the cache

	// Since the pod is ready: sums over requests that are done, and over first and further tokens; latencies are in seconds.
	Done, PromptTokens, GeneratedTokens float64
	Begun, TTFT                         float64
	Gaps, ITL                           float64
}

// Status tells how the run stands.
func (s *Sim) Status() Status {
	x := Status{At: seconds(s.now), InTime: 1}
	good := 0.0
	for i, m := range s.models {
		b := m.books
		x.Requests += b.served + b.refused + b.impatient + b.failed
		good += b.good
		x.Models = append(x.Models, ModelStatus{
			ID: m.Model.Model, Rate: s.seen.Models[i].Rate, Arrived: m.count.Arrived, Queued: m.engine.queued(), InSystem: m.engine.inSystem(),
		})
	}
	if x.Requests > 0 {
		x.InTime = min(1, good/x.Requests)
	}
	for i, v := range s.variants {
		n := s.census(v)
		x.Cost += s.ledger.variants[i].cost
		x.PerHour += v.Cost * float64(n.ready+n.starting+n.pending+n.draining)
		x.Variants = append(x.Variants, VariantStatus{v.Name, v.Model, v.spec, n.ready, n.starting + n.pending, n.draining})
	}
	for _, p := range s.pods {
		if p.state == ready || p.state == draining {
			x.Pods = append(x.Pods, p.status())
		}
	}
	return x
}

func (p *pod) status() PodStatus {
	e := p.v.model.engine
	l, c := e.load(p), e.counted(p)
	return PodStatus{
		Name: p.name, Variant: p.v.Name, Model: p.v.Model, Running: l.Running, Waiting: l.Waiting, KV: l.KV,
		Done: c.Finished, PromptTokens: c.FinishedInput, GeneratedTokens: c.FinishedOutput,
		Begun: c.Begun, TTFT: c.TTFTSum, Gaps: c.ITLCount, ITL: c.ITLSum,
	}
}

// Scale asks for replicas of a variant, within its bounds: for callers that are the autoscaler themselves.
func (s *Sim) Scale(name string, replicas int) {
	if v := s.variantOf(name); v != nil {
		s.scale(v, s.autos.bounded(v, replicas))
	}
}
