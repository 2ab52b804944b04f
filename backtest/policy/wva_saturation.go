package policy

import "slices"

// Saturation V1, internal/saturationv1/analyzer.go: a replica is saturated at 80 percent of the cache or 5 waiting requests. One replica
// more of the cheapest variant when the others have less than 10 percent or 3 requests to spare, one less of the most expensive when they
// would still have that without it. While any replica is on its way, everything is held.
const (
	v1Cache      = 0.80
	v1Queue      = 5.0
	v1CacheSpare = 0.10
	v1QueueSpare = 3.0
)

func newSaturation(Setup) Policy { return newWVA("wva-saturation", saturation) }

func saturation(g group) map[string]int {
	wanted := map[string]int{}
	held := false
	for _, v := range g.variants {
		wanted[v.ID] = v.Current
		held = held || v.pending() > 0
	}
	pods := g.shown()
	if held || len(pods) == 0 {
		return wanted
	}
	cache, queue, n := load(pods)
	switch {
	case n == 0 || v1Cache-cache < v1CacheSpare || v1Queue-queue < v1QueueSpare:
		for _, v := range g.byCost() {
			if v.bound(v.Current+1, 0) > v.Current {
				wanted[v.ID]++
				break
			}
		}
	case n >= 2:
		more := float64(n) / float64(n-1)
		if v1Cache-cache*more < v1CacheSpare || v1Queue-queue*more < v1QueueSpare {
			break
		}
		for _, v := range slices.Backward(g.byCost()) {
			if v.Current > max(1, v.Facts.Min) {
				wanted[v.ID]--
				break
			}
		}
	}
	return wanted
}

// load returns the mean cache use and queue of the replicas that are not saturated, and how many they are.
func load(pods []Pod) (cache, queue float64, n int) {
	for _, p := range pods {
		if p.KV >= v1Cache || p.Waiting >= v1Queue {
			continue
		}
		cache += p.KV
		queue += p.Waiting
		n++
	}
	if n == 0 {
		return 0, 0, 0
	}
	return cache / float64(n), queue / float64(n), n
}
