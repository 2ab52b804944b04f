package fleet

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Handler serves the metrics of every target of a fleet, each under a path of its own; see [Status.Targets]. A pod that is
// starting answers 503, as far as a scrape is concerned the same as the closed port of a server that loads its weights.
func Handler(f *Fleet) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+kubeStatePath, func(w http.ResponseWriter, r *http.Request) {
		serveMetrics(w, r, KubeStateMetrics(f.Status()))
	})
	mux.HandleFunc("GET /gateways/{namespace}/{pool}/metrics", func(w http.ResponseWriter, r *http.Request) {
		s := f.Status()
		for _, m := range s.Models {
			if m.Namespace == r.PathValue("namespace") && m.Pool == r.PathValue("pool") {
				serveMetrics(w, r, EPP(m, s.Names))
				return
			}
		}
		http.NotFound(w, r)
	})
	mux.HandleFunc("GET /pods/{pod}/metrics", func(w http.ResponseWriter, r *http.Request) {
		for _, p := range f.Status().Pods {
			if p.Name != r.PathValue("pod") {
				continue
			}
			if p.State == PodStarting {
				http.Error(w, "the model is being loaded", http.StatusServiceUnavailable)
				return
			}
			serveMetrics(w, r, VLLM(p))
			return
		}
		http.NotFound(w, r)
	})
	return mux
}

// serveMetrics answers a scrape with one collector's metrics.
func serveMetrics(w http.ResponseWriter, r *http.Request, c prometheus.Collector) {
	registry := prometheus.NewRegistry()
	if err := registry.Register(c); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, r)
}
