package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/variant-exporter/variant-exporter/deploy/e2e/cluster"
	"github.com/variant-exporter/variant-exporter/deploy/e2e/observe"
	"github.com/variant-exporter/variant-exporter/deploy/e2e/process"
)

// way is one of the ways from the gauge to the Deployments.
type way struct {
	// autoscaler returns the name of the HorizontalPodAutoscaler of a variant.
	autoscaler func(variant string) string
	// server answers the autoscalers; start starts it again.
	server *process.Process
	start  func(t *testing.T) *process.Process
	// isolated checks that a namespace is not told of the variants of another.
	isolated func(t *testing.T)
}

// scenarios is what must happen whichever way.
func (c *chain) scenarios(t *testing.T, w *way) {
	c.chat.SetUsers(4)
	c.batch.SetUsers(0)
	c.code.SetUsers(12)
	cheap, dear := codeReserved, codeSpot
	if c.prices.of(dear.Name) < c.prices.of(cheap.Name) {
		cheap, dear = dear, cheap
	}
	c.atRest(t, map[observe.Name]int{chatL4: 1, chatH100: 0, batchL4: 0, cheap: 3, dear: 0, teamBChatL4: 1})

	// Each of these is about a model of its own.
	t.Run("models", func(t *testing.T) {
		t.Run("a step goes to the cheapest variant", func(t *testing.T) {
			t.Parallel()
			c.step(t)
		})
		t.Run("to zero and back", func(t *testing.T) {
			t.Parallel()
			c.moves(t, move{c.batch, 6, batchL4, 2})
			c.moves(t, move{c.batch, 0, batchL4, 0})
			c.moves(t, move{c.batch, 6, batchL4, 2})
		})
		t.Run("one variant replaces another", func(t *testing.T) {
			t.Parallel()
			c.replacement(t, cheap, dear)
		})
	})
	t.Run("namespaces are apart", w.isolated)
	t.Run("two exporters are as one", c.twoExporters)
	t.Run("holds without the exporter", func(t *testing.T) {
		c.holds(t, w, outage{c.exporter, 40, func(t *testing.T) { c.exporter = c.startExporter(t, "exporter", exporterAddress) }})
	})
	t.Run("holds without Prometheus", func(t *testing.T) {
		c.holds(t, w, outage{c.prometheus, 80, c.restartPrometheus})
	})
	t.Run("holds without what serves external metrics", func(t *testing.T) {
		c.holds(t, w, outage{w.server, 40, func(t *testing.T) { w.server = w.start(t) }})
	})
}

// step grows a model past the size where autoscalers ignore a change of one replica.
func (c *chain) step(t *testing.T) {
	from := time.Now()
	c.moves(t, move{c.chat, 40, chatL4, 10})
	c.moves(t, move{c.chat, 80, chatL4, 20})
	c.moves(t, move{c.chat, 84, chatL4, 21})
	c.moves(t, move{c.chat, 4, chatL4, 1})
	c.moves(t, move{c.chat, 80, chatL4, 20})
	for _, r := range c.recorder.Since(chatH100, from) {
		if r.Spec != 0 {
			t.Errorf("the dear variant was asked for %d replicas", r.Spec)
		}
	}
	if n := c.servers.Count(); n < 20 {
		t.Errorf("%d model servers run, but 20 pods are ready", n)
	}
}

// replacement makes a variant the cheaper one, and requires that the ready replicas of both carry the demand at every moment.
func (c *chain) replacement(t *testing.T, goes, comes observe.Name) {
	const demand, capacity = 12, 4
	c.pause(t, settled) // see README.md: not within a scrape interval of having been scaled down
	from := time.Now()
	c.code.LongestQueue() // what was before does not count
	c.prices.set(comes.Name, c.prices.of(goes.Name)/2)
	arrived := c.wait(t, comes, from, func(r observe.Replicas) bool { return r.Spec == 3 })
	left := c.wait(t, goes, from, func(r observe.Replicas) bool { return r.Spec == 0 && r.Ready == 0 })
	c.pause(t, settled)
	states := merged(c.recorder.Since(goes, from), c.recorder.Since(comes, from))
	for _, ready := range states {
		if ready*capacity < demand {
			t.Errorf("%d ready replicas carry %d requests, there are %d; ready were %v: %s went through %s, %s through %s", ready, ready*capacity, demand, states,
				goes.Name, observe.Describe(c.recorder.Since(goes, from.Add(-settled))), comes.Name, observe.Describe(c.recorder.Since(comes, from.Add(-settled))))
			break
		}
	}
	if longest := c.code.LongestQueue(); longest > 0 {
		t.Errorf("%d requests waited at the gateway at once", longest)
	}
	t.Logf("%s replaces %s: asked for after %.1f s, the other gone after %.1f s, ready replicas of both %v",
		comes.Name, goes.Name, arrived.Time.Sub(from).Seconds(), left.Time.Sub(from).Seconds(), states)
}

