package sim

import (
	"github.com/variant-exporter/variant-exporter/backtest/scenario"
	"github.com/variant-exporter/variant-exporter/collector/config"
)

// kube writes what kube-state-metrics shows, as late as it is.
func (x *exposer) kube(s *Sim) {
	now := kubeState{at: s.now}
	for _, v := range s.variants {
		now.values = append(now.values, kubeValues(s, v)...)
	}
	x.states = append(x.states, now)
	for len(x.states) > 1 && x.states[1].at <= s.now-x.lag {
		x.states = x.states[1:]
	}
	if x.states[0].at > s.now-x.lag {
		return
	}
	for _, k := range x.states[0].values {
		of := x.targets[k.target]
		if of == nil {
			of = seriesOf{}
			x.targets[k.target] = of
		}
		key := ""
		switch {
		case k.labels[2] == "pod":
			key = k.labels[3]
		case len(k.labels) > 4:
			key = k.labels[5]
		}
		x.put(of, k.name, key, k.value, k.labels...)
	}
}

func kubeValues(s *Sim, v *variant) []kubeValue {
	var total, ready, updated int
	var values []kubeValue
	ofPod := func(p *pod, name string, value float64, more ...string) {
		values = append(values, kubeValue{v.ID(), name, append([]string{"namespace", v.Namespace, "pod", p.name}, more...), value})
	}
	for _, p := range s.pods {
		if p.v == v && p.state == pending {
			ofPod(p, "kube_pod_status_unschedulable", 1)
			ofPod(p, "kube_pod_status_scheduled", 1, "condition", "false")
		}
		if p.v == v && p.state == draining {
			ofPod(p, "kube_pod_deletion_timestamp", float64(scenario.Start().Add(seconds(p.due)).Unix()))
		}
		if p.v != v || !p.live() {
			continue
		}
		total++
		if p.serves(s.now) {
			ready++
		}
		if p.revision == v.revision {
			updated++
		}
	}
	kind := "deployment"
	if v.Kind != config.KindDeployment {
		kind = "statefulset"
	}
	add := func(name string, n int, more ...string) {
		values = append(values, kubeValue{v.ID(), name, append([]string{"namespace", v.Namespace, kind, v.Name}, more...), float64(n)})
	}
	if v.Kind == config.KindDeployment {
		add("kube_deployment_spec_replicas", v.spec)
		add("kube_deployment_status_replicas", total)
		add("kube_deployment_status_replicas_ready", ready)
		add("kube_deployment_status_replicas_updated", updated)
		return values
	}
	asked, current := v.spec, v.hash[v.revision]
	if v.rollout != nil {
		current = v.hash[v.revision-1]
		if v.Kind == config.KindLeaderWorkerSet {
			asked += v.rollout.surge // its leaders' StatefulSet has them as well
		}
	}
	add("kube_statefulset_replicas", asked)
	add("kube_statefulset_status_replicas_ready", ready)
	add("kube_statefulset_status_update_revision", 1, "revision", v.hash[v.revision])
	add("kube_statefulset_status_current_revision", 1, "revision", current)
	return values
}
