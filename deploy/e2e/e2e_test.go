package e2e_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/variant-exporter/variant-exporter/deploy/e2e/cluster"
	"github.com/variant-exporter/variant-exporter/deploy/e2e/network"
	"github.com/variant-exporter/variant-exporter/deploy/e2e/process"
)

// adapterVariable names a Prometheus Adapter to take part in the tests.
const adapterVariable = "E2E_PROMETHEUS_ADAPTER"

func TestMain(m *testing.M) {
	code, err := network.Main(m.Run, func(dir string) (string, error) {
		return programsVariable + "=" + dir, buildPrograms(context.Background(), dir)
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = 1
	}
	os.Exit(code)
}

// TestChain runs the chain once, and goes from the gauge to the Deployments both ways in it: the adapter first, then KEDA.
func TestChain(t *testing.T) {
	c := newChain(t)
	if !t.Run("manifests are valid", c.manifests) {
		return
	}
	t.Run("adapter", c.throughAdapter)
	t.Run("KEDA", c.throughKEDA)
}

// throughAdapter scales by HPAs and Prometheus Adapter, or what stands in for it.
func (c *chain) throughAdapter(t *testing.T) {
	adapter := cluster.Adapter{Path: os.Getenv(adapterVariable), Config: c.file(t, "adapter.yml", c.generate(t, "adapter"))}
	if adapter.Path == "" {
		adapter.Path = c.program("externalmetrics")
		t.Logf("a stand-in of this project serves external metrics: %s names no Prometheus Adapter", adapterVariable)
	} else {
		t.Logf("the Prometheus Adapter that %s names serves external metrics: %s", adapterVariable, adapter.Path)
	}
	start := func(t *testing.T) *process.Process {
		p, err := c.StartAdapter(t.Context(), adapter)
		must(t, err)
		return p
	}
	hpas := c.generate(t, "hpa")
	c.file(t, "hpa.yaml", hpas)
	must(t, c.Apply(t.Context(), hpas))
	w := &way{
		autoscaler: func(variant string) string { return variant }, server: start(t), start: start,
		isolated: func(t *testing.T) { c.isolatedHPA(t, hpas) },
	}
	c.scenarios(t, w)
	must(t, c.Delete(t.Context(), hpas))
	w.server.Stop()
	must(t, c.StopExternalMetrics(t.Context()))
}

// isolatedHPA gives a namespace that has no variants an HPA that is made for one of another namespace.
func (c *chain) isolatedHPA(t *testing.T, hpas []byte) {
	must(t, c.Namespace(t.Context(), "intruder"))
	c.deploy(t, deployment{"intruder", "chat-l4", "none", 1})
	for document := range strings.SplitSeq(string(hpas), "\n---\n") {
		if strings.Contains(document, "name: chat-l4") && strings.Contains(document, "namespace: llm") {
			must(t, c.Apply(t.Context(), []byte(strings.ReplaceAll(document, "namespace: llm", "namespace: intruder"))))
		}
	}
	must(t, cluster.Eventually(t.Context(), "the HPA of the other namespace has no metric", patience, func(ctx context.Context) error {
		return c.inactive(ctx, "intruder", "chat-l4")
	}))
	const metric, selector = "variant_desired_replicas", "variant=chat-l4"
	// Each namespace is told of its own variant of that name. Right after a change it may be told nothing.
	for namespace, replicas := range map[string]string{"llm": "20", "team-b": "1"} {
		must(t, cluster.Eventually(t.Context(), namespace+" is told of its own variant", patience, func(ctx context.Context) error {
			return c.told(ctx, namespace, metric, selector, replicas)
		}))
	}
	none, err := c.ExternalMetric(t.Context(), "intruder", metric, selector)
	if err == nil && strings.Contains(none, `"metricName"`) {
		t.Errorf("a namespace without variants is told %s", none)
	}
	c.neverScaled(t)
}

// told is nil when a namespace is told of one metric with a value.
func (c *chain) told(ctx context.Context, namespace, metric, selector, value string) error {
	answer, err := c.ExternalMetric(ctx, namespace, metric, selector)
	if err != nil {
		return err
	}
	if !strings.Contains(answer, `"value":"`+value+`"`) || strings.Count(answer, `"metricName"`) != 1 {
		return fmt.Errorf("%s is told %s", namespace, answer)
	}
	return nil
}

// neverScaled requires that what is small in one namespace stayed so, however large its namesake in another became.
func (c *chain) neverScaled(t *testing.T) {
	t.Helper()
	for _, r := range c.recorder.Since(teamBChatL4, time.Time{}) {
		if r.Spec != 1 {
			t.Errorf("a variant without load was asked for %d replicas", r.Spec)
		}
	}
}

// throughKEDA scales by ScaledObjects.
func (c *chain) throughKEDA(t *testing.T) {
	keda, err := c.StartKEDA(t.Context())
	must(t, err)
	// The cooldown outlasts the outages below.
	objects := c.generate(t, "keda", "--polling-interval=1s", "--cooldown-period=20s")
	c.file(t, "keda.yaml", objects)
	must(t, c.Apply(t.Context(), objects))
	w := &way{
		autoscaler: func(variant string) string { return "keda-hpa-" + variant },
		server:     keda.MetricsServer,
		start: func(t *testing.T) *process.Process {
			p, err := c.StartKEDAMetricsServer(t.Context())
			must(t, err)
			return p
		},
		isolated: c.isolatedScaledObject,
	}
	c.scenarios(t, w)
	t.Run("from nothing to scaled pods in the quick start", func(t *testing.T) { c.quickstart(t, objects) })
}

// isolatedScaledObject asks KEDA from a namespace for the metric of a ScaledObject of another.
func (c *chain) isolatedScaledObject(t *testing.T) {
	const metric, selector = "s0-prometheus", "scaledobject.keda.sh/name=chat-l4"
	must(t, cluster.Eventually(t.Context(), "the ScaledObject's own namespace is told", patience, func(ctx context.Context) error {
		return c.told(ctx, "llm", metric, selector, "20")
	}))
	if other, err := c.ExternalMetric(t.Context(), "monitoring", metric, selector); err == nil {
		t.Errorf("another namespace is told %s", other)
	}
	c.neverScaled(t)
}
