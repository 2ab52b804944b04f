package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/variant-exporter/variant-exporter/deploy/e2e/cluster"
)

// release is what the chart is installed as, and where.
const (
	release          = "variant-exporter"
	releaseNamespace = "monitoring"
)

// everyValue switches on all that the chart can make.
const everyValue = `
replicas: 2
web: {existingSecret: exporter-web}
serviceMonitor: {enabled: true, labels: {release: kps}, scheme: https, tlsConfig: {serverName: exporter}, basicAuth: {username: {name: scrape, key: username}, password: {name: scrape, key: password}}}
prometheusRule: {enabled: true, labels: {release: kps}}
dashboards: {enabled: true}
networkPolicy: {enabled: true}
`

// quickstartValues are those of docs/quickstart.md.
const quickstartValues = `
image: {repository: registry.example/variant-exporter, tag: v0.1.0}
serviceMonitor: {enabled: true, labels: {release: kube-prometheus-stack}}
prometheusRule: {enabled: true, labels: {release: kube-prometheus-stack}}
dashboards: {enabled: true}
`

// chart renders deploy/chart as helm does, for the configuration in use.
func (c *chain) chart(t *testing.T, values string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), c.program("render"), "-chart=../chart", "-release="+release, "-namespace="+releaseNamespace, "-config="+c.config)
	var problems bytes.Buffer
	cmd.Stdin, cmd.Stderr = strings.NewReader(values), &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("render the chart: %v\n%s", err, &problems)
	}
	return out
}

// install applies the chart, and waits until its pods are there, as helm install --wait does. No container runs in them.
func (c *chain) install(t *testing.T, values string) []byte {
	t.Helper()
	objects := c.chart(t, values)
	c.file(t, "chart.yaml", objects)
	must(t, c.Namespace(t.Context(), releaseNamespace))
	must(t, c.Apply(t.Context(), objects))
	must(t, cluster.Eventually(t.Context(), "the chart's pods are available", patience, func(ctx context.Context) error {
		d, err := c.Client.AppsV1().Deployments(releaseNamespace).Get(ctx, release, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if d.Status.AvailableReplicas < *d.Spec.Replicas || d.Status.ObservedGeneration < d.Generation {
			return fmt.Errorf("%d of %d pods are available: %v", d.Status.AvailableReplicas, *d.Spec.Replicas, d.Status.Conditions)
		}
		return nil
	}))
	return objects
}
