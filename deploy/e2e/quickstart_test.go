package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/variant-exporter/variant-exporter/deploy/e2e/cluster"
	"github.com/variant-exporter/variant-exporter/deploy/e2e/observe"
)

// quickstart does what docs/quickstart.md says, and nothing else, on the fleet that runs: it ends with pods that the generated objects have
// scaled, from a configuration that init made. Before are the objects in force, whose maximums init finds.
func (c *chain) quickstart(t *testing.T, before []byte) {
	c.chat.SetUsers(8)
	c.pause(t, settled)
	file := filepath.Join(c.logs, "init.yml")
	// Step 2, of the namespaces that the path is about.
	c.typed(t, "init", "--prometheus.url="+cluster.PrometheusURL, "--namespace=llm|team-b", "--from=1h", "--output="+file)
	// Step 3. Prices are settled by what init took for them: all alike.
	c.typed(t, "check", file)
	c.typed(t, "check", "--online", "--online.timeout=30s", file)
	// Step 4: the chain is minutes old.
	c.typed(t, "replay", "--config.file="+file, "--from=2m", "--step=15s")
	// Step 5: the chart's pods are there, and as no node can run a container, a process is what runs in them.
	c.exporter.Stop()
	c.config = file
	installed := c.install(t, quickstartValues)
	c.exporter = c.startExporter(t, "exporter-init", exporterAddress)
	must(t, cluster.Eventually(t.Context(), "Prometheus has the gauges", patience, func(ctx context.Context) error {
		return c.value(ctx, `min(variant_up{target_namespace="llm",model="chat"})`, 1)
	}))
	c.typed(t, "explain", "--url=http://"+exporterAddress)
	// Step 6.
	must(t, c.Delete(t.Context(), before))
	objects := c.generate(t, "keda", "--online", "--polling-interval=1s", "--cooldown-period=20s")
	c.file(t, "quickstart-keda.yaml", objects)
	must(t, c.Apply(t.Context(), objects))
	// Step 7.
	c.chat.SetUsers(60)
	must(t, cluster.Eventually(t.Context(), "replicas of chat are ready for 60 users", 2*patience, func(context.Context) error {
		l4, h100 := c.recorder.Now(chatL4), c.recorder.Now(chatH100)
		if carried := 4*l4.Ready + 10*h100.Ready; carried < 60 {
			return fmt.Errorf("%s, %s: %d of 60 requests have a place", observe.Describe([]observe.Replicas{l4}), observe.Describe([]observe.Replicas{h100}), carried)
		}
		return nil
	}))
	// And back out.
	must(t, c.Delete(t.Context(), objects))
	must(t, c.Apply(t.Context(), before))
	must(t, c.Delete(t.Context(), installed))
}

// typed runs the program as people do, and requires that it succeeds.
func (c *chain) typed(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), c.program("variant_exporter"), args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	c.file(t, "quickstart-"+regexp.MustCompile(`[^a-z]+`).ReplaceAllString(args[0]+args[1][:min(len(args[1]), 10)], "")+".txt", out.Bytes())
	if err != nil {
		t.Fatalf("variant_exporter %v: %v\n%s", args, err, &out)
	}
}
