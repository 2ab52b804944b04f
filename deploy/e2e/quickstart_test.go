package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/variant-exporter/variant-exporter/deploy/e2e/cluster"
	"github.com/variant-exporter/variant-exporter/deploy/e2e/observe"
)

// quickstart does what docs/quickstart.md says, and nothing else, on the fleet that runs: it ends with pods that the generated objects have
// scaled, from a configuration that init made. Before are the objects in force, whose maximums init finds.
func (c *chain) quickstart(t *testing.T, before []byte) {
	c.batch.SetUsers(6)
	c.atRest(t, map[observe.Name]int{batchL4: 2})
	file := filepath.Join(c.logs, "init.yml")
	// Step 2, of the namespaces that the path is about.
	c.typed(t, "init", "--prometheus.url="+cluster.PrometheusURL, "--namespace=llm|team-b", "--from=1h", "--output="+file)
	// Step 3. Prices are settled by what init took for them: all alike.
	c.typed(t, "check", file)
	// Until no replica has just started: pods that are not scraped yet are a problem that goes away.
	must(t, cluster.Eventually(t.Context(), "check --online passes", patience, func(ctx context.Context) error {
		return c.types(ctx, t, "check", "--online", "--online.timeout=30s", file)
	}))
	// Step 4: the chain is minutes old.
	c.typed(t, "replay", "--config.file="+file, "--from=2m", "--step=15s")
	// What is in force here reads the gauge of the same name, and would follow the exporter of step 5: it goes now. From here to the end of
	// step 6 nothing scales.
	must(t, c.Delete(t.Context(), before))
	c.pause(t, settled)
	handed := time.Now()
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
	c.unchanged(t, handed)
	objects := c.generate(t, "keda", "--online", "--polling-interval=1s", "--cooldown-period=20s")
	c.file(t, "quickstart-keda.yaml", objects)
	must(t, c.Apply(t.Context(), objects))
	// Step 7. What ran when the old objects were deleted is too few, and nothing but the new ones can change it.
	const users, each = 20, 4
	had := c.recorder.Now(batchL4).Ready
	if had*each >= users {
		t.Fatalf("%d replicas of batch-l4 ran before: they would show nothing", had)
	}
	from := time.Now()
	c.batch.SetUsers(users)
	must(t, cluster.Eventually(t.Context(), "replicas of batch-l4 are ready for all users", 2*patience, func(context.Context) error {
		if now := c.recorder.Now(batchL4); now.Ready*each < users {
			return fmt.Errorf("%s: %d of %d requests have a place", observe.Describe([]observe.Replicas{now}), now.Ready*each, users)
		}
		return nil
	}))
	t.Logf("batch-l4 went from %d replicas through %s", had, observe.Describe(c.recorder.Since(batchL4, from)))
	// And back out.
	must(t, c.Delete(t.Context(), objects))
	must(t, c.Apply(t.Context(), before))
	must(t, c.Delete(t.Context(), installed))
}

// typed runs the program as people do, and requires that it succeeds.
func (c *chain) typed(t *testing.T, args ...string) {
	t.Helper()
	must(t, c.types(t.Context(), t, args...))
}

// types runs the program as people do, and keeps what it prints.
func (c *chain) types(ctx context.Context, t *testing.T, args ...string) error {
	t.Helper()
	cmd := exec.CommandContext(ctx, c.program("variant_exporter"), args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	c.file(t, "quickstart-"+regexp.MustCompile(`[^a-z]+`).ReplaceAllString(args[0]+args[1][:min(len(args[1]), 10)], "")+".txt", out.Bytes())
	if err != nil {
		return fmt.Errorf("variant_exporter %v: %w\n%s", args, err, &out)
	}
	return nil
}
