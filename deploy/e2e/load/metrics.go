package load

import (
	"maps"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// MetricsPath is where the metrics of a pool are on its gateway.
func (p *Pool) MetricsPath() string { return "/" + p.namespace + "/" + p.name + "/metrics" }

// Handler serves the metrics of gateways, one for each pool and each in a namespace of its own.
func Handler(pools ...*Pool) http.Handler {
	mux := http.NewServeMux()
	for _, p := range pools {
		registry := prometheus.NewRegistry()
		registry.MustRegister(newCollector(p))
		mux.Handle("GET "+p.MetricsPath(), promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	}
	return mux
}

// collector shows a pool as llm-d's endpoint picker does.
type collector struct {
	pool                  *Pool
	queue, running, ready *prometheus.Desc
}

func newCollector(p *Pool) *collector {
	request := prometheus.Labels{"model_name": p.model, "target_model_name": p.model, "fairness_id": "default", "priority": "0"}
	queue := prometheus.Labels{"inference_pool": p.name}
	maps.Copy(queue, request)
	return &collector{
		pool:    p,
		queue:   prometheus.NewDesc("llm_d_epp_flow_control_queue_size", "Requests held by flow control.", nil, queue),
		running: prometheus.NewDesc("llm_d_epp_request_running", "Requests sent to model servers.", nil, request),
		ready:   prometheus.NewDesc("llm_d_epp_ready_endpoints", "Endpoints with fresh metrics.", nil, prometheus.Labels{"name": p.name}),
	}
}

// Describe implements [prometheus.Collector].
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.queue
	ch <- c.running
	ch <- c.ready
}

// Collect implements [prometheus.Collector]. All is of one moment, so that no request is counted twice.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	c.pool.mu.Lock()
	waiting, running, ready := len(c.pool.waiting), c.pool.running, len(c.pool.endpoints)
	c.pool.mu.Unlock()
	for desc, value := range map[*prometheus.Desc]int{c.queue: waiting, c.running: running, c.ready: ready} {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(value))
	}
}
