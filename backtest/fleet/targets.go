package fleet

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

const kubeStatePath = "/kube-state-metrics/metrics"

// TargetGroup is an entry of Prometheus' file_sd and http_sd formats.
type TargetGroup struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels"`
}

// Targets lists what there is to scrape at an address that serves [Handler]: every pod, those that are starting included, every
// gateway and kube-state-metrics. The labels are those that a PodMonitor with the pod label llm-d.ai/variant gives. That
// kube-state-metrics has no namespace label of its own keeps the one in its series.
func (s Status) Targets(address string) []TargetGroup {
	target := func(path, job, instance string, labels map[string]string) TargetGroup {
		labels["__metrics_path__"], labels["job"], labels["instance"] = path, job, instance
		return TargetGroup{Targets: []string{address}, Labels: labels}
	}
	groups := []TargetGroup{target(kubeStatePath, "kube-state-metrics", "kube-state-metrics:8080", map[string]string{})}
	for _, m := range s.Models {
		path := "/gateways/" + m.Namespace + "/" + m.Pool + "/metrics"
		groups = append(groups, target(path, "epp", m.Pool+"-epp:9090", map[string]string{
			"namespace": m.Namespace, "pod": m.Pool + "-epp-0",
		}))
	}
	for _, p := range s.Pods {
		groups = append(groups, target("/pods/"+p.Name+"/metrics", "vllm", p.Name+":8000", map[string]string{
			"namespace": p.Namespace, "pod": p.Name, "llm_d_ai_variant": p.Variant,
		}))
	}
	return groups
}

// WriteTargets writes a file for Prometheus' file_sd. Whoever reads the file sees the old content or the new, never a part.
func WriteTargets(path string, groups []TargetGroup) error {
	content, err := json.MarshalIndent(groups, "", "  ")
	if err != nil {
		return fmt.Errorf("encode scrape targets: %w", err)
	}
	// A pattern such as *.json must not match the temporary file.
	temporary, err := os.CreateTemp(filepath.Dir(path), ".targets-*.tmp")
	if err != nil {
		return fmt.Errorf("write scrape targets: %w", err)
	}
	_, err = temporary.Write(append(content, '\n'))
	if err == nil {
		err = temporary.Chmod(0o644) // a Prometheus may run as another user
	}
	if closeErr := temporary.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(temporary.Name(), path)
	}
	if err != nil {
		_ = os.Remove(temporary.Name()) // the first error counts
		return fmt.Errorf("write scrape targets: %w", err)
	}
	return nil
}