// merged returns how many replicas of two Deployments were ready together, after each change of either.
func merged(a, b []observe.Replicas) []int {
	type change struct {
		at       time.Time
		of, then int
	}
	var changes []change
	for i, states := range [][]observe.Replicas{a, b} {
		for _, r := range states {
			changes = append(changes, change{r.Time, i, r.Ready})
		}
	}
	slices.SortStableFunc(changes, func(x, y change) int { return x.at.Compare(y.at) })
	ready := [2]int{a[0].Ready, b[0].Ready}
	sums := []int{ready[0] + ready[1]}
	for _, c := range changes {
		ready[c.of] = c.then
		if sum := ready[0] + ready[1]; sum != sums[len(sums)-1] {
			sums = append(sums, sum)
		}
	}
	return sums
}

// twoExporters runs a second exporter beside the first. Both must say the same, and an autoscaler must not add them up.
func (c *chain) twoExporters(t *testing.T) {
	second := c.startExporter(t, "exporter-2", secondAddress)
	defer second.Stop()
	agree := func() {
		// They are scraped one after the other, so that for a moment one may be ahead.
		must(t, cluster.Eventually(t.Context(), "both exporters say the same", patience, func(ctx context.Context) error {
			return errors.Join(
				c.value(ctx, "min(count by (variant, target_namespace) (variant_desired_replicas))", 2),
				c.value(ctx, "count(max by (variant, target_namespace) (variant_desired_replicas))", float64(len(deployments()))),
				c.value(ctx, "max(stddev by (variant, target_namespace) (variant_desired_replicas))", 0),
			)
		}))
	}
	agree()
	c.moves(t, move{c.chat, 84, chatL4, 21})
	agree()
}

// outage is something that dies, a load that changes meanwhile, and how it comes back.
type outage struct {
	victim *process.Process
	users  int
	back   func(t *testing.T)
}

// holds kills something and requires that no replicas change until it is back, though the load does.
func (c *chain) holds(t *testing.T, w *way, o outage) {
	// Prometheus has seen the pods go that are gone. One that dies before that takes them for running for as long as it looks back.
	c.pause(t, settled)
	must(t, cluster.Eventually(t.Context(), "the autoscaler has a metric", patience, func(ctx context.Context) error {
		if err := c.inactive(ctx, "llm", w.autoscaler("chat-l4")); err == nil {
			return errors.New("it has none")
		}
		return nil
	}))
	from := time.Now()
	o.victim.Kill()
	must(t, cluster.Eventually(t.Context(), "the autoscaler has noticed", patience, func(ctx context.Context) error {
		return c.inactive(ctx, "llm", w.autoscaler("chat-l4"))
	}))
	noticed := time.Since(from)
	c.chat.SetUsers(o.users)
	c.pause(t, 2*settled)
	c.unchanged(t, from)
	lasted := time.Since(from)
	o.back(t)
	back := time.Now()
	after := c.wait(t, chatL4, back, func(r observe.Replicas) bool { return r.Spec == o.users/4 })
	c.atRest(t, map[observe.Name]int{chatL4: o.users / 4, chatH100: 0, batchL4: 2})
	t.Logf("noticed after %.1f s, held for %.1f s, followed the load %.1f s after it was back",
		noticed.Seconds(), lasted.Seconds(), after.Time.Sub(back).Seconds())
}

// inactive is nil when a HorizontalPodAutoscaler says that it has no metric to scale by.
func (c *chain) inactive(ctx context.Context, namespace, name string) error {
	hpa, err := c.Client.AutoscalingV2().HorizontalPodAutoscalers(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	for _, condition := range hpa.Status.Conditions {
		if condition.Type == "ScalingActive" && condition.Status == corev1.ConditionFalse && condition.Reason == "FailedGetExternalMetric" {
			return nil
		}
	}
	return fmt.Errorf("%s has the conditions %v", name, hpa.Status.Conditions)
}
