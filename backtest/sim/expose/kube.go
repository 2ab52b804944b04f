package expose

import "github.com/variant-exporter/variant-exporter/collector/config"

// kubeState is what kube-state-metrics knows at a moment.
type kubeState struct {
	at     float64
	values []kubeValue
}

type kubeValue struct {
	variant, name string
	labels        []string
	value         float64
}

// kube writes what kube-state-metrics shows, as late as it is.
func (x *Exposer) kube(f *Fleet) {
	now := kubeState{at: f.At}
	for i := range f.Variants {
		now.values = append(now.values, kubeValues(&f.Variants[i])...)
	}
	x.states = append(x.states, now)
	for len(x.states) > 1 && x.states[1].at <= f.At-x.lag {
		x.states = x.states[1:]
	}
	if x.states[0].at > f.At-x.lag {
		return
	}
	for _, k := range x.states[0].values {
		key := ""
		switch {
		case k.labels[2] == "pod":
			key = k.labels[3]
		case len(k.labels) > 4:
			key = k.labels[5]
		}
		x.put(targetOf(x.scaled, k.variant), k.name, key, k.value, k.labels...)
	}
}

func kubeValues(v *Variant) []kubeValue {
	var values []kubeValue
	ofPod := func(pod, name string, value float64, more ...string) {
		values = append(values, kubeValue{v.ID(), name, append([]string{"namespace", v.Namespace, "pod", pod}, more...), value})
	}
	for _, p := range v.Pods {
		if p.Waits {
			ofPod(p.Name, "kube_pod_status_unschedulable", 1)
			ofPod(p.Name, "kube_pod_status_scheduled", 1, "condition", "false")
		} else {
			ofPod(p.Name, "kube_pod_deletion_timestamp", float64(moment(p.Until).Unix()))
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
		add("kube_deployment_spec_replicas", v.Asked)
		add("kube_deployment_status_replicas", v.Total)
		add("kube_deployment_status_replicas_ready", v.Ready)
		add("kube_deployment_status_replicas_updated", v.Updated)
		return values
	}
	add("kube_statefulset_replicas", v.Asked)
	add("kube_statefulset_status_replicas_ready", v.Ready)
	add("kube_statefulset_status_update_revision", 1, "revision", v.Update)
	add("kube_statefulset_status_current_revision", 1, "revision", v.Current)
	return values
}
