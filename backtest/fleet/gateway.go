package fleet

import "math"

const (
	// refreshInterval is how often the endpoint picker works out its pool averages, in seconds (its default).
	refreshInterval = 5.0
	// flowTimeout is how long a flow without requests keeps its series, in seconds (its default).
	flowTimeout = 300.0
)

// gateway is a model's endpoint picker with flow control: it holds back what no server accepts and dispatches to the least
// loaded ready one.
type gateway struct {
	queue      []*request
	running    int     // dispatched and not done
	dispatched float64 // since the start
	lastActive float64 // when the flow last had a request queued
	pool       PoolAverages
}

// PoolAverages are what an endpoint picker exposes of its pool, refreshed every five seconds. With no endpoint ready it refreshes
// only the number of those: the averages stay what they were. They are rounded to two decimals.
type PoolAverages struct {
	ReadyEndpoints                                 int
	QueueSize, RunningRequests, KVCacheUtilization float64
}

// flowActive is whether the endpoint picker still has the series of the model's flow. Before the first request it has none.
func (g *gateway) flowActive(now float64) bool {
	if len(g.queue) > 0 {
		return true
	}
	return g.lastActive >= 0 && now-g.lastActive < flowTimeout
}

// dispatch sends queued requests, in order, to the ready server with the least load for its capacity.
func (m *servedModel) dispatch(replicas []*replica, now float64) {
	for len(m.gateway.queue) > 0 {
		q := m.gateway.queue[0]
		target := m.pick(replicas, q)
		if target == nil {
			return
		}
		m.gateway.queue = m.gateway.queue[1:]
		m.gateway.running++
		m.gateway.dispatched++
		m.gateway.lastActive = now
		target.enqueue(q, now)
	}
}

func (m *servedModel) pick(replicas []*replica, q *request) *replica {
	var best *replica
	least := math.Inf(1)
	for _, r := range replicas {
		if r.variant.model != m || !r.accepts(q) {
			continue
		}
		if load := float64(r.load()+1) / float64(r.variant.capacity); load < least {
			best, least = r, load
		}
	}
	return best
}

// refresh works out the averages over the ready servers.
func (m *servedModel) refresh(replicas []*replica, now float64) {
	var ready, queue, running, kv float64
	for _, r := range replicas {
		if r.variant.model != m || r.state != PodReady {
			continue
		}
		r.advance(now)
		ready++
		queue += float64(len(r.waiting))
		running += float64(len(r.running))
		kv += r.cacheUsage()
	}
	m.gateway.pool.ReadyEndpoints = int(ready)
	if ready == 0 {
		return
	}
	m.gateway.pool.QueueSize = round2(queue / ready)
	m.gateway.pool.RunningRequests = round2(running / ready)
	m.gateway.pool.KVCacheUtilization = round2(kv / ready)
}

func round2(x float64) float64 {
	return math.Round(x*100) / 100
}
