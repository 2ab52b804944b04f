package fleet

import "github.com/prometheus/client_golang/prometheus"

// The labels of requests that name neither a flow nor a priority.
const (
	defaultFairnessID = "default-flow"
	defaultPriority   = "0"
)

// EPP returns what a model's gateway serves: the series of llm-d's endpoint picker with flow control. They have no namespace
// label: the scrape adds that of the endpoint picker itself.
func EPP(m ModelStatus, names NameGeneration) prometheus.Collector {
	e := &exposition{}
	if names != DeprecatedNames {
		e.currentGateway(m)
	}
	if names != CurrentNames {
		e.deprecatedGateway(m)
	}
	return e
}

// flowLabels identify the queue of a flow.
func flowLabels(m ModelStatus) prometheus.Labels {
	return prometheus.Labels{
		"fairness_id": defaultFairnessID, "priority": defaultPriority, "inference_pool": m.Pool,
		"model_name": m.Name, "target_model_name": m.Name,
	}
}

func (e *exposition) currentGateway(m ModelStatus) {
	if m.FlowActive {
		e.add("llm_d_epp_flow_control_queue_size", "Current number of requests being actively managed by the flow control layer.",
			prometheus.GaugeValue, float64(m.Queued), flowLabels(m))
	}
	if m.Dispatched > 0 { // the series of a label set begin with its first request
		request := prometheus.Labels{
			"fairness_id": defaultFairnessID, "priority": defaultPriority, "model_name": m.Name, "target_model_name": m.Name,
		}
		e.add("llm_d_epp_request_running", "Number of running requests.",
			prometheus.GaugeValue, float64(m.Waiting+m.Running), request)
		e.add("llm_d_epp_request_total", "Number of inference requests.", prometheus.CounterValue, m.Dispatched, request)
	}
	e.labels = prometheus.Labels{"name": m.Pool}
	e.gauge("llm_d_epp_ready_endpoints", "Number of ready endpoints in the pool.", float64(m.Averages.ReadyEndpoints))
	e.gauge("llm_d_epp_average_queue_size", "Average number of waiting requests over the pool's endpoints.", m.Averages.QueueSize)
	e.gauge("llm_d_epp_average_running_requests", "Average number of running requests over the pool's endpoints.", m.Averages.RunningRequests)
	e.gauge("llm_d_epp_average_kv_cache_utilization", "Average KV-cache utilization over the pool's endpoints, from 0 to 1.", m.Averages.KVCacheUtilization)
}

func (e *exposition) deprecatedGateway(m ModelStatus) {
	if m.FlowActive {
		e.add("inference_extension_flow_control_queue_size", "Current number of requests being actively managed by the flow control layer.",
			prometheus.GaugeValue, float64(m.Queued), flowLabels(m))
	}
	if m.Dispatched > 0 {
		e.add("inference_objective_running_requests", "Number of running requests.",
			prometheus.GaugeValue, float64(m.Waiting+m.Running), prometheus.Labels{"model_name": m.Name})
		e.add("inference_objective_request_total", "Number of inference requests.", prometheus.CounterValue, m.Dispatched,
			prometheus.Labels{"model_name": m.Name, "target_model_name": m.Name, "priority": defaultPriority})
	}
	e.labels = prometheus.Labels{"name": m.Pool}
	e.gauge("inference_pool_ready_pods", "Number of ready pods in the pool.", float64(m.Averages.ReadyEndpoints))
	e.gauge("inference_pool_average_queue_size", "Average number of waiting requests over the pool's pods.", m.Averages.QueueSize)
	e.gauge("inference_pool_average_running_requests", "Average number of running requests over the pool's pods.", m.Averages.RunningRequests)
	e.gauge("inference_pool_average_kv_cache_utilization", "Average KV-cache utilization over the pool's pods, from 0 to 1.", m.Averages.KVCacheUtilization)
}
