package cluster

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"os"
	"text/template"
	"time"

	promapi "github.com/prometheus/client_golang/api"
	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/variant-exporter/variant-exporter/deploy/e2e/process"
)

//go:embed prometheus.yml.tmpl
var prometheusConfig string

// PrometheusURL is where the cluster's Prometheus answers.
const PrometheusURL = "http://127.0.0.1:" + prometheusPort

// Monitoring is a Prometheus and what it scrapes besides the pods.
type Monitoring struct {
	// Scrape is how often everything is scraped and every rule is evaluated.
	Scrape time.Duration
	// Pods is where the pods' targets are listed, for http_sd_configs.
	Pods string
	// Exporters are addresses of variant_exporter. They need not be there.
	Exporters []string
	// Gateways are the metrics of inference gateways.
	Gateways []GatewayTarget
	// Rules are files of recording and alerting rules.
	Rules []string
}

// GatewayTarget is an inference gateway as it is scraped in the namespace that it runs in.
type GatewayTarget struct {
	Namespace, Address, Path string
}

// StartKubeStateMetrics starts what tells Prometheus of workloads, pods, nodes and HorizontalPodAutoscalers.
func (c *Cluster) StartKubeStateMetrics(ctx context.Context) error {
	_, err := c.start(ctx, "kube-state-metrics", process.Command{Name: "kube-state-metrics", Path: "kube-state-metrics", Args: []string{
		"--kubeconfig=" + c.Kubeconfig("monitoring"), "--resources=deployments,replicasets,statefulsets,pods,nodes,horizontalpodautoscalers",
		"--host=127.0.0.1", "--port=" + kubeStatePort, "--telemetry-host=127.0.0.1", "--telemetry-port=" + kubeStateOwnPort,
	}})
	if err != nil {
		return err
	}
	return Eventually(ctx, "kube-state-metrics answers", patience, Answers("http://127.0.0.1:"+kubeStatePort+"/healthz"))
}

// ConfigurePrometheus writes the configuration that StartPrometheus starts with.
func (c *Cluster) ConfigurePrometheus(m Monitoring) error {
	parsed, err := template.New("prometheus.yml").Parse(prometheusConfig)
	if err != nil {
		return fmt.Errorf("read Prometheus' configuration: %w", err)
	}
	var text bytes.Buffer
	if err := parsed.Execute(&text, map[string]any{
		"Monitoring": m, "Scrape": model.Duration(m.Scrape), "KubeState": "127.0.0.1:" + kubeStatePort,
	}); err != nil {
		return fmt.Errorf("write Prometheus' configuration: %w", err)
	}
	if err := os.WriteFile(c.file("prometheus.yml"), text.Bytes(), 0o600); err != nil {
		return fmt.Errorf("write Prometheus' configuration: %w", err)
	}
	return nil
}

// StartPrometheus starts a Prometheus, with the data of the one before if there was one.
func (c *Cluster) StartPrometheus(ctx context.Context) (*process.Process, error) {
	path, err := c.Parts.Prometheus(ctx)
	if err != nil {
		return nil, err
	}
	p, err := c.Group.Start(process.Command{Name: "prometheus", Path: path, Args: []string{
		"--config.file=" + c.file("prometheus.yml"), "--storage.tsdb.path=" + c.file("prometheus"),
		"--web.listen-address=127.0.0.1:" + prometheusPort,
	}})
	if err != nil {
		return nil, err
	}
	return p, Eventually(ctx, "Prometheus is ready", patience, func(ctx context.Context) error {
		if err := p.Err(); err != nil {
			return err
		}
		return Answers(PrometheusURL + "/-/ready")(ctx)
	})
}

// Query asks the cluster's Prometheus for a vector, now.
func (c *Cluster) Query(ctx context.Context, expression string) (model.Vector, error) {
	client, err := promapi.NewClient(promapi.Config{Address: PrometheusURL})
	if err != nil {
		return nil, fmt.Errorf("ask Prometheus: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	value, warnings, _, err := promv1.NewAPI(client).Query(ctx, expression, time.Time{})
	if err != nil {
		return nil, fmt.Errorf("ask Prometheus for %s: %w", expression, err)
	}
	vector, ok := value.(model.Vector)
	if !ok || len(warnings) > 0 {
		return nil, fmt.Errorf("ask Prometheus for %s: %T with warnings %q", expression, value, warnings)
	}
	return vector, nil
}
