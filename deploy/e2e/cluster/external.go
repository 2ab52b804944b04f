package cluster

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/base64"
	"fmt"
	"os"
	"text/template"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/variant-exporter/variant-exporter/deploy/e2e/process"
)

//go:embed external.yaml.tmpl
var externalManifest string

// Adapter is what serves external metrics to the HorizontalPodAutoscaler from Prometheus by the adapter's rules.
type Adapter struct {
	// Path of the program: Prometheus Adapter, or what stands in for it, which takes the same flags.
	Path string
	// Config is the file of rules.
	Config string
}

// StartAdapter starts an adapter and returns when it serves.
func (c *Cluster) StartAdapter(ctx context.Context, a Adapter) (*process.Process, error) {
	kubeconfig := c.Kubeconfig("external-metrics")
	p, err := c.Group.Start(process.Command{Name: "metrics-adapter", Path: a.Path, Args: []string{
		"--secure-port=" + externalMetricsPort, "--bind-address=127.0.0.1",
		"--tls-cert-file=" + c.file("pki", "external-metrics.crt"), "--tls-private-key-file=" + c.file("pki", "external-metrics.key"),
		"--lister-kubeconfig=" + kubeconfig, "--authentication-kubeconfig=" + kubeconfig, "--authorization-kubeconfig=" + kubeconfig,
		"--prometheus-url=" + PrometheusURL, "--config=" + a.Config,
		"--metrics-relist-interval=5s", "--metrics-max-age=30s",
	}})
	if err != nil {
		return nil, err
	}
	return p, c.ServeExternalMetrics(ctx, "monitoring", "metrics-adapter", p)
}

// ServeExternalMetrics makes a Service the one that the API server asks for external metrics, and waits until it answers. There
// is one in a cluster: Prometheus Adapter or KEDA.
func (c *Cluster) ServeExternalMetrics(ctx context.Context, namespace, service string, server *process.Process) error {
	authority, err := os.ReadFile(c.authority.path())
	if err != nil {
		return fmt.Errorf("register %s: %w", service, err)
	}
	parsed, err := template.New("external.yaml").Parse(externalManifest)
	if err != nil {
		return fmt.Errorf("register %s: %w", service, err)
	}
	var manifest bytes.Buffer
	if err := parsed.Execute(&manifest, map[string]string{
		"Namespace": namespace, "Service": service, "Port": externalMetricsPort, "User": adapterMetricsUser,
		"Authority": base64.StdEncoding.EncodeToString(authority),
	}); err != nil {
		return fmt.Errorf("register %s: %w", service, err)
	}
	if err := c.Apply(ctx, manifest.Bytes()); err != nil {
		return fmt.Errorf("register %s: %w", service, err)
	}
	return Eventually(ctx, service+" serves external metrics", patience, func(ctx context.Context) error {
		if err := server.Err(); err != nil {
			return err
		}
		return c.externalMetricsAvailable(ctx)
	})
}

// StopExternalMetrics takes the registration back, so that another can have it.
func (c *Cluster) StopExternalMetrics(ctx context.Context) error {
	err := c.Dynamic.Resource(apiServices()).Delete(ctx, externalMetricsGroup, metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("unregister external metrics: %w", err)
	}
	return nil
}

func (c *Cluster) externalMetricsAvailable(ctx context.Context) error {
	if _, err := c.Client.Discovery().RESTClient().Get().AbsPath("/apis/external.metrics.k8s.io/v1beta1").DoRaw(ctx); err != nil {
		return fmt.Errorf("ask which external metrics there are: %w", err)
	}
	return nil
}

// ExternalMetric asks the API server for a metric as the HorizontalPodAutoscaler does, and returns the answer's text.
func (c *Cluster) ExternalMetric(ctx context.Context, namespace, metric, selector string) (string, error) {
	body, err := c.Client.Discovery().RESTClient().Get().
		AbsPath("/apis/external.metrics.k8s.io/v1beta1/namespaces", namespace, metric).
		Param("labelSelector", selector).DoRaw(ctx)
	if err != nil {
		return "", fmt.Errorf("ask for the external metric %s in %s: %w", metric, namespace, err)
	}
	return string(body), nil
}

func apiServices() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"}
}
