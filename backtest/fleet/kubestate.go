package fleet

import "github.com/prometheus/client_golang/prometheus"

// KubeStateMetrics returns what kube-state-metrics would serve of the fleet's Deployments.
func KubeStateMetrics(s Status) prometheus.Collector {
	e := &exposition{}
	for _, v := range s.Variants {
		e.labels = prometheus.Labels{"namespace": v.Namespace, "deployment": v.Name}
		e.gauge("kube_deployment_spec_replicas", "Number of desired pods for a deployment.", float64(v.Desired))
		e.gauge("kube_deployment_status_replicas", "The number of replicas per deployment.", float64(v.Current))
		e.gauge("kube_deployment_status_replicas_ready", "The number of ready replicas per deployment.", float64(v.Ready))
	}
	return e
}
