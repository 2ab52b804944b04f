package pods

import (
	"encoding/json"
	"net/http"
)

// target is an entry of Prometheus' http_sd format.
type target struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels"`
}

// ServeHTTP lists the model servers for Prometheus, with the labels that the Prometheus Operator gives the pods of a PodMonitor.
func (s *Servers) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	targets := []target{}
	s.mu.Lock()
	for _, pod := range s.targets {
		targets = append(targets, target{
			Targets: []string{pod.Status.PodIP + port},
			Labels:  map[string]string{"namespace": pod.Namespace, "pod": pod.Name, "llm_d_ai_variant": pod.Labels[VariantLabel]},
		})
	}
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(targets) // Prometheus asks again
}
