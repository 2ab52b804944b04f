package cluster

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/variant-exporter/variant-exporter/deploy/e2e/process"
)

//go:embed keda.yaml
var kedaBindings []byte

// DefineKEDA adds KEDA's resources to the API.
func (c *Cluster) DefineKEDA(ctx context.Context) error {
	return c.define(ctx, "keda", "crds")
}

// DefinePrometheusOperator adds the resources of the Prometheus Operator to the API: ServiceMonitor, PodMonitor, PrometheusRule.
func (c *Cluster) DefinePrometheusOperator(ctx context.Context) error {
	return c.define(ctx, "prometheus-operator", ".")
}

// define applies the definitions of a part, and waits until they are served.
func (c *Cluster) define(ctx context.Context, part, dir string) error {
	path, err := c.Parts.Path(ctx, part, dir)
	if err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(path, "*.yaml"))
	if err != nil {
		return fmt.Errorf("list the definitions of %s: %w", part, err)
	}
	for _, file := range files {
		if err := c.applyFile(ctx, file); err != nil {
			return err
		}
	}
	return Eventually(ctx, "the definitions of "+part+" are served", patience, c.established)
}

// established is a condition: that every resource that was defined is served.
func (c *Cluster) established(ctx context.Context) error {
	definitions := schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
	list, err := c.Dynamic.Resource(definitions).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list definitions: %w", err)
	}
	for i := range list.Items {
		var kind struct {
			Spec struct {
				Group string `json:"group"`
				Names struct {
					Kind string `json:"kind"`
				} `json:"names"`
				Versions []struct {
					Name string `json:"name"`
				} `json:"versions"`
			} `json:"spec"`
		}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(list.Items[i].Object, &kind); err != nil {
			return fmt.Errorf("read a definition: %w", err)
		}
		for _, version := range kind.Spec.Versions {
			served := schema.GroupVersionKind{Group: kind.Spec.Group, Version: version.Name, Kind: kind.Spec.Names.Kind}
			if _, _, err := c.resource(served); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *Cluster) applyFile(ctx context.Context, file string) error {
	manifest, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("apply a manifest: %w", err)
	}
	return c.Apply(ctx, manifest)
}

// KEDA is a running KEDA.
type KEDA struct {
	Operator, MetricsServer *process.Process
}

// StartKEDA starts KEDA as the service account that it has in a cluster, with the rights that it has there.
func (c *Cluster) StartKEDA(ctx context.Context) (KEDA, error) {
	var k KEDA
	if err := c.prepareKEDA(ctx); err != nil {
		return k, err
	}
	var err error
	if k.Operator, err = c.start(ctx, "keda", process.Command{Name: "keda-operator", Path: "keda-operator", Env: c.kedaEnvironment(), Args: []string{
		"--metrics-bind-address=127.0.0.1:" + kedaMetricsPort, "--health-probe-bind-address=127.0.0.1:" + kedaProbePort,
		"--metrics-service-bind-address=127.0.0.1:" + kedaOperatorPort,
		"--cert-dir=" + c.file("keda"), "--leader-elect=false", "--enable-cert-rotation=false",
	}}); err != nil {
		return k, err
	}
	if err := Eventually(ctx, "KEDA's operator is ready", patience, func(ctx context.Context) error {
		if err := k.Operator.Err(); err != nil {
			return err
		}
		return Answers("http://127.0.0.1:" + kedaProbePort + "/readyz")(ctx)
	}); err != nil {
		return k, err
	}
	k.MetricsServer, err = c.StartKEDAMetricsServer(ctx)
	return k, err
}

// StartKEDAMetricsServer starts the part of KEDA that answers the HorizontalPodAutoscaler.
func (c *Cluster) StartKEDAMetricsServer(ctx context.Context) (*process.Process, error) {
	kubeconfig := c.Kubeconfig("keda")
	p, err := c.start(ctx, "keda", process.Command{Name: "keda-adapter", Path: "keda-adapter", Env: c.kedaEnvironment(), Args: []string{
		"--secure-port=" + externalMetricsPort, "--bind-address=127.0.0.1", "--port=" + kedaAdapterOwnPort,
		"--tls-cert-file=" + c.file("keda", "tls.crt"), "--tls-private-key-file=" + c.file("keda", "tls.key"),
		"--cert-dir=" + c.file("keda"), "--client-ca-file=" + c.file("keda", "ca.crt"),
		"--authentication-kubeconfig=" + kubeconfig, "--authorization-kubeconfig=" + kubeconfig, "--lister-kubeconfig=" + kubeconfig,
		"--metrics-service-address=127.0.0.1:" + kedaOperatorPort, "--metrics-service-grpc-authority=keda-operator.keda.svc",
	}})
	if err != nil {
		return nil, err
	}
	return p, c.ServeExternalMetrics(ctx, "keda", "keda-metrics-apiserver", p)
}

// kedaEnvironment stands for what KEDA finds in a pod.
func (c *Cluster) kedaEnvironment() []string {
	return []string{
		"KUBECONFIG=" + c.Kubeconfig("keda"), "POD_NAMESPACE=keda", "WATCH_NAMESPACE=", "KEDA_CLUSTER_OBJECT_NAMESPACE=keda",
	}
}

// prepareKEDA makes KEDA's namespace, rights, token and certificates.
func (c *Cluster) prepareKEDA(ctx context.Context) error {
	if err := c.Namespace(ctx, "keda"); err != nil {
		return err
	}
	for _, file := range []string{"role.yaml", "service_account.yaml"} {
		path, err := c.Parts.Path(ctx, "keda", file)
		if err != nil {
			return err
		}
		if err := c.applyFile(ctx, path); err != nil {
			return err
		}
	}
	if err := c.Apply(ctx, kedaBindings); err != nil {
		return err
	}
	seconds := int64(validity.Seconds())
	token, err := c.Client.CoreV1().ServiceAccounts("keda").CreateToken(ctx, "keda-operator",
		&authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds}}, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("make a token for KEDA: %w", err)
	}
	if err := c.writeKubeconfig("keda", user{Token: token.Status.Token}); err != nil {
		return err
	}
	if err := os.MkdirAll(c.file("keda"), 0o700); err != nil {
		return fmt.Errorf("give KEDA its certificates: %w", err)
	}
	for from, to := range map[string]string{"ca.crt": "ca.crt", "external-metrics.crt": "tls.crt", "external-metrics.key": "tls.key"} {
		if err := os.Symlink(c.file("pki", from), c.file("keda", to)); err != nil {
			return fmt.Errorf("give KEDA its certificates: %w", err)
		}
	}
	return nil
}
