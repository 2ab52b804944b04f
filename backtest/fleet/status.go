package fleet

import "time"

// Status is the state of a fleet at one time. It shares nothing with the fleet.
type Status struct {
	Time     time.Time
	Elapsed  time.Duration
	Names    NameGeneration
	Models   []ModelStatus
	Variants []VariantStatus
	Pods     []PodStatus
	Cost     Cost
}

// ModelStatus is the state of a model and its gateway.
type ModelStatus struct {
	Name, Namespace, Pool string
	// Rate is the present mean rate of arrivals, in requests per second.
	Rate float64
	// Queued requests are held back by the gateway, Waiting ones wait inside a server, Running ones are in service.
	Queued, Waiting, Running int
	// Dispatched is the number of requests that the gateway has sent to a server since the start.
	Dispatched float64
	// FlowActive is whether the gateway has series for the model's flow; they vanish when it is idle.
	FlowActive bool
	Averages   PoolAverages
	Tally      Tally
}

// Demand is the number of requests in the system.
func (m ModelStatus) Demand() int {
	return m.Queued + m.Waiting + m.Running
}

// VariantStatus is the state of a variant and its Deployment.
type VariantStatus struct {
	Name, Model, Namespace, Accelerator string
	CostPerReplica                      float64 // per hour
	Capacity                            int     // requests per replica within the model's targets
	// Desired is the Deployment's spec.replicas; Current its status.replicas, which are the starting and the ready pods.
	Desired, Current, Ready, Terminating int
	// Min and Max bound what an autoscaler may ask for; Max 0 is no limit.
	Min, Max int
}

// PodStatus is the state of a pod and the model server in it.
type PodStatus struct {
	Name, Variant, Model, Namespace string
	State                           PodState
	Running, Waiting                int
	// KVCacheUsage is the share of the key-value cache in use, from 0 to 1.
	KVCacheUsage      float64
	Blocks, BlockSize int
	Metrics           ServerMetrics
}

// Status returns the present state.
func (f *Fleet) Status() Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	elapsed := time.Duration(f.now * float64(time.Second))
	s := Status{Time: f.start.Add(elapsed), Elapsed: elapsed, Names: f.names}
	s.Cost.Total, s.Cost.LargestTotal = f.ledger.total, f.ledger.largestTotal
	s.Cost.PerHour, s.Cost.LargestPerHour = f.costRates()
	for _, m := range f.models {
		s.Models = append(s.Models, f.modelStatus(m))
		for _, v := range m.variants {
			s.Variants = append(s.Variants, f.variantStatus(v))
		}
	}
	for _, r := range f.replicas {
		s.Pods = append(s.Pods, r.project(f.now).status())
	}
	return s
}

func (f *Fleet) modelStatus(m *servedModel) ModelStatus {
	s := ModelStatus{
		Name: m.Name, Namespace: m.Namespace, Pool: m.Pool, Rate: m.arrivals.rate,
		Queued: len(m.gateway.queue), Dispatched: m.gateway.dispatched,
		FlowActive: m.gateway.flowActive(f.now), Averages: m.gateway.pool, Tally: m.tally,
	}
	late := func(requests []*request) {
		for _, q := range requests {
			if q.stage != decode && !m.inTime(q, f.now) {
				s.Tally.Overdue++
			}
		}
	}
	late(m.gateway.queue)
	for _, r := range f.replicas {
		if r.variant.model == m {
			s.Waiting += len(r.waiting)
			s.Running += len(r.running)
			late(r.waiting)
			late(r.running)
		}
	}
	return s
}

func (f *Fleet) variantStatus(v *variant) VariantStatus {
	return VariantStatus{
		Name: v.Name, Model: v.model.Name, Namespace: v.model.Namespace, Accelerator: v.Accelerator,
		CostPerReplica: v.Cost, Capacity: v.capacity,
		Desired: v.desired, Current: f.count(v, PodStarting, PodReady), Ready: f.count(v, PodReady),
		Terminating: f.count(v, PodTerminating), Min: v.Min, Max: v.Max,
	}
}

// project is a copy of the replica, brought to a time before its next event. Looking at a fleet must not touch it: rounding at
// the times of looking would decide between events that fall together, and with that what happens.
func (r *replica) project(now float64) *replica {
	c := *r
	c.metrics = r.metrics.clone()
	requests := make([]request, len(r.running))
	c.running = make([]*request, len(r.running))
	for i, q := range r.running {
		requests[i] = *q
		c.running[i] = &requests[i]
	}
	c.advance(now)
	return &c
}

func (r *replica) status() PodStatus {
	return PodStatus{
		Name: r.pod, Variant: r.variant.Name, Model: r.variant.model.Name, Namespace: r.variant.model.Namespace, State: r.state,
		Running: len(r.running), Waiting: len(r.waiting), KVCacheUsage: r.cacheUsage(),
		Blocks: r.variant.Blocks, BlockSize: r.variant.BlockSize, Metrics: r.metrics,
	}
}
