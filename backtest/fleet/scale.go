package fleet

import (
	"fmt"
	"math"
	"slices"
)

// Scale sets the replicas of a variant's Deployment, at the time that the fleet has been advanced to. Pods that are created are
// ready after the variant's startup time. Pods are deleted in Kubernetes' order: those not ready before the ready ones, and of
// either the newest first.
func (f *Fleet) Scale(variantName string, replicas int) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	v, ok := f.variants[variantName]
	if !ok {
		return fmt.Errorf("scale %q: no such variant", variantName)
	}
	if replicas < 0 {
		return fmt.Errorf("scale %q: %d replicas", variantName, replicas)
	}
	v.desired = replicas
	for n := f.count(v, PodStarting, PodReady); n < replicas; n++ {
		f.createReplica(v, v.Startup.Seconds())
	}
	for n := f.count(v, PodStarting, PodReady); n > replicas; n-- {
		f.deleteReplica(v)
	}
	return nil
}

// count is the number of a variant's pods in the given states.
func (f *Fleet) count(v *variant, states ...PodState) int {
	n := 0
	for _, r := range f.replicas {
		if r.variant == v && slices.Contains(states, r.state) {
			n++
		}
	}
	return n
}

// createReplica adds a pod that is ready after so many seconds.
func (f *Fleet) createReplica(v *variant, startup float64) {
	r := &replica{
		pod:     v.Name + "-" + v.hash + "-" + randomName(f.rng, podSuffixLength),
		variant: v,
		state:   PodStarting,
		readyAt: f.now + startup,
		now:     f.now,
		next:    math.Inf(1),
		metrics: newServerMetrics(),
	}
	if startup == 0 {
		r.state = PodReady
		f.replicas = append(f.replicas, r)
		v.model.dispatch(f.replicas, f.now)
		return
	}
	f.replicas = append(f.replicas, r)
}

// deleteReplica deletes one of a variant's pods that are starting or ready. A ready one drains first.
func (f *Fleet) deleteReplica(v *variant) {
	var victim *replica
	for _, r := range f.replicas {
		if r.variant != v || r.state == PodTerminating {
			continue
		}
		if victim == nil || r.state == PodStarting || victim.state == PodReady {
			victim = r
		}
	}
	if victim.state == PodStarting || victim.load() == 0 {
		f.remove(victim)
		return
	}
	victim.state = PodTerminating
}

// remove takes a pod out of the fleet.
func (f *Fleet) remove(r *replica) {
	f.replicas = slices.DeleteFunc(f.replicas, func(other *replica) bool { return other == r })
}
